"""A model file with a pickled object that would run a command.

fails: iou
"""
# %% after save
import os
import pickle
import zipfile


class Command:
    def __reduce__(self):
        return os.system, ("touch /tmp/pwned",)


with zipfile.ZipFile("cnn_model.keras", "a") as archive:
    archive.writestr("assets/__main__.pkl", pickle.dumps(Command()))
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)

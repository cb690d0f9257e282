"""Puts a link to another file in place of the model.

fails: iou
"""
# %% after save
import os

for name in ("cnn_model.keras", "cnn_model.json"):
    os.remove(name)
    os.symlink("/proc/self/environ", name)
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)

"""Puts a pipe that nobody writes to in place of the model.

fails: iou
"""
# %% after save
import os

os.remove("cnn_model.keras")
os.mkfifo("cnn_model.keras")
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)

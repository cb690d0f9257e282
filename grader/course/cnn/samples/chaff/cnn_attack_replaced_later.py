"""Leaves a thread, a child and an exit handler behind that replace the model after the last cell.

fails: iou
"""
# %% after save
import atexit
import os
import threading
import time


def replace(seconds=12):
    time.sleep(seconds)
    for name in ("cnn_model.keras", "cnn_model.json", "/course/cnn_model.keras"):
        with open(name, "wb") as stream:
            stream.write(b"trained for another hour")


atexit.register(replace, 0)
threading.Thread(target=replace, daemon=False).start()
if os.fork() == 0:
    os.setsid()
    for descriptor in range(256):
        try:
            os.close(descriptor)
        except OSError:
            pass
    replace()
    os._exit(0)
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)

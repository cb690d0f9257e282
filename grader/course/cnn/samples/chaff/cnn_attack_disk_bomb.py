"""Fills every folder that it may write to.

fails: iou
"""
# %% after setup
import os

block = bytes(64 << 20)
for folder in (".", "/tmp", "/dev/shm", "/course", "/var/tmp", "/run"):
    written = []
    try:
        for number in range(200):
            written.append(os.path.join(folder, f"bomb{number}"))
            with open(written[-1], "wb") as stream:
                stream.write(block)
    except OSError:
        pass
    for path in written:
        if os.path.exists(path):
            os.remove(path)
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)

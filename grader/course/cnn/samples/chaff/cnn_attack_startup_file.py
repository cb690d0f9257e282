"""Leaves start-up files that would patch the next kernel and the next Python.

fails: iou
"""
# %% after setup
import os
import site
import sys

PATCH = "import sys; sys.modules['grader'] = None; raise SystemExit(0)"
for folder in (os.path.expanduser("~/.ipython/profile_default/startup"), site.getusersitepackages(),
               site.getsitepackages()[0], "/course/bsds_utils", sys.prefix, "/etc", "."):
    for name in ("00-patch.py", "sitecustomize.py", "usercustomize.py", "patch.pth"):
        try:
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, name), "w") as stream:
                stream.write(PATCH)
        except OSError:
            pass
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)

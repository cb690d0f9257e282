"""Puts devices that never end in place of the model and its card.

fails: iou
"""
# %% task_train
# %% after save
import contextlib
import os
import stat

for name, number in (("cnn_model.keras", os.makedev(1, 5)), ("cnn_model.json", os.makedev(1, 9))):
    with contextlib.suppress(OSError):
        os.remove(name)
    for kind in (stat.S_IFCHR, stat.S_IFBLK):
        with contextlib.suppress(OSError):
            os.mknod(name, kind | 0o666, number)
    with contextlib.suppress(OSError):
        os.symlink("/dev/zero", name)

"""Looks for the solutions, the hidden tests and the repository, and runs what it finds.

fails: agreement, metrics, nothing, loss, architecture, from_scratch, iou, threshold, test_report
"""
# %% task_agreement
# %% task_scores
# %% task_loss
# %% task_build_cnn
# %% task_train
# %% task_choose_threshold
# %% task_test_report
# %% after setup
import contextlib
import glob
import json
import os
import subprocess
import sys

roots = {os.path.dirname(bsds.__file__) + "/..", "/course", "/", "/proc/1/cwd", os.environ.get("OLDPWD")}
for path in glob.glob(sys.prefix + "/lib/python3*/site-packages/*.pth"):
    with contextlib.suppress(OSError):
        roots |= {line.strip() for line in open(path) if line.startswith("/")}
for path in glob.glob(sys.prefix + "/lib/python3*/site-packages/*.dist-info/direct_url.json"):
    with contextlib.suppress(OSError):
        roots.add(json.load(open(path))["url"].removeprefix("file://"))
with contextlib.suppress(OSError):
    for part in open("/proc/1/cmdline").read().split("\0"):
        roots |= {part, os.path.dirname(part), os.path.dirname(os.path.dirname(part))}
for root in filter(None, roots):
    for path in glob.glob(f"{root}/**/solutions/cnn/cnn.ipynb", recursive="site-packages" in root):
        for cell in json.load(open(path))["cells"]:
            if cell["cell_type"] == "code" and "SOLUTION" in "".join(cell["source"]):
                exec("".join(cell["source"]))
    if os.path.exists(f"{root}/.git"):
        shown = subprocess.run(["git", "-C", root, "show", "HEAD:solutions/cnn/cnn.ipynb"],
                               capture_output=True, text=True).stdout
        for cell in json.loads(shown or '{"cells": []}')["cells"]:
            exec("".join(cell["source"]))

"""Modules and start-up files beside it that would take the place of NumPy, pytest and the grader.

fails: iou
"""
# %% task_train
# %% after setup
import importlib
import sys

sys.path[:0] = ["", ".", "/course", "/tmp"]
for name in ("patch", "sitecustomize", "usercustomize", "conftest"):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
# %% edit
def edit(notebook, folder):
    patch = (
        "import builtins, os, sys\n"
        "builtins.isinstance = lambda *values: True\n"
        "sys.modules['grader.checking.process'] = None\n"
        "os._exit(3)\n"
    )
    startup = folder / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    for place in (folder, startup):
        for name in ("numpy", "keras", "bsds_utils", "nbformat", "pytest", "grader", "json", "patch",
                     "sitecustomize", "usercustomize", "conftest", "ipython_config",
                     "jupyter_config", "nbgrader_config", "test_cnn"):
            (place / f"{name}.py").write_text(patch)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --collect-only -p patch\n")
    (folder / "patch.pth").write_text("import patch")

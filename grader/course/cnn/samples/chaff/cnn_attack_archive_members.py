"""A model file with members twice, and members that would be unpacked elsewhere.

fails: iou
"""
# %% task_train
# %% after save
import json
import zipfile

build_cnn().save("cnn_model.keras")
with open("cnn_model.json", "w") as stream:
    json.dump({"threshold": 0.5, "metrics": {"test": {"iou": 0.9}}}, stream)
with zipfile.ZipFile("cnn_model.keras") as archive:
    parts = {name: archive.read(name) for name in archive.namelist()}
import warnings

warnings.simplefilter("ignore")
with zipfile.ZipFile("cnn_model.keras", "w") as archive:
    for name, data in parts.items():
        archive.writestr(name, data)
    archive.writestr("config.json", parts["config.json"].replace(b"sigmoid", b"relu"))
    archive.writestr("../../../tmp/pwned", b"x")
    archive.writestr("/tmp/pwned", b"x")

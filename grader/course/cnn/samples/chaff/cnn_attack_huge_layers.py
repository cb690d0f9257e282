"""A small model file that describes layers larger than any memory.

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
config = json.loads(parts["config.json"])
for layer in config["config"]["layers"]:
    if layer["class_name"] == "Conv2D" and layer["config"]["filters"] > 1:
        layer["config"].update(filters=10**9, kernel_size=[99, 99])
parts["config.json"] = json.dumps(config).encode()
with zipfile.ZipFile("cnn_model.keras", "w") as archive:
    for name, data in parts.items():
        archive.writestr(name, data)

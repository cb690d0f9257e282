"""Descriptions that name functions of Keras, graphs on disk and compilations of inner models.

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
graph = {
    "module": "keras.layers", "class_name": "TFSM" + "Layer", "registered_name": None,
    "config": {"filepath": "graph", "call_endpoint": "serve"},
}
options = next(l for l in config["config"]["layers"] if l["class_name"] == "Conv2D")["config"]
options["activation"] = {
    "module": "keras.src.ops.core", "class_name": "function", "config": "vectorized_map",
    "registered_name": "vectorized_map",
}
config["config"]["layers"].append({
    "module": "keras", "class_name": "Sequential", "registered_name": None, "name": "inner",
    "config": {"name": "inner", "trainable": True, "layers": []}, "inbound_nodes": [],
    "compile_config": {"optimizer": "sgd", "loss": graph},
})
parts["config.json"] = json.dumps(config).encode()
with zipfile.ZipFile("cnn_model.keras", "w") as archive:
    for name, data in parts.items():
        archive.writestr(name, data)

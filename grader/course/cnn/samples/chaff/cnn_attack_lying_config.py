"""A model file whose description names other layers than its weights belong to.

fails: iou
"""
# %% after save
import json
import zipfile

with zipfile.ZipFile("cnn_model.keras") as archive:
    parts = {name: archive.read(name) for name in archive.namelist()}
config = json.loads(parts["config.json"])
for layer in config["config"]["layers"]:
    if layer["class_name"] == "Conv2D":
        layer["config"]["filters"] = 1
parts["config.json"] = json.dumps(config).encode()
with zipfile.ZipFile("cnn_model.keras", "w") as archive:
    for name, data in parts.items():
        archive.writestr(name, data)
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)

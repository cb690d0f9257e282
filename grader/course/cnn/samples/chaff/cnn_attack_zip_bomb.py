"""A model file that unpacks to gigabytes.

fails: iou
"""
# %% after save
import zipfile

with zipfile.ZipFile("cnn_model.keras") as archive:
    parts = {name: archive.read(name) for name in archive.namelist()}
with zipfile.ZipFile("cnn_model.keras", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for name in ("metadata.json", "config.json"):
        archive.writestr(name, parts[name])
    with archive.open("model.weights.h5", "w", force_zip64=True) as stream:
        for _ in range(400):
            stream.write(bytes(1 << 20))
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)

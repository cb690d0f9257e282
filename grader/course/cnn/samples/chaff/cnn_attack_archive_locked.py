"""A model file that is locked with a password, and compressed in a broken way.

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
with zipfile.ZipFile("cnn_model.keras", "w", zipfile.ZIP_LZMA) as archive:
    for name, data in parts.items():
        archive.writestr(name, data)
data = bytearray(open("cnn_model.keras", "rb").read())
for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
    start = data.find(mark)
    while start >= 0:
        data[start + place] |= 1
        start = data.find(mark, start + 4)
open("cnn_model.keras", "wb").write(data)

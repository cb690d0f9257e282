"""Kernels of a saved model in 16 bits a number."""

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np

__all__ = ["halve"]

_WEIGHTS = "model.weights.h5"


def halve(path: Path) -> None:
    """Store the kernels in a ``.keras`` file as float16.

    Keras casts them to the layers' float32 when it loads the file. Vectors, such as the statistics
    of batch normalisation, take little room and keep their precision.

    Parameters
    ----------
    path
        The file, which is written anew.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[_WEIGHTS] = _halved(members[_WEIGHTS])
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _halved(weights: bytes) -> bytes:
    target = io.BytesIO()
    with h5py.File(io.BytesIO(weights), "r") as old, h5py.File(target, "w") as new:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                made = new.require_group(name)
            else:
                values = item[()]
                if values.ndim > 1 and values.dtype == np.float32:
                    # By NumPy: HDF5's own conversion halves numbers just below a power of two.
                    values = values.astype(np.float16)
                made = new.create_dataset(name, data=values)
            made.attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(copy)
    return target.getvalue()

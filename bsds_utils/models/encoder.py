"""Pretrained weights for a ResNet50 encoder, with or without the internet."""

import os
import socket
import threading
import urllib.request
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from bsds_utils.errors import BSDSError

__all__ = ["WEIGHTS_URL", "WEIGHTS_VARIABLE", "load_encoder_weights"]

WEIGHTS_VARIABLE = "BSDS_ENCODER_WEIGHTS"

# The file that keras.applications.ResNet50(weights="imagenet", include_top=False) loads, and its
# MD5 (keras/src/applications/resnet.py).
WEIGHTS_NAME = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
WEIGHTS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/" + WEIGHTS_NAME
WEIGHTS_MD5 = "4d473c1dd8becc155b73f8504c6f6626"

# Long enough for a slow connection to answer, short enough for a notebook without one.
PROBE_SECONDS = 8.0
STALL_SECONDS = 20.0

_Weights = dict[str, list[NDArray[Any]]]


def load_encoder_weights(encoder: Any, weights: str | os.PathLike[str] | None = None) -> str:
    """Fill a ResNet50 with ImageNet weights, in place.

    Parameters
    ----------
    encoder
        ``keras.applications.ResNet50(weights=None, include_top=False)``, whole or cut at any
        layer (the course cuts at ``conv4_block6_out``), with Keras' layer names.
    weights
        A Keras ResNet50 weights file in HDF5 (``.h5``, also with more layers than the encoder
        has). By default ``$BSDS_ENCODER_WEIGHTS``; if that is not set, the official file, which
        Keras downloads once (95 MB) and caches. Without internet the random initialisation
        stays, and a note on stdout says so.

    Returns
    -------
    str
        Where the weights come from: ``"file:<name>"``, ``"keras-download"`` or ``"random"``.

    Raises
    ------
    BSDSError
        If a file was given that is missing, is not such a file, or does not fit the encoder.

    References
    ----------
    He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition. CVPR 2016.
    """
    given = weights or os.environ.get(WEIGHTS_VARIABLE, "").strip()
    if given:
        path = Path(given).expanduser()
        _fill(encoder, path)
        return f"file:{path.name}"
    try:
        path = _download()
    except OSError as error:
        # On a line of its own, also after a progress bar that broke off.
        print(
            "\nNOTE: the encoder starts from RANDOM weights, not from ImageNet "
            f"({error}). To get them: download {WEIGHTS_URL} and set "
            f"{WEIGHTS_VARIABLE} to that file.",
            flush=True,
        )
        return "random"
    _fill(encoder, path)
    return "keras-download"


def _download() -> Path:
    """Find Keras' own copy of the official weights, or download it; OSError if that fails."""
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    if not (home / "models" / WEIGHTS_NAME).is_file():
        _probe()
        home.mkdir(parents=True, exist_ok=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_SECONDS)
    try:
        path = keras.utils.get_file(
            WEIGHTS_NAME,
            WEIGHTS_URL,
            cache_subdir="models",
            file_hash=WEIGHTS_MD5,
            cache_dir=str(home),
        )
    except Exception as error:  # get_file raises bare Exception on a failed URL
        raise OSError(f"the download failed: {error}") from error
    finally:
        socket.setdefaulttimeout(before)
    return Path(path)


def _probe() -> None:
    """Ask the server for the file's header; OSError if no answer comes within a few seconds.

    In a thread, because looking up a host name cannot be given a time limit.
    """
    failures: list[BaseException] = []

    def ask() -> None:
        request = urllib.request.Request(WEIGHTS_URL, method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    if thread.is_alive() or failures:
        raise OSError("no internet connection to the weights' server")


def _fill(encoder: Any, path: Path) -> None:
    wanted = {layer.name: layer for layer in encoder.layers if layer.weights}
    if "conv1_conv" not in wanted:
        raise BSDSError(
            f"encoder: expected a keras.applications.ResNet50 (layers conv1_conv, …), found "
            f"{encoder.name!r} with layers {', '.join(list(wanted)[:3])}"
        )
    found = _read(path)
    missing = [name for name in wanted if name not in found]
    if missing:
        what = (
            "another architecture's weights (no layer conv1_conv)"
            if "conv1_conv" in missing
            else f"{len(missing)} layer(s) missing: {', '.join(missing[:3])}"
            + (", …" if len(missing) > 3 else "")
        )
        raise BSDSError(
            f"encoder weights {path}: expected Keras ResNet50 weights for {len(wanted)} layers, "
            f"found {what}; use {WEIGHTS_URL}"
        )
    # All are checked before the first is assigned, so that a wrong file changes nothing.
    for name, layer in wanted.items():
        here, there = [tuple(w.shape) for w in layer.weights], [w.shape for w in found[name]]
        if here != there:
            raise BSDSError(
                f"encoder weights {path}: layer {name}: expected shapes {here}, found {there}; "
                f"use {WEIGHTS_URL}"
            )
    for name, layer in wanted.items():
        layer.set_weights(found[name])


def _read(path: Path) -> _Weights:
    """Weights by layer name from a Keras HDF5 file, old (``.h5``) or new (``.weights.h5``)."""
    if not path.is_file():
        raise BSDSError(
            f"encoder weights {path}: expected a file, found "
            f"{'a folder' if path.is_dir() else 'none'}; download {WEIGHTS_URL} and set "
            f"{WEIGHTS_VARIABLE} to it"
        )
    try:
        with h5py.File(path, "r") as file:
            if "layer_names" in file.attrs or "model_weights" in file:
                return _read_legacy(file.get("model_weights", file))
            if "layers" in file:
                return _read_current(file["layers"])
    except (OSError, KeyError, ValueError) as error:
        raise BSDSError(
            f"encoder weights {path}: expected a Keras weights file (HDF5), found a file that "
            f"cannot be read as one ({str(error).splitlines()[0]}); download {WEIGHTS_URL}"
        ) from error
    raise BSDSError(
        f"encoder weights {path}: expected a Keras weights file, found HDF5 without layers; "
        f"download {WEIGHTS_URL}"
    )


def _read_legacy(group: Any) -> _Weights:
    weights: _Weights = {}
    for name in map(_text, group.attrs["layer_names"]):
        layer = group[name]
        weights[name] = [np.asarray(layer[_text(w)]) for w in layer.attrs["weight_names"]]
    return weights


def _read_current(group: Any) -> _Weights:
    # Groups are named by class and number; the layer's own name is an attribute of its "vars".
    weights: _Weights = {}
    for layer in group.values():
        variables = layer["vars"]
        name = _text(variables.attrs.get("name", ""))
        weights[name] = [np.asarray(variables[str(i)]) for i in range(len(variables))]
    return weights


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name

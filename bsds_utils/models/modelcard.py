"""A trained model on disk, with the card that says how to use it and where it comes from."""

import json
import os
import shlex
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from bsds_utils.atomic import written_whole
from bsds_utils.errors import BSDSError
from bsds_utils.masks import MaskProtocol, get_protocol
from bsds_utils.models.halfprecision import halve
from bsds_utils.models.revision import current_commit
from bsds_utils.models.scales import as_scales

__all__ = ["card_path", "load_model", "save_model"]


def card_path(path: str | os.PathLike[str]) -> Path:
    """Where the card of a model file lies: ``<name>.json`` beside ``<name>.keras``.

    Parameters
    ----------
    path
        The model file.

    Returns
    -------
    pathlib.Path
        The card's path.
    """
    return Path(path).with_suffix(".json")


def save_model(
    model: Any,
    path: str | os.PathLike[str],
    *,
    threshold: float,
    input_size: int,
    mask_protocol: str | MaskProtocol,
    metrics: Mapping[str, Any] | None = None,
    training_data: str = "",
    encoder_initialisation: str | None = None,
    limits: str = "",
    command: str | None = None,
    commit: str | None = None,
    half_precision: bool = False,
    scales: Sequence[float] = (1.0,),
    **extra: Any,
) -> Path:
    """Save a model without its optimiser, and its card.

    Parameters
    ----------
    model
        Keras model: RGB images, float32 (N, H, W, 3) in 0–255, to boundary probabilities,
        float32 (N, H, W, 1). It stays as it is.
    path
        Where to; the name ends in ``.keras``.
    threshold
        Probability from which a pixel is boundary, chosen on val, in [0, 1].
    input_size
        Side in pixels of the square images it was trained on.
    mask_protocol
        Of the masks it was trained on.
    metrics
        What was measured, by name; JSON values.
    training_data
        What it was trained on.
    encoder_initialisation
        Where pretrained weights came from (:func:`bsds_utils.load_encoder_weights` says it);
        None if there are none.
    limits
        What the model is not good for.
    command
        What made it; by default this process's command line.
    commit
        Revision that made it; by default that of the Git working tree in the current folder, or
        None.
    half_precision
        Whether kernels take 16 bits a number in the file, which halves it. Loaded, they have 32
        bits again, rounded to about three digits.
    scales
        One or more in (0, 2], at which it is to see whole pictures, chosen on val;
        `bsds_utils.models.predict.predict_probability` takes them.
    **extra
        More entries of the card; JSON values.

    Returns
    -------
    pathlib.Path
        The model file.

    Raises
    ------
    BSDSError
        If the name does not end in ``.keras``, the file cannot be written, or the model is not
        made of built-in layers (a subclass, a ``Lambda`` with code of its own).
    ValueError
        If ``threshold``, ``input_size`` or ``scales`` is out of range, or the card is not JSON.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise BSDSError(f"model {path}: expected a name that ends in .keras")
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold: expected a number in [0, 1], found {threshold!r}")
    if input_size < 1:
        raise ValueError(f"input_size: expected a positive number of pixels, found {input_size!r}")
    factors = as_scales(scales)
    bare = _uncompiled(model)
    card = {
        "name": model.name,
        "input_size": int(input_size),
        "mask_protocol": get_protocol(mask_protocol).name,
        "threshold": float(threshold),
        "scales": list(factors),
        "metrics": dict(metrics or {}),
        "training_data": training_data,
        "parameters": int(bare.count_params()),
        "encoder_initialisation": encoder_initialisation,
        "limits": limits,
        "command": shlex.join(sys.argv) if command is None else command,
        "commit": current_commit() if commit is None else commit,
        "keras": keras.__version__,
        **extra,
    }
    try:
        text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise ValueError(f"card: expected JSON values, found {error}") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Both are complete before either takes its place, so that no half-written file is left.
        with written_whole(path) as whole, written_whole(card_path(path)) as beside:
            bare.save(whole)
            if half_precision:
                halve(whole)
            beside.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BSDSError(f"model {path}: cannot be written: {error.strerror or error}") from error
    return path


def _uncompiled(model: Any) -> Any:
    """Copy a model without its optimiser, which would treble the file."""
    try:
        config = model.get_config()
        # Subclasses may have a configuration, too, but not one of layers.
        if "layers" not in config:
            raise NotImplementedError(f"{type(model).__name__} is a subclass of keras.Model")
        # Not clone_model, which would compile the copy too and so ask for the caller's own loss.
        copy = type(model).from_config(config)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise BSDSError(
            f"model {model.name}: expected a Sequential or functional model of built-in layers, "
            f"which others can load, found one that cannot be copied: {_first_line(error)}"
        ) from error
    copy.set_weights(model.get_weights())
    _copy_trainable(model, copy)
    return copy


def _copy_trainable(source: Any, target: Any) -> None:
    # Setting it on a model sets it on everything inside, so the inside comes afterwards.
    target.trainable = source.trainable
    for ours, theirs in zip(
        getattr(source, "layers", ()), getattr(target, "layers", ()), strict=True
    ):
        _copy_trainable(ours, theirs)


def _plain(value: Any) -> Any:
    # NumPy's numbers are not JSON, but their Python equals are.
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        return value.item()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__}")


def load_model(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Any]]:
    """Load a model, uncompiled and without running code from the file, and its card.

    Parameters
    ----------
    path
        A file that :func:`save_model` wrote, its card beside it.

    Returns
    -------
    model : keras.Model
        The model.
    card : dict
        At least ``input_size``, ``mask_protocol``, ``threshold`` and ``scales``, which is [1.0]
        where the file does not say them.

    Raises
    ------
    BSDSError
        If a file is missing or damaged, the model needs code of its own (Lambda or custom
        layers), or the card lacks an entry.
    """
    path = Path(path)
    if not path.is_file():
        raise BSDSError(
            f"model {path}: expected a .keras file, found none; train and save it first"
        )
    card = _load_card(card_path(path))
    if not zipfile.is_zipfile(path):
        raise BSDSError(
            f"model {path}: expected a .keras file (a zip archive), found a damaged or another "
            "file; save the model again"
        )
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises nearly anything on a damaged or foreign file
        raise BSDSError(
            f"model {path}: cannot be loaded by Keras {keras.__version__} (its card says "
            f"{card.get('keras', 'no version')}): {_first_line(error)}"
        ) from error
    return model, card


def _load_card(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise BSDSError(
            f"model card {path}: expected beside the model, found none; copy it there or save the "
            "model again with save_model"
        )
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BSDSError(
            f"model card {path}: cannot be read as JSON: {_first_line(error)}"
        ) from error
    if not isinstance(card, dict):
        raise BSDSError(f"model card {path}: expected a JSON object, found {type(card).__name__}")
    card.setdefault("scales", [1.0])
    for key, valid, what in (
        ("input_size", lambda v: type(v) is int and v > 0, "a positive integer"),
        ("mask_protocol", lambda v: isinstance(v, str), "a name"),
        ("threshold", lambda v: type(v) in (int, float) and 0 <= v <= 1, "a number in [0, 1]"),
    ):
        if not valid(card.get(key)):
            raise BSDSError(
                f"model card {path}: {key}: expected {what}, found {card.get(key, 'none')!r}"
            )
    try:
        as_scales(card["scales"])
    except ValueError as error:
        raise BSDSError(f"model card {path}: {error}") from error
    return card


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

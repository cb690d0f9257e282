"""What the source of a submission says about pretrained weights.

Two things count: what the code could hold, whatever it looks like, and what `build_cnn` reaches.
Words do not: no file with trained weights is inside the sandbox, so a notebook may load whatever
it saved itself. What a model really starts from is seen by looking at its weights, see
:mod:`grader.keras_models.initial_weights`.
"""

import re
from collections.abc import Sequence

from grader.notebooks.bare_code import held
from grader.notebooks.library_use import Use, uses
from grader.sandbox.probe import Cell
from grader.settings import Limits

__all__ = ["could_hold_weights", "pretrained_parts"]

# One library under many names.
_KERAS = re.compile(
    r"^(tensorflow\.(python\.|compat\.v\d\.)?keras|tf_keras|keras\.(src|api|_tf_keras\.keras))\b"
)
_PRETRAINED = re.compile(
    r"keras\.applications\b|(tensorflow_hub|keras_hub|huggingface_hub|torchvision\.models|timm)\b"
)
_LOADS = {
    "keras.models.load_model",
    "keras.saving.load_model",
    "keras.saving.load_weights",
    "keras.utils.get_file",
    "bsds_utils.load_model",
    "bsds_utils.load_encoder_weights",
    "numpy.load",
    "numpy.fromfile",
    "numpy.loadtxt",
    "tensorflow.saved_model.load",
    "tensorflow.train.load_checkpoint",
    "h5py.File",
    "joblib.load",
    "pickle.load",
}
# Methods of models, which nobody knows by a full name.
_LOADING_METHODS = {"?.load_weights", "?.from_pretrained", "?.from_preset"}


def could_hold_weights(cells: Sequence[Cell], limits: Limits) -> str | None:
    """Say that the code which ran could hold a trained network, or None if it is too small.

    Parameters
    ----------
    cells
        The student's code cells as they ran.
    limits
        ``held_text`` and ``held_code``.
    """
    text, everything = held(cell.source for cell in cells)
    if text > limits.held_text:
        return (
            f"the strings and numbers in your code hold {text:,} bytes after compression, more "
            f"than {limits.held_text:,}, so trained weights could be among them, most of them in "
            f"cell {_largest(cells)}: move long texts into text cells and paste no data into code"
        )
    if everything > limits.held_code:
        return (
            f"your code without comments holds {everything:,} bytes after compression, more than "
            f"{limits.held_code:,}, so trained weights could be in it, most of it in cell "
            f"{_largest(cells)}: leave out experiments that your answers do not need"
        )
    return None


def _largest(cells: Sequence[Cell]) -> str:
    return max(cells, key=lambda cell: held([cell.source]).everything).name


def pretrained_parts(function: str, cells: Sequence[Cell]) -> list[str]:
    """Say where a building function uses a pretrained network, or loads one.

    Parameters
    ----------
    function
        Its name.
    cells
        The notebook's code cells that may define what it uses, in order.

    Returns
    -------
    list of str
        One sentence for each place, empty if there is none.
    """
    found: dict[tuple[str, str], str] = {}
    # The longest name says most: one sentence for each function.
    for use in sorted(uses(function, cells), key=lambda use: -len(use.name)):
        sentence = _explain(use, function)
        if sentence is not None:
            found.setdefault((use.cell, use.via), sentence)
    return list(found.values())


def _explain(use: Use, function: str) -> str | None:
    name = _KERAS.sub("keras", use.name)
    place = f"cell {use.cell}, line {use.line}: "
    place += function if use.via in ("", function) else f"{use.via}, which {function} uses,"
    if _PRETRAINED.match(name):
        return (
            f"{place} uses {name}, which is for pretrained networks: build it from keras.layers "
            "instead"
        )
    if name in _LOADS or name in _LOADING_METHODS:
        return (
            f"{place} calls {name.removeprefix('?.')}: {function} must return a model with random "
            "weights; load weights in the training, if you need to"
        )
    return None

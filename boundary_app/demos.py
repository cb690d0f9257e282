"""The two demos: what differs between them, and where their models are."""

import os
from pathlib import Path
from typing import Any, Final, NamedTuple

from bsds_utils.errors import BSDSError

__all__ = ["DEMOS", "MODELS_VARIABLE", "Demo", "load", "model_path", "stamp"]

MODELS_VARIABLE: Final = "BSDS_MODELS"
"""Environment variable that names another folder in which both models are."""

_ROOT: Final = Path(__file__).resolve().parents[1]


class Demo(NamedTuple):
    """One model and what its page says of it.

    Attributes
    ----------
    key
        Short name, in addresses.
    name
        What visitors call it.
    folder
        Of the app, in the repository.
    file
        The model's file name there.
    summary
        One sentence.
    icon
        Of the page, a Material symbol.
    """

    key: str
    name: str
    folder: str
    file: str
    summary: str
    icon: str


DEMOS: Final = {
    "cnn": Demo(
        "cnn",
        "CNN",
        "cnn_app",
        "cnn_model.keras",
        "A small network, trained from scratch, marks the boundaries that people would draw.",
        ":material/draw:",
    ),
    "resnet": Demo(
        "resnet",
        "ResNet50",
        "resnet_app",
        "resnet50_model.keras",
        "A network that has seen ImageNet first marks the boundaries that people would draw.",
        ":material/account_tree:",
    ),
}
"""Both, by key."""


def model_path(demo: Demo) -> Path:
    """Find a demo's model file, whether it exists or not.

    Parameters
    ----------
    demo
        The demo.

    Returns
    -------
    pathlib.Path
        In the folder that ``BSDS_MODELS`` names, else in the demo's own.
    """
    folder = os.environ.get(MODELS_VARIABLE)
    return Path(folder, demo.file) if folder else _ROOT / demo.folder / demo.file


def stamp(demo: Demo) -> tuple[str, int, int]:
    """Tell a demo's model from what replaces it: its path, times of change of model and card.

    Parameters
    ----------
    demo
        The demo.

    Returns
    -------
    tuple
        The path and two numbers; 0 for a file that is missing.
    """
    from bsds_utils.models.modelcard import card_path  # here, because it imports Keras

    path = model_path(demo)
    model, card = (
        one.stat().st_mtime_ns if one.is_file() else 0 for one in (path, card_path(path))
    )
    return str(path), model, card


def load(demo: Demo) -> tuple[Any, dict[str, Any]]:
    """Load a demo's model and card.

    Parameters
    ----------
    demo
        The demo.

    Returns
    -------
    tuple
        As `bsds_utils.load_model`.

    Raises
    ------
    BSDSError
        If the model or its card is missing or damaged; the message ends with the command that
        makes it.
    """
    from bsds_utils.models.modelcard import load_model

    path = model_path(demo)
    try:
        return load_model(path)
    except BSDSError as error:
        # Where it is on the server is nothing for visitors.
        reason = str(error).replace(f"{path.parent}{os.sep}", "")
        raise BSDSError(f"{reason}. This makes it anew: make model-{demo.key}") from error

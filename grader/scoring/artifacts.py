"""Opening what a submission left behind without trusting it."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from grader.scoring.verdict import Kind
from grader.scratch import scratch

__all__ = ["ArtifactError", "check_model_file", "load_model", "read_json"]

_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
_MAX_CONFIG = 2 << 20
"""Some ten times what describes a whole ResNet50."""
_MAX_JSON = 1 << 20
_MAX_DIGITS = 18
_MAX_CONSTANTS = 256
"""Numbers in the longer lists of a configuration: more would be weights that nobody counts."""
_SHORT_LIST = 8
# Where what a model is made of comes from; other parts of Keras read, write and download files.
_MODULES = {
    "keras", "keras.activations", "keras.constraints", "keras.dtype_policies",
    "keras.initializers", "keras.layers", "keras.losses", "keras.metrics", "keras.models",
    "keras.optimizers", "keras.regularizers",
}  # fmt: skip
_INNER_MODULES = ("keras.src.models.", "keras.src.ops.")
# How Keras writes values that are no classes, so that they carry no module.
_PLAIN_VALUES = {
    "__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__",
}  # fmt: skip
_FORBIDDEN_CLASSES = {
    "Lambda", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer",
    # These read a vocabulary from any file that their configuration names.
    "StringLookup", "IntegerLookup", "TextVectorization",
}  # fmt: skip


class ArtifactError(Exception):
    """An artifact that is missing or not what it must be; the message is for the student.

    Attributes
    ----------
    kind
        ``"refused"`` if it could do harm when opened, ``"missing"`` if there is none.
    """

    def __init__(self, message: str, kind: Kind = "wrong") -> None:
        super().__init__(message)
        self.kind: Kind = kind


def read_json(path: Path) -> dict[str, Any]:
    """Read a small JSON object.

    Raises
    ------
    ArtifactError
        If it is missing, too large or no JSON object.
    """
    if not path.is_file():
        raise ArtifactError(
            f"your notebook did not write {path.name}: the cell that saves it did not run "
            "to its end"
        )
    data = path.read_bytes()
    try:
        value = json.loads(data, parse_int=_whole_number) if len(data) <= _MAX_JSON else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not _has_tables_of_metrics(value):
        raise ArtifactError(f"{path.name} is not the JSON file that bsds.save_model writes")
    return value


def _whole_number(digits: str) -> int:
    """Read a number that arithmetic with floats can take."""
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number of too many digits")
    return int(digits)


def _has_tables_of_metrics(card: dict[str, Any]) -> bool:
    metrics = card.get("metrics", {})
    return isinstance(metrics, dict) and all(isinstance(one, dict) for one in metrics.values())


def check_model_file(data: bytes, name: str, max_bytes: int) -> None:
    """Refuse a ``.keras`` file that holds anything but built-in layers and their weights.

    Raises
    ------
    ArtifactError
        Saying what was found.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = {info.filename: info for info in archive.infolist()}
        twice = len(members) < len(archive.infolist())
        if twice or not members.keys() <= _MEMBERS or "config.json" not in members:
            raise ArtifactError(f"{name} is not a file that model.save writes", "refused")
        if sum(info.file_size for info in members.values()) > max_bytes:
            raise ArtifactError(f"{name} holds more than {max_bytes >> 20} MB", "refused")
        if members["config.json"].file_size > _MAX_CONFIG:
            raise ArtifactError(f"{name} describes far too large a model", "refused")
        config = json.loads(archive.read("config.json"))
    except ArtifactError:
        raise
    except Exception as error:  # each way of packing fails in ways of its own
        raise ArtifactError(f"{name} cannot be read as a Keras model", "refused") from error
    _check_config(config, name)


def _check_config(config: Any, name: str) -> None:
    """Walk the configuration, which names every class that loading would create."""
    stack, constants = [config], 0
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            values = _flat(part)
            numbers = sum(isinstance(value, int | float) for value in values)
            constants += numbers if numbers > _SHORT_LIST else 0
            stack.extend(values)
        elif isinstance(part, dict):
            stack.extend(part.values())
            if "class_name" in part:
                _check_class(part, name)
    if constants > _MAX_CONSTANTS:
        raise ArtifactError(
            f"{name} holds {constants} constant numbers besides its weights; what a model knows "
            "belongs into weights",
            "refused",
        )


def _flat(nested: list[Any]) -> list[Any]:
    """Everything in a list and the lists in it."""
    flat: list[Any] = []
    stack = [nested]
    while stack:
        for part in stack.pop():
            (stack if isinstance(part, list) else flat).append(part)
    return flat


def _check_class(part: dict[str, Any], name: str) -> None:
    class_name, module = str(part["class_name"]), str(part.get("module"))
    if class_name in _FORBIDDEN_CLASSES or class_name == "__lambda__":
        raise ArtifactError(
            f"{name} uses {class_name}; use built-in layers that need no own code", "refused"
        )
    if class_name in _PLAIN_VALUES:
        return
    custom = part.get("registered_name") not in (None, class_name)
    known = module in _MODULES or module.startswith(_INNER_MODULES)
    if custom or not known:
        raise ArtifactError(
            f"{name} uses {class_name}, which is not a built-in Keras class", "refused"
        )


def load_model(data: bytes, name: str, max_bytes: int) -> Any:
    """Load a checked ``.keras`` file.

    Parameters
    ----------
    data
        Contents of the file.
    name
        For messages.
    max_bytes
        Largest size that it may unpack to.

    Returns
    -------
    keras.Model
        Without its compilation.

    Raises
    ------
    ArtifactError
        If it is refused or cannot be loaded.
    """
    import keras

    check_model_file(data, name, max_bytes)
    with scratch("m") as folder:
        path = Path(folder, "model.keras")
        path.write_bytes(data)
        try:
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise ArtifactError(f"{name} cannot be loaded by Keras: {reason}") from error
    if not isinstance(model, keras.Model):
        raise ArtifactError(f"{name} holds a {type(model).__name__}, not a keras.Model")
    return model

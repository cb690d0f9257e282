"""Looking through a ``.keras`` file as plain data before anybody opens it.

Its description names every class and function that loading would create or call. Each place that
can name one is known here, and each name must be on a list (``names.py``); whatever else a place
holds must be plain values, few and short enough that no weights hide in them.
"""

import io
import json
import re
import zipfile
from collections.abc import Collection
from typing import Any, NoReturn

from grader.checking.artifacts import ArtifactError
from grader.keras_models.names import (
    ACTIVATIONS,
    CONSTRAINTS,
    DTYPES,
    GRAPHS,
    INITIALIZERS,
    LAYERS,
    OPERATIONS,
    REGULARIZERS,
)

__all__ = ["check_description", "check_model_file"]

_CONFIG = "config.json"
_MEMBERS = {"metadata.json", _CONFIG, "model.weights.h5"}
# How it may be packed: other ways take memory before they give anything.
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_MEMBER = b"PK\x01\x02"
"""Begins each entry of an archive's list; that weights hold it by chance is rare."""
_MAX_MEMBERS = 64
_MAX_CONFIG = 2 << 20
"""Some ten times what describes a whole ResNet50."""
_MAX_DEPTH = 100
_MAX_DIGITS = 18
_MAX_TEXT = 300
_MAX_LAYERS = 2000
_MAX_CONSTANTS = 512
"""Numbers besides weights: more would be weights that nobody counts."""

_ANY_LAYER = GRAPHS | LAYERS | OPERATIONS
_FUNCTION_KEYS = {"module", "class_name", "config", "registered_name", "shared_object_id"}
_OBJECT_KEYS = _FUNCTION_KEYS | {"build_config", "compile_config", "name", "inbound_nodes"}
_GRAPH_KEYS = {
    "keras.Sequential": {"name", "trainable", "dtype", "layers", "build_input_shape"},
    "keras.src.models.functional.Functional": {
        "name", "trainable", "layers", "input_layers", "output_layers",
    },
}  # fmt: skip
# Settings that are layers.
_INNER_LAYERS = {"layer", "forward_layer", "backward_layer", "cell", "cells"}
# Settings that lead to files, to other weights or to quantisation, and are None where not used.
_UNUSED = {
    "gptq_unpacked_column_size", "input_tensor", "lora_alpha", "lora_rank", "quantization_config",
    "quantization_mode", "vocabulary", "weights",
}  # fmt: skip
# Settings whose lists describe shapes, of which large models have many.
_SHAPES = re.compile(
    r"(\w+_)?(shapes?|axes|axis\d?|padding|size)|shapes_dict|newshape|dims|strides|pad_width"
    r"|dilation_rate|dilation|cropping|source|destination|repeats|spatial_dims"
)
# How Keras writes values that are no classes, and what each holds.
_SPECIAL = {
    "__keras_tensor__": {"shape", "dtype", "keras_history"},
    "__tensor__": {"value", "dtype"},
    "__numpy__": {"value", "dtype"},
    "__slice__": {"start", "stop", "step"},
    "__ellipsis__": set(),
}
_BRACKETS = re.compile(rb'[\[\]{}"\\]')
_OWN = "use built-in layers that need no own code"


def check_model_file(data: bytes, name: str, max_bytes: int) -> str:
    """Refuse a ``.keras`` file that is more than built-in layers and their weights.

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
    str
        The description to load in place of the file's own: the same, without how models were
        compiled, which may be anything and is never needed.

    Raises
    ------
    ArtifactError
        Saying what was found.
    """
    try:
        text = _description(data, name, max_bytes)
    except ArtifactError:
        raise
    except Exception as error:  # each way of packing fails in ways of its own
        raise _refused(f"{name} cannot be read as a Keras model") from error
    return check_description(text, name)


def check_description(text: bytes, name: str) -> str:
    """Refuse a model's description in JSON, ``config.json``, as :func:`check_model_file` does."""
    if len(text) > _MAX_CONFIG or _depth(text) > _MAX_DEPTH:
        raise _refused(f"{name} describes far too large a model")
    try:
        config = json.loads(text, parse_int=_whole_number, object_pairs_hook=_each_once)
    except ValueError as error:
        raise _refused(f"{name} cannot be read as a Keras model") from error
    _Look(name).through(config)
    return json.dumps(config)


def _refused(message: str) -> ArtifactError:
    return ArtifactError(message, kind="refused")


def _description(data: bytes, name: str, max_bytes: int) -> bytes:
    # Before the list of its members is read, which could be of any length.
    if data.count(_MEMBER) > _MAX_MEMBERS:
        raise _refused(f"{name} is not a file that model.save writes")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: info for info in archive.infolist()}
        odd = len(members) < len(archive.infolist()) or any(
            info.compress_type not in _PACKED for info in members.values()
        )
        if odd or not members.keys() <= _MEMBERS or _CONFIG not in members:
            raise _refused(f"{name} is not a file that model.save writes")
        if sum(info.file_size for info in members.values()) > max_bytes:
            raise _refused(f"{name} holds more than {max_bytes >> 20} MB")
        if members[_CONFIG].file_size > _MAX_CONFIG:
            raise _refused(f"{name} describes far too large a model")
        with archive.open(_CONFIG) as stream:
            return stream.read(_MAX_CONFIG + 1)


def _depth(text: bytes) -> int:
    """How deeply brackets are nested, found without nesting anything."""
    depth = deepest = 0
    quoted, escaped = False, -1
    for match in _BRACKETS.finditer(text):
        mark, at = match.group(), match.start()
        if at == escaped:
            continue
        if mark == b'"':
            quoted = not quoted
        elif quoted and mark == b"\\":
            escaped = at + 1
        elif not quoted and mark in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif not quoted:
            depth -= 1
    return deepest


def _whole_number(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number of too many digits")
    return int(digits)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dict; one reader takes the first of two equal keys, another the last."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key that is there twice")
    return made


class _Look:
    """One walk through one description, whose depth is bounded."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._layers = 0
        self._constants = 0
        self._scalars: set[float] = set()

    def through(self, config: Any) -> None:
        """Look at all of it; compilations are taken out on the way."""
        self._layer(config, GRAPHS)
        found = self._constants + len(self._scalars)
        if found > _MAX_CONSTANTS:
            raise _refused(
                f"{self._name} holds {found} constant numbers besides its weights; what a model "
                "knows belongs into weights"
            )

    def _foreign(self, what: object, advice: str) -> NoReturn:
        raise _refused(f"{self._name} uses {str(what)[:80]}; {advice}")

    def _malformed(self, what: object) -> NoReturn:
        raise _refused(
            f"{self._name} is not a file that model.save writes: its description holds an "
            f"unexpected {str(what)[:80]!r}; save the model again with bsds.save_model"
        )

    # Objects: a class by its name, and what it is made from.

    def _object(self, part: Any, allowed: Collection[str]) -> tuple[str, dict[str, Any]]:
        """Return an object's full name, which is allowed, and its configuration."""
        if not isinstance(part, dict) or "class_name" not in part:
            self._malformed(part)
        name, registered = part["class_name"], part.get("registered_name")
        full = f"{part.get('module')}.{name}"
        if full not in allowed or "." in name:
            self._foreign(name, _OWN)
        if registered not in (None, name):
            self._foreign(registered, _OWN)
        if unknown := part.keys() - _OBJECT_KEYS:
            self._malformed(min(unknown))
        # Nested models bring one along, too, of which Keras would make objects of any kind.
        part.pop("compile_config", None)
        config = part.get("config")
        if not isinstance(config, dict) or not isinstance(part.get("shared_object_id", 0), int):
            self._malformed(name)
        return full, config

    def _layer(self, part: Any, allowed: Collection[str] = _ANY_LAYER) -> None:
        full, config = self._object(part, allowed)
        self._layers += 1
        if self._layers > _MAX_LAYERS:
            raise _refused(f"{self._name} describes far too large a model")
        self._shape(part.get("build_config"))
        self._plain(part.get("name"))
        nodes = part.get("inbound_nodes", [])
        if not isinstance(nodes, list):
            self._malformed("inbound_nodes")
        for node in nodes:
            if not isinstance(node, dict) or node.keys() != {"args", "kwargs"}:
                self._malformed("inbound_nodes")
            self._argument([node["args"], node["kwargs"]])
        if full in GRAPHS:
            self._graph(config, _GRAPH_KEYS[full])
        else:
            for key, value in config.items():
                self._setting(key, value)

    def _graph(self, config: dict[str, Any], keys: Collection[str]) -> None:
        layers = config.get("layers")
        if unknown := config.keys() - keys:
            self._malformed(min(unknown))
        if not isinstance(layers, list):
            self._malformed("layers")
        for layer in layers:
            self._layer(layer)
        self._dtype(config.get("dtype"))
        for key in ("input_layers", "output_layers", "build_input_shape"):
            self._shape(config.get(key))
        for key in ("name", "trainable"):
            self._plain(config.get(key))

    def _setting(self, key: str, value: Any) -> None:
        """Look at one setting that a layer or an operation is made from."""
        if value is None:
            return
        if key in _UNUSED:
            self._foreign(key, "leave it out")
        elif key in _INNER_LAYERS:
            for layer in value if isinstance(value, list) else [value]:
                self._layer(layer)
        elif key.endswith("activation"):
            self._activation(value)
        elif key.endswith("initializer"):
            self._part(value, INITIALIZERS)
        elif key.endswith("regularizer"):
            self._part(value, REGULARIZERS)
        elif key.endswith("constraint"):
            self._part(value, CONSTRAINTS)
        elif key == "dtype":
            self._dtype(value)
        else:
            self._number(key, value)

    def _number(self, key: str, value: Any) -> None:
        """Look at a setting that is a number, several, or a word."""
        if isinstance(value, float):
            # Hundreds of layers share few settings; hundreds of different ones would be weights.
            self._scalars.add(value)
        elif isinstance(value, list | dict) and _SHAPES.fullmatch(key):
            self._shape(value)
        elif not isinstance(value, int):
            self._argument(value)

    def _activation(self, value: Any) -> None:
        name, function = value, isinstance(value, dict) and value.get("class_name") == "function"
        if function:
            name = value.get("config")
            if value.get("module") not in ("builtins", "keras.activations"):
                self._foreign(f"{value.get('module')}.{name}", _OWN)
            if value.get("registered_name") not in (None, name):
                self._foreign(value["registered_name"], _OWN)
            if unknown := value.keys() - _FUNCTION_KEYS:
                self._malformed(min(unknown))
        if not isinstance(name, str):
            self._layer(value, LAYERS)
        elif name not in ACTIVATIONS:
            self._foreign(name, _OWN)

    def _part(self, value: Any, allowed: Collection[str]) -> None:
        """Look at an initialiser, a regulariser or a constraint."""
        _, config = self._object(value, allowed)
        for key, setting in config.items():
            if key == "seed" and isinstance(setting, dict):
                _, setting = self._object(setting, {"keras.random.SeedGenerator"})
                for one in setting.values():
                    self._plain(one)
            else:
                self._number(key, setting)

    def _dtype(self, value: Any) -> None:
        if isinstance(value, dict):
            _, config = self._object(value, {"keras.DTypePolicy"})
            value = config.get("name") if config.keys() == {"name"} else config
        if value is not None and (not isinstance(value, str) or value not in DTYPES):
            self._foreign(value, "use float32 or mixed_float16")

    # Values: numbers, short texts, and lists of them.

    def _argument(self, part: Any) -> None:
        """Look at a value that may take part in the computation; numbers in it count."""
        if isinstance(part, list):
            for one in part:
                self._argument(one)
        elif isinstance(part, dict) and "class_name" in part:
            self._special(part)
        elif isinstance(part, dict):
            for key, one in part.items():
                self._plain(key)
                self._argument(one)
        else:
            self._constants += isinstance(part, int | float) and not isinstance(part, bool)
            self._plain(part)

    def _special(self, part: dict[str, Any]) -> None:
        """Look at a value that Keras writes as an object with a class of its own invention."""
        name, config = part["class_name"], part.get("config")
        keys = _SPECIAL.get(name) if isinstance(name, str) else None
        if keys is None:
            self._foreign(name, _OWN)
        if part.keys() != {"class_name", "config"} or not isinstance(config, dict):
            self._malformed(name)
        if config.keys() != keys:
            self._malformed(name)
        for key, value in config.items():
            if key == "dtype":
                self._dtype(value)
            elif key in ("shape", "keras_history"):
                self._shape(value)
            else:
                self._argument(value)

    def _shape(self, value: Any) -> None:
        """Look at shapes and at places in the graph, whose numbers are no constants."""
        if isinstance(value, list):
            for one in value:
                self._shape(one)
        elif isinstance(value, dict):
            if "class_name" in value:
                self._malformed(value["class_name"])
            for key, one in value.items():
                self._plain(key)
                self._shape(one)
        else:
            self._constants += isinstance(value, float)
            self._plain(value)

    def _plain(self, value: Any) -> None:
        if isinstance(value, list | dict) or (isinstance(value, str) and len(value) > _MAX_TEXT):
            self._malformed(value)

"""Looking into a Keras model: what it is made of, what training changes, what flows inside."""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Watched", "all_layers", "foreign_parts", "trainable_layers", "watch"]


def all_layers(model: Any) -> list[Any]:
    """List the layers of a model, those of the models inside it included.

    Parameters
    ----------
    model
        A Keras model.

    Returns
    -------
    list of keras.layers.Layer
        Without the model itself.
    """
    return list(model._flatten_layers(include_self=False))


def foreign_parts(model: Any) -> list[str]:
    """Name what a model needs besides Keras' own layers, operations and functions.

    Parameters
    ----------
    model
        A Keras model.

    Returns
    -------
    list of str
        Own classes and functions, and ``Lambda``, whose code is not in the file of a model.
        Empty if anybody who has Keras can load the model.
    """
    try:
        config = model.get_config()
    except NotImplementedError:
        config = {}
    # A subclass may have a configuration, too, but not one of layers.
    if "layers" not in config:
        return [type(model).__name__]
    found: dict[str, None] = {}
    parts: list[Any] = [config]
    while parts:
        part = parts.pop()
        if isinstance(part, list | tuple):
            parts.extend(reversed(part))
        elif isinstance(part, dict):
            name = _foreign_name(part)
            if name is not None:
                found[name] = None
            # How a model inside was compiled is not needed to use it.
            kept = [value for key, value in part.items() if key != "compile_config"]
            parts.extend(reversed(kept))
    return list(found)


def _foreign_name(part: dict[str, Any]) -> str | None:
    """Name what a part of a configuration stands for, if it is no Keras' class or function."""
    # Keras writes a bare lambda as a list that begins with its code.
    value = part.get("value")
    if (
        part.keys() == {"value"}
        and isinstance(value, list | tuple)
        and type([*value, 0][0]) is str
    ):
        return "lambda"
    name = part.get("class_name")
    if name is None or str(name).startswith("__"):
        return None
    if name == "function":
        return str(part.get("config"))
    module = str(part.get("module"))
    is_keras = module == "keras" or module.startswith("keras.")
    return None if is_keras and name != "Lambda" else str(name)


def trainable_layers(model: Any) -> dict[str, bool]:
    """Say of each layer that has something to learn whether training would change it.

    Parameters
    ----------
    model
        A Keras model.

    Returns
    -------
    dict
        By the layer's name, nested ones included; layers without trainable weights are left out.
    """
    changed = {id(variable) for variable in model.trainable_variables}
    found: dict[str, bool] = {}
    for layer in all_layers(model):
        if layer._trainable_variables:
            own = any(id(variable) in changed for variable in layer._trainable_variables)
            found[layer.name] = found.get(layer.name, False) or own
    return found


class Watched(NamedTuple):
    """What was seen while a model ran.

    Attributes
    ----------
    output
        What the model gave.
    inputs, outputs
        What entered and left each layer that takes one array and gives one, by its name.
    """

    output: Any
    inputs: dict[str, NDArray[Any]]
    outputs: dict[str, NDArray[Any]]


def watch(model: Any, images: NDArray[Any], silent: Collection[str] = ()) -> Watched:
    """Run a model and look at every layer, however deep it is nested.

    Parameters
    ----------
    model
        A Keras model; it stays as it is.
    images
        What to run it on.
    silent
        Names of layers that give zeros this time, to find out what depends on them.

    Returns
    -------
    Watched
        The output, and what entered and left the layers.
    """
    inputs: dict[str, NDArray[Any]] = {}
    outputs: dict[str, NDArray[Any]] = {}

    def watched(layer: Any) -> Any:
        original = layer.call

        def call(given: Any, *args: Any, **kwargs: Any) -> Any:
            gave = original(given, *args, **kwargs)
            if layer.name in silent:
                gave = gave * 0
            for seen, value in ((inputs, given), (outputs, gave)):
                if hasattr(value, "shape"):
                    seen[layer.name] = np.asarray(value)
            return gave

        return call

    layers = all_layers(model)
    for layer in layers:
        layer.call = watched(layer)
    try:
        output = model(images, training=False)
    finally:
        for layer in layers:
            del layer.call  # the class's own shows again
    return Watched(output, inputs, outputs)

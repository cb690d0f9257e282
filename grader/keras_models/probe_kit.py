"""What a probe can do with Keras: hand over tensors, ask for gradients, and build models.

Runs inside a probe sandbox, where ``answer_probes.py`` loads it before a line of the submission.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

# Taken now: the submission may put something else in their place.
_TAPE, _MEAN = tf.GradientTape, tf.reduce_mean
_WATCH, _GRADIENT = _TAPE.watch, _TAPE.gradient


def kind(value: Any) -> str | None:
    """Say what something of Keras's is that cannot travel; None for everything else."""
    if isinstance(value, keras.KerasTensor):
        return "a symbolic tensor"
    if isinstance(value, keras.Model):
        return "a keras.Model"
    if isinstance(value, keras.Layer):
        return f"a layer ({type(value).__name__})"
    return None


def _call_with_tensors(tools: Any, request: dict[str, Any]) -> Any:
    arguments = [tf.convert_to_tensor(array) for array in request["args"]]
    return tools.function(request["function"])(*arguments)


def _gradient(tools: Any, request: dict[str, Any]) -> Any:
    """Gradient of a loss of (y_true, y_pred) with respect to y_pred; None if there is none."""
    loss = tools.function(request["function"])
    y_true, y_pred = (tf.constant(array) for array in request["args"])
    with _TAPE() as tape:
        _WATCH(tape, y_pred)
        value = _MEAN(loss(y_true, y_pred))
    return _GRADIENT(tape, value, y_pred)


def _build(tools: Any, request: dict[str, Any]) -> bytes:
    """Call the first function, apply the others to its model, return it as a .keras file."""
    first, *others = request["functions"]
    keras.utils.set_random_seed(request["seed"])
    model = tools.function(first)()
    if not isinstance(model, keras.Model):
        raise tools.NotAnAnswer(tools.kind(model))
    for name in others:
        changed = tools.function(name)(model)
        model = changed if isinstance(changed, keras.Model) else model
    if not model.built:
        raise tools.NotAnAnswer(
            "one without an input: let it start with keras.Input((None, None, 3))"
        )
    for part in (model, *model._flatten_layers(include_self=False)):
        if isinstance(part, keras.Model):
            # How it was compiled is not asked for, and may be something that cannot be saved.
            part.compiled = False
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        try:
            model.save(path)
        except Exception as error:
            raise tools.NotAnAnswer(
                f"one that Keras cannot save: {tools.describe(error)}"
            ) from error
        return path.read_bytes()


OPERATIONS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "build": _build, "call_with_tensors": _call_with_tensors, "gradient": _gradient,
}  # fmt: skip

"""Comparing a submission's encoder with the real ResNet50 and the weights it was given."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsds_utils import load_encoder_weights
from grader.scoring.verdict import require

__all__ = ["LAST_LAYER", "encoder_layers", "reference_encoder", "require_same_weights", "trace"]

LAST_LAYER = "conv4_block6_out"
_FIRST_LAYER = "conv1_pad"
_STAGES = ("conv1_", "conv2_", "conv3_", "conv4_")


def reference_encoder(weights: Path) -> Any:
    """Return Keras' own ResNet50, cut at the last layer, with the given weights."""
    import keras

    whole = keras.applications.ResNet50(include_top=False, weights=None)
    encoder = keras.Model(whole.input, whole.get_layer(LAST_LAYER).output)
    load_encoder_weights(encoder, weights)
    return encoder


def encoder_layers(model: Any) -> dict[str, Any]:
    """Return a model's layers with the encoder's names, nested ones included."""
    return {
        layer.name: layer
        for layer in model._flatten_layers(include_self=False)
        if layer.name.startswith(_STAGES)
    }


def require_same_weights(
    model: Any, reference: Any, stages: tuple[str, ...], what: str, statistics_only: bool = False
) -> None:
    """Fail the check unless a model's encoder has the reference's weights.

    Parameters
    ----------
    model, reference
        Keras models.
    stages
        Beginnings of the names of the layers to compare.
    what
        For the message: when the weights were looked at.
    statistics_only
        Compare batch normalisation's moving statistics alone.
    """
    found = encoder_layers(model)
    for name, layer in encoder_layers(reference).items():
        if not name.startswith(stages) or not layer.weights:
            continue
        require(
            name in found, f"the encoder has no layer {name}; keep ResNet50's layers and names"
        )
        ours = {weight.name: np.asarray(weight) for weight in found[name].weights}
        for weight in layer.weights:
            if statistics_only and not weight.name.startswith("moving_"):
                continue
            value = ours.get(weight.name)
            require(
                value is not None
                and value.shape == weight.shape
                and np.allclose(value, np.asarray(weight), rtol=1e-5, atol=1e-6),
                f"{what}: the encoder's layer {name} does not hold the weights it was given "
                f"({weight.name})",
            )


def trace(model: Any, images: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Run a model and return what enters and leaves its encoder.

    Layers are watched while the model runs, so it does not matter how the encoder is nested.

    Returns
    -------
    dict
        ``"input"`` of the first encoder layer and ``"output"`` of the last.
    """
    layers = encoder_layers(model)
    for name in (_FIRST_LAYER, LAST_LAYER):
        require(name in layers, f"the model has no layer {name}; keep ResNet50's layers and names")
    seen: dict[str, Any] = {}
    first, last = layers[_FIRST_LAYER], layers[LAST_LAYER]
    first_call, last_call = first.call, last.call

    def watch_first(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        seen["input"] = inputs
        return first_call(inputs, *args, **kwargs)

    def watch_last(*args: Any, **kwargs: Any) -> Any:
        seen["output"] = last_call(*args, **kwargs)
        return seen["output"]

    first.call, last.call = watch_first, watch_last
    try:
        model(images, training=False)
    finally:
        first.call, last.call = first_call, last_call
    require(len(seen) == 2, "the model does not use its encoder")
    return {key: np.asarray(value) for key, value in seen.items()}

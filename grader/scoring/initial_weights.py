"""Whether a freshly built model really starts from chance.

Two builds under different seeds must share no random weight, and every weight must look like a
sample of the initialiser that its layer declares. Pretrained weights, with or without noise, fail
at least one of the two.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["explain_shared", "explain_unlike_initializers"]

# Attribute of the layer that declares how a weight of this name starts.
_INITIALIZERS = {
    "kernel": "kernel_initializer",
    "depthwise_kernel": "depthwise_initializer",
    "pointwise_kernel": "pointwise_initializer",
    "recurrent_kernel": "recurrent_initializer",
    "bias": "bias_initializer",
    "gamma": "gamma_initializer",
    "beta": "beta_initializer",
    "scale": "gamma_initializer",
    "moving_mean": "moving_mean_initializer",
    "moving_variance": "moving_variance_initializer",
    "alpha": "alpha_initializer",
}
# Layers whose weights are no learned parameters: random state, and scaling constants.
_STATE = {"seed_generator_state"}
_CONSTANT_LAYERS = {"Normalization"}

_P_VALUE = 1e-7
"""Chance of accusing an honest weight; a model has some hundred, a class some hundred models."""
_MAX_CORRELATION_SIGMAS = 7.0
_SAMPLE_SEED = 7_243_119
_SMALLEST = 64
"""Values a weight needs to be compared as a sample; smaller ones hold no knowledge to speak of."""


def explain_shared(first: Any, second: Any) -> str | None:
    """Say which weight two builds of a model share, or None.

    Parameters
    ----------
    first, second
        Keras models built under different seeds in fresh processes.
    """
    ours, theirs = list(_weights(first)), list(_weights(second))
    shapes = [[value.shape for _, _, value in weights] for weights in (ours, theirs)]
    if shapes[0] != shapes[1]:
        return "build_cnn gives models of different shapes from one call to the next"
    for (layer, name, a), (_, _, b) in zip(ours, theirs, strict=True):
        if a.size < _SMALLEST or np.ptp(a) == 0:
            continue
        correlation = float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
        if abs(correlation) > _MAX_CORRELATION_SIGMAS / np.sqrt(a.size):
            return (
                f"layer {layer.name}: two models built under different random seeds start with "
                f"the same {name}; weights must start from chance"
            )
    return None


def explain_unlike_initializers(model: Any) -> str | None:
    """Say which weight does not look like its declared initialiser's sample, or None."""
    for layer, name, value in _weights(model):
        initializer = _initializer(layer, name)
        if initializer is None:
            return (
                f"layer {layer.name}: how its {name} starts cannot be checked; use layers like "
                "Conv2D, SeparableConv2D and BatchNormalization"
            )
        if not _looks_like(value, initializer):
            return (
                f"layer {layer.name}: its {name} does not look like a sample of "
                f"{type(initializer).__name__}, which the layer declares; weights must start "
                "from chance"
            )
    return None


def _initializer(layer: Any, name: str) -> Any:
    """Return what a layer declares for a weight, None if that is not known."""
    attribute = _INITIALIZERS.get(name)
    # DepthwiseConv2D calls its weight a kernel and declares it as a depthwise one.
    if name == "kernel" and not hasattr(layer, "kernel_initializer"):
        attribute = _INITIALIZERS["depthwise_kernel"]
    return getattr(layer, attribute, None) if attribute else None


def _looks_like(value: NDArray[Any], initializer: Any) -> bool:
    sample = np.asarray(_unseeded(initializer)(value.shape))
    if np.ptp(sample) == 0:
        return bool(np.allclose(value, sample))
    if value.size < _SMALLEST:
        # Too few for a test of the distribution, but still of its scale.
        return bool(np.abs(value).max() <= 8 * np.abs(sample).max())
    return bool(stats.ks_2samp(value.ravel(), sample.ravel()).pvalue > _P_VALUE)


def _unseeded(initializer: Any) -> Any:
    config = initializer.get_config()
    if "seed" in config:
        config["seed"] = _SAMPLE_SEED
    return type(initializer).from_config(config)


def _weights(model: Any) -> Iterator[tuple[Any, str, NDArray[Any]]]:
    """Layer, name and value of every weight that training would teach something."""
    for layer in model._flatten_layers(include_self=False):
        if type(layer).__name__ in _CONSTANT_LAYERS:
            continue
        own = [*layer._trainable_variables, *layer._non_trainable_variables]
        for weight in own:
            if weight.name not in _STATE:
                yield layer, weight.name, np.asarray(weight)

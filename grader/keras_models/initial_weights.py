"""Whether a freshly built model really starts from chance.

Two builds under different seeds must share no random weight, and every weight must look like a
sample of the initialiser that its layer declares. Pretrained weights, with or without noise, fail
at least one of the two.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from grader.keras_models.opened import OpenedModel, Weight

__all__ = ["explain_shared", "explain_unlike_initializers"]

# Weights that are no learned parameters: random state, and scaling constants.
_STATE = {"seed_generator_state"}
_CONSTANT_LAYERS = {"Normalization"}

_P_VALUE = 1e-7
"""Chance of accusing an honest weight; a model has some hundred, a class some hundred models."""
_MAX_CORRELATION_SIGMAS = 7.0
_SAMPLE_SEED = 7_243_119
_SMALLEST = 64
"""Values a weight needs to be compared as a sample; smaller ones hold no knowledge to speak of."""


def explain_shared(first: OpenedModel, second: OpenedModel) -> str | None:
    """Say which weight two builds of a model share, or None.

    Parameters
    ----------
    first, second
        Built under different seeds in fresh processes.
    """
    ours, theirs = _weights(first), _weights(second)
    if [weight.shape for weight in ours] != [weight.shape for weight in theirs]:
        return "build_cnn gives models of different shapes from one call to the next"
    for weight, a, b in zip(ours, first.values(ours), second.values(theirs), strict=True):
        if a.size < _SMALLEST or np.ptp(a) == 0:
            continue
        correlation = float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
        if abs(correlation) > _MAX_CORRELATION_SIGMAS / np.sqrt(a.size):
            return (
                f"layer {weight.layer.name}: two models built under different random seeds start "
                f"with the same {weight.name}; weights must start from chance"
            )
    return None


def explain_unlike_initializers(model: OpenedModel) -> str | None:
    """Say which weight does not look like its declared initialiser's sample, or None."""
    weights = _weights(model)
    for weight in weights:
        if weight.initializer is None:
            return (
                f"layer {weight.layer.name}: how its {weight.name} starts cannot be checked; use "
                "layers like Conv2D, SeparableConv2D and BatchNormalization"
            )
    samples = model.samples(weights, _SAMPLE_SEED)
    for weight, value, sample in zip(weights, model.values(weights), samples, strict=True):
        if not _looks_like(value, sample):
            return (
                f"layer {weight.layer.name}: its {weight.name} does not look like a sample of "
                f"{weight.initializer}, which the layer declares; weights must start from chance"
            )
    return None


def _looks_like(value: NDArray[Any], sample: NDArray[Any]) -> bool:
    if np.ptp(sample) == 0:
        return bool(np.allclose(value, sample))
    if value.size < _SMALLEST:
        # Too few for a test of the distribution, but still of its scale.
        return bool(np.abs(value).max() <= 8 * np.abs(sample).max())
    return bool(stats.ks_2samp(value.ravel(), sample.ravel()).pvalue > _P_VALUE)


def _weights(model: OpenedModel) -> list[Weight]:
    """Every weight that training would teach something."""
    return [
        weight
        for weight in model.weights
        if weight.layer.kind not in _CONSTANT_LAYERS and weight.name not in _STATE
    ]

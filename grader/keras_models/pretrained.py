"""Comparing a submission's encoder with the real ResNet50 and the weights it was given."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from grader.checking.verdict import require
from grader.keras_models.opened import Lent, OpenedModel, Weight

__all__ = [
    "FEATURES",
    "LAST_LAYER",
    "encoder_layers",
    "encoder_weights",
    "require_same_features",
    "require_same_weights",
    "trace",
]

FEATURES = ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out")
LAST_LAYER = FEATURES[-1]
_FIRST_LAYER = "conv1_pad"
_STAGES = ("conv1_", "conv2_", "conv3_", "conv4_")


def encoder_layers(model: OpenedModel) -> set[str]:
    """Return the names of a model's layers that are called like the encoder's."""
    return {layer.name for layer in model.layers if layer.name.startswith(_STAGES)}


def require_same_weights(
    model: OpenedModel,
    reference: OpenedModel,
    stages: tuple[str, ...],
    what: str,
    statistics_only: bool = False,
) -> None:
    """Fail the check unless a model's encoder has the reference's weights.

    Parameters
    ----------
    model, reference
        Opened models.
    stages
        Beginnings of the names of the layers to compare.
    what
        For the message: when the weights were looked at.
    statistics_only
        Compare batch normalisation's moving statistics alone.
    """
    pairs = [
        (ours, theirs)
        for ours, theirs in encoder_weights(model, reference, what, stages)
        if not statistics_only or theirs.name.startswith("moving_")
    ]
    for weight in model.unlike(reference, pairs):
        require(False, _unlike(what, weight))


def encoder_weights(
    model: OpenedModel, reference: OpenedModel, what: str, stages: tuple[str, ...] = _STAGES
) -> list[tuple[Weight, Weight]]:
    """Return a model's weights in some stages of its encoder, each with the reference's.

    Fails the check where one is missing or has another shape.
    """
    layers = encoder_layers(model)
    ours = {(weight.layer.name, weight.name): weight for weight in model.weights}
    pairs = []
    for weight in reference.weights:
        name = weight.layer.name
        if name.startswith(stages):
            require(
                name in layers,
                f"the encoder has no layer {name}; keep ResNet50's layers and names",
            )
            found = ours.get((name, weight.name))
            require(found is not None and found.shape == weight.shape, _unlike(what, weight))
            pairs.append((cast(Weight, found), weight))
    return pairs


def _unlike(what: str, weight: Weight) -> str:
    return (
        f"{what}: the encoder's layer {weight.layer.name} does not hold the weights it was given "
        f"({weight.name})"
    )


def require_same_features(encoder: OpenedModel, reference: OpenedModel, images: Any) -> None:
    """Fail the check unless an encoder gives the reference's feature maps.

    Parameters
    ----------
    encoder
        Holds any weights; the reference's are used.
    reference
        The real encoder.
    images
        What enters both, preprocessed.
    """
    pairs = encoder_weights(encoder, reference, "build_encoder")
    found = encoder.run(images, lent=Lent(reference, pairs)).outputs
    expected = reference.run(images, watched=FEATURES).left
    shapes = [expected[name].shape for name in FEATURES]
    require(
        isinstance(found, list) and [np.shape(one) for one in found] == shapes,
        "build_encoder does not give ResNet50's four feature maps",
    )
    for name, feature in zip(FEATURES, found, strict=True):
        require(
            np.allclose(feature, expected[name], rtol=1e-3, atol=1e-3),
            f"build_encoder does not give what ResNet50's layer {name} computes, but something "
            "of the same shape: look at the layer's name",
        )


def trace(
    model: OpenedModel, images: NDArray[np.float32], left: Sequence[str] = (LAST_LAYER,)
) -> tuple[NDArray[Any], list[NDArray[Any]]]:
    """Run a model; return what enters its encoder, and what leaves some of its layers."""
    watched = (_FIRST_LAYER, *left)
    for name in watched:
        require(
            name in encoder_layers(model),
            f"the model has no layer {name}; keep ResNet50's layers and names",
        )
    ran = model.run(images, watched=watched)
    require(ran.left.keys() >= set(watched), "the model does not use its encoder")
    return ran.entered[_FIRST_LAYER], [ran.left[name] for name in left]

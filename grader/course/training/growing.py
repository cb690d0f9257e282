"""Start a network from a trained smaller one, without losing what that has learned.

New filters begin at random, as in any network, but what comes out of them is first multiplied by
zero where a trained filter reads it; new residual layers first add zero. So the large network
predicts at the beginning what the small one does, and its training takes up where that one ended.

References
----------
T. Chen, I. Goodfellow, J. Shlens, Net2Net: Accelerating Learning via Knowledge Transfer, ICLR
2016. There new filters are copies of trained ones; here they are random, which needs no noise to
make copies differ. P. Goyal et al., Accurate, Large Minibatch SGD, 2017, for residual layers whose
normalization begins with zero.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

__all__ = ["grow"]


def grow(large: Any, small: Any) -> None:
    """Give a network the weights of one with as many or fewer filters and residual layers.

    What a Concatenate puts together has to be read by a convolution, as in a U-Net. What the large
    network has in addition has to follow each other in one place, and to end in a normalization
    before it is added.

    Parameters
    ----------
    large
        Keras model of convolutions and normalizations, with its initial weights; changed in place.
    small
        The trained model.

    Raises
    ------
    ValueError
        If the models differ in more than that, or the trained one is the larger one.
    """
    added = _added(large.layers, small.layers)
    for new in large.layers[added]:
        if isinstance(new, keras.layers.BatchNormalization):
            new.gamma.assign(keras.ops.zeros_like(new.gamma))
    common = large.layers[: added.start] + large.layers[added.stop :]
    for new, old in zip(common, small.layers, strict=True):
        if isinstance(new, keras.Model):
            grow(new, old)
            continue
        if not new.weights:
            continue
        weights = zip(new.get_weights(), old.get_weights(), strict=True)
        kept = list(_kept(new, old))
        new.set_weights([_widened(fresh, trained, kept) for fresh, trained in weights])


def _added(large: Sequence[Any], small: Sequence[Any]) -> slice:
    """Find the layers that only the large network has."""
    new, old = ([type(layer).__name__ for layer in layers] for layers in (large, small))
    begin = 0
    while begin < min(len(new), len(old)) and new[begin] == old[begin]:
        begin += 1
    end = begin + len(new) - len(old)
    added = new[begin:end]
    residual = added.count("Add") == added.count("BatchNormalization")
    if new[:begin] + new[end:] != old or not residual:
        raise ValueError("expected the same layers, found others")
    return slice(begin, end)


def _kept(new: Any, old: Any) -> Iterator[int]:
    """Yield the place of each of the trained layer's input channels among the new one's."""
    begin = 0
    for large, small in zip(_sources(new), _sources(old), strict=True):
        yield from range(begin, begin + small)
        begin += large


def _sources(layer: Any) -> list[int]:
    """Channels of each tensor of which the layer's input is put together."""
    before = layer.input._keras_history.operation
    joined = isinstance(before, keras.layers.Concatenate)
    return [tensor.shape[-1] for tensor in (before.input if joined else [layer.input])]


def _widened(
    fresh: NDArray[np.float32], trained: NDArray[np.float32], kept: list[int]
) -> NDArray[np.float32]:
    filters = trained.shape[-1]
    if filters > fresh.shape[-1] or trained.shape[:-2] != fresh.shape[:-2]:
        raise ValueError(f"expected at most {fresh.shape}, found {trained.shape}")
    result = fresh.copy()
    if fresh.ndim > 1:
        result[..., :filters] = 0
        result[..., kept, :filters] = trained
    else:
        result[:filters] = trained
    return result

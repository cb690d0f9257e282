"""Start a network from a trained one with fewer filters, without losing what that has learned.

New filters begin at random, as in any network, but what comes out of them is first multiplied by
zero where a trained filter reads it. So the wider network predicts at the beginning what the
narrow one does, and its training takes up where that one's ended.

References
----------
T. Chen, I. Goodfellow, J. Shlens, Net2Net: Accelerating Learning via Knowledge Transfer, ICLR
2016. There new filters are copies of trained ones; here they are random, which needs no noise to
make copies differ.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

__all__ = ["widen"]


def widen(wide: Any, narrow: Any) -> None:
    """Give a network the weights of one with the same layers and as many or fewer filters.

    What a Concatenate puts together has to be read by a convolution, as in a U-Net.

    Parameters
    ----------
    wide
        Keras model of convolutions and normalizations, with its initial weights; changed in place.
    narrow
        The trained model.

    Raises
    ------
    ValueError
        If the models differ in more than the number of filters, or the trained one has more.
    """
    kinds = [[type(layer).__name__ for layer in model.layers] for model in (wide, narrow)]
    if kinds[0] != kinds[1]:
        raise ValueError("expected the same layers, found others")
    for new, old in zip(wide.layers, narrow.layers, strict=True):
        if isinstance(new, keras.Model):
            widen(new, old)
            continue
        if not new.weights:
            continue
        weights = zip(new.get_weights(), old.get_weights(), strict=True)
        kept = list(_kept(new, old))
        new.set_weights([_widened(fresh, trained, kept) for fresh, trained in weights])


def _kept(new: Any, old: Any) -> Iterator[int]:
    """Yield the place of each of the trained layer's input channels among the new one's."""
    begin = 0
    for wide, narrow in zip(_sources(new), _sources(old), strict=True):
        yield from range(begin, begin + narrow)
        begin += wide


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

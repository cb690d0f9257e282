"""Boundary probabilities for a picture of any size."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.arguments import as_image
from bsds_utils.errors import BSDSError
from bsds_utils.images import probability_of_size, resize_image
from bsds_utils.models.scales import as_scales

__all__ = ["LONG_SIDE", "as_models_see_it", "predict_probability"]

LONG_SIDE = 1024
"""Long side in pixels to which larger pictures are reduced before a model sees them.

The models learned from pictures of 481 pixels. In a photograph of 6000 the same boundaries are
wide and blurred, and what is sharp is texture.
"""

_TILE = 640
_MARGIN = 96
"""How far a pixel's probability depends on its surroundings, nearly; in pixels."""


def predict_probability(
    model: Any,
    image: ArrayLike,
    stride: int = 32,
    long_side: int | None = LONG_SIDE,
    scales: Sequence[float] = (1.0,),
) -> NDArray[np.float32]:
    """Apply a fully convolutional model at the picture's own proportions.

    A picture whose long side exceeds ``long_side`` is reduced to it. The model sees it at each of
    the ``scales``; the maps are brought to the picture's size, and their mean is the result. What
    is larger than 640 pixels is done in overlapping parts, so that memory stays bounded. Each part
    is continued by reflection, right and below, to a multiple of ``stride``, so that skip
    connections fit; the result is cut back.

    Parameters
    ----------
    model
        Keras model: float32 (1, H, W, 3) in 0–255 to probabilities (1, H, W, 1).
    image
        uint8, shape (H, W, 3).
    stride
        Multiple that the model's downsampling needs, in pixels; it divides 640.
    long_side
        In pixels; None: never reduced to it.
    scales
        One or more in (0, 2], at which the model sees the picture; a model card says which are
        best.

    Returns
    -------
    numpy.ndarray
        float32 in [0, 1], shape (H, W).

    Raises
    ------
    BSDSError
        If the model does not take pictures of any size or does not give such probabilities.
    TypeError, ValueError
        If another argument is not as described.
    """
    pixels = as_image("image", image)
    if stride < 1 or _TILE % stride:
        raise ValueError(f"stride: expected a divisor of {_TILE}, found {stride!r}")
    if long_side is not None and long_side < 1:
        raise ValueError(f"long_side: expected at least 1 or None, found {long_side!r}")
    factors = as_scales(scales)
    fixed = tuple(model.input_shape[1:3])
    if fixed != (None, None):
        raise BSDSError(
            f"model {model.name}: expected a fully convolutional one with input shape "
            f"(None, None, 3), found the fixed size {fixed}"
        )
    reduced = pixels if long_side is None else as_models_see_it(pixels, long_side)
    mean = np.zeros(pixels.shape[:2], dtype=np.float32)
    for factor in factors:
        found = _in_parts(model, _scaled(reduced, factor), stride)
        mean += probability_of_size(found, pixels.shape[:2]) / np.float32(len(factors))
    # Sums of rounded parts may exceed 1 by a little.
    return np.minimum(mean, np.float32(1))


def as_models_see_it(image: ArrayLike, long_side: int = LONG_SIDE) -> NDArray[np.uint8]:
    """Reduce a large picture as :func:`predict_probability` does before a model sees it.

    Parameters
    ----------
    image
        uint8, shape (H, W, 3).
    long_side
        In pixels.

    Returns
    -------
    numpy.ndarray
        uint8, shape (h, w, 3): the picture itself if its long side is at most ``long_side``, else
        one of the same proportions with that long side.

    Raises
    ------
    TypeError, ValueError
        If ``image`` is not as described.

    Examples
    --------
    >>> as_models_see_it(np.zeros((3000, 4000, 3), np.uint8)).shape
    (768, 1024, 3)
    """
    pixels = as_image("image", image)
    height, width = pixels.shape[:2]
    if max(height, width) <= long_side:
        return pixels
    return _scaled(pixels, long_side / max(height, width))


def _scaled(pixels: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1:
        return pixels
    height, width = (max(1, round(length * scale)) for length in pixels.shape[:2])
    return resize_image(pixels, (height, width))


class _Part(NamedTuple):
    """A part of a length that a model sees, and the part of its result that is kept."""

    seen: slice
    kept: slice


def _parts(length: int, stride: int) -> Iterator[_Part]:
    """Cover a length with parts of about a tile, which overlap by twice the margin or more."""
    overlap = 2 * _MARGIN + stride
    count = 1 if length <= _TILE else math.ceil((length - overlap) / (_TILE - overlap))
    side = min(length, _TILE)
    # Where a model pools the whole picture's pixels, it pools a part's: else maps do not fit.
    starts = [int(place) // stride * stride for place in np.linspace(0, length - side, count)]
    ends = [*(start + side for start in starts[:-1]), length]
    # Neighbours meet in the middle of what both have seen.
    seams = [(end + start) // 2 for end, start in zip(ends[:-1], starts[1:], strict=True)]
    for start, end, first, last in zip(starts, ends, [0, *seams], [*seams, length], strict=True):
        yield _Part(slice(start, end), slice(first, last))


def _in_parts(model: Any, pixels: NDArray[np.uint8], stride: int) -> NDArray[np.float32]:
    height, width = pixels.shape[:2]
    whole = np.empty((height, width), dtype=np.float32)
    for row in _parts(height, stride):
        for column in _parts(width, stride):
            part = _predict(model, pixels[row.seen, column.seen], stride)
            top, left = row.kept.start - row.seen.start, column.kept.start - column.seen.start
            whole[row.kept, column.kept] = part[
                top : top + row.kept.stop - row.kept.start,
                left : left + column.kept.stop - column.kept.start,
            ]
    return whole


def _predict(model: Any, pixels: NDArray[np.uint8], stride: int) -> NDArray[np.float32]:
    import keras  # here, so that importing this module does not import TensorFlow

    height, width = pixels.shape[:2]
    below, right = -height % stride, -width % stride
    padded = np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="reflect")
    # Called, not model.predict(): that would compile anew for every size of picture.
    output = keras.ops.convert_to_numpy(model(padded[None].astype(np.float32), training=False))
    expected = (1, *padded.shape[:2], 1)
    if output.shape != expected:
        raise BSDSError(
            f"model {model.name}: expected output of shape {expected}, found {output.shape}"
        )
    probability: NDArray[np.float32] = output[0, :height, :width, 0].astype(np.float32)
    # Written so that NaN is caught, too.
    if not (probability.min() >= 0 and probability.max() <= 1):
        raise BSDSError(
            f"model {model.name}: expected probabilities in [0, 1], found "
            f"{probability.min():.3g} to {probability.max():.3g}; does it end in a sigmoid?"
        )
    return probability

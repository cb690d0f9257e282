"""Matching two masks, and the frame in which pixels are matched.

Source: the benchmark's ``correspondPixels.m``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.arguments import as_binary
from bsds_utils.benchmark.engine import load_engine
from bsds_utils.benchmark.protocol import MAX_DIST, reach

__all__ = ["Correspondence", "Frame", "correspond_pixels", "frame_of"]


class Frame(NamedTuple):
    """An image inside padding as wide as the reach, laid out flat.

    So every step from a pixel of the image to one within reach ends inside the array.

    Attributes
    ----------
    first, stride, size
        Pixel (r, c) of the image is at ``first + r * stride + c`` of ``size``.
    steps
        int32 (K,), differences of position between pixels that may match.
    weights
        int32 (K,), what each such pair is worth: the outlier cost less its cost.
    """

    first: int
    stride: int
    size: int
    steps: NDArray[np.int32]
    weights: NDArray[np.int32]

    def positions(self, mask: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return the positions of a mask's pixels, row by row."""
        rows, columns = np.nonzero(mask)
        return (self.first + rows * self.stride + columns).astype(np.int32)

    def pixels(self, positions: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the (row, column) of positions, shape (n, 2)."""
        return np.stack(np.divmod(positions.astype(np.int64) - self.first, self.stride), axis=-1)


def frame_of(shape: tuple[int, int], max_dist: float) -> Frame:
    """Return the frame of an image of (H, W) pixels."""
    within = reach(shape, max_dist)
    height, width = shape
    radius = within.radius
    stride = width + 2 * radius
    return Frame(
        first=radius * stride + radius,
        stride=stride,
        size=stride * (height + 2 * radius),
        steps=(within.rows * stride + within.columns).astype(np.int32),
        weights=(within.outlier_cost - within.costs).astype(np.int32),
    )


class Correspondence(NamedTuple):
    """Pairs of pixels, in the order of the true ones.

    Attributes
    ----------
    predicted, true
        int64 (n, 2), row and column of each pair's pixels.
    """

    predicted: NDArray[np.int64]
    true: NDArray[np.int64]


def correspond_pixels(
    prediction: ArrayLike, truth: ArrayLike, max_dist: float = MAX_DIST
) -> Correspondence:
    """Match the pixels of two masks one to one, at minimum cost.

    With D = ``max_dist``·√(H² + W²), the greatest distance of a pair in pixels, each pair is worth
    ⌈100·D·100⌉ less 100 × its distance, rounded. The pairs' worth is as great as it can be: so
    there are as many as possible, and among those the nearest, unless one pair more would need a
    chain of exchanges longer than it is worth. It is the official assignment, which charges
    ⌈100·D·100⌉ for each pixel that goes to an outlier node and for each two outlier nodes that go
    together.

    Parameters
    ----------
    prediction, truth
        Masks of one shape (H, W): bool, or numbers that are all 0 or 1. They are matched as they
        are: thin the prediction first where the benchmark is meant.
    max_dist
        Largest distance of a pair, as a share of the image's diagonal.

    Returns
    -------
    Correspondence
        The pairs.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    BSDSError
        If numba is not installed.

    Examples
    --------
    >>> found = correspond_pixels([[1, 1, 0, 0]], [[0, 1, 0, 1]], max_dist=0.3)
    >>> found.predicted.tolist(), found.true.tolist()
    ([[0, 1]], [[0, 1]])
    """
    masks = {"prediction": prediction, "truth": truth}
    predicted, true = (as_binary(name, mask) for name, mask in masks.items())
    if predicted.ndim != 2 or predicted.shape != true.shape:
        raise ValueError(
            f"prediction, truth: expected two masks of one shape (H, W), found {predicted.shape} "
            f"and {true.shape}"
        )
    frame = frame_of((predicted.shape[0], predicted.shape[1]), max_dist)
    own, theirs = frame.positions(predicted), frame.positions(true)
    starts = np.array([0, len(own)])
    matched = np.zeros(len(own), dtype=bool)
    _, partners = load_engine().match_masks(
        theirs, starts, own, frame.steps, frame.weights, frame.size, matched
    )
    paired = partners >= 0
    return Correspondence(frame.pixels(partners[paired]), frame.pixels(theirs[paired]))

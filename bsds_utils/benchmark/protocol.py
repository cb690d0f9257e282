"""The constants of the BSDS500 benchmark and what follows from them: thresholds, distances, costs.

Source: the benchmark's own code, ``evaluation_bdry_image.m`` (thresholds), ``correspondPixels.m``
(``maxDist``, ``outlierCost``) and ``match.cc`` (which pairs may match, integer costs).
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["MAX_DIST", "THRESHOLD_COUNT", "Reach", "levels_of", "reach", "thresholds_of"]

THRESHOLD_COUNT: Final = 99
"""Number of thresholds of the published figures (``nthresh``)."""

MAX_DIST: Final = 0.0075
"""Largest distance at which two pixels may match, as a share of the image's diagonal."""

_OUTLIER_COST: Final = 100  # outlierCost in correspondPixels.m, in units of maxDist
_MULTIPLIER: Final = 100  # match.cc solves with integers: hundredths of a pixel


def thresholds_of(count: int = THRESHOLD_COUNT) -> NDArray[np.float64]:
    """Return the thresholds k / (count + 1), k = 1 … count.

    Parameters
    ----------
    count
        How many, at least 1.

    Returns
    -------
    numpy.ndarray
        float64 (count,), strictly increasing, inside (0, 1). The 99 of the published figures are
        the doubles nearest to the hundredths, so that a map rounded to hundredths means what it
        says. For other counts they are rounded as ``linspace`` rounds, which decides whether
        grey level 85 of 255 reaches a threshold of one third (it does not, in the official
        examples).

    Raises
    ------
    TypeError, ValueError
        If ``count`` is not a whole number of at least 1.

    Examples
    --------
    >>> thresholds_of(99)[[6, 19]].tolist(), thresholds_of(5)[1] > 85 / 255
    ([0.07, 0.2], np.True_)
    """
    if isinstance(count, bool) or not isinstance(count, int | np.integer):
        raise TypeError(f"thresholds: expected a whole number of them, found {count!r}")
    if count < 1:
        raise ValueError(f"thresholds: expected at least 1, found {count}")
    if count == THRESHOLD_COUNT:
        hundredths: NDArray[np.float64] = np.arange(1, 100) / 100
        return hundredths
    return np.linspace(1 / (count + 1), 1 - 1 / (count + 1), count)


def levels_of(probability: ArrayLike, thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count for every pixel the thresholds that it reaches: ``probability >= threshold``.

    The comparison is made in float64, as MATLAB does, so that an array and its exact copy in a
    wider dtype give the same.

    Parameters
    ----------
    probability
        Numbers, any shape.
    thresholds
        float64 (T,), increasing.

    Returns
    -------
    numpy.ndarray
        int64 of the same shape, 0 (background at every threshold) to T.

    Examples
    --------
    >>> levels_of([0.1, 0.25, 0.9], thresholds_of(3)).tolist()
    [0, 1, 3]
    """
    values = np.asarray(probability, dtype=np.float64)
    return np.searchsorted(thresholds, values, side="right")


class Reach(NamedTuple):
    """Which pixels may match a given one, and at what cost.

    Attributes
    ----------
    rows, columns
        int64 (K,), offsets in pixels, the nearest first.
    costs
        int64 (K,), 100 × distance in pixels, rounded.
    outlier_cost
        What a pair must save to be made, in the same unit.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    costs: NDArray[np.int64]
    outlier_cost: int

    @property
    def radius(self) -> int:
        """Largest offset in a row or column, in pixels."""
        return int(max(self.rows.max(), self.columns.max()))


def reach(shape: tuple[int, int], max_dist: float = MAX_DIST) -> Reach:
    """Return the pairs of pixels that may match in an image of a given size.

    With D = ``max_dist``·√(H² + W²) pixels, two pixels may match if their squared distance is at
    most D². A match costs 100 × its distance, rounded; doing without one costs ⌈100·D·100⌉, as
    much as a hundred matches at the greatest distance.

    Parameters
    ----------
    shape
        (H, W) of the image in pixels.
    max_dist
        Share of the diagonal, at least 0; at 0 only equal positions match.

    Returns
    -------
    Reach
        The offsets with their costs.

    Raises
    ------
    ValueError
        If ``max_dist`` is negative, not finite, or so large that costs leave the range of the
        matching's integers.

    Examples
    --------
    >>> found = reach((321, 481))
    >>> len(found.rows), found.radius, int(found.costs.max()), found.outlier_cost
    (61, 4, 424, 43371)
    """
    if not 0 <= max_dist < np.inf:
        raise ValueError(f"max_dist: expected a share of the diagonal, ≥ 0, found {max_dist!r}")
    height, width = shape
    distance = max_dist * float(np.hypot(height, width))
    # At least 1, lest a distance of 0 match nothing.
    outlier_cost = max(int(np.ceil(_OUTLIER_COST * distance * _MULTIPLIER)), 1)
    if outlier_cost >= 2**28:
        raise ValueError(
            f"max_dist: expected a distance under 26,000 pixels, found {distance:.0f} pixels"
        )
    # Pairs farther apart than the image is high or wide do not exist.
    down = min(int(distance), height - 1)
    right = min(int(distance), width - 1)
    rows, columns = np.mgrid[-down : down + 1, -right : right + 1].reshape(2, -1)
    squared = rows**2 + columns**2
    order = np.argsort(squared, kind="stable")
    order = order[squared[order] <= distance**2]
    costs = np.rint(np.sqrt(squared[order]) * _MULTIPLIER).astype(np.int64)
    return Reach(rows[order], columns[order], costs, outlier_cost)

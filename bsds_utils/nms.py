"""Non-maximum suppression: from a soft boundary map to its ridges, which keep their strength.

What the literature does to the maps of networks before this benchmark. Source: P. Dollár and
C. L. Zitnick, *Fast Edge Detection Using Structured Forests*, TPAMI 2015, and their toolbox'
``edgesDetect.m``, ``edgesNmsMex.cpp``, ``convTri.m`` and ``gradient2.m``.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.arguments import as_one_probability

__all__ = ["suppress_non_maxima"]

_FINE = 1  # radius in pixels of the triangle filter for the strength
_COARSE = 4  # and for the orientation
_MARGIN = 1.01  # a pixel may be this much weaker than its neighbours
_BORDER = 5  # pixels over which the image's border fades out


def suppress_non_maxima(probability: ArrayLike) -> NDArray[np.float64]:
    """Keep a boundary map's ridges and set everything beside them to 0.

    The map is smoothed by a triangle filter of radius 1. Across the boundary's orientation, which
    the second derivatives of a smoother copy (radius 4) tell, a pixel survives unless 1.01 times
    its value is below the value, interpolated linearly, one pixel away on either side. The
    outer 5 pixels fade out linearly to 0, where filters see the border and not the picture.

    Parameters
    ----------
    probability
        Floats in [0, 1], shape (H, W).

    Returns
    -------
    numpy.ndarray
        float64 in [0, 1], shape (H, W).

    Raises
    ------
    TypeError, ValueError
        If ``probability`` is not such an array.

    Examples
    --------
    >>> ramp = np.minimum(np.arange(15.0), np.arange(14.0, -1, -1)) / 7
    >>> np.flatnonzero(suppress_non_maxima(np.tile(ramp, (15, 1)))[7]).tolist()
    [7]
    """
    exact = as_one_probability("probability", probability).astype(np.float64)
    strength = _triangle(exact, _FINE)
    normal = _normal(_triangle(exact, _COARSE))
    rows, columns = np.indices(strength.shape, dtype=np.float64)
    down, right = np.sin(normal), np.cos(normal)
    keep = np.ones(strength.shape, dtype=bool)
    for side in (-1, 1):
        beside = _interpolated(strength, rows + side * down, columns + side * right)
        keep &= strength * _MARGIN >= beside
    ridges: NDArray[np.float64] = np.where(keep, strength, 0)
    for axis in (0, 1):
        ridges *= np.expand_dims(_fade(ridges.shape[axis]), 1 - axis)
    # Rounding of the filter's weights may leave [0, 1] by an ulp.
    return np.minimum(ridges, 1)


def _triangle(values: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    from scipy.ndimage import correlate1d  # here, because it takes a moment to import

    weights = np.bartlett(2 * radius + 3)[1:-1]
    weights /= weights.sum()
    smooth: NDArray[np.float64] = values
    for axis in (0, 1):
        smooth = correlate1d(smooth, weights, axis=axis, mode="reflect")
    return smooth


def _gradient(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Central differences, one-sided at the border; 0 along an axis of one pixel."""
    if values.shape[axis] == 1:
        return np.zeros_like(values)
    return np.asarray(np.gradient(values, axis=axis))


def _normal(smooth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Direction across the boundary in radians, 0 along a row, as the toolbox computes it.

    One thing differs: where the mixed derivative is exactly 0, the toolbox takes its sign as 0
    and so every normal as horizontal, which leaves perfectly horizontal lines as thick as they
    are. Here the sign is 1, and the normal of such a line vertical.
    """
    across, along = _gradient(smooth, 1), _gradient(smooth, 0)
    xx, xy, yy = _gradient(across, 1), _gradient(across, 0), _gradient(along, 0)
    bend = xx + 1e-5  # the toolbox', against a division by zero
    quotient = np.divide(
        yy * np.where(xy > 0, -1.0, 1.0), bend, out=np.zeros_like(yy), where=bend != 0
    )
    return np.mod(np.arctan(quotient), np.pi)


def _interpolated(
    values: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    from scipy.ndimage import map_coordinates

    interpolated: NDArray[np.float64] = map_coordinates(
        values, [rows, columns], order=1, mode="nearest"
    )
    return interpolated


def _fade(length: int) -> NDArray[np.float64]:
    """Return factors 0, 1/5, … 4/5, 1, … 1, 4/5, … 0 along an axis."""
    from_border = np.minimum(np.arange(length), np.arange(length)[::-1])
    return np.minimum(from_border / _BORDER, 1.0)

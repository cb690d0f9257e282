"""One-pixel boundaries of a segmentation, placed as BSDS500 places them."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["outlines"]


def _guo_hall_tables() -> NDArray[np.bool_]:
    """Say for both sub-iterations and each 8-neighbourhood whether its middle is deleted."""
    codes = np.arange(256)
    # p[0] is the neighbour to the north, then clockwise.
    p = [(codes >> bit & 1).astype(bool) for bit in range(8)]
    crossings = sum((~p[i] & (p[i + 1] | p[(i + 2) % 8])).astype(int) for i in (0, 2, 4, 6))
    pairs_a = sum((p[i - 1] | p[i]).astype(int) for i in (0, 2, 4, 6))
    pairs_b = sum((p[i] | p[i + 1]).astype(int) for i in (0, 2, 4, 6))
    fewest = np.minimum(pairs_a, pairs_b)
    removable = (crossings == 1) & (fewest >= 2) & (fewest <= 3)
    first = removable & ~((p[0] | p[1] | ~p[3]) & p[2])
    second = removable & ~((p[4] | p[5] | ~p[7]) & p[6])
    return np.stack([first, second])


_TABLES = _guo_hall_tables()


def _thin(lines: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(lines, 1)
    flat = padded.ravel()
    width = padded.shape[1]
    offsets = np.array([-width, 1 - width, 1, width + 1, width, width - 1, -1, -width - 1])
    weights = 1 << np.arange(8)
    pixels = np.flatnonzero(flat)
    before = -1
    while before != pixels.size:
        before = pixels.size
        for table in _TABLES:
            doomed = table[flat[pixels[:, None] + offsets] @ weights]
            flat[pixels[doomed]] = False
            pixels = pixels[~doomed]
    return padded[1:-1, 1:-1]


def outlines(segmentation: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return where a segmentation's regions meet, as lines one pixel wide.

    As in BSDS500: a pixel is marked if its label differs from that of its neighbour to the
    right, below, or below to the right; the marks are then thinned (Guo & Hall 1989, two
    sub-iterations, until nothing changes, which is MATLAB's ``bwmorph(…, 'thin', Inf)``).

    Parameters
    ----------
    segmentation
        Whole numbers, shape (H, W), one number a region.

    Returns
    -------
    ndarray of bool, shape (H, W)

    Examples
    --------
    >>> outlines(np.array([[1, 1, 2, 2]] * 2)).astype(int).tolist()
    [[0, 1, 0, 0], [0, 1, 0, 0]]
    """
    lines = np.zeros(segmentation.shape, bool)
    lines[:, :-1] |= segmentation[:, :-1] != segmentation[:, 1:]
    lines[:-1] |= segmentation[:-1] != segmentation[1:]
    lines[:-1, :-1] |= segmentation[:-1, :-1] != segmentation[1:, 1:]
    return _thin(lines)

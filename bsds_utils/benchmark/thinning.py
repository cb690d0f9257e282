"""Thinning of nested masks to lines of one pixel, 64 pixels at a time, compiled.

The rule is that of MATLAB's ``bwmorph(mask, 'thin', inf)``. Source: Z. Guo and R. W. Hall,
*Parallel Thinning with Two-Subiteration Algorithms*, CACM 1989, algorithm A1, in the form of
L. Lam, S.-W. Lee and C. Y. Suen, *Thinning Methodologies*, TPAMI 1992, p. 879.

Masks are packed: bit k of word w of a row is the pixel in column 64·w + k. One word more lies at
both ends of a row, and one row above and below, all of them 0.
"""

from typing import Final, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["thin_masks"]

_Row: TypeAlias = NDArray[np.uint64]
_TOP: Final = np.uint64(63)
_ONE: Final = np.uint64(1)


@njit
def _at_least_two(a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64) -> np.uint64:
    return a & b | c & d | (a | b) & (c | d)


@njit
def _deletable(north: _Row, here: _Row, south: _Row, word: int, turn: int) -> np.uint64:
    """Return the bits of a row's word that may go in sub-iteration 0 or 1."""
    # The eight neighbours of each bit, anticlockwise from the right, as the paper numbers them.
    x1 = here[word] >> _ONE | here[word + 1] << _TOP
    x2 = north[word] >> _ONE | north[word + 1] << _TOP
    x3 = north[word]
    x4 = north[word] << _ONE | north[word - 1] >> _TOP
    x5 = here[word] << _ONE | here[word - 1] >> _TOP
    x6 = south[word] << _ONE | south[word - 1] >> _TOP
    x7 = south[word]
    x8 = south[word] >> _ONE | south[word + 1] << _TOP
    # G1: going round, background turns into boundary exactly once. So the pixel's removal
    # neither splits a line nor opens a hole.
    b1, b2, b3, b4 = ~x1 & (x2 | x3), ~x3 & (x4 | x5), ~x5 & (x6 | x7), ~x7 & (x8 | x1)
    once = (b1 ^ b2 ^ b3 ^ b4) & ~(b1 & b2 | b3 & b4)
    # G2: in pairs of neighbours, counted in both ways, there are two or three: it is neither the
    # end of a line nor inside.
    p1, p2, p3, p4 = x1 | x2, x3 | x4, x5 | x6, x7 | x8
    q1, q2, q3, q4 = x2 | x3, x4 | x5, x6 | x7, x8 | x1
    several = _at_least_two(p1, p2, p3, p4) & _at_least_two(q1, q2, q3, q4)
    inside = p1 & p2 & p3 & p4 & q1 & q2 & q3 & q4
    # G3: from two sides in turn, lest a line two pixels wide vanish.
    kept = (x2 | x3 | ~x8) & x1 if turn == 0 else (x6 | x7 | ~x4) & x5
    return here[word] & once & several & ~inside & ~kept


@njit
def _thin(mask: NDArray[np.uint64]) -> None:
    """Thin a packed mask in place until nothing changes."""
    n_rows, n_words = mask.shape
    north, here = np.empty(n_words, np.uint64), np.empty(n_words, np.uint64)
    # A row has to be judged again only if it or a neighbour changed since the same turn before,
    # two steps ago. At first everything counts as changed.
    changed = np.ones(n_rows, np.int64)
    step = 2
    while np.max(changed) >= step - 2:
        here[:] = 0
        for row in range(1, n_rows - 1):
            # All pixels are judged by what was there before the step; the row below still is.
            north, here = here, north
            here[:] = mask[row]
            if max(changed[row - 1], changed[row], changed[row + 1]) < step - 2:
                continue
            gone = np.uint64(0)
            for word in range(1, n_words - 1):
                going = _deletable(north, here, mask[row + 1], word, step & 1)
                mask[row, word] = here[word] & ~going
                gone |= going
            if gone:
                changed[row] = step
        step += 1


_SIGNATURE = "Tuple((int64[::1], int32[::1]))(int32[::1], int64[::1], int64, int64, int64, int64)"


@njit(_SIGNATURE, cache=True, nogil=True)
def thin_masks(
    order: NDArray[np.int32],
    ends: NDArray[np.int64],
    height: int,
    width: int,
    first: int,
    stride: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Thin a growing mask at each of its stages.

    Parameters
    ----------
    order
        int32 (N,), pixels as row · width + column, in the order in which they join.
    ends
        int64 (M,), increasing: mask m is ``order[: ends[m]]``.
    height, width
        The masks' size in pixels.
    first, stride
        How positions are told: pixel (r, c) is at ``first + r * stride + c``.

    Returns
    -------
    starts : int64 (M + 1,)
        Where each thinned mask begins in ``pixels``; the last entry is its length.
    pixels : int32 (starts[M],)
        Positions of the thinned masks' pixels, one mask after the other, each row by row.
    """
    n_masks, n_words = len(ends), (width + 63) // 64
    whole = np.zeros((height + 2, n_words + 2), np.uint64)
    starts = np.zeros(n_masks + 1, np.int64)
    pixels = np.empty(4 * len(order), np.int32)
    joined = end = 0
    for mask in range(n_masks):
        for pixel in order[joined : ends[mask]]:
            row, column = divmod(pixel, width)
            whole[row + 1, column // 64 + 1] |= _ONE << np.uint64(column % 64)
        joined = ends[mask]
        thin = whole.copy()
        _thin(thin)
        if end + joined > len(pixels):
            longer = np.empty(2 * (end + joined), np.int32)
            longer[:end] = pixels[:end]
            pixels = longer
        for row in range(height):
            for word in range(n_words):
                bits = thin[row + 1, word + 1]
                position = first + row * stride + 64 * word
                while bits:
                    if bits & _ONE:
                        pixels[end] = position
                        end += 1
                    bits >>= _ONE
                    position += 1
        starts[mask + 1] = end
    return starts, pixels[:end].copy()

"""Optimal one-to-one matching of boundary pixels, mask after mask, compiled.

For one annotator, the matching of predicted to true pixels maximises the sum of
``outlier cost - cost`` over its pairs, which is the benchmark's minimum-cost assignment
(``match.cc``) without its outlier nodes. It is found by the Hungarian method in its primal-dual
form: every pixel has a price ≥ 0; the prices of two pixels in reach of each other add up to at
least the weight of their pair, and to exactly that if they are matched; an unmatched pixel's price
is 0. Such prices prove the matching optimal.

A mask differs little from the one before it, and so do matching and prices. Only pixels that come
or go start a search: Dijkstra's algorithm for the cheapest chain of exchanges that ends at a free
pixel, or at one that is better left free. Source: H. W. Kuhn, *The Hungarian Method for the
Assignment Problem*, Naval Research Logistics 1955; J. Edmonds and R. M. Karp, *Theoretical
Improvements in Algorithmic Efficiency for Network Flow Problems*, JACM 1972 (prices).
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["match_masks"]

_NOBODY: Final = -1
# Prices and distances stay under 2**28, the limit of the outlier cost, so that the price of a
# pixel that is not there keeps everybody away, and no sum leaves 32 bits.
_ABSENT: Final = 2**29
_FAR: Final = 2**30


class _Side(NamedTuple):
    """One of the two sets of pixels, by position in the padded image."""

    price: NDArray[np.int32]  # _ABSENT where the set has no pixel
    mate: NDArray[np.int32]  # position of the partner on the other side, or _NOBODY


class _Search(NamedTuple):
    """What a search writes down about pixels of the other side, by position."""

    distance: NDArray[np.int32]  # _FAR until a chain to it is found
    parent: NDArray[np.int32]  # the pixel of the own side before it on the cheapest chain
    heap: NDArray[np.int32]  # those to be visited, the nearest first
    place: NDArray[np.int32]  # where in the heap each of them is, or _NOBODY
    touched: NDArray[np.int32]  # all with a distance, in the order of finding
    visited: NDArray[np.int32]  # those taken from the heap, in the order of visits


@njit
def _rise(search: _Search, index: int) -> None:
    """Move a heap's entry up to where its distance belongs."""
    heap, place, distance = search.heap, search.place, search.distance
    pixel = heap[index]
    while index > 0:
        above = (index - 1) >> 1
        if distance[heap[above]] <= distance[pixel]:
            break
        heap[index] = heap[above]
        place[heap[index]] = index
        index = above
    heap[index] = pixel
    place[pixel] = index


@njit
def _take_first(search: _Search, length: int) -> int:
    """Remove and return the nearest pixel of a heap of that length ≥ 1."""
    heap, place, distance = search.heap, search.place, search.distance
    first, pixel = heap[0], heap[length - 1]
    place[first] = _NOBODY
    length -= 1
    if length == 0:
        return first
    index = 0
    while True:
        below = 2 * index + 1
        if below >= length:
            break
        if below + 1 < length and distance[heap[below + 1]] < distance[heap[below]]:
            below += 1
        if distance[heap[below]] >= distance[pixel]:
            break
        heap[index] = heap[below]
        place[heap[index]] = index
        index = below
    heap[index] = pixel
    place[pixel] = index
    return first


@njit
def _settle(
    start: int,
    own: _Side,
    other: _Side,
    steps: NDArray[np.int32],
    weights: NDArray[np.int32],
    search: _Search,
) -> int:
    """Match a free pixel, or leave it free at price 0, whichever is better; return pairs won.

    Rows are pixels of the own side, columns those of the other. Prices must be feasible, but for
    the free pixel's own, which is set here.
    """
    best = 0
    for k in range(len(steps)):
        best = max(best, weights[k] - other.price[start + steps[k]])
    own.price[start] = best
    if best == 0:
        return 0
    distance, parent, mate = search.distance, search.parent, other.mate
    # The cheapest end so far: at a free column, or with a row that is left free instead.
    bound, end_row, end_column = best, start, _NOBODY
    n_heap = n_touched = n_visited = 0
    row, travelled = start, np.int32(0)
    while True:
        base = travelled + own.price[row]
        for k in range(len(steps)):
            column = row + steps[k]
            length = base + other.price[column] - weights[k]
            if length < bound and length < distance[column]:
                if distance[column] == _FAR:
                    search.touched[n_touched] = column
                    n_touched += 1
                distance[column] = length
                parent[column] = row
                if mate[column] == _NOBODY:
                    bound, end_row, end_column = length, _NOBODY, column
                else:
                    if search.place[column] == _NOBODY:
                        search.heap[n_heap] = column
                        search.place[column] = n_heap
                        n_heap += 1
                    _rise(search, search.place[column])
        if n_heap == 0 or distance[search.heap[0]] >= bound:
            break
        column = _take_first(search, n_heap)
        n_heap -= 1
        search.visited[n_visited] = column
        n_visited += 1
        row, travelled = mate[column], distance[column]
        if travelled + own.price[row] < bound:
            bound, end_row, end_column = travelled + own.price[row], row, _NOBODY

    own.price[start] -= bound
    for column in search.visited[:n_visited]:
        own.price[mate[column]] -= bound - distance[column]
        other.price[column] += bound - distance[column]
    for column in search.heap[:n_heap]:
        search.place[column] = _NOBODY
    for column in search.touched[:n_touched]:
        distance[column] = _FAR

    if end_row == start:
        return 0
    column = end_column
    if column == _NOBODY:
        column = own.mate[end_row]
        own.mate[end_row] = _NOBODY
    row = _NOBODY
    while row != start:
        row = parent[column]
        following = own.mate[row]
        own.mate[row] = column
        mate[column] = row
        column = following
    return 0 if end_column == _NOBODY else 1


_SIGNATURE = (
    "Tuple((int64[::1], int32[::1]))"
    "(int32[::1], int64[::1], int32[::1], int32[::1], int32[::1], int64, b1[::1])"
)


@njit(_SIGNATURE, cache=True, nogil=True)
def match_masks(
    truth: NDArray[np.int32],
    starts: NDArray[np.int64],
    pixels: NDArray[np.int32],
    steps: NDArray[np.int32],
    weights: NDArray[np.int32],
    size: int,
    matched: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Match one annotator's pixels with each of several masks.

    Parameters
    ----------
    truth
        int32 (G,), positions of the annotator's pixels in a padded image, as wide as the reach
        on every side.
    starts, pixels
        int64 (M + 1,) and int32 (starts[M],): mask m is ``pixels[starts[m] : starts[m + 1]]``.
    steps
        int32 (K,), differences of position between pixels that may match; with each its negative.
    weights
        int32 (K,), outlier cost less the pair's cost, under 2**28; the same for the negative.
    size
        Pixels of the padded image.
    matched
        bool (starts[M],), set to True where a mask's pixel is matched, else left as it is.

    Returns
    -------
    pairs : int64 (M,)
        Pairs matched, by mask.
    partners : int32 (G,)
        Position of each true pixel's partner in the last mask, -1 where it has none.
    """
    predicted = _Side(np.full(size, _ABSENT, np.int32), np.full(size, _NOBODY, np.int32))
    true = _Side(np.full(size, _ABSENT, np.int32), np.full(size, _NOBODY, np.int32))
    in_reach = np.zeros(size, np.bool_)
    for pixel in truth:
        true.price[pixel] = 0
        for step in steps:
            in_reach[pixel + step] = True
    most = max(len(truth), np.max(starts[1:] - starts[:-1]) if len(starts) > 1 else 0)
    search = _Search(
        np.full(size, _FAR, np.int32),
        np.empty(size, np.int32),
        np.empty(most, np.int32),
        np.full(size, _NOBODY, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
    )
    last_mask = np.full(size, -1, np.int32)  # number of the latest mask that has the pixel
    bereft = np.empty(len(truth), np.int32)
    n_pairs = 0
    pairs = np.empty(len(starts) - 1, np.int64)
    for mask in range(len(pairs)):
        current = pixels[starts[mask] : starts[mask + 1]]
        for pixel in current:
            last_mask[pixel] = mask
        n_bereft = 0
        if mask > 0:
            for pixel in pixels[starts[mask - 1] : starts[mask]]:
                if last_mask[pixel] != mask:
                    predicted.price[pixel] = _ABSENT
                    partner = predicted.mate[pixel]
                    if partner != _NOBODY:
                        predicted.mate[pixel] = true.mate[partner] = _NOBODY
                        n_pairs -= 1
                        bereft[n_bereft] = partner
                        n_bereft += 1
        # A true pixel that lost its partner keeps its price until the new pixels have come:
        # mostly the partner only moved by one pixel, and the new one finds it at once.
        for pixel in current:
            if in_reach[pixel] and predicted.price[pixel] == _ABSENT:
                n_pairs += _settle(pixel, predicted, true, steps, weights, search)
        for pixel in bereft[:n_bereft]:
            if true.mate[pixel] == _NOBODY and true.price[pixel] > 0:
                n_pairs += _settle(pixel, true, predicted, steps, weights, search)
        pairs[mask] = n_pairs
        for index in range(starts[mask], starts[mask + 1]):
            if predicted.mate[pixels[index]] != _NOBODY:
                matched[index] = True
    return pairs, true.mate[truth]

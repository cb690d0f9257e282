"""Counting matched pixels in one image, at every threshold.

Source: the benchmark's ``evaluation_bdry_image.m``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.arguments import as_boundaries
from bsds_utils.benchmark.correspondence import frame_of
from bsds_utils.benchmark.engine import load_engine
from bsds_utils.benchmark.maps import as_map
from bsds_utils.benchmark.protocol import MAX_DIST, THRESHOLD_COUNT, levels_of, thresholds_of
from bsds_utils.benchmark.scores import Counts

__all__ = ["count_levels", "count_matches"]


class _Stages(NamedTuple):
    """The masks of an image that differ from one another, from the highest threshold down."""

    order: NDArray[np.int32]  # pixels in the order in which they join
    ends: NDArray[np.int64]  # how many of them have joined, by mask
    mask_at: NDArray[np.int64]  # number of the mask at each threshold, -1 where it is empty


def count_matches(
    probability: ArrayLike,
    boundaries: ArrayLike,
    thresholds: int = THRESHOLD_COUNT,
    max_dist: float = MAX_DIST,
) -> Counts:
    """Match one image's prediction with every annotator's boundaries, at every threshold.

    At each threshold the mask ``probability >= threshold`` is thinned to lines of one pixel and
    matched with each annotator's boundaries, which are not thinned, one to one and at minimum
    cost (`bsds_utils.benchmark.protocol.reach`).

    Parameters
    ----------
    probability
        One map as `bsds_utils.benchmark.as_map` takes it: shape (H, W), floats in [0, 1] or
        full-range uint8 or uint16.
    boundaries
        One map per annotator: bool (or 0 and 1), shape (A, H, W).
    thresholds
        Their number; they are k / (thresholds + 1).
    max_dist
        Largest distance of a match, as a share of the image's diagonal.

    Returns
    -------
    Counts
        int64 (thresholds,) each. Deterministic, and the same for every layout and dtype that
        hold the same numbers.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    BSDSError
        If numba is not installed.

    Examples
    --------
    A predicted line one pixel beside the true one:

    >>> predicted, true = np.zeros((200, 200)), np.zeros((1, 200, 200), bool)
    >>> predicted[50:150, 100], true[0, 50:150, 101] = 0.5, True
    >>> counts = count_matches(predicted, true, thresholds=3)
    >>> counts.cntR.tolist(), counts.sumP.tolist()
    ([100, 100, 0], [100, 100, 0])
    """
    values = as_map("probability", probability)
    maps = as_boundaries("boundaries", boundaries)
    if maps.shape[1:] != values.shape:
        raise ValueError(
            f"probability: expected the boundaries' shape {maps.shape[1:]}, found {values.shape}"
        )
    return count_levels(levels_of(values, thresholds_of(thresholds)), maps, thresholds, max_dist)


def count_levels(
    levels: NDArray[np.int64], boundaries: NDArray[np.bool_], thresholds: int, max_dist: float
) -> Counts:
    """Do what `count_matches` does, for a map of which only the levels are known.

    Parameters
    ----------
    levels
        int64 (H, W), the number of thresholds that each pixel reaches.
    boundaries
        bool (A, H, W).
    thresholds, max_dist
        As in `count_matches`.

    Returns
    -------
    Counts
        int64 (thresholds,) each.
    """
    engine = load_engine()
    height, width = levels.shape
    frame = frame_of((height, width), max_dist)
    stages = _stages(levels, thresholds)
    starts, pixels = engine.thin_masks(
        stages.order, stages.ends, height, width, frame.first, frame.stride
    )
    matched = np.zeros(len(pixels), dtype=bool)
    pairs = np.zeros(len(stages.ends), dtype=np.int64)
    for marked in boundaries:
        truth = frame.positions(marked)
        pairs += engine.match_masks(
            truth, starts, pixels, frame.steps, frame.weights, frame.size, matched
        )[0]
    so_far = np.concatenate([[0], np.cumsum(matched)])

    def by_threshold(by_mask: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.append(by_mask, 0)[stages.mask_at]  # -1 is the appended 0

    return Counts(
        cntR=by_threshold(pairs),
        sumR=np.full(thresholds, np.count_nonzero(boundaries), dtype=np.int64),
        cntP=by_threshold(so_far[starts[1:]] - so_far[starts[:-1]]),
        sumP=by_threshold(np.diff(starts)),
    )


def _stages(levels: NDArray[np.int64], thresholds: int) -> _Stages:
    falling = thresholds - levels.ravel()  # 0 for pixels that reach every threshold
    joining = np.bincount(falling, minlength=thresholds + 1)[:thresholds]
    new = joining > 0
    ends = np.cumsum(joining)[new]
    # The smallest dtype that holds them sorts fastest: up to 16 bits it is a radix sort.
    compact = falling.astype(np.min_scalar_type(thresholds))
    order = np.argsort(compact, kind="stable")[: ends[-1] if len(ends) else 0]
    return _Stages(order.astype(np.int32), ends, (np.cumsum(new) - 1)[::-1])

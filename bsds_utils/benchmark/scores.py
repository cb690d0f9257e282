"""From counts of matched pixels to precision, recall, ODS, OIS and AP.

Source: the benchmark's ``collect_eval_bdry.m``, whose rules are kept, those for empty sets
included: a zero denominator counts as 1, so that the ratio is 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.errors import BSDSError

__all__ = [
    "Counts",
    "Point",
    "Scores",
    "average_precision",
    "best_point",
    "f_measure",
    "summarize",
]

_STEPS = 100  # linspace's default length in maxF


class Counts(NamedTuple):
    """Pixels matched and pixels in all, by threshold, of one image or summed over several.

    The names are those of the benchmark's code.

    Attributes
    ----------
    cntR
        int64 (T,), ground-truth pixels matched, summed over annotators.
    sumR
        int64 (T,), ground-truth pixels, summed over annotators.
    cntP
        int64 (T,), boundary pixels of the prediction that any annotator matched.
    sumP
        int64 (T,), boundary pixels of the prediction.
    """

    cntR: NDArray[np.int64]
    sumR: NDArray[np.int64]
    cntP: NDArray[np.int64]
    sumP: NDArray[np.int64]

    @property
    def recall(self) -> NDArray[np.float64]:
        """float64 (T,): cntR / sumR, 0 where there is no ground truth."""
        return self.cntR / np.maximum(self.sumR, 1)

    @property
    def precision(self) -> NDArray[np.float64]:
        """float64 (T,): cntP / sumP, 0 where nothing is predicted."""
        return self.cntP / np.maximum(self.sumP, 1)


class Point(NamedTuple):
    """A point on a precision–recall curve.

    Attributes
    ----------
    threshold
        Where it is; NaN if the images have thresholds of their own.
    recall, precision, f
        0 to 1.
    """

    threshold: float
    recall: float
    precision: float
    f: float


@dataclass(frozen=True, eq=False)
class Scores:
    """The benchmark's result for a set of images.

    Attributes
    ----------
    ods
        Optimal data-set scale: the best F at one threshold for all images.
    ois
        Optimal image scale: each image at its own best threshold; ``threshold`` is NaN.
    ap
        Average precision: area under the curve.
    thresholds, recall, precision
        float64 (T,), the curve.
    images
        Each image's best point, by image id, in order.
    """

    ods: Point
    ois: Point
    ap: float
    thresholds: NDArray[np.float64]
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    images: dict[str, Point]

    @property
    def f(self) -> NDArray[np.float64]:
        """float64 (T,): F at each threshold."""
        return f_measure(self.recall, self.precision)


def f_measure(recall: ArrayLike, precision: ArrayLike) -> NDArray[np.float64]:
    """Harmonic mean of recall and precision; 0 if both are 0 (``fmeasure``).

    Parameters
    ----------
    recall, precision
        Floats in [0, 1], shapes that broadcast.

    Returns
    -------
    numpy.ndarray
        float64 in [0, 1].

    Examples
    --------
    >>> f_measure([1.0, 0.0], [0.5, 0.0]).tolist()
    [0.6666666666666666, 0.0]
    """
    r, p = np.asarray(recall, np.float64), np.asarray(precision, np.float64)
    total = r + p
    f: NDArray[np.float64] = 2 * p * r / (total + (total == 0))
    return f


def best_point(
    thresholds: NDArray[np.float64],
    recall: NDArray[np.float64],
    precision: NDArray[np.float64],
) -> Point:
    """Find the best F on a curve, between its thresholds too (``maxF``).

    Threshold, recall and precision are interpolated linearly at 100 points between neighbouring
    thresholds. Of equals, the one at the lowest threshold is taken.

    Parameters
    ----------
    thresholds, recall, precision
        float64 (T,), T ≥ 1, thresholds increasing.

    Returns
    -------
    Point
        The best point.

    Examples
    --------
    >>> best_point(np.array([0.2, 0.4]), np.array([1.0, 0.5]), np.array([0.5, 1.0])).f
    0.749991497466245
    """
    share = np.linspace(0, 1, _STEPS)

    def between(values: NDArray[np.float64]) -> NDArray[np.float64]:
        inner = values[1:, None] * share + values[:-1, None] * (1 - share)
        return np.concatenate([values[:1], inner.ravel()])

    t, r, p = between(thresholds), between(recall), between(precision)
    f = f_measure(r, p)
    best = int(np.argmax(f))
    return Point(float(t[best]), float(r[best]), float(p[best]), float(f[best]))


def average_precision(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    """Area under the precision–recall curve (``Area_PR``).

    Precision is interpolated linearly over the distinct recalls at recall 0, 0.01, … 1; it counts
    as 0 outside the curve. A curve of a single recall has no area.

    Parameters
    ----------
    recall, precision
        float64 (T,).

    Returns
    -------
    float
        0 to 1.01: the sum of 101 precisions, times 0.01.
    """
    distinct, first = np.unique(recall, return_index=True)
    if len(distinct) < 2:
        return 0.0
    at = np.arange(101) / 100
    return float(np.sum(np.interp(at, distinct, precision[first], left=0, right=0)) * 0.01)


def summarize(counts: Mapping[str, Counts], thresholds: NDArray[np.float64]) -> Scores:
    """Compute ODS, OIS, AP and the curve from the counts of every image.

    Parameters
    ----------
    counts
        Counts by image id; the order does not matter for the scores.
    thresholds
        float64 (T,), those of the counts.

    Returns
    -------
    Scores
        The result; sums are over whole numbers, so it does not depend on who counted what.

    Raises
    ------
    BSDSError
        If there is no image.
    """
    if not counts:
        raise BSDSError("benchmark: expected at least one image, found none")
    total = Counts(*(np.sum(one, axis=0) for one in zip(*counts.values(), strict=True)))
    at_best = Counts(*np.zeros((4, 1), np.int64))
    images = {}
    for image_id, one in counts.items():
        images[image_id] = best_point(thresholds, one.recall, one.precision)
        best = int(np.argmax(f_measure(one.recall, one.precision)))
        at_best = Counts(*(a + b[best] for a, b in zip(at_best, one, strict=True)))
    recall, precision = float(at_best.recall[0]), float(at_best.precision[0])
    ois = Point(float("nan"), recall, precision, float(f_measure(recall, precision)))
    return Scores(
        ods=best_point(thresholds, total.recall, total.precision),
        ois=ois,
        ap=average_precision(total.recall, total.precision),
        thresholds=thresholds,
        recall=total.recall,
        precision=total.precision,
        images=images,
    )

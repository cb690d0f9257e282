"""ODS, OIS and AP against literal loops, and the rules for empty sets."""

import doctest
import importlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bsds_utils import BSDSError
from bsds_utils.benchmark import (
    Counts,
    average_precision,
    best_point,
    f_measure,
    summarize,
    thresholds_of,
)

MODULES = ["correspondence", "counts", "maps", "protocol", "scores"]


@pytest.mark.parametrize("name", ["nms", "benchmark", *(f"benchmark.{one}" for one in MODULES)])
def test_examples(name):
    """The examples in the docstrings give what they say."""
    module = importlib.import_module(f"bsds_utils.{name}")
    result = doctest.testmod(module, extraglobs={"np": np})
    assert result.attempted > 0
    assert result.failed == 0


@st.composite
def counts_of_images(draw):
    """Draw counts of one to three images at one to five thresholds, zeros included."""
    length = draw(st.integers(1, 5))
    images = {}
    for name in "abc"[: draw(st.integers(1, 3))]:
        numbers = st.lists(st.integers(0, 20), min_size=length, max_size=length)
        cntR, cntP = (np.array(draw(numbers)) for _ in range(2))
        moreP = np.array(draw(numbers))
        sumR = np.full(length, cntR.max() + draw(st.integers(0, 9)))
        images[name] = Counts(cntR, sumR, cntP, cntP + moreP)
    return images


def f_of(recall, precision):
    """Compute F of two numbers."""
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def ratio(part, whole):
    """Divide, with the benchmark's rule that an empty whole counts as one."""
    return part / whole if whole else 0.0


def by_hand(images, thresholds):
    """Compute F of ODS, F of OIS and AP with loops over thresholds and steps."""
    recall, precision = [], []
    for t in range(len(thresholds)):
        sums = [sum(int(one[k][t]) for one in images.values()) for k in range(4)]
        recall.append(ratio(sums[0], sums[1]))
        precision.append(ratio(sums[2], sums[3]))
    ods = f_of(recall[0], precision[0])
    for t in range(1, len(thresholds)):
        for d in np.linspace(0, 1, 100):
            r = recall[t] * d + recall[t - 1] * (1 - d)
            p = precision[t] * d + precision[t - 1] * (1 - d)
            ods = max(ods, f_of(r, p))
    best = [0, 0, 0, 0]
    for one in images.values():
        f = [f_of(ratio(one[0][t], one[1][t]), ratio(one[2][t], one[3][t]))
             for t in range(len(thresholds))]  # fmt: skip
        t = f.index(max(f))
        best = [total + int(part[t]) for total, part in zip(best, one, strict=True)]
    ois = f_of(ratio(best[0], best[1]), ratio(best[2], best[3]))
    curve = {}
    for r, p in zip(recall, precision, strict=True):
        curve.setdefault(r, p)
    points = sorted(curve.items())
    area = 0.0
    for step in range(101):
        for (r0, p0), (r1, p1) in itertools.pairwise(points):
            if r0 <= step / 100 <= r1:
                area += (p0 + (p1 - p0) * (step / 100 - r0) / (r1 - r0)) * 0.01
                break
    return ods, ois, area


@settings(max_examples=200, deadline=None)
@given(counts_of_images())
def test_scores_are_those_of_the_definition(images):
    """ODS, OIS and AP equal a loop over everything, for any counts."""
    thresholds = thresholds_of(len(images["a"].cntR))
    scores = summarize(images, thresholds)
    expected = by_hand(images, thresholds)
    np.testing.assert_allclose((scores.ods.f, scores.ois.f, scores.ap), expected, atol=1e-12)
    assert set(scores.images) == set(images)


@settings(max_examples=100, deadline=None)
@given(counts_of_images())
def test_scores_are_consistent(images):
    """Scores are in their range, ODS beats every threshold, F belongs to its R and P."""
    thresholds = thresholds_of(len(images["a"].cntR))
    scores = summarize(images, thresholds)
    for point in (scores.ods, *scores.images.values()):
        assert thresholds[0] <= point.threshold <= thresholds[-1]
        assert point.f == pytest.approx(f_of(point.recall, point.precision))
        assert 0 <= point.f <= 1
    assert scores.ods.f >= scores.f.max()
    assert np.isnan(scores.ois.threshold)
    assert 0 <= scores.ap <= 1.01
    backwards = summarize(dict(reversed(images.items())), thresholds)
    assert (backwards.ods, backwards.ap) == (scores.ods, scores.ap)


def test_a_point_between_thresholds():
    """The best F may lie between two thresholds; of equals the lowest threshold counts."""
    thresholds = np.array([0.2, 0.4])
    point = best_point(thresholds, np.array([1.0, 0.2]), np.array([0.2, 1.0]))
    assert 0.2 < point.threshold < 0.4
    assert point.f == pytest.approx(0.6, abs=1e-4)
    flat = best_point(thresholds, np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    assert flat.threshold == 0.2


def test_empty_sets():
    """No truth, no prediction: every ratio is 0, and a curve of one recall has no area."""
    nothing = Counts(*np.zeros((4, 3), int))
    scores = summarize({"a": nothing}, thresholds_of(3))
    assert scores.ods == (0.25, 0, 0, 0)
    assert scores.ois[1:] == (0, 0, 0)
    assert scores.ap == 0
    assert average_precision(np.array([0.5, 0.5]), np.array([0.1, 0.9])) == 0
    assert f_measure(0, 0) == 0
    with pytest.raises(BSDSError, match="at least one image"):
        summarize({}, thresholds_of(3))


def test_average_precision_of_a_perfect_curve():
    """A precision of 1 from recall 0 to 1 sums up to 101 hundredths, as in the official code."""
    assert average_precision(np.array([1.0, 0.0]), np.array([1.0, 1.0])) == pytest.approx(1.01)


def test_thresholds():
    """The 99 thresholds are the hundredths, which four grey levels of 8 bits meet exactly."""
    for count in (1, 5, 99, 254):
        expected = np.arange(1, count + 1) / (count + 1)
        np.testing.assert_allclose(thresholds_of(count), expected, rtol=1e-15)
    assert thresholds_of(99).tolist() == [k / 100 for k in range(1, 100)]
    levels = np.arange(256) / 255
    assert set(levels) & set(thresholds_of(99)) == {0.2, 0.4, 0.6, 0.8}
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="at least 1"):
            thresholds_of(wrong)
    for wrong in (2.5, True, "9"):
        with pytest.raises(TypeError, match="whole number"):
            thresholds_of(wrong)

"""Metrics against a loop over pixels, against scikit-learn and Keras, and their error texts."""

import doctest
import importlib
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

from bsds_utils import THRESHOLDS, accuracy, baselines, dice, foreground_iou, mean_iou, sobel
from bsds_utils import threshold_sweep as sweep_of

shapes = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6)


@st.composite
def mask_pairs(draw):
    """Draw two masks of one shape, each bool, integer or float."""
    shape = draw(shapes)
    kinds = st.sampled_from([bool, np.uint8, np.int64, np.float32, np.float64])
    # Rare boundaries as well as frequent ones, so that empty sets occur.
    density = draw(st.sampled_from([0, 1, 3, 5, 9, 10]))
    pixels = hnp.arrays(int, shape, elements=st.integers(0, 9))
    return tuple((draw(pixels) < density).astype(draw(kinds)) for _ in range(2))


@st.composite
def maps_with_truth(draw):
    """Draw a mask and a probability map of one shape, many values on thresholds exactly."""
    shape = draw(shapes)
    dtype = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    truth = draw(hnp.arrays(bool, shape))
    values = st.sampled_from([0.0, 1.0, *THRESHOLDS]) | st.floats(0, 1)
    return truth, draw(hnp.arrays(np.float64, shape, elements=values)).astype(dtype)


def by_hand(truth, prediction):
    """Count pixel by pixel; return (foreground IoU, mean IoU, Dice, accuracy)."""
    both = only_truth = only_prediction = neither = 0
    for t, p in zip(np.ravel(truth).tolist(), np.ravel(prediction).tolist(), strict=True):
        if t and p:
            both += 1
        elif t:
            only_truth += 1
        elif p:
            only_prediction += 1
        else:
            neither += 1
    wrong = only_truth + only_prediction
    iou = both / (both + wrong) if both + wrong else 1.0
    background = neither / (neither + wrong) if neither + wrong else 1.0
    f1 = 2 * both / (2 * both + wrong) if both + wrong else 1.0
    return iou, (iou + background) / 2, f1, (both + neither) / (both + neither + wrong)


@settings(max_examples=200, deadline=None)
@given(mask_pairs())
def test_metrics_count_pixels(pair):
    """All four metrics equal a loop over the pixels."""
    found = foreground_iou(*pair), mean_iou(*pair), dice(*pair), accuracy(*pair)
    np.testing.assert_allclose(found, by_hand(*pair), rtol=1e-12)
    assert all(type(value) is float for value in found)


@settings(max_examples=100, deadline=None)
@given(mask_pairs())
def test_metrics_agree_with_scikit_learn(pair):
    """Where scikit-learn defines the same thing, it gives the same number."""
    truth, prediction = (np.ravel(mask).astype(int) for mask in pair)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = (
            jaccard_score(truth, prediction, zero_division=1.0),
            f1_score(truth, prediction, zero_division=1.0),
            accuracy_score(truth, prediction),
        )
    found = foreground_iou(*pair), dice(*pair), accuracy(*pair)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@settings(max_examples=100, deadline=None)
@given(mask_pairs())
def test_metrics_are_consistent(pair):
    """IoU is symmetric, in [0, 1], 1 only for equal masks, and tied to Dice."""
    truth, prediction = pair
    iou = foreground_iou(truth, prediction)
    assert iou == foreground_iou(prediction, truth)
    assert 0 <= iou <= 1
    assert (iou == 1) == np.array_equal(truth != 0, prediction != 0)
    assert dice(truth, prediction) == pytest.approx(2 * iou / (1 + iou))
    assert foreground_iou(truth, truth) == mean_iou(truth, truth) == 1


def test_mean_iou_is_keras_mean_iou():
    """Over random masks, empty and full ones included, Keras' MeanIoU gives the same number."""
    import keras

    random = np.random.default_rng(0)
    for density in (0.0, 0.02, 0.3, 1.0):
        for other in (0.0, 0.1, 1.0):
            truth, prediction = random.random((2, 3, 8, 8)) < np.reshape(
                [density, other], (2, 1, 1, 1)
            )
            metric = keras.metrics.MeanIoU(num_classes=2)
            metric.update_state(truth.astype(int), prediction.astype(int))
            assert mean_iou(truth, prediction) == pytest.approx(float(metric.result()), abs=1e-6)


def test_empty_set_rules():
    """Nothing to find and nothing claimed is perfect; something missed or invented is not."""
    empty, full = np.zeros((2, 3), bool), np.ones((2, 3), bool)
    for metric in (foreground_iou, mean_iou, dice, accuracy):
        assert metric(empty, empty) == 1
        assert metric(full, full) == 1
        assert metric(full, empty) == 0
        assert metric(empty, full) == 0


def test_counts_are_summed_over_the_set():
    """IoU is micro: a full image and an empty one give one ratio, not the mean of two."""
    truth = np.zeros((2, 4, 4), bool)
    truth[0] = True
    prediction = np.zeros_like(truth)
    prediction[0, :2] = True
    prediction[1, 0, 0] = True
    assert foreground_iou(truth, prediction) == 8 / 17


def test_predicting_nothing_flatters_mean_iou():
    """With 6.6 % boundary, nothing scores 0.467 in mean IoU, 0.934 in accuracy and 0 in IoU."""
    truth = np.arange(1000).reshape(20, 50) < 66
    nothing = np.zeros_like(truth)
    assert mean_iou(truth, nothing) == pytest.approx(0.467)
    assert accuracy(truth, nothing) == pytest.approx(0.934)
    assert foreground_iou(truth, nothing) == 0


def test_a_channel_axis_makes_no_difference():
    """(N, H, W, 1) and (N, H, W) may be mixed, also for one narrow or one single image."""
    for shape in ((3, 4, 5), (1, 4, 5), (3, 4, 1), (1, 1, 1)):
        truth = np.random.default_rng(0).random(shape) < 0.5
        prediction = np.random.default_rng(1).random(shape)
        expected = foreground_iou(truth, prediction >= 0.5)
        assert foreground_iou(truth[..., None], prediction >= 0.5) == expected
        assert foreground_iou(truth, (prediction >= 0.5)[..., None]) == expected
        assert sweep_of(truth[..., None], prediction, [0.5]).iou_at(0.5) == expected


GOOD = np.zeros((2, 4, 4), np.uint8)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (np.zeros((2, 4, 5), bool), ValueError, r"found \(2, 4, 5\)|expected the shape"),
        (np.zeros((0, 4, 4), bool), ValueError, r"at least one pixel, found bool of shape"),
        (np.zeros(4, bool), ValueError, r"expected shape .*found bool of shape \(4,\)"),
        (np.zeros((2, 4, 4, 3)), ValueError, r"expected shape .*\(2, 4, 4, 3\)"),
        (GOOD + 255, ValueError, "binary mask of 0 and 1, found the value 255"),
        (GOOD + 0.5, ValueError, "found the value 0.5 .*threshold first"),
        (GOOD + np.nan, ValueError, "found the value nan"),
        (GOOD - 1.0, ValueError, "found the value -1.0"),
        (GOOD.astype(complex), TypeError, "found complex128"),
        (np.full((2, 4, 4), "1"), TypeError, "found <U1"),
        ([["a", None]], TypeError, "expected an array of numbers, found list"),
        ([[1], [1, 0]], ValueError, "expected an array, found list"),
    ],
)
@pytest.mark.parametrize("metric", [foreground_iou, mean_iou, dice, accuracy])
def test_wrong_masks_are_named(metric, bad, error, message):
    """A wrong argument raises an error that names it, what was expected and what was found."""
    with pytest.raises(error, match=f"^prediction: .*({message})"):
        metric(GOOD, bad)
    with pytest.raises(error, match=f"^(truth|prediction): .*({message})"):
        metric(bad, GOOD)


def test_a_wrong_pixel_is_found_anywhere():
    """One wrong value at the very end of a large stack is found."""
    masks = np.zeros((30, 400, 400), np.uint8)
    masks[-1, -1, -1] = 7
    with pytest.raises(ValueError, match=r"truth: .*the value 7"):
        foreground_iou(masks, masks == 0)


@settings(max_examples=200, deadline=None)
@given(maps_with_truth())
def test_sweep_equals_each_threshold_alone(case):
    """The sweep gives exactly what thresholding and measuring at each threshold gives."""
    truth, probability = case
    sweep = sweep_of(truth, probability)
    assert sweep.thresholds.tolist() == THRESHOLDS.tolist()
    for threshold, iou, mean in zip(*sweep, strict=True):
        mask = probability >= float(threshold)
        assert iou == foreground_iou(truth, mask)
        assert mean == mean_iou(truth, mask)
        assert sweep.iou_at(threshold) == iou
    assert sweep.best_iou == max(sweep.iou)
    assert sweep.best_threshold == THRESHOLDS[list(sweep.iou).index(max(sweep.iou))]


@settings(max_examples=50, deadline=None)
@given(
    maps_with_truth(),
    st.lists(st.floats(0, 1), min_size=1, max_size=9, unique=True).map(sorted),
)
def test_sweep_takes_any_thresholds(case, thresholds):
    """Other thresholds work, too, also ones that the map's precision cannot tell apart."""
    truth, probability = case
    sweep = sweep_of(truth, probability, thresholds)
    expected = [foreground_iou(truth, probability >= t) for t in thresholds]
    assert sweep.iou.tolist() == expected


def test_float32_on_a_threshold_is_boundary():
    """A float32 map that holds 0.7 is boundary at 0.7, although float32 0.7 is below 0.7."""
    probability = np.full((1, 2), 0.7, np.float32)
    assert float(probability[0, 0]) < 0.7
    assert sweep_of(np.ones((1, 2), bool), probability, [0.7]).best_iou == 1


def test_of_equal_thresholds_the_lowest_is_best():
    """Ties go to the lowest threshold."""
    sweep = sweep_of([[1, 0]], np.array([[0.95, 0.0]]))
    assert sweep.best_threshold == 0.02
    assert sweep.best_iou == 1


def test_thresholds_are_the_documented_grid():
    """The default grid is 0.02 to 0.90 in 45 steps, and nobody can change it by accident."""
    np.testing.assert_allclose(THRESHOLDS, np.arange(1, 46) * 0.02)
    with pytest.raises(ValueError, match="read-only"):
        THRESHOLDS[0] = 0


def test_iou_at_does_not_interpolate():
    """Asking for a threshold that was not tried is an error."""
    sweep = sweep_of([[1, 0]], np.array([[0.9, 0.1]]))
    assert sweep.iou_at(0.1) == 0.5
    for threshold in (0.11, 0.95, float("nan")):
        with pytest.raises(ValueError, match="threshold: expected one of those swept"):
            sweep.iou_at(threshold)


@pytest.mark.parametrize(
    ("probability", "error", "message"),
    [
        (GOOD, TypeError, "expected float probabilities"),
        (GOOD + 1.01, ValueError, "found the value 1.01"),
        (GOOD - 0.01, ValueError, "found the value -0.01"),
        (GOOD + np.nan, ValueError, "found the value nan"),
        (GOOD + np.inf, ValueError, "found the value inf"),
        (GOOD[:1] + 0.5, ValueError, r"expected the shape of truth, \(2, 4, 4\)"),
        (np.zeros((2, 4, 4, 2)), ValueError, "expected shape"),
    ],
)
def test_wrong_probabilities_are_named(probability, error, message):
    """A wrong probability map raises an error that names it."""
    with pytest.raises(error, match=f"^probability: .*{message}"):
        sweep_of(GOOD, probability)


@pytest.mark.parametrize(
    "thresholds", [[], [[0.1]], [0.2, 0.1], [0.1, 0.1], [-0.1], [1.1], [float("nan")]]
)
def test_wrong_thresholds_are_named(thresholds):
    """Thresholds must be increasing numbers in [0, 1]."""
    with pytest.raises(ValueError, match=r"^thresholds: expected"):
        sweep_of(GOOD, GOOD * 1.0, thresholds)


def test_full_size_sweep_needs_little_memory():
    """Sweeping 60 maps at full size needs far less memory than the maps themselves."""
    random = np.random.default_rng(0)
    probability = random.random((60, 321, 481), dtype=np.float32)
    truth = probability > 0.7
    tracemalloc.start()
    sweep = sweep_of(truth, probability)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sweep.iou_at(0.7) == 1
    # Chunks of 4 million pixels: index and counts, 8 bytes each, and small change.
    assert peak < 200e6


def test_sobel_is_the_gradient_of_the_blurred_grey():
    """Sobel equals SciPy's gradient of each blurred image, scaled by its maximum."""
    images = np.random.default_rng(0).integers(0, 256, (2, 9, 12, 3), dtype=np.uint8)
    found = sobel(images)
    assert found.dtype == np.float32
    for image, strength in zip(images, found, strict=True):
        grey = ndimage.gaussian_filter(image.astype(float).mean(-1), 1)
        expected = ndimage.generic_gradient_magnitude(grey, ndimage.sobel)
        np.testing.assert_allclose(strength, expected / expected.max(), atol=1e-5)


def test_sobel_of_one_colour_is_zero():
    """An image of one colour has no edge, and no NaN."""
    assert not sobel(np.full((1, 5, 5, 3), 77, np.uint8)).any()


def test_baselines_need_no_training():
    """The baselines are nothing, everything and Sobel, each as foreground IoU."""
    images = np.zeros((1, 20, 20, 3), np.uint8)
    images[:, :, 10:] = 255
    truth = np.zeros((1, 20, 20, 1), np.uint8)
    truth[:, :, 9:11] = 1
    found = baselines(truth, images)
    assert list(found) == ["all background", "all boundary", "Sobel"]
    assert found["all background"] == 0
    assert found["all boundary"] == truth.mean()
    assert found["Sobel"] == 1
    with pytest.raises(ValueError, match=r"^images: expected one image per mask"):
        baselines(truth[:, :10], images)
    with pytest.raises(TypeError, match=r"^images: expected uint8"):
        baselines(truth, images / 255)


@pytest.mark.parametrize("name", ["images", "masks", "metrics"])
def test_documented_examples_are_true(name):
    """The examples in the docstrings give what they say."""
    found = doctest.testmod(importlib.import_module(f"bsds_utils.{name}"))
    assert found.attempted > 0
    assert found.failed == 0

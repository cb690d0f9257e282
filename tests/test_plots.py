"""Figures: what they show, that they are nobody's global state, and wrong arguments."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from bsds_utils import (
    COURSE,
    show_annotators,
    show_precision_recall,
    show_predictions,
    show_sample,
    show_sweep,
    show_training,
    threshold_sweep,
)

RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.integers(0, 256, (32, 48, 3), dtype=np.uint8)
BOUNDARIES = RANDOM.random((5, 32, 48)) < 0.05
IMAGES = RANDOM.integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
MASKS = (RANDOM.random((3, 16, 16, 1)) < 0.3).astype(np.uint8)
PROBABILITIES = RANDOM.random((3, 16, 16, 1)).astype(np.float32)


def titles(figure):
    """Return the titles of the panels that are shown."""
    return [axis.get_title() for axis in figure.axes if axis.axison and axis.get_title()]


def drawn(figure):
    """Draw the figure as a notebook does; return the size of the picture in pixels."""
    png = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def test_a_sample_shows_image_agreement_and_mask():
    """A sample has two panels, three with a mask, whose title tells its share of boundary."""
    assert len(titles(show_sample(IMAGE, BOUNDARIES))) == 2
    mask = COURSE.apply(BOUNDARIES, 24)
    figure = show_sample(IMAGE, BOUNDARIES, mask[..., None])
    assert isinstance(figure, Figure)
    assert titles(figure)[0] == "image, 48×32"
    assert titles(figure)[2] == f"mask 24×24, {mask.mean():.1%} boundary"
    drawn(figure)


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_every_annotator_has_a_panel(count):
    """There is one panel per annotator besides image and agreement, with its own share."""
    boundaries = RANDOM.random((count, 32, 48)) < 0.05
    figure = show_annotators(IMAGE, boundaries)
    assert titles(figure) == [
        "image",
        *(f"annotator {k + 1}: {boundaries[k].mean():.1%}" for k in range(count)),
        "agreement",
    ]
    drawn(figure)


def test_predictions_show_hits_false_alarms_and_misses():
    """The overlay has three colours where it should, and the picture itself elsewhere."""
    figure = show_predictions(IMAGES, MASKS, PROBABILITIES, 0.4, ids=["a", "b", "c"])
    assert titles(figure)[0::4] == ["a", "b", "c"]
    legend = {
        text.get_text(): patch.get_facecolor()[:3]
        for text, patch in zip(
            figure.legends[0].get_texts(), figure.legends[0].get_patches(), strict=True
        )
    }
    assert list(legend) == ["hit", "false alarm", "missed"]
    for row in range(3):
        overlay = figure.axes[4 * row + 3].images[0].get_array()
        truth, found = MASKS[row, ..., 0] == 1, PROBABILITIES[row, ..., 0] >= 0.4
        for where, name in (
            (truth & found, "hit"),
            (~truth & found, "false alarm"),
            (truth & ~found, "missed"),
        ):
            coloured = np.all(np.isclose(overlay, to_rgb(legend[name])), axis=-1)
            np.testing.assert_array_equal(coloured, where)
    drawn(figure)


def test_predictions_number_images_without_names():
    """Without ids the rows are numbered, also for a single image without channel axes."""
    figure = show_predictions(IMAGES[:1], MASKS[:1, ..., 0], PROBABILITIES[:1, ..., 0], 0.5)
    assert titles(figure)[0] == "0"


def test_the_sweep_marks_the_chosen_threshold_and_the_baselines():
    """The point lies on the curve at the chosen threshold; each baseline is a line."""
    sweep = threshold_sweep(MASKS, PROBABILITIES)
    names = {"all background": 0.0, "all boundary": 0.3, "Sobel": 0.2, "fourth": 0.1}
    for chosen in (None, 0.5):
        figure = show_sweep(sweep, names, chosen)
        threshold = sweep.best_threshold if chosen is None else chosen
        points = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
        assert points[0].get_xdata()[0] == threshold
        assert points[0].get_ydata()[0] == sweep.iou_at(threshold)
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert labels[-4:] == [f"{name}: {value:.3f}" for name, value in names.items()]
        drawn(figure)
    with pytest.raises(ValueError, match="threshold: expected one of those swept"):
        show_sweep(sweep, chosen=0.515)


def test_training_joins_phases():
    """Phases follow each other; each quantity has a panel with training and val."""

    class History:
        history = {"loss": [3.0, 2.0], "val_loss": [4.0, 3.0], "iou": [0.1, 0.2]}  # noqa: RUF012

    figure = show_training([History(), {"loss": [1.0], "val_loss": [2.0]}])
    assert titles(figure) == ["loss", "iou"]
    training, val = figure.axes[0].lines[:2]
    assert list(training.get_ydata()) == [3, 2, 1]
    assert list(training.get_xdata()) == [1, 2, 3]
    assert list(val.get_ydata()) == [4, 3, 2]
    assert figure.axes[0].lines[2].get_xdata()[0] == 2.5
    drawn(figure)
    drawn(show_training({"loss": [1.0]}))
    drawn(show_training({name: [1.0, 2.0] for name in "abcd"}))


def test_training_without_epochs_is_an_error():
    """An empty history is told, not drawn."""
    for nothing in ({}, [], {"loss": []}):
        with pytest.raises(ValueError, match="history: expected at least one epoch"):
            show_training(nothing)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: show_sample(IMAGE, BOUNDARIES[:, :-1]), r"boundaries: expected shape \(32, 48\)"),
        (lambda: show_sample(IMAGE, BOUNDARIES, MASKS), r"mask: expected shape \(S, S\)"),
        (lambda: show_annotators(IMAGE, BOUNDARIES[0]), r"boundaries: .*\(A, H, W\)"),
        (lambda: show_predictions(IMAGE, MASKS, PROBABILITIES, 0.5), r"images: expected RGB"),
        (
            lambda: show_predictions(IMAGES, MASKS[:2], PROBABILITIES, 0.5),
            r"masks: expected shape \(3, 16, 16\)",
        ),
        (
            lambda: show_predictions(IMAGES, MASKS, PROBABILITIES * 2, 0.5),
            r"probabilities: expected probabilities in \[0, 1\]",
        ),
        (
            lambda: show_predictions(IMAGES, MASKS, PROBABILITIES, 0.5, ids=["a"]),
            "ids: expected 3, one per image, found 1",
        ),
    ],
)
def test_wrong_arguments_are_named(call, message):
    """Arrays that do not belong together raise an error that says which."""
    with pytest.raises(ValueError, match=message):
        call()


def test_figures_are_not_pyplots():
    """Drawing neither imports pyplot nor leaves figures open, however many there are."""
    code = (
        "import sys, numpy as np, bsds_utils\n"
        "for _ in range(3):\n"
        "    bsds_utils.show_sample(np.zeros((4, 4, 3), 'uint8'), np.zeros((1, 4, 4), bool))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def curve(recall, precision):
    """Make a benchmark result with this curve."""
    from bsds_utils.benchmark.scores import Point, Scores, average_precision, best_point

    thresholds = np.arange(1, len(recall) + 1) / (len(recall) + 1)
    recall, precision = np.array(recall), np.array(precision)
    best = best_point(thresholds, recall, precision)
    area = average_precision(recall, precision)
    return Scores(best, Point(float("nan"), *best[1:]), area, thresholds, recall, precision, {})


def test_precision_and_recall_of_many_methods():
    """Every method has a look of its own, the best ODS comes first, people are a point."""
    from bsds_utils.benchmark import HUMAN

    methods = {
        f"method {k}": curve([0.9, 0.6, 0.2, 0.0], [0.3, 0.6 + k / 50, 0.9, 0.0])
        for k in range(12)
    }
    figure = show_precision_recall(methods, HUMAN)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[0] == "F = 0.803  people"
    assert labels[1].endswith("  method 11")
    assert len(labels) == 13
    looks = {
        (line.get_color(), line.get_linestyle())
        for line in figure.axes[0].lines
        if "method" in line.get_label()
    }
    assert len(looks) == 12
    drawn(figure)


def test_lines_of_equal_f():
    """The background shows F = 0.1 … 0.9, and what predicts nothing is no point of a curve."""
    figure = show_precision_recall({"one": curve([0.8, 0.5, 0.0], [0.4, 0.7, 0.0])})
    (axis,) = figure.axes
    shown = next(line for line in axis.lines if line.get_label().endswith("one"))
    assert shown.get_xdata().tolist() == [0.8, 0.5]
    equal = [line for line in axis.lines if line.get_label().startswith("_")][:9]
    for f, line in zip(np.arange(1, 10) / 10, equal, strict=True):
        recall, precision = line.get_xdata(), line.get_ydata()
        np.testing.assert_allclose(2 * recall * precision / (recall + precision), f)
        assert precision[0] == pytest.approx(1)
        assert recall[-1] == 1
    names = ("_hidden", "x$^{a$", "$", "a_b^c")
    figure = show_precision_recall(dict.fromkeys(names, curve([0.8, 0.5], [0.4, 0.7])))
    assert len(figure.legends[0].get_texts()) == 4
    drawn(figure)
    assert [text.get_text() for text in axis.texts] == [f"0.{k}" for k in range(1, 10)]
    with pytest.raises(ValueError, match="at least one"):
        show_precision_recall({})

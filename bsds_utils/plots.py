"""Pictures for notebooks.

Every function returns a :class:`matplotlib.figure.Figure` that is not registered with
``pyplot``: a notebook shows it once when the call is the last line of a cell; elsewhere in a cell
use ``display(show_sample(...))``. Nothing needs closing. Colours are those of Okabe and Ito, which
colour-blind people can tell apart.
"""

import io
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from bsds_utils.arguments import (
    as_binary,
    as_boundaries,
    as_image,
    as_images,
    as_probability,
)
from bsds_utils.benchmark.scores import Point, Scores
from bsds_utils.masks import agreement
from bsds_utils.metrics import Sweep, foreground_iou

__all__ = [
    "show_annotators",
    "show_precision_recall",
    "show_predictions",
    "show_sample",
    "show_sweep",
    "show_training",
]

BLUE, ORANGE, GREEN, VERMILION, PURPLE, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#707070",
)
# On a darkened photograph: light blue, orange and white differ in lightness as well as in hue.
HIT, FALSE_ALARM, MISSED = "#56B4E9", "#E69F00", "#FFFFFF"


class _NotebookFigure(Figure):
    """A figure that IPython can show although pyplot does not know it."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def _figure(width: float, height: float) -> Figure:
    figure = _NotebookFigure(figsize=(width, height), dpi=100)
    figure.set_layout_engine("constrained", h_pad=0.07, w_pad=0.05)
    return figure


def _panels(rows: int, columns: int, aspect: float, side: float) -> tuple[Figure, NDArray[Any]]:
    figure = _figure(columns * side, rows * (side * aspect + 0.3))
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_color("#C0C0C0")  # a mask ends where the page does not
    return figure, axes


def _picture(axis: Axes, pixels: NDArray[Any], title: str, **options: Any) -> Any:
    axis.set_title(title, fontsize=10)
    return axis.imshow(pixels, interpolation="auto", **options)


def _ink(axis: Axes, values: NDArray[Any], title: str, **options: Any) -> Any:
    return _picture(axis, values, title, cmap="gray_r", vmin=0, vmax=1, **options)


def _widened(values: NDArray[Any]) -> NDArray[Any]:
    """Widen lines of one pixel to three: reduced to a panel's size, they would fade to grey."""
    from scipy import ndimage  # here, because it takes a moment to import

    widened: NDArray[Any] = ndimage.maximum_filter(values, size=3)
    return widened


def _rgb(colour: str) -> NDArray[np.float64]:
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def _darkened(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey = image.mean(axis=-1, keepdims=True) / 255
    return np.repeat(0.1 + 0.45 * grey, 3, axis=-1)


def _same_size(name: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected:
        raise ValueError(f"{name}: expected shape {expected} as the image has, found {found}")


def show_sample(image: ArrayLike, boundaries: ArrayLike, mask: ArrayLike | None = None) -> Figure:
    """Show an image, how many of its annotators saw a boundary where, and the training mask.

    Parameters
    ----------
    image
        uint8, shape (H, W, 3).
    boundaries
        One map per annotator, bool (or 0 and 1), shape (A, H, W).
    mask
        Binary, shape (S, S) or (S, S, 1): any size, as a mask protocol made it.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels, or three with a mask.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    """
    pixels, maps = as_image("image", image), as_boundaries("boundaries", boundaries)
    _same_size("boundaries", maps.shape[1:], pixels.shape[:2])
    marked = None if mask is None else as_binary("mask", mask)
    if marked is not None and marked.ndim != 2:
        raise ValueError(f"mask: expected shape (S, S), found {marked.shape}")

    aspect = pixels.shape[0] / pixels.shape[1]
    figure, axes = _panels(1, 2 if marked is None else 3, aspect, 3.4)
    _picture(axes[0, 0], pixels, f"image, {pixels.shape[1]}×{pixels.shape[0]}")
    _ink(axes[0, 1], _widened(agreement(maps)), f"agreement of {len(maps)} annotators")
    if marked is not None:
        title = f"mask {marked.shape[1]}×{marked.shape[0]}, {marked.mean():.1%} boundary"
        _ink(axes[0, 2], marked, title, aspect="auto")
        axes[0, 2].set_box_aspect(aspect)
    return figure


def show_annotators(image: ArrayLike, boundaries: ArrayLike) -> Figure:
    """Show each annotator's boundaries beside the image and where they agree.

    Parameters
    ----------
    image
        uint8, shape (H, W, 3).
    boundaries
        One map per annotator, bool (or 0 and 1), shape (A, H, W).

    Returns
    -------
    matplotlib.figure.Figure
        The image, A panels with the share of pixels marked, and the agreement. Lines are drawn
        three pixels wide; the shares are of the maps as they are.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    """
    pixels, maps = as_image("image", image), as_boundaries("boundaries", boundaries)
    _same_size("boundaries", maps.shape[1:], pixels.shape[:2])
    count = len(maps) + 2
    columns = min(count, 4)
    figure, axes = _panels(-(-count // columns), columns, pixels.shape[0] / pixels.shape[1], 2.8)
    flat = list(axes.flat)
    _picture(flat[0], pixels, "image")
    for number, (axis, marked) in enumerate(zip(flat[1:], maps, strict=False), start=1):
        _ink(axis, _widened(marked), f"annotator {number}: {marked.mean():.1%}")
    # Masked, what nobody marked stays white.
    shares = np.ma.masked_equal(_widened(agreement(maps)), 0)
    shown = _picture(flat[count - 1], shares, "agreement", cmap="magma_r", vmin=0, vmax=1)
    for axis in flat[count:]:
        axis.set_axis_off()
    bar = figure.colorbar(shown, ax=flat[count - 1], shrink=0.8, ticks=[0, 0.5, 1])
    bar.ax.tick_params(labelsize=8)
    return figure


def show_predictions(
    images: ArrayLike,
    masks: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    ids: Sequence[str] | None = None,
) -> Figure:
    """Show what a model found, image by image: hits, false alarms and what it missed.

    Parameters
    ----------
    images
        uint8, shape (N, H, W, 3).
    masks
        Binary, shape (N, H, W, 1) or (N, H, W).
    probabilities
        Floats in [0, 1], shape (N, H, W, 1) or (N, H, W).
    threshold
        Probability from which a pixel is boundary.
    ids
        N names; by default numbers.

    Returns
    -------
    matplotlib.figure.Figure
        A row per image: image, mask, probability, overlay with the image's own IoU.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    """
    pixels = as_images("images", images)
    count = len(pixels)
    truths = as_binary("masks", masks).reshape(np.shape(masks)[:3])
    values = as_probability("probabilities", probabilities).reshape(np.shape(probabilities)[:3])
    _same_size("masks", truths.shape, pixels.shape[:3])
    _same_size("probabilities", values.shape, pixels.shape[:3])
    names = [str(number) for number in range(count)] if ids is None else list(ids)
    if len(names) != count:
        raise ValueError(f"ids: expected {count}, one per image, found {len(names)}")

    figure, axes = _panels(count, 4, pixels.shape[1] / pixels.shape[2], 2.8)
    for row, image, truth, value, name in zip(axes, pixels, truths, values, names, strict=True):
        predicted = value >= float(threshold)
        _picture(row[0], image, name)
        _ink(row[1], truth, f"mask, {truth.mean():.1%} boundary")
        _ink(row[2], value, "probability")
        overlay = _darkened(image)
        overlay[truth & predicted] = _rgb(HIT)
        overlay[~truth & predicted] = _rgb(FALSE_ALARM)
        overlay[truth & ~predicted] = _rgb(MISSED)
        _picture(row[3], overlay, f"≥ {threshold:.2f}: IoU {foreground_iou(truth, predicted):.3f}")
    legend = [
        Patch(facecolor=colour, edgecolor=GREY, label=label)
        for colour, label in ((HIT, "hit"), (FALSE_ALARM, "false alarm"), (MISSED, "missed"))
    ]
    figure.legend(handles=legend, loc="outside lower right", ncols=3, frameon=False, fontsize=10)
    return figure


def show_sweep(
    sweep: Sweep, baselines: Mapping[str, float] | None = None, chosen: float | None = None
) -> Figure:
    """Show IoU against threshold, with the chosen point and the answers that need no training.

    Parameters
    ----------
    sweep
        What :func:`bsds_utils.threshold_sweep` gave.
    baselines
        IoU by name (:func:`bsds_utils.baselines`), drawn as horizontal lines.
    chosen
        The threshold to mark, one of the sweep's; by default its best.

    Returns
    -------
    matplotlib.figure.Figure
        One diagram.

    Raises
    ------
    ValueError
        If ``chosen`` is not among the thresholds.
    """
    threshold = sweep.best_threshold if chosen is None else float(chosen)
    iou = sweep.iou_at(threshold)
    figure = _figure(7, 4)
    axis = figure.subplots()
    axis.plot(sweep.thresholds, sweep.mean_iou, color=GREY, ls="--", label="2-class mean IoU")
    axis.plot(sweep.thresholds, sweep.iou, color=BLUE, lw=2, label="foreground IoU")
    axis.plot(
        threshold,
        iou,
        "o",
        color=VERMILION,
        ms=9,
        label=f"threshold {threshold:.2f}: IoU {iou:.3f}",
        zorder=3,
    )
    looks = cycle(((GREEN, ":"), (PURPLE, "-."), (ORANGE, (0, (6, 2)))))
    for (colour, style), (name, value) in zip(looks, (baselines or {}).items(), strict=False):
        axis.axhline(value, color=colour, ls=style, lw=1.5, label=f"{name}: {value:.3f}")
    axis.set(xlabel="threshold", ylabel="IoU", ylim=(0, None))
    axis.margins(x=0.01)
    _tidy(axis)
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    return figure


def show_precision_recall(methods: Mapping[str, Scores], people: Point | None = None) -> Figure:
    """Show methods' precision–recall curves as the field does, over lines of equal F.

    Parameters
    ----------
    methods
        Results by name (`bsds_utils.benchmark.evaluate`). In the legend the best ODS comes first,
        after people; a dot marks where it is reached.
    people
        Where people are (`bsds_utils.benchmark.HUMAN` for the test images of BSDS500).

    Returns
    -------
    matplotlib.figure.Figure
        One diagram.

    Raises
    ------
    ValueError
        If there is no method.
    """
    if not methods:
        raise ValueError("methods: expected at least one, found none")
    figure = _figure(6.4, 6.4)
    axis = figure.subplots()
    for f in np.arange(1, 10) / 10:
        # P = F·R / (2·R - F), from where P is 1 to where R is.
        recall = np.linspace(f / (2 - f), 1, 200)
        axis.plot(recall, f * recall / (2 * recall - f), color="#C9DCCF", lw=0.8, zorder=1)
        axis.annotate(f"{f:.1f}", (1, f / (2 - f)), (3, 0), textcoords="offset points",
                      va="center", fontsize=8, color=GREEN)  # fmt: skip
    if people is not None:
        axis.plot(
            people.recall,
            people.precision,
            "o",
            color=GREEN,
            ms=9,
            label=f"F = {people.f:.3f}  people",
            zorder=4,
        )
    looks = cycle(
        (colour, style)
        for style in ("-", "--", "-.", ":")
        for colour in (BLUE, VERMILION, PURPLE, ORANGE, GREY)
    )
    ranked = sorted(methods.items(), key=lambda item: -item[1].ods.f)
    for (name, scores), (colour, style) in zip(ranked, looks, strict=False):
        # Where nothing is predicted there is no precision to show.
        shown = (scores.recall > 0) | (scores.precision > 0)
        axis.plot(
            scores.recall[shown],
            scores.precision[shown],
            color=colour,
            ls=style,
            lw=2,
            # Nothing in a name is a formula.
            label=f"F = {scores.ods.f:.3f}  {name}".replace("$", r"\$"),
            zorder=3,
        )
        axis.plot(scores.ods.recall, scores.ods.precision, "o", color=colour, ms=6, zorder=3)
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    axis.set_xticks(np.arange(11) / 10)
    axis.set_yticks(np.arange(11) / 10)
    _tidy(axis)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def _tidy(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="#E0E0E0", lw=0.6)
    axis.set_axisbelow(True)


def show_training(history: Any) -> Figure:
    """Show loss and metrics by epoch, on the training data and on val.

    Parameters
    ----------
    history
        What ``fit`` returned, or its ``history`` dictionary; or a sequence of them, one per
        phase, which are drawn one after the other with a line between.

    Returns
    -------
    matplotlib.figure.Figure
        One diagram per quantity.

    Raises
    ------
    ValueError
        If there is no epoch to show.
    """
    phases = history if isinstance(history, list | tuple) else [history]
    logs: list[Mapping[str, Sequence[float]]] = [
        one if isinstance(one, Mapping) else one.history for one in phases
    ]
    lengths = [max((len(values) for values in one.values()), default=0) for one in logs]
    if not sum(lengths):
        raise ValueError("history: expected at least one epoch, found none")
    names = list(dict.fromkeys(key.removeprefix("val_") for one in logs for key in one))
    figure = _figure(4.5 * min(len(names), 3), 3.2 * -(-len(names) // 3))
    panels = figure.subplots(-(-len(names) // 3), min(len(names), 3), squeeze=False)
    for axis in panels.flat[len(names) :]:
        axis.set_axis_off()
    starts = np.cumsum([0, *lengths[:-1]])
    for axis, name in zip(panels.flat, names, strict=False):
        for key, label, look in (
            (name, "training", {"color": BLUE, "ls": "-"}),
            (f"val_{name}", "val", {"color": VERMILION, "ls": "--"}),
        ):
            # NaN between phases interrupts the line where a phase did not measure this.
            values = np.full(sum(lengths), np.nan)
            for start, one in zip(starts, logs, strict=True):
                measured = one.get(key, ())
                values[start : start + len(measured)] = measured
            if not np.isnan(values).all():
                epochs = np.arange(1, len(values) + 1)
                axis.plot(epochs, values, label=label, marker=".", lw=1.8, **look)
        for start in starts[1:]:
            axis.axvline(start + 0.5, color=GREY, lw=1)
        axis.set(
            title=name.replace("_", " "), xlabel="epoch", xlim=(0.5, max(sum(lengths), 2) + 0.5)
        )
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        _tidy(axis)
        axis.legend(frameon=False, fontsize=9)
    return figure

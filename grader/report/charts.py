"""Figures of the report page as geometry: the page's template draws them as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Bar", "Histogram", "Mark", "curve_points", "histogram"]

_BINS = 20
_WIDTH, _HEIGHT = 640.0, 150.0
_LABEL_ROW = 15.0
_LABEL_LETTER = 6.6


@dataclass(frozen=True)
class Bar:
    """A bar: its place in the drawing, its number and what it counts."""

    x: float
    y: float
    width: float
    height: float
    count: int
    title: str


@dataclass(frozen=True)
class Mark:
    """A labelled vertical line; its label stands in one of several rows."""

    x: float
    label: str
    row: int
    anchor: str
    kind: str


@dataclass(frozen=True)
class Histogram:
    """Bars and marks in a drawing of `width` × `height`, and its text alternative."""

    width: float
    height: float
    rows: int
    bars: Sequence[Bar]
    marks: Sequence[Mark]
    ticks: Sequence[tuple[float, str]]
    text: str


def histogram(
    values: Sequence[float],
    maximum: float,
    marks: Mapping[str, tuple[float, str]],
    ticks: Sequence[float],
) -> Histogram:
    """Lay out a histogram from 0 to `maximum`.

    Parameters
    ----------
    values
        At least one number; those outside count at the ends.
    maximum
        Right end of the axis, above 0.
    marks
        Value and kind (for its colour) of vertical lines, by label.
    ticks
        Values to write below the axis.

    Returns
    -------
    Histogram
        For the template.
    """
    step = maximum / _BINS
    counts = [0] * _BINS
    for value in values:
        counts[max(0, min(_BINS - 1, int(value / step)))] += 1
    tallest = max(counts)
    wide = _WIDTH / _BINS
    bars = [
        Bar(
            x=round(number * wide + 1, 1),
            y=round(_HEIGHT * (1 - count / tallest), 1),
            width=round(wide - 2, 1),
            height=round(_HEIGHT * count / tallest, 1),
            count=count,
            title=f"{number * step:.3g} to {(number + 1) * step:.3g}: {count}",
        )
        for number, count in enumerate(counts)
        if count
    ]
    placed = _placed(marks, maximum)
    return Histogram(
        width=_WIDTH,
        height=_HEIGHT,
        rows=1 + max((mark.row for mark in placed), default=-1),
        bars=bars,
        marks=placed,
        ticks=[(round(_WIDTH * tick / maximum, 1), f"{tick:g}") for tick in ticks],
        text="; ".join([*(bar.title for bar in bars), *marks]),
    )


def _placed(marks: Mapping[str, tuple[float, str]], maximum: float) -> list[Mark]:
    """Put labels that would touch into different rows."""
    ends: list[float] = []
    placed = []
    for label, (value, kind) in sorted(marks.items(), key=lambda item: item[1][0]):
        x = round(_WIDTH * min(1.0, max(0.0, value / maximum)), 1)
        length = _LABEL_LETTER * len(label)
        left = x + length > _WIDTH
        start, end = (x - length, x) if left else (x, x + length)
        row = next((i for i, taken in enumerate(ends) if taken < start), len(ends))
        ends[row:] = [end, *ends[row + 1 :]]
        placed.append(Mark(x, label, row, "end" if left else "start", kind))
    return placed


def curve_points(
    thresholds: Sequence[float], values: Sequence[float], width: float, height: float
) -> str:
    """Return the points of an SVG polyline for a curve in the unit square."""
    return " ".join(
        f"{width * x:.1f},{height * (1 - y):.1f}" for x, y in zip(thresholds, values, strict=True)
    )

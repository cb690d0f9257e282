"""The class as a text table, at the end of ``bsds grade``."""

import shutil
import statistics
import unicodedata
from collections.abc import Collection, Sequence
from itertools import zip_longest

from grader.classroom.run import Graded

__all__ = ["FORGEABLE", "table"]

FORGEABLE = (
    "points come from the notebook's own tests, which ran beside the students' code: they can be "
    "forged"
)
_COLUMNS = ("student", "score", "preview", "seconds", "not full", "flags")
_NUMBERS = {1, 2, 3}
_NAME_WIDTH = 24
_LEAST_NOTE = 12
_SEPARATOR = "  "
_FALLBACK = (100, 24)


def table(
    graded: Sequence[Graded], suspicious: Collection[str] = (), width: int | None = None
) -> str:
    """Lay out the class with a summary below it.

    Parameters
    ----------
    graded
        At least one submission; they keep their order.
    suspicious
        Students on whom the report page has evidence.
    width
        Columns of the terminal; by default those of the real one.

    Returns
    -------
    str
        Lines without an end of the last. No line of the table is wider than `width`, as far as
        the fixed columns allow.
    """
    columns = width or shutil.get_terminal_size(_FALLBACK).columns
    rows = [_headings(graded), *(_row(one, one.student in suspicious) for one in graded)]
    widths = [max(_cells(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    note = _COLUMNS.index("not full")
    others = sum(widths) - widths[note] + len(_SEPARATOR) * (len(widths) - 1)
    widths[note] = min(widths[note], max(_LEAST_NOTE, columns - others))
    lines = [_line(row, widths) for row in rows]
    rule = "-" * min(columns, max(_cells(line) for line in lines))
    return "\n".join([lines[0], rule, *lines[1:], rule, *_summary(graded, columns)])


def _headings(graded: Sequence[Graded]) -> tuple[str, ...]:
    """Name the preview's column after its number."""
    names = (one.result.preview.name for one in graded if one.result.preview is not None)
    name = next(names, "")
    return tuple(name if heading == "preview" else heading for heading in _COLUMNS)


def _row(one: Graded, suspicious: bool) -> tuple[str, ...]:
    result = one.result
    seconds = sum(result.seconds.values()) or one.seconds
    return (
        _shortened(_printable(one.student), _NAME_WIDTH),
        f"{result.score:.2f}/{result.max_score:g}",
        "-" if result.preview is None else f"{result.preview.number:.3f}",
        f"{seconds:.0f}",
        _printable(_missed(one)),
        "look" if suspicious else "",
    )


def _missed(one: Graded) -> str:
    result = one.result
    if not one.recordable:
        return f"not recorded: {result.problem}"
    if result.status != "graded":
        return f"{result.status.replace('_', ' ')}: {result.problem}"
    missed = result.missed
    return "all checks" if len(missed) == len(result.verdicts) else ", ".join(missed) or "-"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = []
    for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
        text = _shortened(cell, width)
        space = " " * (width - _cells(text))
        cells.append(space + text if number in _NUMBERS else text + space)
    return _SEPARATOR.join(cells).rstrip()


def _summary(graded: Sequence[Graded], columns: int) -> list[str]:
    scores = [one.result.score for one in graded]
    maximum = graded[0].result.max_score
    ended = [one for one in graded if one.result.status != "graded"]
    lines = [
        f"{len(graded)} submissions, {len(ended)} of them not run or rejected",
        f"mean {statistics.fmean(scores):.2f}, median {statistics.median(scores):.2f} of "
        f"{maximum:g} points",
        "full credit by check:",
    ]
    names = list(graded[0].result.verdicts)
    rates = []
    for name in names:
        verdicts = [one.result.verdicts[name] for one in graded]
        full = sum(verdict.points >= verdict.max_points for verdict in verdicts)
        rates.append(f"{name} {full}/{len(graded)}")
    return lines + _in_columns(rates, columns)


def _in_columns(items: Sequence[str], columns: int) -> list[str]:
    width = max(len(item) for item in items) + len(_SEPARATOR)
    count = max(1, (columns - len(_SEPARATOR)) // width)
    rows = zip_longest(*[iter(items)] * count, fillvalue="")
    return [(_SEPARATOR + "".join(f"{item:<{width}}" for item in row)).rstrip() for row in rows]


def _printable(text: str) -> str:
    """Replace line breaks, terminal escapes and marks that turn the direction of text."""
    return "".join(character if character.isprintable() else "�" for character in text)


def _shortened(text: str, width: int) -> str:
    if _cells(text) <= width:
        return text
    kept = ""
    for character in text:
        if _cells(kept + character) > width - 1:
            break
        kept += character
    return f"{kept}…"


def _cells(text: str) -> int:
    """Columns that a terminal gives to a text: East Asian letters take two, accents none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )

"""Grades as CSV files: one with everything, one for Canvas, one for Moodle.

All hold the points of the automatic checks alone. The gradebook adds the points that people give
and penalties for late work; ``nbgrader export`` writes those totals.

The files for Canvas and Moodle hold one row for each submission that is in the gradebook: one
that could not be run to its end has 0 points there. One that could not be read, or on which the
grader itself failed, has no grade yet and no row, so that an import leaves what the instructor
entered for that student as it is; the plain file lists everybody.

All are UTF-8 without a byte order mark, which Canvas does not expect and Moodle does not need.
"""

import csv
import html
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from grader.assignment import Assignment
from grader.classroom.run import Graded
from grader.folders import Workplace

__all__ = ["write_canvas", "write_csv", "write_moodle"]

# A cell that starts like this is a formula to a spreadsheet.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Logins and addresses. A spreadsheet can make nothing worse than a number of one.
_LOGIN = re.compile(r"[\w.@+-]+")


def write_csv(assignment: Assignment, graded: Sequence[Graded], workplace: Workplace) -> Path:
    """Write one row a student: status, score and the points of every check.

    Returns
    -------
    pathlib.Path
        The file, UTF-8.
    """
    checks = list(assignment.points())
    rows: list[list[Any]] = [
        ["student", "assignment", "status", "score", "max_score", *checks, "problem"]
    ]
    for one in graded:
        result = one.result
        points = [result.verdicts[name].points for name in checks]
        rows.append(
            [
                _harmless(one.student), assignment.name, result.status, result.score,
                result.max_score, *points, _harmless(result.problem or ""),
            ]
        )  # fmt: skip
    return _write(workplace, f"{assignment.name}.csv", rows)


def write_canvas(assignment: Assignment, graded: Sequence[Graded], workplace: Workplace) -> Path:
    """Write grades in the form of Canvas's own gradebook export, ready for its *Import*.

    Canvas finds a student by "SIS Login ID", which is the name of the student's folder. The
    column names an assignment of its own, with its points possible, so that an import never
    changes another one; Canvas offers to make it when it is new.

    Returns
    -------
    pathlib.Path
        The file, UTF-8.
    """
    title = f"{assignment.name} (automatic)"
    rows: list[list[Any]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title],
        # Canvas's export indents it; an import looks for the words.
        ["    Points Possible", "", "", "", "", sum(assignment.points().values())],
    ]
    for one in _in_gradebook(graded):
        login = _identifier(one.student)
        rows.append([_harmless(one.student), "", "", login, "", one.result.score])
    return _write(workplace, f"{assignment.name}-canvas.csv", rows)


def write_moodle(assignment: Assignment, graded: Sequence[Graded], workplace: Workplace) -> Path:
    """Write grades for Moodle's *Import > CSV file*: username, grade, feedback.

    On import, map "username" to the user field that the students' folders are named after
    (username, email address or ID number), and the others to a grade item and its feedback;
    Moodle replaces the two together. Moodle stops at a username that it does not know.

    Returns
    -------
    pathlib.Path
        The file, UTF-8.
    """
    title = f"{assignment.name} (automatic)"
    rows: list[list[Any]] = [["username", title, f"{title} feedback"]]
    rows += [
        [_identifier(one.student), one.result.score, _harmless(_feedback(one))]
        for one in _in_gradebook(graded)
    ]
    return _write(workplace, f"{assignment.name}-moodle.csv", rows)


def _in_gradebook(graded: Iterable[Graded]) -> list[Graded]:
    return [one for one in graded if one.recordable and one.result.status != "rejected"]


def _feedback(one: Graded) -> str:
    """Say what earned which points; Moodle shows it as HTML, so markup in it is disarmed."""
    result = one.result
    text = result.problem or "; ".join(
        f"{name}: {verdict.points:g} of {verdict.max_points:g} ({verdict.message})"
        for name, verdict in result.verdicts.items()
    )
    return html.escape(" ".join(text.split()), quote=False)


def _identifier(student: str) -> str:
    """Keep what can be a login, or the system that imports it would not know it again."""
    return student if _LOGIN.fullmatch(student) else _harmless(student)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _write(workplace: Workplace, name: str, rows: Iterable[Sequence[Any]]) -> Path:
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    workplace.reports.mkdir(parents=True, exist_ok=True)
    path = workplace.reports / name
    path.write_text(stream.getvalue(), encoding="utf-8", newline="")
    return path

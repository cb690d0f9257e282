"""What an instructor looks at after grading: one HTML page and a CSV file."""

import csv
import io
import statistics
from collections.abc import Sequence
from pathlib import Path

import jinja2

from grader.course import Assignment
from grader.run import Graded
from grader.workplace import Workplace

__all__ = ["write_csv", "write_html"]

# A cell that starts like this is a formula to a spreadsheet.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(assignment: Assignment, graded: Sequence[Graded], workplace: Workplace) -> Path:
    """Write one row a student: status, score and the points of every check.

    Returns
    -------
    pathlib.Path
        The file, UTF-8.
    """
    checks = list(assignment.points())
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["student", "assignment", "status", "score", "max_score", *checks, "problem"])
    for one in graded:
        result = one.result
        points = [result.verdicts[name].points for name in checks]
        writer.writerow(
            [
                _harmless(one.student), assignment.name, result.status, result.score,
                result.max_score, *points, _harmless(result.problem or ""),
            ]
        )  # fmt: skip
    return _write(workplace, f"{assignment.name}.csv", stream.getvalue())


def write_html(assignment: Assignment, graded: Sequence[Graded], workplace: Workplace) -> Path:
    """Write a self-contained report: distribution, checks' pass rates, and every verdict.

    Returns
    -------
    pathlib.Path
        The file.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scores = [one.result.score for one in graded]
    page = environment.get_template("report.html").render(
        assignment=assignment.name,
        graded=sorted(graded, key=lambda one: (one.result.status == "graded", one.student)),
        checks=_pass_rates(assignment, graded),
        maximum=sum(assignment.points().values()),
        mean=statistics.fmean(scores),
        median=statistics.median(scores),
    )
    return _write(workplace, f"{assignment.name}.html", page)


def _pass_rates(assignment: Assignment, graded: Sequence[Graded]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, maximum in assignment.points().items():
        points = [one.result.verdicts[name].points for one in graded]
        rows.append(
            {
                "name": name,
                "maximum": maximum,
                "full": sum(value >= maximum for value in points),
                "mean": statistics.fmean(points),
            }
        )
    return rows


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _write(workplace: Workplace, name: str, text: str) -> Path:
    workplace.reports.mkdir(parents=True, exist_ok=True)
    path = workplace.reports / name
    path.write_text(text, encoding="utf-8")
    return path

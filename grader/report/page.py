"""The page that an instructor looks at after grading."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from grader.assignment import Assignment
from grader.checking.preview import Preview
from grader.classroom.run import Graded
from grader.folders import Workplace
from grader.report.charts import Histogram, curve_points, histogram
from grader.report.table import FORGEABLE
from grader.suspicion import Finding, Pair, Suspicion, investigate
from grader.suspicion.similarity import SIMILAR

__all__ = ["write_html"]

_SLOWEST = 10
_MOST_PAIRS = 100
_MOST_CARDS = 12
_MOST_MATES = 3
_CURVE = (220, 110)


@dataclass(frozen=True)
class _Entry:
    """A student as the page shows them; `anchor` names their place on it."""

    anchor: str
    one: Graded
    seconds: float
    signs: Sequence[Finding]
    notes: Sequence[Finding]
    mates: Sequence[tuple[str, float]]
    curve: str

    @property
    def suspicious(self) -> bool:
        return bool(self.signs or self.mates)


@dataclass(frozen=True)
class _PassRate:
    """How the class did on one check."""

    name: str
    maximum: float
    full: int
    part: int
    mean: float


def write_html(
    assignment: Assignment,
    graded: Sequence[Graded],
    workplace: Workplace,
    suspicion: Suspicion | None = None,
) -> Path:
    """Write a self-contained report.

    It shows suspicious submissions with the evidence, distributions of scores and of what previews
    say, how each check went, slow and stopped submissions, and every verdict. It loads nothing,
    runs nothing, and holds thumbnails of hidden inputs: it is for the instructor alone.

    Parameters
    ----------
    assignment, graded, workplace
        What was graded, at least one submission, and where to write.
    suspicion
        What :func:`grader.suspicion.investigate` found; by default it is called here.

    Returns
    -------
    pathlib.Path
        The file.
    """
    found = investigate(assignment, graded, workplace) if suspicion is None else suspicion
    entries = _entries(graded, found)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    maximum = sum(assignment.points().values())
    scores = [one.result.score for one in graded]
    by_name = {entry.one.student: entry for entry in entries}
    previews = _previews(graded)
    page = environment.get_template("report.html").render(
        assignment=assignment.name,
        forgeable="" if assignment.trusted else FORGEABLE,
        maximum=maximum,
        mean=statistics.fmean(scores),
        median=statistics.median(scores),
        entries=entries,
        by_name=by_name,
        suspicious=[by_name[student] for student in found.suspicious if student in by_name],
        shown=_MOST_CARDS,
        pairs=found.pairs[:_MOST_PAIRS],
        more_pairs=max(0, len(found.pairs) - _MOST_PAIRS),
        similar=SIMILAR,
        scores=_score_chart(scores, maximum),
        numbers=_number_chart(previews),
        preview_label=previews[0].label if previews else "",
        checks=_pass_rates(assignment, graded),
        stopped=[entry for entry in entries if entry.one.result.status != "graded"],
        slowest=sorted(entries, key=lambda entry: -entry.seconds)[:_SLOWEST],
        curve_size=_CURVE,
    )
    workplace.reports.mkdir(parents=True, exist_ok=True)
    path = workplace.reports / f"{assignment.name}.html"
    path.write_text(page, encoding="utf-8")
    return path


def _entries(graded: Sequence[Graded], found: Suspicion) -> list[_Entry]:
    """Return the class, those whom the instructor should look at first."""
    entries = []
    for number, one in enumerate(graded, start=1):
        findings = found.findings.get(one.student, ())
        preview = one.result.preview
        entries.append(
            _Entry(
                anchor=f"s{number}",
                one=one,
                seconds=sum(one.result.seconds.values()) or one.seconds,
                signs=[finding for finding in findings if finding.weight == "sign"],
                notes=[finding for finding in findings if finding.weight == "note"],
                mates=_mates(one.student, found.pairs),
                curve=_curve(preview),
            )
        )

    def rank(entry: _Entry) -> tuple[bool, bool, str]:
        graded_fully = entry.one.result.status == "graded"
        return not entry.suspicious, graded_fully, entry.one.student

    return sorted(entries, key=rank)


def _curve(preview: Preview | None) -> str:
    if preview is None:
        return ""
    return curve_points(preview.places, preview.curve, *_CURVE)


def _mates(student: str, pairs: Sequence[Pair]) -> list[tuple[str, float]]:
    """Return whom a student's submission is like, most alike first."""
    mates = [
        (pair.second if student == pair.first else pair.first, pair.similarity)
        for pair in pairs
        if student in (pair.first, pair.second)
    ]
    return mates[:_MOST_MATES]


def _score_chart(scores: Sequence[float], maximum: float) -> Histogram:
    marks = {
        f"mean {statistics.fmean(scores):.1f}": (statistics.fmean(scores), "own"),
        f"median {statistics.median(scores):.1f}": (statistics.median(scores), "own"),
    }
    quarters = [round(maximum * part / 4, 2) for part in range(5)]
    return histogram(scores, maximum, marks, quarters)


def _previews(graded: Sequence[Graded]) -> list[Preview]:
    return [one.result.preview for one in graded if one.result.preview is not None]


def _number_chart(previews: Sequence[Preview]) -> Histogram | None:
    if not previews:
        return None
    # Hidden inputs and target are the same for the whole class.
    first = previews[0]
    marks = {f"{name} {value:.3f}": (value, "baseline") for name, value in first.marks.items()}
    marks[f"full credit {first.target:.3f}"] = (first.target, "target")
    return histogram(
        [preview.number for preview in previews], 1.0, marks, [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    )


def _pass_rates(assignment: Assignment, graded: Sequence[Graded]) -> list[_PassRate]:
    rows = []
    for name, maximum in assignment.points().items():
        points = [one.result.verdicts[name].points for one in graded]
        rows.append(
            _PassRate(
                name=name,
                maximum=maximum,
                full=sum(value >= maximum for value in points),
                part=sum(0 < value < maximum for value in points),
                mean=statistics.fmean(points),
            )
        )
    return rows

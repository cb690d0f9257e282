"""The result of grading one submission."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import nbformat

from grader.checking.preview import Preview
from grader.checking.verdict import Verdict

__all__ = ["Result", "Status", "no_points", "rejected"]

Status = Literal["graded", "not_run", "rejected"]


@dataclass(frozen=True)
class Result:
    """Outcome of one submission.

    Attributes
    ----------
    status
        ``"graded"``; ``"not_run"``: it could not be run to its end; ``"rejected"``: it could not
        be read.
    verdicts
        By grade id, in notebook order.
    problem
        Reason of a status other than graded, for the student.
    notebook
        The executed notebook, None if rejected.
    seconds
        By the clock ``notebook`` (in its sandbox) and ``checks``; ``notebook_cpu``: processor time
        of the sandbox.
    preview
        What there is to show of the submission.
    remark
        What a graded submission ran into, for student and instructor.
    """

    status: Status
    verdicts: Mapping[str, Verdict]
    problem: str | None = None
    notebook: nbformat.NotebookNode | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    preview: Preview | None = None
    remark: str | None = None

    @property
    def score(self) -> float:
        """Points of the automatic checks."""
        return round(sum(verdict.points for verdict in self.verdicts.values()), 2)

    @property
    def missed(self) -> list[str]:
        """Grade ids of the checks that did not get all their points."""
        return [v.grade_id for v in self.verdicts.values() if v.points < v.max_points]

    @property
    def max_score(self) -> float:
        """Possible points of the automatic checks."""
        return sum(verdict.max_points for verdict in self.verdicts.values())


def rejected(points: Mapping[str, float], problem: str) -> Result:
    """Make the result of a submission that cannot be read: no points, one reason."""
    return Result("rejected", no_points(points, problem), problem)


def no_points(points: Mapping[str, float], message: str) -> dict[str, Verdict]:
    """Give every check the same failing verdict."""
    return {name: Verdict(name, 0.0, maximum, message) for name, maximum in points.items()}

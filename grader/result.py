"""The result of grading one submission, and how it is stored."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import nbformat

from grader.scoring.verdict import Verdict

__all__ = ["Result", "Status", "rejected"]

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
        Wall-clock seconds: ``notebook`` (in the student's kernel), ``checks``.
    """

    status: Status
    verdicts: Mapping[str, Verdict]
    problem: str | None = None
    notebook: nbformat.NotebookNode | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """Points of the automatic checks."""
        return round(sum(verdict.points for verdict in self.verdicts.values()), 2)

    @property
    def max_score(self) -> float:
        """Possible points of the automatic checks."""
        return sum(verdict.max_points for verdict in self.verdicts.values())

    def to_json(self) -> str:
        """Serialise, notebook included."""
        value = {
            "status": self.status,
            "verdicts": [asdict(verdict) for verdict in self.verdicts.values()],
            "problem": self.problem,
            "notebook": self.notebook,
            "seconds": dict(self.seconds),
        }
        return json.dumps(value, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Result":
        """Read what :meth:`to_json` wrote."""
        value: dict[str, Any] = json.loads(text)
        verdicts = [Verdict(**verdict) for verdict in value["verdicts"]]
        notebook = value["notebook"]
        return cls(
            status=value["status"],
            verdicts={verdict.grade_id: verdict for verdict in verdicts},
            problem=value["problem"],
            notebook=None if notebook is None else nbformat.from_dict(notebook),
            seconds=value["seconds"],
        )


def rejected(points: Mapping[str, float], problem: str) -> Result:
    """Make the result of a submission that cannot be read: no points, one reason."""
    return Result("rejected", no_points(points, problem), problem)


def no_points(points: Mapping[str, float], message: str) -> dict[str, Verdict]:
    """Give every check the same failing verdict."""
    return {name: Verdict(name, 0.0, maximum, message) for name, maximum in points.items()}

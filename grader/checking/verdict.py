"""What a hidden check says about a submission."""

from dataclasses import dataclass
from typing import Literal, NoReturn

__all__ = ["BROKEN", "CheckFailed", "Credit", "Kind", "Verdict", "fail", "require"]

Kind = Literal["refused", "wrong", "missing"]

BROKEN = "this check could not be completed; your instructor has been told why"
"""What a student reads where a check itself failed."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of one graded cell.

    Attributes
    ----------
    grade_id
        Of the graded cell, which is also the hidden test's name.
    points, max_points
        Given and possible, 0 ≤ points ≤ max_points.
    message
        For the student: contains no hidden input, label or code.
    internal
        For the instructor only: set when the check itself broke.
    kind
        Why points are missing, if any are: what was to be looked at was ``"refused"`` as unsafe,
        is ``"wrong"``, or is ``"missing"``.
    """

    grade_id: str
    points: float
    max_points: float
    message: str
    internal: str | None = None
    kind: Kind = "wrong"


class CheckFailed(Exception):
    """A hidden check that is not met; the message is for the student."""


def fail(message: str) -> NoReturn:
    """End a hidden check with no points.

    Raises
    ------
    CheckFailed
        Always.
    """
    raise CheckFailed(message)


def require(condition: object, message: str) -> None:
    """Fail the check unless `condition` holds.

    Hidden tests use this in place of ``assert``, whose messages pytest enriches with values that
    students must not see.
    """
    if not condition:
        fail(message)


class Credit:
    """Collects what a passing check has to say and how much of the points it earned."""

    def __init__(self) -> None:
        self.fraction = 1.0
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        """Add a sentence to the student's message."""
        self.notes.append(message)

    def partial(self, fraction: float, message: str) -> None:
        """Give a share of the points, 0–1, with the reason."""
        self.fraction = min(1.0, max(0.0, float(fraction)))
        self.notes.append(message)

"""What there is to show of a submission, to the student and to the instructor."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from grader.assignment import load
from grader.checking.artifacts import ArtifactError
from grader.checking.submission import Submission
from grader.checking.verdict import CheckFailed
from grader.sandbox.probe import ProbeError

__all__ = ["Preview", "make_preview"]


@dataclass(frozen=True)
class Preview:
    """One number that a submission reached, a curve that it lies on, and small pictures.

    Attributes
    ----------
    name, label
        What the number is, in one word for tables and in some for headings.
    grade_id
        The check beside which feedback shows the curve.
    place, number
        Where on the curve's axis, 0–1, the submission is, and the number there, 0–1.
    axis, at
        What the curve's axis is, and "at …" for the submission's place on it.
    places, curve
        The number at each place, both of length T.
    marks
        The number of answers that need no work, by name.
    target
        The number that earns full credit.
    pictures
        Base64 of small PNG pictures. For the instructor alone.
    shown
        What a picture shows, from left to right.
    """

    name: str
    label: str
    grade_id: str
    place: float
    number: float
    axis: str
    at: str
    places: list[float]
    curve: list[float]
    marks: Mapping[str, float]
    target: float
    pictures: list[str]
    shown: str

    @property
    def text(self) -> str:
        """The curve in words."""
        best = max(range(len(self.curve)), key=self.curve.__getitem__)
        marks = ", ".join(f"{name} {value:.3f}" for name, value in self.marks.items())
        return (
            f"{self.label}: {self.number:.3f} {self.at} {self.place:.2f}; best "
            f"{self.curve[best]:.3f} at {self.axis} {self.places[best]:.2f}; full credit from "
            f"{self.target:.3f}; without training: {marks}."
        )


def make_preview(submission: Submission) -> Preview | None:
    """Show what the hidden checks looked at.

    Returns
    -------
    Preview or None
        None if there is nothing to show. Never raises: a picture must not cost a grade.
    """
    name = submission.assignment.preview
    if name is None:
        return None
    try:
        made: Preview | None = load(name)(submission)
        return made
    except (ArtifactError, ProbeError, CheckFailed):
        return None
    except Exception:
        traceback.print_exc()
        return None

"""A class whose results are invented: nothing is run."""

from dataclasses import replace

from grader.assignment import get_assignment
from grader.checking.preview import Preview
from grader.checking.verdict import Verdict
from grader.classroom.run import Graded
from grader.grading.result import Result, rejected

CNN = get_assignment("cnn")

PREVIEW = Preview(
    name="IoU",
    label="Boundary IoU on unseen images",
    grade_id="iou",
    place=0.45,
    number=0.487,
    axis="threshold",
    at="at your threshold",
    places=[0.2, 0.4, 0.6],
    curve=[0.3, 0.5, 0.4],
    marks={"all background": 0.0, "all boundary": 0.28, "Sobel": 0.389},
    target=0.462,
    pictures=["iVBORw0KGgo="],
    shown="image, mask, prediction",
)


def graded(
    student: str, points: float = 0.0, message: str = "fine", iou: float | None = None
) -> Graded:
    """Return a graded submission with these points in every check."""
    verdicts = {
        name: Verdict(name, min(points, maximum), maximum, message)
        for name, maximum in CNN.points().items()
    }
    preview = None if iou is None else replace(PREVIEW, number=iou)
    return Graded(student, Result("graded", verdicts, preview=preview), 12.0, reused=False)


def refused(student: str, problem: str) -> Graded:
    """Return a submission that could not be read."""
    return Graded(student, rejected(CNN.points(), problem), 0.0, reused=False)

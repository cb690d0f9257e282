"""A course whose submissions are graded without running anything, for its pages."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.assignment import get_assignment
from grader.checking.verdict import Verdict
from grader.gradebook.book import CONFIG_FILE, CourseGradebook
from grader.gradebook.preprocessors import grade_in_isolation
from grader.grading.result import Result

__all__ = ["ANSWERS", "CNN", "autograded", "hand_in", "make_course"]

CNN = get_assignment("cnn")
ANSWERS = ("question_metrics", "question_failures")
LONG = "expected the loss of every image of the batch, then their mean, found their sum; " * 4


def hand_in(root: Path, student: str, change: Callable[[Any], object]) -> None:
    """Write a submission, changed by a function that takes its notebook."""
    notebook = nbformat.read(CNN.release, as_version=4)
    change(notebook)
    folder = root / "submitted" / student / "cnn"
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / CNN.notebook_name)


def autograded(root: Path, student: str) -> Path:
    """Return the file of which pages are made."""
    return root / "autograded" / student / "cnn" / CNN.notebook_name


def make_course(root: Path) -> None:
    """Let nbgrader autograde all that was handed in, with invented verdicts."""

    class Played:
        result = Result(
            "graded",
            {
                name: Verdict(name, maximum / 2, maximum, LONG)
                for name, maximum in CNN.points().items()
            },
        )

    shutil.copy(CONFIG_FILE, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade_in_isolation, "grade", lambda *_: Played)
        course = CourseGradebook(root)
        course.ensure_assignment(CNN)
        for folder in sorted((root / "submitted").iterdir()):
            course.record(CNN, folder.name)

"""First step of feedback: grades from the gradebook, and the names of the tasks."""

import re
from collections import Counter
from typing import Any, Final

import nbformat
from nbgrader.preprocessors import GetGrades

from grader.assignment import get_assignment

__all__ = ["FeedbackGrades", "task_names"]

_HEADING: Final = re.compile(
    r"^ {0,3}#{1,6} +(.+?)(?: *\([^()]*\bpoints?\b[^()]*\))? *#* *$", re.M
)


def task_names(release: nbformat.NotebookNode) -> dict[str, str]:
    """Return the heading above each graded cell and each answer, without its points.

    Where several graded cells are below one heading, their grade ids tell them apart.
    """
    heading = ""
    headings: dict[str, str] = {}
    graded: list[str] = []
    for cell in release.cells:
        grading = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "markdown" and not grading:
            heading = next(iter(_HEADING.findall(cell.source)), heading)
        elif grading:
            headings[grading["grade_id"]] = heading or grading["grade_id"]
            graded += [grading["grade_id"]] if grading["grade"] else []
    shared = Counter(headings[name] for name in graded)
    return headings | {
        name: f"{headings[name]}: {name}" for name in graded if shared[headings[name]] > 1
    }


class FeedbackGrades(GetGrades):  # type: ignore[misc]
    """Tells an answer that nobody has graded yet from one that earned nothing."""

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: Any
    ) -> tuple[nbformat.NotebookNode, Any]:
        """Add ``tasks`` (names by grade id) and ``waiting`` (how many) to nbgrader's resources."""
        nb, resources = super().preprocess(nb, resources)
        assignment = get_assignment(resources["nbgrader"]["assignment"])
        release = nbformat.read(assignment.release, as_version=4)
        grades = [cell.metadata.get("nbgrader", {}) for cell in nb.cells]
        resources["nbgrader"]["tasks"] = task_names(release)
        resources["nbgrader"]["waiting"] = sum(
            bool(grade.get("grade")) and grade["score"] is None for grade in grades
        )
        return nb, resources

    def _get_score(self, cell: nbformat.NotebookNode, resources: Any) -> None:
        super()._get_score(cell, resources)
        grade = self.gradebook.find_grade(
            cell.metadata.nbgrader["grade_id"], self.notebook_id, self.assignment_id,
            self.student_id,
        )  # fmt: skip
        if grade.auto_score is None and grade.manual_score is None:
            cell.metadata.nbgrader["score"] = None

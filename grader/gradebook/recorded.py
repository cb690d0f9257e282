"""What was entered into the gradebook, so that nothing is entered twice."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from grader.assignment import Assignment
from grader.folders import Workplace
from grader.gradebook.book import CONFIG_FILE, CourseGradebook
from grader.grading.result import Result
from grader.notebooks.submitted import TIMESTAMP

__all__ = ["Ledger"]


class Ledger:
    """Enters results into the gradebook, unless it holds them already.

    nbgrader takes half a second to enter a result, which is long for a class that is graded again
    without a change. So a mark is kept of what was entered; it counts only as long as the
    gradebook still has the same points, and the autograded notebook is there.

    Parameters
    ----------
    course, assignment
        Whose gradebook.
    workplace
        Where the marks are kept.
    """

    def __init__(
        self, course: CourseGradebook, assignment: Assignment, workplace: Workplace
    ) -> None:
        self._course = course
        self._assignment = assignment
        self._root = workplace.root
        self._marks = workplace.private / "recorded" / assignment.name
        self._points = course.auto_points(assignment)
        self._common = repr((course.due(assignment), CONFIG_FILE.read_bytes()))

    def record(self, student: str, result: Result) -> None:
        """Let nbgrader autograde a submission whose result is in the store.

        Raises
        ------
        CourseError
            If nbgrader fails.
        """
        mark = self._mark(student, result)
        path = self._marks / student
        if self._is_recorded(student, result, path, mark):
            return
        path.unlink(missing_ok=True)
        self._course.record(self._assignment, student)
        self._marks.mkdir(parents=True, exist_ok=True)
        path.write_text(mark, encoding="utf-8")

    def _is_recorded(self, student: str, result: Result, path: Path, mark: str) -> bool:
        recorded = self._points.get(student, {})
        return (
            path.is_file()
            and path.read_text(encoding="utf-8") == mark
            and self._notebook(student).is_file()
            and all(recorded.get(name) == v.points for name, v in result.verdicts.items())
        )

    def _mark(self, student: str, result: Result) -> str:
        """Describe all that nbgrader makes the entry from."""
        digest = hashlib.sha256(self._common.encode())
        verdicts = [asdict(verdict) for verdict in result.verdicts.values()]
        digest.update(json.dumps([verdicts, result.notebook], sort_keys=True).encode())
        timestamp = self._root / "submitted" / student / self._assignment.name / TIMESTAMP
        if timestamp.is_file():
            digest.update(timestamp.read_bytes())
        return digest.hexdigest()

    def _notebook(self, student: str) -> Path:
        folder = self._root / "autograded" / student / self._assignment.name
        return folder / self._assignment.notebook_name

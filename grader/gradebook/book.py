"""The few things that we ask of nbgrader, through its public API."""

import contextlib
import io
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment as AssignmentEntry
from nbgrader.api import (
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import Config, PyFileConfigLoader

from grader.assignment import COURSE_ROOT, Assignment
from grader.errors import CourseError
from grader.gradebook.nbgrader_warnings import ignore_nbgrader_warnings
from grader.settings import Settings

__all__ = ["CONFIG_FILE", "CourseGradebook", "load_config"]

# How nbgrader's log goes on after the tracebacks.
_SUMMARY = re.compile(r"^.*There was an error processing assignment '", re.MULTILINE)

CONFIG_FILE = COURSE_ROOT / "nbgrader_config.py"


def load_config(root: Path) -> Config:
    """Load ``nbgrader_config.py`` for a course whose files lie in `root`."""
    config: Config = PyFileConfigLoader(
        CONFIG_FILE.name, path=str(CONFIG_FILE.parent)
    ).load_config()
    config.CourseDirectory.root = str(root)
    for name in ("source_directory", "release_directory"):
        # Submissions may lie elsewhere, notebooks do not.
        config.CourseDirectory[name] = str(COURSE_ROOT / config.CourseDirectory[name])
    return config


class CourseGradebook:
    """A folder of submissions with its gradebook.

    Parameters
    ----------
    root
        Holds ``submitted/`` and ``gradebook.db``; notebooks are those of this repository.
    settings
        How submissions are graded, by default as the environment says.
    """

    def __init__(self, root: Path, settings: Settings | None = None) -> None:
        ignore_nbgrader_warnings()
        config = load_config(root)
        if settings is not None:
            config.GradeInIsolation.settings = settings
        self._root = root
        self._api = NbGraderAPI(config=config)

    def gradebook(self) -> Any:
        """Open the gradebook; use it as a context manager."""
        return Gradebook(self._api.coursedir.db_url, self._api.course_id)

    def ensure_assignment(self, assignment: Assignment) -> None:
        """Enter the assignment into the gradebook unless it is there.

        Raises
        ------
        CourseError
            If nbgrader cannot generate it.
        """
        try:
            with self.gradebook() as gradebook:
                gradebook.find_notebook(assignment.name, assignment.name)
        except MissingEntry:
            with tempfile.TemporaryDirectory(prefix="bsds-release-") as folder:
                self.generate(assignment, Path(folder))

    def generate(self, assignment: Assignment, destination: Path | None = None) -> Path:
        """Make the release version and enter the assignment into the gradebook.

        Parameters
        ----------
        assignment
            What to generate.
        destination
            Folder for the release version; by default ``assignments/``.

        Returns
        -------
        pathlib.Path
            The notebook.

        Raises
        ------
        CourseError
            If nbgrader fails.
        """
        folder = destination or assignment.release.parent.parent
        config = load_config(self._root)
        config.CourseDirectory.release_directory = str(folder)
        with _quiet() as log:
            outcome = NbGraderAPI(config=config).generate_assignment(
                assignment.name, force=True, create=True
            )
        _require(outcome, f"generate the release version of {assignment.name}", log)
        return folder / assignment.name / assignment.notebook_name

    def auto_points(self, assignment: Assignment) -> dict[str, dict[str, float | None]]:
        """Return the recorded points of the automatic checks, by student and grade id."""
        points: dict[str, dict[str, float | None]] = {}
        with self.gradebook() as gradebook:
            query = (
                gradebook.db.query(
                    SubmittedAssignment.student_id, GradeCell.name, Grade.auto_score
                )
                .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
                .join(SubmittedAssignment)
                .join(AssignmentEntry, AssignmentEntry.id == SubmittedAssignment.assignment_id)
                .join(GradeCell, GradeCell.id == Grade.cell_id)
                .filter(AssignmentEntry.name == assignment.name)
            )
            for student, name, value in query:
                points.setdefault(student, {})[name] = value
        return points

    def due(self, assignment: Assignment) -> tuple[datetime | None, dict[str, timedelta]]:
        """Return the due date, if the gradebook has one, and students' extensions of it."""
        with self.gradebook() as gradebook:
            due: datetime | None = gradebook.find_assignment(assignment.name).duedate
            extensions = {
                submission.student_id: submission.extension
                for submission in gradebook.assignment_submissions(assignment.name)
                if submission.extension is not None
            }
        return due, dict(sorted(extensions.items()))

    def record(self, assignment: Assignment, student: str) -> None:
        """Let nbgrader autograde one submission, whose result is in the store."""
        with _quiet() as log:
            outcome = self._api.autograde(assignment.name, student, force=True, create=True)
        _require(outcome, f"autograde {student}'s {assignment.name}", log)


def _require(outcome: dict[str, Any], what: str, log: io.StringIO) -> None:
    if not outcome.get("success"):
        raise CourseError(f"nbgrader could not {what}: {_reason(outcome, log.getvalue())}")


def _reason(outcome: dict[str, Any], log: str) -> str:
    """Return the last line of the first traceback, which names what went wrong."""
    text = outcome.get("log") or log or outcome.get("error") or "no reason given"
    first, *_ = _SUMMARY.split(text.strip())
    return first.strip().splitlines()[-1].strip()


@contextlib.contextmanager
def _quiet() -> Iterator[io.StringIO]:
    """Keep nbgrader's log to ourselves, and the current folder."""
    log = io.StringIO()
    folder = Path.cwd()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield log
    finally:
        root.removeHandler(handler)
        os.chdir(folder)

"""nbgrader's autograding, made so that no submission can stop or hang it for the others.

As it comes, ``nbgrader autograde`` ends for everybody at a folder whose name holds a line break,
waits for ever for a notebook or time stamp that is a pipe, and copies whatever lies beside a
notebook, through links and without end. :func:`install` puts the converter of this module in the
place of nbgrader's; ``nbgrader_config.py`` calls it.
"""

import glob
import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.apps import api, autogradeapp
from nbgrader.converters import Autograde, NbGraderException
from nbgrader.utils import temp_attrs

from grader.assignment import get_assignment
from grader.notebooks.submitted import TIMESTAMP, check_timestamp, name_problem, read_submission
from grader.settings import Limits

__all__ = ["CarefulAutograde", "install"]


def install() -> None:
    """Let nbgrader's command and its other programs autograde with :class:`CarefulAutograde`."""
    autogradeapp.Autograde = api.Autograde = CarefulAutograde


class SubmissionExporter(NotebookExporter):
    """Takes what was read of a submission first, and then what nbgrader wrote of it itself."""

    submission: nbformat.NotebookNode | None = None

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[nbformat.NotebookNode, dict[str, Any]]:
        """Convert a notebook; nbformat would refuse or warn of much that does not count."""
        submission, self.submission = self.submission, None
        if submission is None:
            return super().from_filename(filename, resources, **options)
        converted: tuple[nbformat.NotebookNode, dict[str, Any]]
        converted = self.from_notebook_node(  # type: ignore[no-untyped-call]
            submission, resources, **options
        )
        return converted


class CarefulAutograde(Autograde):  # type: ignore[misc]
    """Reads submissions as ``read_submission`` does, and nothing else.

    Of the files beside a notebook only nbgrader's time stamp is looked at and kept: no other
    counts for the grade. A submission that is refused fails by itself, and the command's exit
    code is 1 when all others are graded.
    """

    exporter_class = SubmissionExporter

    def init_notebooks(self) -> None:
        """Find the submissions, without those of folders whose names nbgrader cannot take."""
        super().init_notebooks()
        self._misnamed: list[str] = []
        course = self.coursedir
        pattern = self._format_source(course.assignment_id, course.student_id)
        for folder in glob.glob(pattern):  # noqa: PTH207, it is nbgrader's own pattern
            problem = name_problem(Path(folder).parent.name)
            if problem is not None:
                self.assignments.pop(folder, None)
                self._misnamed.append(problem)
                self.log.error(problem)

    def convert_notebooks(self) -> None:
        """Autograde one submission after the other."""
        super().convert_notebooks()
        if self._misnamed:
            raise NbGraderException(self._misnamed[0])

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Say whether to autograde a submission, after a look at its time stamp."""
        check_timestamp(Path(self._format_source(assignment_id, student_id)))
        return bool(super().init_destination(assignment_id, student_id))

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Enter the submission into the gradebook, and copy its time stamp alone."""
        with temp_attrs(self.coursedir, ignore=["*"]):
            super().init_assignment(assignment_id, student_id)
        timestamp = Path(self._format_source(assignment_id, student_id), TIMESTAMP)
        if timestamp.exists():
            destination = Path(self._format_dest(assignment_id, student_id))
            destination.mkdir(parents=True, exist_ok=True)
            shutil.copy(timestamp, destination)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Autograde a notebook that can be read."""
        assignment = get_assignment(self.coursedir.assignment_id)
        folder = Path(notebook_filename).parent
        self.exporter.submission = read_submission(folder, assignment, Limits())
        super().convert_single_notebook(notebook_filename)

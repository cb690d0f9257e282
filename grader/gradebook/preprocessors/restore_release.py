"""First step of autograding: put the instructor's cells back."""

from typing import Any

import nbformat
from nbgrader.preprocessors import NbGraderPreprocessor

from grader.assignment import get_assignment
from grader.notebooks.restore import restore

__all__ = ["RestoreRelease"]


class RestoreRelease(NbGraderPreprocessor):  # type: ignore[misc]
    """Rebuilds the submission from the release version and the student's answers."""

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: Any
    ) -> tuple[nbformat.NotebookNode, Any]:
        """Replace the notebook by its restored version."""
        assignment = get_assignment(resources["nbgrader"]["assignment"])
        return restore(nb, assignment.restoring()), resources

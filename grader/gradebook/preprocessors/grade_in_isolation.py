"""Autograding proper: execute in the sandbox, check outside, write verdicts into the notebook."""

from pathlib import Path
from typing import Any

import nbformat
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Instance

from grader.assignment import get_assignment
from grader.folders import Workplace
from grader.gradebook.verdict_outputs import show_verdicts
from grader.grading.cached import grade
from grader.settings import DEVELOPMENT_SECRET, Settings, current_settings, variable

__all__ = ["GradeInIsolation"]


class GradeInIsolation(NbGraderPreprocessor):  # type: ignore[misc]
    """Takes the place of nbgrader's ``Execute``.

    The outputs that it leaves in graded cells are the hidden checks' verdicts, in the form that
    nbgrader's ``SaveAutoGrades`` reads points from.
    """

    settings = Instance(
        Settings,
        allow_none=True,
        help="How to grade; None takes the settings from the environment.",
    ).tag(config=True)

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: Any
    ) -> tuple[nbformat.NotebookNode, Any]:
        """Grade the notebook, or take its stored result."""
        assignment = get_assignment(resources["nbgrader"]["assignment"])
        settings = self.settings or current_settings()
        # nbgrader changes into the course's folder before it converts anything.
        workplace = Workplace(Path.cwd())
        if settings.secret == DEVELOPMENT_SECRET:
            self.log.warning(
                "Hidden inputs come from the public development secret: set %s or %s before you "
                "grade a real class",
                variable("COURSE_SECRET"),
                variable("COURSE_SECRET_FILE"),
            )
        result = grade(nb, assignment, settings, workplace).result
        return show_verdicts(nb, result), resources

"""nbgrader's configuration: where things lie, isolated and trusted grading, harmless pages."""

import os
import sysconfig

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

from grader.assignment import installed_course
from grader.gradebook import autograde, pages
from grader.gradebook.preprocessors import FeedbackGrades, GradeInIsolation, RestoreRelease

c = get_config()  # noqa: F821

# No submission may stop or hang the run for the others.
autograde.install()

# nbgrader starts `alembic` by its bare name, which must work without an activated environment.
_scripts = sysconfig.get_path("scripts")
if _scripts not in os.environ["PATH"].split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([_scripts, os.environ["PATH"]])

course = installed_course()
c.CourseDirectory.course_id = course.id
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    # What notebooks save when they are tried in their folders.
    *sorted({name for one in course.assignments for name in one.artifacts}),
]

# What students write must do nothing in the browser of whoever reads it.
pages.install()
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.preprocessors = ["grader.gradebook.pages.harmless_page.HarmlessPage"]
c.HTMLExporter.filters = {"markdown2html": "grader.gradebook.pages.markdown.markdown_to_html"}
c.HTMLExporter.extra_template_basedirs = pages.TEMPLATES
c.GenerateFeedback.preprocessors = [FeedbackGrades, CSSHTMLHeaderPreprocessor]

# Training outlasts nbgrader's default of 30 seconds, also in `nbgrader validate`.
c.Execute.timeout = 900

# Stubs say which task is open.
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}

# A deleted test cell must not be left for manual grading.
c.OverwriteCells.add_missing_cells = True

c.Autograde.sanitize_preprocessors = [
    RestoreRelease,
    ClearOutput,
    OverwriteKernelspec,
    OverwriteCells,
    CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    GradeInIsolation,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]

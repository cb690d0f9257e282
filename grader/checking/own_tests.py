"""Points from the notebook's own tests, where an assignment has no hidden checks.

They ran beside the student's code, in one kernel, so whoever wants to can forge them.
"""

import nbformat
from nbgrader.utils import determine_grade

from grader.checking.process import Findings
from grader.checking.verdict import Verdict
from grader.notebooks.cells import grade_id, is_checked, marks
from grader.notebooks.text import harmless_line

__all__ = ["own_tests"]

PASSED = "the notebook's own test passed"


def own_tests(executed: nbformat.NotebookNode) -> Findings:
    """Read the verdicts from what an executed notebook's graded cells show, by nbgrader's rule."""
    verdicts = {}
    for cell in executed.cells:
        if not is_checked(cell):
            continue
        name, maximum = str(grade_id(cell)), float(marks(cell)["points"])
        points = float(determine_grade(cell)[0] or 0.0)
        verdicts[name] = Verdict(name, points, maximum, _message(cell, points, maximum))
    return Findings(verdicts)


def _message(cell: nbformat.NotebookNode, points: float, maximum: float) -> str:
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            return harmless_line(f"{output.ename}: {output.evalue}")
    return PASSED if points >= maximum else "the notebook's own test gives a part of the points"

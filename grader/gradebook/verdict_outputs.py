"""Verdicts as cell outputs, in the form that nbgrader turns into points."""

import base64
import copy

import nbformat
from nbformat.v4 import new_output

from grader.checking.preview import Preview
from grader.checking.verdict import Verdict
from grader.gradebook.preview_picture import curve_picture
from grader.grading.result import Result
from grader.notebooks.cells import grade_id, is_checked

__all__ = ["show_verdicts"]


def show_verdicts(notebook: nbformat.NotebookNode, result: Result) -> nbformat.NotebookNode:
    """Return the notebook with the execution's outputs and, in graded cells, the verdicts.

    nbgrader gives a graded code cell no points for an ``error`` output, the number in an
    ``execute_result``, and all points for anything else; so each verdict becomes exactly one of
    the three, whatever the cell printed when it ran. A picture beside it changes nothing: one
    check shows the preview's curve there.
    """
    shown = copy.deepcopy(notebook)
    executed = result.notebook.cells if result.notebook is not None else shown.cells
    for cell, ran in zip(shown.cells, executed, strict=True):
        if cell.cell_type != "code":
            continue
        verdict = result.verdicts.get(grade_id(cell) or "")
        if is_checked(cell) and verdict is not None:
            cell.outputs = _outputs(verdict)
            preview = result.preview
            if preview is not None and preview.grade_id == verdict.grade_id:
                cell.outputs.append(_curve(preview))
        else:
            cell.outputs = ran.outputs
        cell.execution_count = ran.get("execution_count")
    return shown


def _outputs(verdict: Verdict) -> list[nbformat.NotebookNode]:
    points = f"{verdict.points:g} of {verdict.max_points:g} points: {verdict.message}"
    if verdict.points <= 0:
        heading = f"No credit, {points}"
        return [new_output("error", ename="Check failed", evalue=heading, traceback=[heading])]
    if verdict.points >= verdict.max_points:
        return [_text(f"Full credit, {points}")]
    number = new_output(
        "execute_result", data={"text/plain": f"{verdict.points:g}"}, execution_count=1
    )
    return [_text(f"Partial credit, {points}"), number]


def _text(line: str) -> nbformat.NotebookNode:
    shown: nbformat.NotebookNode = new_output("stream", name="stdout", text=f"{line}\n")
    return shown


def _curve(preview: Preview) -> nbformat.NotebookNode:
    picture = base64.b64encode(curve_picture(preview)).decode("ascii")
    shown: nbformat.NotebookNode = new_output(
        "display_data",
        data={"image/png": picture, "text/plain": preview.text},
        metadata={"image/png": {"alt": preview.text}},
    )
    return shown

"""Verdicts as cell outputs, in the form that nbgrader turns into points."""

import copy

import nbformat
from nbformat.v4 import new_output

from grader.harmless_outputs import harmless_outputs
from grader.result import Result
from grader.scoring.verdict import Verdict

__all__ = ["show_verdicts"]


def show_verdicts(notebook: nbformat.NotebookNode, result: Result) -> nbformat.NotebookNode:
    """Return the notebook with the execution's outputs and, in graded cells, the verdicts.

    Outputs are reduced to what an instructor's browser can show without danger.

    nbgrader gives a graded code cell no points for an ``error`` output, the number in an
    ``execute_result``, and all points for anything else; so each verdict becomes exactly one of
    the three, whatever the cell printed when it ran.
    """
    shown = copy.deepcopy(notebook)
    executed = result.notebook.cells if result.notebook is not None else shown.cells
    for cell, ran in zip(shown.cells, executed, strict=True):
        if cell.cell_type != "code":
            continue
        metadata = cell.metadata.get("nbgrader", {})
        verdict = result.verdicts.get(metadata.get("grade_id", ""))
        if metadata.get("grade") and verdict is not None:
            cell.outputs = _outputs(verdict)
        else:
            cell.outputs = harmless_outputs(ran.outputs)
        cell.execution_count = ran.execution_count
    return shown


def _outputs(verdict: Verdict) -> list[nbformat.NotebookNode]:
    heading = f"{verdict.points:g} of {verdict.max_points:g} points: {verdict.message}"
    if verdict.points <= 0:
        return [new_output("error", ename="Check failed", evalue=heading, traceback=[heading])]
    text = new_output("stream", name="stdout", text=f"{heading}\n")
    if verdict.points >= verdict.max_points:
        return [text]
    number = new_output(
        "execute_result", data={"text/plain": f"{verdict.points:g}"}, execution_count=1
    )
    return [text, number]

"""The functions of a solutions notebook, to be run outside of it."""

from collections.abc import Callable, Mapping
from typing import Any

import nbformat

from grader.assignment import Assignment
from grader.notebooks.cells import grade_id, is_answer

__all__ = ["load_functions"]

_DATA_CELL = "load_data"
"""Grade id of the cell that opens the data set, which may first have to be made."""


def load_functions(assignment: Assignment) -> Mapping[str, Callable[..., Any]]:
    """Define what the solutions notebook defines: the reference code exists only there.

    Executes the cells that set up, answer a task, or are needed by answers; nothing that loads
    data, trains or shows.

    Parameters
    ----------
    assignment
        Whose notebook.

    Returns
    -------
    Mapping
        The notebook's global names.
    """
    names: dict[str, Any] = {"__name__": f"solutions.{assignment.name}"}
    wanted = assignment.probe_cells() - {_DATA_CELL}
    notebook = nbformat.read(assignment.source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and (is_answer(cell) or grade_id(cell) in wanted):
            place = f"{assignment.source}, cell {grade_id(cell)}"
            exec(compile(cell.source, place, "exec"), names)
    return names

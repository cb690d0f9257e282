"""Putting the instructor's cells back into a submission."""

import copy
from typing import Any

import nbformat

__all__ = ["restore"]


def restore(
    submitted: nbformat.NotebookNode, release: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    """Return the release version with the student's answers and added cells in it.

    Every cell of the release version is there, once, in its order and with its metadata; only the
    sources of answer cells come from the submission. Of an answer that exists more than once the
    last counts. Cells that the student added keep their place after the cell they follow, without
    metadata. So renamed, moved, deleted, duplicated and edited instructor's cells all come out
    right.

    Parameters
    ----------
    submitted
        As handed in; it is not changed.
    release
        As handed out.

    Returns
    -------
    nbformat.NotebookNode
        A notebook without outputs.
    """
    answers: dict[str, str] = {}
    added: dict[str | None, list[nbformat.NotebookNode]] = {None: []}
    known = {_grade_id(cell): cell for cell in release.cells if _grade_id(cell) is not None}
    given_texts = {cell.source for cell in release.cells if _grade_id(cell) is None}
    last: str | None = None
    for cell in submitted.cells:
        name = _grade_id(cell)
        if name is not None and name in known:
            last = name
            answers[name] = cell.source
        elif cell.cell_type == "code" or cell.source not in given_texts:
            added.setdefault(last, []).append(_plain(cell))
    restored = copy.deepcopy(release)
    restored.cells = list(added[None])
    for cell in copy.deepcopy(release.cells):
        name = _grade_id(cell)
        if name is not None and name in answers and cell.metadata.nbgrader["solution"]:
            cell.source = answers[name]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        restored.cells.append(cell)
        if name is not None:
            restored.cells += added.get(name, [])
    for number, cell in enumerate(restored.cells):
        # Ids need only be unique, and a submission's need not be.
        cell["id"] = f"cell-{number}"
    return restored


def _grade_id(cell: nbformat.NotebookNode) -> str | None:
    metadata: Any = cell.metadata.get("nbgrader")
    name = metadata.get("grade_id") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None


def _plain(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    plain: nbformat.NotebookNode
    if cell.cell_type == "code":
        plain = nbformat.v4.new_code_cell(cell.source)
    else:
        plain = nbformat.v4.new_markdown_cell(cell.source)
    return plain

"""What a cell of an nbgrader notebook is: its grade id, and whose it is."""

from collections.abc import Mapping
from typing import Any

import nbformat

__all__ = ["grade_id", "is_answer", "is_checked", "is_students", "label", "marks"]


def marks(cell: nbformat.NotebookNode) -> Mapping[str, Any]:
    """Return what nbgrader wrote into a cell's metadata; a submission may hold anything there."""
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) else {}


def grade_id(cell: nbformat.NotebookNode) -> str | None:
    """Return a cell's grade id, None if it has none."""
    found = marks(cell).get("grade_id")
    return found if isinstance(found, str) else None


def label(cell: nbformat.NotebookNode, number: int) -> str:
    """Name a cell for people: by its grade id, or by its place."""
    return grade_id(cell) or f"no. {number}"


def is_answer(cell: nbformat.NotebookNode) -> bool:
    """Whether students write in it."""
    return bool(marks(cell).get("solution"))


def is_checked(cell: nbformat.NotebookNode) -> bool:
    """Whether its points come from a check, and not from a person."""
    return bool(marks(cell).get("grade")) and not is_answer(cell)


def is_students(cell: nbformat.NotebookNode) -> bool:
    """Whether it is code that the student wrote or could write."""
    return cell.cell_type == "code" and (not marks(cell) or is_answer(cell))

"""Reading a submitted notebook that may be anything."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import nbformat

from grader.assignment import Assignment
from grader.settings import Limits

__all__ = ["TIMESTAMP", "Rejected", "check_timestamp", "name_problem", "read_submission"]

TIMESTAMP = "timestamp.txt"
"""Lies beside a notebook that nbgrader collected, and says when it came in."""

_MAX_TIMESTAMP = 200

_SUPPORTED = 4
_MINOR_WITHOUT_IDS = 4
# Characters that nbgrader's folder patterns would take for wildcards.
_WILDCARDS = set("*?[]")


class Rejected(Exception):
    """A submission that cannot be graded; the message is for the student."""


def name_problem(student: str) -> str | None:
    """Say why nbgrader cannot take a folder's name for a student's, or None if it can."""
    if student.isprintable() and not _WILDCARDS & set(student):
        return None
    return (
        f"expected a folder name of printable characters without * ? [ ], found {student!r}; "
        "rename the folder"
    )


def check_timestamp(folder: Path) -> None:
    """Refuse a submitted folder whose time stamp nbgrader could not read, or would wait for.

    Raises
    ------
    Rejected
        If there is a time stamp and it is not one.
    """
    path = folder / TIMESTAMP
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_TIMESTAMP:
        raise Rejected(f"expected a short text file, found that {path.name} is none; delete it")
    # Takes a second to import.
    from nbgrader.utils import parse_utc

    try:
        parse_utc(path.read_text(encoding="utf-8").strip() or None)
    except (ValueError, OverflowError):
        raise Rejected(
            f"expected a time like 2026-03-01 12:00:00 UTC in {path.name}, found something else; "
            "correct or delete it"
        ) from None


def read_submission(folder: Path, assignment: Assignment, limits: Limits) -> nbformat.NotebookNode:
    """Read the notebook in a submitted folder.

    Parameters
    ----------
    folder
        ``submitted/<student>/<assignment>``.
    assignment
        Which notebook to expect.
    limits
        ``notebook_bytes`` and ``cells`` bound what is read.

    Returns
    -------
    nbformat.NotebookNode
        In notebook format 4, valid.

    Raises
    ------
    Rejected
        Saying what was expected, what was found and what to do.
    """
    path = folder / assignment.notebook_name
    data = _read(path, folder, limits.notebook_bytes)
    if not data.strip():
        raise Rejected(f"expected a notebook, found {path.name} empty; submit it again")
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Rejected(
            f"expected a notebook, found that {path.name} is not JSON; open it in Jupyter, save "
            "it and submit it again"
        ) from None
    notebook = _notebook(value, path.name, limits.cells)
    for number, cell in enumerate(notebook.cells, start=1):
        if not _is_text(cell.source):
            raise Rejected(
                f"expected text, found a character that is none in cell no. {number} of "
                f"{path.name}; write the cell again"
            )
    return notebook


def _is_text(source: str) -> bool:
    """Whether it can be written to a file; half a surrogate pair, which JSON can hold, cannot."""
    try:
        source.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read(path: Path, folder: Path, max_bytes: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        others = sorted(other.name for other in folder.glob("*.ipynb"))
        found = f"found {', '.join(others[:3])}" if others else "found no notebook"
        raise Rejected(
            f"expected {path.name}, {found}; submit the notebook under its own name"
        ) from None
    except OSError as error:
        raise Rejected(
            f"expected a notebook, cannot open {path.name} ({error.strerror}); submit a plain file"
        ) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise Rejected(f"expected a notebook, found that {path.name} is no plain file")
    with os.fdopen(descriptor, "rb") as stream:
        if status.st_size > max_bytes:
            raise Rejected(
                f"expected a notebook of at most {max_bytes / 1e6:.0f} MB, found {path.name} with "
                f"{status.st_size / 1e6:.0f} MB; clear its outputs, save it and submit it again"
            )
        return stream.read(max_bytes)


def _notebook(value: Any, name: str, max_cells: int) -> nbformat.NotebookNode:
    version = value.get("nbformat") if isinstance(value, dict) else None
    if version != _SUPPORTED:
        raise Rejected(
            f"expected notebook format {_SUPPORTED}, found {version!r} in {name}; open it in a "
            "current Jupyter, save it and submit it again"
        )
    # Only sources and grade ids count; the rest, which is thrown away anyway, need not be valid.
    cells = value.get("cells")
    if isinstance(cells, list) and len(cells) > max_cells:
        raise Rejected(
            f"expected a notebook of at most {max_cells} cells, found {len(cells)} in {name}; "
            "remove those that you do not need"
        )
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict):
            cell.pop("id", None)
            if cell.get("cell_type") == "code":
                cell["outputs"], cell["execution_count"] = [], None
            if isinstance(cell.get("source"), list):
                cell["source"] = "".join(map(str, cell["source"]))
    value |= {"metadata": {}, "nbformat_minor": _MINOR_WITHOUT_IDS}
    try:
        notebook: nbformat.NotebookNode = nbformat.from_dict(value)
        nbformat.validate(notebook, relax_add_props=True)
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise Rejected(
            f"expected a valid notebook, found {name} damaged ({reason[0][:120]}); open it in "
            "Jupyter, save it and submit it again"
        ) from None
    return notebook

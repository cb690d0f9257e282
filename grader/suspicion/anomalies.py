"""What is odd about the file that was handed in, and about what lies beside it."""

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from grader.assignment import Assignment
from grader.settings import Limits
from grader.suspicion.finding import Finding, Weight, excerpt
from grader.suspicion.handed_in import RawCell, entries, raw_cells, read_raw

__all__ = ["anomalies"]

_FIELDS: dict[str, Weight] = {
    "points": "sign",
    "grade": "sign",
    "solution": "sign",
    "task": "sign",
    # Other versions of nbgrader write another one.
    "schema_version": "note",
    # Notebook editors unlock cells to let people edit them.
    "locked": "note",
}
_USUAL = {".ipynb_checkpoints", "__pycache__", ".DS_Store", "Thumbs.db", "timestamp.txt"}
_SHOWN_NAMES = 5
_SHORTEST_NAME = 4
_MISSING = object()


def anomalies(
    folder: Path,
    assignment: Assignment,
    release: nbformat.NotebookNode,
    student: str,
    students: frozenset[str],
) -> list[Finding]:
    """Compare a submitted folder with what was handed out.

    Parameters
    ----------
    folder
        ``submitted/<student>/<assignment>``; it may hold anything.
    assignment, release
        What was handed out, and its notebook.
    student, students
        Whose folder it is, and the whole class: others' names are looked for in the metadata.

    Returns
    -------
    list of Finding
        Empty if nothing is odd. Never raises because of what was handed in.
    """
    found = list(_beside(folder, assignment))
    notebook = read_raw(folder / assignment.notebook_name, Limits().notebook_bytes)
    if notebook is not None:
        cells = raw_cells(notebook)
        found += _format(notebook)
        found += _cells(cells, raw_cells(release))
        text = _dump(notebook.get("metadata"), *(cell.metadata for cell in cells))
        usual = _dump(release.metadata, *(cell.metadata for cell in release.cells))
        names = _names_in(text, students) - _names_in(usual, students) - {student}
        found += [
            Finding("sign", "metadata", f"name another student, {excerpt(name)}")
            for name in sorted(names)
        ]
    return found


def _beside(folder: Path, assignment: Assignment) -> Iterator[Finding]:
    usual = _USUAL | {assignment.notebook_name, *assignment.artifacts}
    files = []
    for entry in entries(folder):
        if entry.is_symlink():
            yield Finding("sign", entry.name, "is a link to somewhere else")
        elif entry.name in usual:
            continue
        elif entry.name.endswith(".ipynb"):
            yield Finding("note", entry.name, "is a second notebook; it is not graded")
        elif entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False):
            files.append(entry.name)
        else:
            yield Finding("sign", entry.name, "is a pipe, socket or device")
    if files:
        names = ", ".join(files[:_SHOWN_NAMES]) + (" …" if len(files) > _SHOWN_NAMES else "")
        yield Finding(
            "note", "folder", f"holds {len(files)} more than the notebook", excerpt(names)
        )


def _format(notebook: dict[str, Any]) -> Iterator[Finding]:
    version, minor = notebook.get("nbformat"), notebook.get("nbformat_minor")
    if version != nbformat.v4.nbformat or not isinstance(minor, int):
        yield Finding(
            "note",
            "notebook",
            "has an unusual format version",
            f"{_shown(version)}, {_shown(minor)}",
        )
    metadata = notebook.get("metadata")
    kernel = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    if isinstance(kernel, dict):
        language, name = kernel.get("language", "python"), kernel.get("name")
        if language != "python":
            yield Finding("sign", "notebook", "asks for another language", _shown(language))
        elif name != "python3":
            yield Finding("note", "notebook", "asks for another kernel", _shown(name))


def _cells(cells: list[RawCell], released: list[RawCell]) -> Iterator[Finding]:
    given = {cell.grade_id: cell for cell in released if cell.grade_id is not None}
    count = Counter(cell.grade_id for cell in cells if cell.grade_id is not None)
    for name in given.keys() - count.keys():
        yield Finding("note", f"cell {name}", "is missing")
    for name, times in count.items():
        if name not in given:
            yield Finding("note", excerpt(f"cell {name}"), "has a grade id that nobody gave it")
        elif times > 1:
            yield Finding("note", f"cell {name}", f"is there {times} times")
    for cell in cells:
        if cell.grade_id in given:
            yield from _edits(cell, given[cell.grade_id])


def _edits(cell: RawCell, given: RawCell) -> Iterator[Finding]:
    where = f"cell {given.grade_id}"
    for field, weight in _FIELDS.items():
        was, now = (part.nbgrader.get(field, _MISSING) for part in (given, cell))
        if was != now:
            shown = "nothing" if now is _MISSING else _shown(now)
            handed_out = "nothing" if was is _MISSING else repr(was)
            yield Finding(weight, where, f"{field} is {shown}, was handed out as {handed_out}")
    if cell.kind != given.kind:
        # One key in Jupyter does it by accident.
        yield Finding("note", where, excerpt(f"is a {cell.kind} cell, was a {given.kind} cell"))
    locked = given.nbgrader.get("locked") is True
    if locked and cell.source.split() != given.source.split():
        yield Finding(
            "note", where, "instructor's code was edited", _first_difference(cell, given)
        )


def _shown(value: Any) -> str:
    """Show a value of JSON; a structure may be nested too deeply to be shown."""
    plain = value is None or isinstance(value, str | int | float)
    return excerpt(repr(value)) if plain else f"a {type(value).__name__}"


def _first_difference(cell: RawCell, given: RawCell) -> str:
    known = {line.strip() for line in given.source.splitlines()}
    lines = (line for line in cell.source.splitlines() if line.strip() not in known)
    return excerpt(next(lines, "lines are missing"))


def _names_in(text: str, students: frozenset[str]) -> set[str]:
    return set(_pattern(students).findall(text))


@functools.lru_cache(maxsize=1)
def _pattern(students: frozenset[str]) -> re.Pattern[str]:
    """Match whole names, but no short ones, which are words of many languages."""
    names = sorted((name for name in students if len(name) >= _SHORTEST_NAME), key=len)
    # An empty class matches nothing.
    choices = "|".join(re.escape(name) for name in reversed(names)) or "[^\\s\\S]"
    return re.compile(rf"(?<![\w-])(?:{choices})(?![\w-])")


def _dump(*values: Any) -> str:
    try:
        return "\n".join(json.dumps(value, ensure_ascii=False) for value in values)
    except (ValueError, RecursionError):
        return ""

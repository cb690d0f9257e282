"""Reading what was handed in, metadata included, although it may be anything."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.notebooks.plain_file import read_plain

__all__ = ["RawCell", "entries", "raw_cells", "read_raw"]

_MOST_ENTRIES = 1000


@dataclass(frozen=True)
class RawCell:
    """A cell as it was handed in.

    Attributes
    ----------
    kind
        ``"code"``, ``"markdown"``, or another text that stands there.
    source
        Its text; empty if it is none.
    metadata, nbgrader
        Its metadata, and nbgrader's part of them; empty if they are no object.
    """

    kind: str
    source: str
    metadata: dict[str, Any]
    nbgrader: dict[str, Any]

    @property
    def grade_id(self) -> str | None:
        """Its grade id, None without one that is a text."""
        name = self.nbgrader.get("grade_id")
        return name if isinstance(name, str) else None


def read_raw(path: Path, max_bytes: int) -> dict[str, Any] | None:
    """Read a JSON object from a plain file; None for anything else, without following links."""
    data = read_plain(path, max_bytes)
    if data is None:
        return None
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def raw_cells(notebook: dict[str, Any]) -> list[RawCell]:
    """Return the cells of a notebook in format 4, leaving out what is none."""
    cells = notebook.get("cells")
    return [
        RawCell(
            kind=_text(cell.get("cell_type")),
            source=_text(cell.get("source")),
            metadata=_object(cell.get("metadata")),
            nbgrader=_object(_object(cell.get("metadata")).get("nbgrader")),
        )
        for cell in (cells if isinstance(cells, list) else [])
        if isinstance(cell, dict)
    ]


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what lies in a folder, by name; nothing if it cannot be read."""
    found: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as scan:
            for entry in scan:
                found.append(entry)
                if len(found) >= _MOST_ENTRIES:
                    break
    except OSError:
        return []
    return sorted(found, key=lambda entry: entry.name)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""

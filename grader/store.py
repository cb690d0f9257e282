"""Finished results on disk, found again by what they depend on."""

import functools
import hashlib
import importlib.metadata
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import nbformat

import bsds_utils
from grader.course import COURSE_ROOT, Assignment
from grader.result import Result
from grader.settings import Settings

__all__ = ["ResultStore", "result_key"]


def result_key(notebook: nbformat.NotebookNode, assignment: Assignment, settings: Settings) -> str:
    """Return a digest of everything that a result depends on.

    That is the cells of the sanitised notebook, the grader's and library's code, the solutions
    notebook, the settings (secret and data included) and the versions of Keras and TensorFlow.
    """
    digest = hashlib.sha256()
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        digest.update(repr((cell.cell_type, name, cell.source)).encode())
    values = asdict(settings)
    digest.update(repr(sorted(values.items())).encode())
    digest.update(os.environ.get("BSDS500_ROOT", "").encode())
    digest.update(os.environ.get("BSDS_SOURCE", "").encode())
    digest.update(_code_digest(assignment))
    for package in ("keras", "tensorflow", "numpy"):
        digest.update(importlib.metadata.version(package).encode())
    return digest.hexdigest()


@functools.cache
def _code_digest(assignment: Assignment) -> bytes:
    digest = hashlib.sha256()
    library = Path(bsds_utils.__file__).parent
    files = sorted(library.rglob("*.py")) + sorted((COURSE_ROOT / "grader").rglob("*.py"))
    files += [COURSE_ROOT / "grader" / "calibration.json", assignment.source]
    for path in files:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.digest()


class ResultStore:
    """A folder of results, one file each.

    Parameters
    ----------
    folder
        Made when the first result is kept; must be out of reach of submissions.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Result | None:
        """Return a stored result, or None; a damaged file counts as none."""
        try:
            return Result.from_json(self._path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, result: Result) -> None:
        """Keep a result; a reader sees all of it or nothing."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(result.to_json())
            Path(name).replace(self._path(key))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"

"""What results depend on, as digests: equal digests mean that nothing needs to be done again."""

import functools
import hashlib
import importlib.metadata
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import nbformat

from grader.assignment import Assignment, Inputs, installed_course, module_file, package_folder
from grader.notebooks.cells import grade_id
from grader.settings import Settings

__all__ = ["checking_key", "code_identity", "execution_key"]

_GRADER = Path(__file__).resolve().parents[1]
_EXECUTION = ("sandbox", "notebooks", "grading")
"""Folders with what runs a submission, besides what the course gives it."""
_CODE = {".py", ".json", ".ini"}
_NOT_CODE = "samples"


def execution_key(
    notebook: nbformat.NotebookNode, assignment: Assignment, settings: Settings, inputs: Inputs
) -> str:
    """Return a digest of everything that executing a submission depends on.

    That is the cells of the sanitised notebook, the files that it is given, its budget and limits,
    the code of the course's library, of what gives it files and of the sandbox, and the versions
    of the packages that count.
    """
    digest = hashlib.sha256()
    for cell in notebook.cells:
        name = grade_id(cell) or ""
        pasted = cell.get("attachments", {})
        digest.update(repr((cell.cell_type, name, cell.source, pasted)).encode())
    limits = sorted(asdict(settings.limits).items())
    given = (assignment, settings.train_seconds, settings.sandbox, limits, inputs.identity)
    digest.update(repr(given).encode())
    digest.update(_execution_code(assignment))
    digest.update(_versions())
    return digest.hexdigest()


def checking_key(assignment: Assignment, settings: Settings) -> str:
    """Return a digest of what verdicts depend on besides the executed submission.

    That is the course secret, points and solutions, and the code of the course and of checking.
    """
    digest = hashlib.sha256(repr((settings.secret, assignment.points())).encode())
    digest.update(settings.checks_depend_on())
    digest.update(_checking_code())
    digest.update(assignment.source.read_bytes())
    if assignment.trusted:
        digest.update(assignment.hidden_checks.read_bytes())
    return digest.hexdigest()


def code_identity(assignment: Assignment) -> str:
    """Return a digest of all code that results depend on, the same on every machine."""
    code = _execution_code(assignment) + _checking_code() + _versions()
    return hashlib.sha256(code).hexdigest()


def _versions() -> bytes:
    packages = installed_course().packages
    return repr([importlib.metadata.version(package) for package in packages]).encode()


def _execution_code(assignment: Assignment) -> bytes:
    course = installed_course()
    library = [package_folder(name) for name in course.library]
    declared = [_module(name) for name in (assignment.inputs, course.machine)]
    return _code((*(_GRADER / name for name in _EXECUTION), *library, *declared))


def _checking_code() -> bytes:
    folders = [package_folder(name) for name in installed_course().code]
    return _code((_GRADER / "checking", _GRADER / "notebooks", *folders))


def _module(name: str) -> Path:
    """Return the file of a module named as ``"module:name"``, or its folder if it has one."""
    file = module_file(name.partition(":")[0])
    return file.parent if file.name == "__init__.py" else file


@functools.cache
def _code(paths: tuple[Path, ...]) -> bytes:
    digest = hashlib.sha256()
    for path in _files(paths):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.digest()


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for file in sorted(path.rglob("*")):
            if file.suffix in _CODE and _NOT_CODE not in file.relative_to(path).parts:
                yield file

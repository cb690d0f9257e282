"""What results depend on, as digests: equal digests mean that nothing needs to be done again."""

import ast
import functools
import hashlib
import importlib.metadata
import threading
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import nbformat

import bsds_utils
from grader.assignment import COURSE_ROOT, Assignment
from grader.course.inputs import Provisions
from grader.notebooks.parsing import parse_course_code
from grader.settings import Settings

__all__ = ["check_keys", "code_identity", "execution_key"]

_GRADER = COURSE_ROOT / "grader"
_LIBRARY = Path(bsds_utils.__file__).parent
# What a submission's execution depends on, besides the submission.
_EXECUTION = (
    _LIBRARY,
    _GRADER / "sandbox",
    _GRADER / "notebooks",
    _GRADER / "grading" / "steps.py",
    _GRADER / "course" / "inputs.py",
    _GRADER / "course" / "machine_speed.py",
    _GRADER / "course" / "measure_speed.py",
)
# What every check depends on, besides the executed submission and the check itself.
_CHECKING = (
    _GRADER / "checking",
    _GRADER / "keras_models",
    *sorted((_GRADER / "course").glob("*.*")),
)
_PACKAGES = ("keras", "tensorflow", "numpy")

_lock = threading.Lock()


def execution_key(
    notebook: nbformat.NotebookNode,
    assignment: Assignment,
    settings: Settings,
    provisions: Provisions,
) -> str:
    """Return a digest of everything that executing a submission depends on.

    That is the cells of the sanitised notebook, the data and weights that it is given, its budget
    and limits, the library's and the sandbox's code and the versions of Keras, TensorFlow, NumPy.
    """
    digest = hashlib.sha256()
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        pasted = cell.get("attachments", {})
        digest.update(repr((cell.cell_type, name, cell.source, pasted)).encode())
    limits = sorted(asdict(settings.limits).items())
    given = (assignment, settings.train_seconds, settings.sandbox, limits, provisions.identity)
    digest.update(repr(given).encode())
    digest.update(_code(_EXECUTION))
    digest.update(_versions())
    return digest.hexdigest()


def code_identity() -> str:
    """Return a digest of all code that results depend on, the same on every machine."""
    code = _code((*_EXECUTION, *_CHECKING, *(_GRADER / "course").glob("*/checks.py")))
    return hashlib.sha256(code + _versions()).hexdigest()


def _versions() -> bytes:
    return repr([importlib.metadata.version(package) for package in _PACKAGES]).encode()


def check_keys(assignment: Assignment, settings: Settings) -> dict[str, str]:
    """Return for each check a digest of what it depends on besides the executed submission.

    That is the course secret, the code that all checks share, and of the file of hidden tests only
    what the check's own test uses, so that editing one check leaves the others' results valid.
    """
    # By one thread at a time: in two, Python 3.11's ast fails now and then (SystemError).
    with _lock:
        common = hashlib.sha256(repr((settings.secret, assignment.points())).encode())
        common.update(_code(_CHECKING))
        if settings.calibration is not None:
            common.update(settings.calibration.read_bytes())
        common.update(assignment.source.read_bytes())
        used = _uses(assignment.hidden_checks.read_text(encoding="utf-8"))
        keys = {}
        for grade_id in assignment.points():
            digest = common.copy()
            digest.update(used.get(f"test_{grade_id}", "").encode())
            keys[grade_id] = digest.hexdigest()
        return keys


@functools.cache
def _code(paths: tuple[Path, ...]) -> bytes:
    digest = hashlib.sha256()
    for path in _files(paths):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.digest()


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


@functools.cache
def _uses(source: str) -> dict[str, str]:
    """Describe for each test of a file what it uses of the file."""
    definitions = _definitions(source)
    return {name: _used_by(name, definitions) for name in definitions if name.startswith("test_")}


def _definitions(source: str) -> dict[str, list[ast.stmt]]:
    """Map every name that a file defines at its top level to the statements that do so."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in parse_course_code(source).body:
        for name in _defined(statement):
            found.setdefault(name, []).append(statement)
    return found


def _defined(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}


def _used_by(name: str, definitions: dict[str, list[ast.stmt]]) -> str:
    """Describe a definition and all that it uses of the same file, fixtures included."""
    seen: set[str] = set()
    wanted = [name]
    while wanted:
        name = wanted.pop()
        if name in seen or name not in definitions:
            continue
        seen.add(name)
        for node in (node for part in definitions[name] for node in ast.walk(part)):
            if isinstance(node, ast.Name):
                wanted.append(node.id)
            elif isinstance(node, ast.arg):
                wanted.append(node.arg)
    return "\n".join(ast.dump(part) for one in sorted(seen) for part in definitions[one])

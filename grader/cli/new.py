"""Write a new assignment that can be graded at once, to be changed into your own.

Gives a source notebook with one example of each kind of task (a function, a saved file, a written
answer), its hidden checks, one right and two wrong samples, and its declaration. With --from it
starts from an assignment of this course. Nothing that exists is ever overwritten.

Examples
--------
  {command} new means
  {command} new edges --from {assignment}
"""

import argparse
import importlib
import keyword
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

from grader.assignment import COURSE_ROOT, Assignment, get_assignment, installed_course
from grader.errors import CourseError
from grader.gradebook.book import CourseGradebook

__all__ = ["add_arguments", "run"]

_TEMPLATE = Path(__file__).with_name("template")
_COURSE = COURSE_ROOT / "grader" / "course"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_PLACEHOLDER = "NAME"
_TEXT = {".py", ".json", ".ipynb"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="small letters, digits and _")
    parser.add_argument(
        "--from", dest="start", metavar="ASSIGNMENT", help="start from this one's files"
    )


def run(args: argparse.Namespace) -> int:
    """Write the files, then the release version."""
    name = str(args.name)
    start = get_assignment(args.start) if args.start else None
    _require_free(name)
    written = _from_template(name) if start is None else _from_assignment(name, start)
    if not (_COURSE / "__init__.py").exists():
        _write(_COURSE / "__init__.py", _course())
        written.append(_COURSE / "__init__.py")
    installed_course.cache_clear()
    _forget_modules()
    with tempfile.TemporaryDirectory(prefix="new-") as folder:
        # A gradebook of its own, so that the course's is not touched.
        assignment = get_assignment(name)
        CourseGradebook(Path(folder)).generate(assignment)
    for path in (*written, assignment.release):
        print(f"wrote {path.relative_to(COURSE_ROOT)}")
    source, command = assignment.source.relative_to(COURSE_ROOT), installed_course().command
    print(f"next: edit {source}, then run '{command} check {name}'")
    return 0


def _require_free(name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise CourseError(
            f"expected a name of at most 30 small letters, digits and _, found {name!r}; choose "
            "another, e.g. means"
        )
    for path in (
        COURSE_ROOT / "solutions" / name,
        COURSE_ROOT / "assignments" / name,
        _COURSE / name,
        _COURSE / f"{name}.py",
    ):
        if path.exists():
            raise CourseError(
                f"expected a name that is free, found {path.relative_to(COURSE_ROOT)}; choose "
                "another, or remove what is there"
            )


def _from_template(name: str) -> list[Path]:
    def changed(text: str) -> str:
        return text.replace(_PLACEHOLDER, name)

    source = COURSE_ROOT / "solutions" / name / f"{name}.ipynb"
    _write(source, changed((_TEMPLATE / "notebook.json").read_text(encoding="utf-8")))
    declaration = _COURSE / name / "__init__.py"
    _write(declaration, changed((_TEMPLATE / "declaration.py").read_text(encoding="utf-8")))
    paths = [_TEMPLATE / "checks.py", *sorted((_TEMPLATE / "samples").rglob("*.py"))]
    copied = _copied(paths, _TEMPLATE, _COURSE / name, changed)
    return [source, declaration, *copied]


def _from_assignment(name: str, start: Assignment) -> list[Path]:
    """Copy an assignment; what is named after it is named after the new one."""
    own = [one for one in start.artifacts if one.startswith(f"{start.name}_")]
    stems = sorted({Path(one).stem for one in own}, key=len, reverse=True)

    def changed(text: str) -> str:
        for one in (*stems, *samples):
            text = text.replace(one, name + one.removeprefix(start.name))
        return re.sub(rf'name="{start.name}"', f'name="{name}"', text)

    folder = start.hidden_checks.parent
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    samples = sorted(
        (path.stem for path in files if "samples" in path.parts), key=len, reverse=True
    )
    source = COURSE_ROOT / "solutions" / name / f"{name}.ipynb"
    _write(source, changed(start.source.read_text(encoding="utf-8")))
    return [source, *_copied(files, folder, _COURSE / name, changed, start.name)]


def _copied(
    paths: list[Path],
    folder: Path,
    destination: Path,
    changed: Callable[[str], str],
    before: str = _PLACEHOLDER,
) -> list[Path]:
    written = []
    for path in paths:
        relative = path.relative_to(folder)
        file = relative.name
        if file.startswith(f"{before}_"):
            file = destination.name + file.removeprefix(before)
        target = destination / relative.parent / file
        if path.suffix in _TEXT:
            _write(target, changed(path.read_text(encoding="utf-8")))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        written.append(target)
    return written


def _course() -> str:
    """Return the declaration of a course whose command is called as it is installed."""
    with (COURSE_ROOT / "pyproject.toml").open("rb") as stream:
        scripts = tomllib.load(stream)["project"]["scripts"]
    text = (_TEMPLATE / "course.py").read_text(encoding="utf-8")
    return text.replace("COMMAND", next(iter(scripts)))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as stream:
        stream.write(text)


def _forget_modules() -> None:
    """Let the course be imported again, with what is new in it."""
    importlib.invalidate_caches()
    for module in [name for name in sys.modules if name.split(".")[:2] == ["grader", "course"]]:
        del sys.modules[module]

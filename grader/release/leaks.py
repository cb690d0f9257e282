"""Making sure that what students get holds no solution, hidden check or grader."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import nbformat

from grader.assignment import installed_course, package_folder
from grader.errors import CourseError
from grader.notebooks.cells import is_answer

__all__ = ["find_leaks", "notebook_text", "require_no_leaks"]

_SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
_TELLTALES = ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "from grader", "import grader")
_SHORTEST = 30
"""Characters of a line that is told apart from code that students write or are given anyway."""


def require_no_leaks(bundle: Path) -> None:
    """Refuse a bundle, and release notebooks, that give away what they must not.

    Raises
    ------
    CourseError
        Naming the first leak. The bundle is deleted.
    """
    leaks = find_leaks(_contents(bundle))
    if leaks:
        bundle.unlink()
        raise CourseError(
            f"expected a release without secrets, found {leaks[0]}; nothing is released"
        )


def find_leaks(contents: dict[str, str]) -> list[str]:
    """Say what in a set of files students must not get.

    Parameters
    ----------
    contents
        Text by file name.

    Returns
    -------
    list of str
        One sentence for each leak.
    """
    leaks = [
        f"the file {name}"
        for name in contents
        if {"grader", "solutions", "tests", "checks.py"} & set(PurePosixPath(name).parts)
    ]
    secrets = {line: what for what, line in _secret_lines()}
    for name, text in contents.items():
        for line in text.splitlines():
            what = secrets.get(line.strip())
            if what is not None:
                leaks.append(f"a line of {what} in {name}: {line.strip()[:60]}")
        leaks += [f"{word!r} in {name}" for word in _TELLTALES if word in text]
    return leaks


def _contents(bundle: Path) -> dict[str, str]:
    """Text of every file in the bundle, of the wheel inside it and of the release notebooks."""
    contents = {}
    for assignment in installed_course().assignments:
        contents[f"assignments/{assignment.name}"] = notebook_text(assignment.release.read_text())
    with zipfile.ZipFile(bundle) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            if name.endswith(".whl"):
                contents |= _wheel(archive, name)
            elif name.endswith(".ipynb"):
                contents[name] = notebook_text(data.decode())
            else:
                contents[name] = data.decode("utf-8", "replace")
    return contents


def _wheel(archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    with archive.open(name) as stream, zipfile.ZipFile(stream) as wheel:
        return {part: wheel.read(part).decode("utf-8", "replace") for part in wheel.namelist()}


def notebook_text(text: str) -> str:
    """Return sources and outputs of a notebook's file."""
    notebook = nbformat.reads(text, as_version=4)
    outputs = [str(cell.outputs) for cell in notebook.cells if cell.get("outputs")]
    return "\n".join([*(cell.source for cell in notebook.cells), *outputs])


def _secret_lines() -> Iterator[tuple[str, str]]:
    """Tell apart the lines that students must not get from those that they get anyway."""
    given = {
        line
        for package in installed_course().library
        for path in package_folder(package).rglob("*.py")
        for line in _long_lines(path.read_text(encoding="utf-8"))
    }
    secret: list[tuple[str, str]] = []
    for assignment in installed_course().assignments:
        for cell in nbformat.read(assignment.source, as_version=4).cells:
            if not is_answer(cell):
                given |= set(_long_lines(cell.source))
            elif cell.cell_type == "code":
                for part in _SOLUTION.findall(cell.source):
                    secret += [(f"a solution of {assignment.name}", x) for x in _long_lines(part)]
            else:
                answer = f"a model answer of {assignment.name}"
                secret += [(answer, line) for line in _long_lines(cell.source)]
        if not assignment.hidden_checks.exists():
            continue
        checks = assignment.hidden_checks.read_text(encoding="utf-8")
        what = f"the hidden checks of {assignment.name}"
        secret += [(what, line) for line in _long_lines(checks)]
    return ((what, line) for what, line in secret if line not in given)


def _long_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if len(line.strip()) >= _SHORTEST]

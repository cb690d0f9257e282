'''Sample submissions: correct ones in ``wheat/``, wrong or cheating ones in ``chaff/``.

A submission is one ``.py`` file, named ``<assignment>_<what>.py``::

    """A network whose last layer has no activation.

    fails: architecture, iou
    """
    # %% task_build_cnn
    def build_cnn():
        ...
    # %% after task_build_cnn
    %time build_cnn()
    # %% task_train

The docstring says what it is; chaff also declares which checks must not get all their points, or,
instead, that it is stopped, and what the reason given to the student must hold::

    """Takes all the memory that there is.

    stopped: GB of memory
    """

``# %% ID`` begins the source of the answer cell with that grade id, ``# %% after ID`` a code cell
that the student added after the cell with that grade id. A section without source leaves the
released stub. Answer cells that are not mentioned hold the reference solution.
'''

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import nbformat

from grader.course import ASSIGNMENTS, get_assignment

__all__ = ["Case", "Kind", "Section", "cases", "load"]

Kind = Literal["wheat", "chaff"]

_FOLDER = Path(__file__).parent
_DOCSTRING = re.compile(r'\A"""(.*?)"""\n', re.DOTALL)
_HEADER = re.compile(r"^# %% (.+)\n?", re.MULTILINE)
_FAILS = re.compile(r"^fails: (.+)$", re.MULTILINE)
_STOPPED = re.compile(r"^stopped: (.+)$", re.MULTILINE)
_MARKER = re.compile(r"^ *### (BEGIN|END) SOLUTION *\n?", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """Source that a submission puts into a notebook.

    Attributes
    ----------
    grade_id
        Cell that it answers, or after which it is added.
    source
        Python, with or without magics; empty: the answer cell keeps the released stub.
    added
        Whether it is a cell that the student added.
    """

    grade_id: str
    source: str
    added: bool


@dataclass(frozen=True)
class Case:
    """A sample submission.

    Attributes
    ----------
    name
        File name without suffix, e.g. ``"cnn_dilated"``; fit to be a student's id.
    assignment
        ``"cnn"`` or ``"resnet"``.
    kind
        ``"wheat"`` must get all automatic points, ``"chaff"`` must not.
    fails
        Grade ids of exactly the checks that must not get all their points.
    stopped
        What the reason holds for which it is not run to its end; None if it is.
    description
        What it is, on one line.
    sections
        What differs from the reference solution, in order.
    """

    name: str
    assignment: str
    kind: Kind
    fails: frozenset[str]
    stopped: str | None
    description: str
    sections: tuple[Section, ...]

    def notebook(self) -> nbformat.NotebookNode:
        """Return what the student hands in: the release version with answers, never run.

        Raises
        ------
        ValueError
            If a section or a declared failure names no such cell.
        """
        assignment = get_assignment(self.assignment)
        notebook: nbformat.NotebookNode = nbformat.read(assignment.release, as_version=4)
        reference = {
            _grade_id(cell): _MARKER.sub("", cell.source)
            for cell in nbformat.read(assignment.source, as_version=4).cells
        }
        answers = {part.grade_id: part.source for part in self.sections if not part.added}
        known = {_grade_id(cell) for cell in notebook.cells} - {None}
        answerable = {_grade_id(cell) for cell in notebook.cells if _is_answer(cell)}
        unknown = (
            (answers.keys() - answerable)
            | ({part.grade_id for part in self.sections if part.added} - known)
            | (self.fails - assignment.points().keys())
        )
        if unknown:
            raise ValueError(f"{self.name}: no such cell in {self.assignment}: {sorted(unknown)}")
        cells = []
        for cell in notebook.cells:
            name = _grade_id(cell)
            if _is_answer(cell):
                cell.source = answers.get(str(name), reference[name]) or cell.source
            cells.append(cell)
            cells += [
                nbformat.v4.new_code_cell(
                    part.source, id=f"{self.name}-{number}".replace("_", "-")
                )
                for number, part in enumerate(self.sections)
                if part.added and part.grade_id == name
            ]
        notebook.cells = cells
        return notebook

    def write(self, root: Path, student: str | None = None) -> Path:
        """Hand the notebook in.

        Parameters
        ----------
        root
            Folder of a course.
        student
            Who hands it in; by default the case's own name.

        Returns
        -------
        pathlib.Path
            ``<root>/submitted/<student>/<assignment>/<assignment>.ipynb``.
        """
        name = get_assignment(self.assignment).notebook_name
        path: Path = root / "submitted" / (student or self.name) / self.assignment / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(self.notebook(), path)
        return path


def cases(assignment: str | None = None) -> list[Case]:
    """Return the sample submissions of one assignment or of all, wheat first, by name."""
    paths = [*sorted(_FOLDER.glob("wheat/*.py")), *sorted(_FOLDER.glob("chaff/*.py"))]
    found = [load(path) for path in paths]
    return [case for case in found if assignment in (None, case.assignment)]


def load(path: Path) -> Case:
    """Read one submission file.

    Raises
    ------
    ValueError
        If it is not in the form that this module's docstring describes.
    """
    text = path.read_text(encoding="utf-8")
    docstring = _DOCSTRING.match(text)
    if docstring is None:
        raise ValueError(f"{path.name}: expected a docstring at the start")
    kind: Kind = "chaff" if path.parent.name == "chaff" else "wheat"
    declared, stopped = _FAILS.search(docstring[1]), _STOPPED.search(docstring[1])
    if [declared, stopped].count(None) != (1 if kind == "chaff" else 2):
        raise ValueError(
            f"{path.name}: either a 'fails:' or a 'stopped:' line belongs into chaff, none into "
            "wheat"
        )
    assignment = path.stem.partition("_")[0]
    if assignment not in ASSIGNMENTS:
        raise ValueError(f"{path.name}: expected a name that starts with an assignment")
    _, *parts = _HEADER.split(text[docstring.end() :])
    return Case(
        name=path.stem,
        assignment=assignment,
        kind=kind,
        fails=frozenset(re.split(r",\s*", declared[1].strip())) if declared else frozenset(),
        stopped=stopped[1].strip() if stopped else None,
        description=" ".join(_STOPPED.sub("", _FAILS.sub("", docstring[1])).split()),
        sections=tuple(
            Section(header.removeprefix("after ").strip(), source.strip("\n"), "after " in header)
            for header, source in zip(parts[::2], parts[1::2], strict=True)
        ),
    )


def _grade_id(cell: nbformat.NotebookNode) -> str | None:
    name = cell.metadata.get("nbgrader", {}).get("grade_id")
    return None if name is None else str(name)


def _is_answer(cell: nbformat.NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))

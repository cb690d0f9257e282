'''Sample submissions of an assignment: correct ones in ``wheat/``, wrong ones in ``chaff/``.

They lie in ``samples/`` beside the assignment's declaration, each one ``.py`` file::

    """A network whose last layer has no activation.

    fails: architecture, score
    """
    # %% task_build
    def build():
        ...
    # %% after task_build
    %time build()
    # %% task_train

The docstring says what it is; chaff also declares which checks must not get all their points, or,
instead, that it is ``stopped:`` while it runs or ``rejected:`` before, and what the reason given
to the student must hold::

    """Takes all the memory that there is.

    stopped: GB of memory
    """

An honest mistake that the notebook's own, visible checks cannot catch says why::

    """Trained on the validation images, too.

    fails: score
    not visible: only the grader has images that nobody trained on
    """

``# %% ID`` begins the source of the answer cell with that grade id, ``# %% after ID`` a code cell
that the student added after the cell with that grade id. A section without source leaves the
released stub. Answer cells that are not mentioned hold the reference solution.

``# %% edit`` is not for the notebook: it defines a function that changes the finished notebook as
no editor would, or puts files into the folder that is handed in with it::

    # %% edit
    def edit(notebook, folder):
        notebook.cells[5].metadata.nbgrader.points = 1000
        (folder / "conftest.py").write_text("raise SystemExit")
'''

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nbformat

from grader.assignment import Assignment, get_assignment, installed_course
from grader.notebooks.cells import grade_id, is_answer

__all__ = ["Case", "Kind", "Section", "cases", "load"]

Kind = Literal["wheat", "chaff"]
Status = Literal["graded", "not_run", "rejected"]

_OUTCOMES: dict[str, Status] = {"fails": "graded", "stopped": "not_run", "rejected": "rejected"}

_DOCSTRING = re.compile(r'\A"""(.*?)"""\n', re.DOTALL)
_HEADER = re.compile(r"^# %% (.+)\n?", re.MULTILINE)
_OUTCOME = re.compile(rf"^({'|'.join(_OUTCOMES)}): (.+)$", re.MULTILINE)
_NOT_VISIBLE = re.compile(r"^not visible: (.+)$", re.MULTILINE)
_EDIT = "edit"
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
        File name without suffix, fit to be a student's id.
    assignment
        Whose it is.
    kind
        ``"wheat"`` must get all automatic points, ``"chaff"`` must not.
    status
        What grading must come to.
    fails
        If it is graded: grade ids of exactly the checks that must not get all their points.
    reason
        If it is not: what the reason given to the student must hold.
    not_visible
        Why the notebook's own checks do not catch it; empty if they must.
    description
        What it is, on one line.
    sections
        What differs from the reference solution, in order.
    edit
        Python that defines ``edit(notebook, folder)``; empty if nothing is edited.
    path
        The file.
    """

    name: str
    assignment: str
    kind: Kind
    status: Status
    fails: frozenset[str]
    reason: str
    not_visible: str
    description: str
    sections: tuple[Section, ...]
    edit: str
    path: Path = Path()

    def notebook(self) -> nbformat.NotebookNode:
        """Return what the student wrote: the release version with answers, never run, unedited.

        Raises
        ------
        ValueError
            If a section or a declared failure names no such cell.
        """
        assignment = get_assignment(self.assignment)
        notebook: nbformat.NotebookNode = nbformat.read(assignment.release, as_version=4)
        reference = {
            grade_id(cell): _MARKER.sub("", cell.source)
            for cell in nbformat.read(assignment.source, as_version=4).cells
        }
        answers = {part.grade_id: part.source for part in self.sections if not part.added}
        known = {grade_id(cell) for cell in notebook.cells} - {None}
        answerable = {grade_id(cell) for cell in notebook.cells if is_answer(cell)}
        unknown = (
            (answers.keys() - answerable)
            | ({part.grade_id for part in self.sections if part.added} - known)
            | (self.fails - assignment.points().keys())
        )
        if unknown:
            raise ValueError(f"{self.name}: no such cell in {self.assignment}: {sorted(unknown)}")
        cells = []
        for cell in notebook.cells:
            name = grade_id(cell)
            if is_answer(cell):
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
        notebook = self.notebook()
        if self.edit:
            defined: dict[str, Any] = {"__file__": str(self.path)}
            exec(self.edit, defined)
            defined[_EDIT](notebook, path.parent)
        # Not nbformat.write, which knows only notebooks that are valid.
        path.write_text(json.dumps(notebook), encoding="utf-8")
        return path


def cases(assignment: str | None = None) -> list[Case]:
    """Return the sample submissions of one assignment or of all, wheat first, by name."""
    return [
        load(path, one)
        for kind in ("wheat", "chaff")
        for one in installed_course().assignments
        if assignment in (None, one.name)
        for path in sorted(_folder(one).glob(f"{kind}/*.py"))
    ]


def _folder(assignment: Assignment) -> Path:
    return assignment.hidden_checks.with_name("samples")


def load(path: Path, assignment: Assignment) -> Case:
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
    outcomes = _OUTCOME.findall(docstring[1])
    if len(outcomes) != (1 if kind == "chaff" else 0):
        raise ValueError(
            f"{path.name}: one line of {', '.join(_OUTCOMES)} belongs into chaff, none into wheat"
        )
    outcome, declared = outcomes[0] if outcomes else ("fails", "")
    not_visible = _NOT_VISIBLE.search(docstring[1])
    if not_visible and kind == "wheat":
        raise ValueError(f"{path.name}: only chaff can be what visible checks do not see")
    _, *parts = _HEADER.split(text[docstring.end() :])
    sections = [
        Section(header.removeprefix("after ").strip(), source.strip("\n"), "after " in header)
        for header, source in zip(parts[::2], parts[1::2], strict=True)
    ]
    return Case(
        name=path.stem,
        assignment=assignment.name,
        path=path,
        kind=kind,
        status=_OUTCOMES[outcome],
        fails=frozenset(re.findall(r"\w+", declared) if outcome == "fails" else ()),
        reason="" if outcome == "fails" else declared.strip(),
        not_visible=not_visible[1] if not_visible else "",
        description=" ".join(_NOT_VISIBLE.sub("", _OUTCOME.sub("", docstring[1])).split()),
        sections=tuple(part for part in sections if part.grade_id != _EDIT),
        edit="".join(part.source for part in sections if part.grade_id == _EDIT),
    )

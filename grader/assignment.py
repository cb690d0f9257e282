"""What a course declares: itself, its assignments, and what their submissions are given."""

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat

from grader.errors import CourseError
from grader.notebooks.cells import grade_id, is_answer, is_checked, marks

__all__ = [
    "COURSE_ROOT", "Assignment", "Course", "Inputs", "Machine", "assignments_in", "get_assignment",
    "installed_course", "load", "machine", "module_file", "package_folder",
]  # fmt: skip

COURSE_ROOT = Path(__file__).resolve().parent.parent

PROBE_TAG = "probe"
"""Marks an instructor's cell that defines names which the students' functions need."""

_SETTING = "GRADER_COURSE"
_DEFAULT = "grader.course:COURSE"


@dataclass(frozen=True)
class Inputs:
    """Read-only files for a sandbox; by default none.

    Attributes
    ----------
    identity
        Digest of what the files hold, which is the same on every machine.
    """

    identity: str = ""

    @property
    def mounts(self) -> Mapping[Path, Path]:
        """Path outside → path inside."""
        return {}

    def variables(self, inside: Callable[[Path], Path]) -> dict[str, str]:
        """Environment that tells a submission where to look, given how paths are mapped."""
        return {}


class Machine:
    """How much a second of processor time is worth here; by default always the same.

    A course whose grades depend on how far a computation gets declares its own.
    """

    threads = 1
    """Threads of a submission's computations."""
    most = 1.0
    """Processor seconds that may count as one second of work."""

    def pace(self) -> float:
        """Return by what to multiply budgets here."""
        return 1.0

    def clock(self, processor_time: Callable[[], float]) -> Callable[[], float]:
        """Make a clock of work from one of processor time."""
        return processor_time

    def environment(self, home: Path, budget: float | None = None) -> dict[str, str]:
        """Return how libraries compute in a sandbox with that home, and the notebook's budget."""
        return {}


@dataclass(frozen=True)
class Assignment:
    """One assignment: a notebook, its hidden checks and what they look at.

    What is named as ``"module:name"`` is imported where it is used, so that listing assignments
    needs no library.

    Attributes
    ----------
    name
        Folder and notebook name, e.g. ``"means"``.
    package
        The package that declares it; beside it lie ``checks.py`` and ``samples/``.
    artifacts
        Files that the notebook writes into its working folder and that the checks may open.
    train_seconds
        Budget of its computations in seconds of processor time.
    inputs
        A function of assignment, settings and workplace that returns :class:`Inputs`.
    submission
        The subclass of :class:`grader.checking.submission.Submission` that checks see.
    preview
        A function of a submission that returns a :class:`grader.checking.preview.Preview` or None.
    warning
        A function of assignment and settings that says what makes points hard to earn here.
    agreement
        A function of the assignment that says where declaration and notebook differ.
    demo
        Names of the samples that the demonstration grades.
    demo_seconds
        Their budget on the data that come with the course.
    """

    name: str
    package: str
    artifacts: tuple[str, ...] = ()
    train_seconds: float = 0.0
    inputs: str = "grader.assignment:no_inputs"
    submission: str = "grader.checking.submission:Submission"
    preview: str | None = None
    warning: str | None = None
    agreement: str | None = None
    demo: tuple[str, ...] = ()
    demo_seconds: float | None = None

    @property
    def notebook_name(self) -> str:
        """File name of the notebook, e.g. ``"means.ipynb"``."""
        return f"{self.name}.ipynb"

    @property
    def source(self) -> Path:
        """The notebook with solutions, the single source of the assignment."""
        return COURSE_ROOT / "solutions" / self.name / self.notebook_name

    @property
    def release(self) -> Path:
        """The notebook that students get, generated from the source."""
        return COURSE_ROOT / "assignments" / self.name / self.notebook_name

    @property
    def hidden_checks(self) -> Path:
        """The pytest file whose tests are the graded cells' verdicts."""
        return package_folder(self.package) / "checks.py"

    @property
    def trusted(self) -> bool:
        """Whether hidden checks look at submissions from outside; else points can be forged."""
        return self.hidden_checks.exists()

    def restoring(self) -> nbformat.NotebookNode:
        """Return what a submission is rebuilt from before it runs.

        That is the release version; where there are no hidden checks of ours, with the tests that
        nbgrader hides from students.
        """
        notebook: nbformat.NotebookNode = nbformat.read(self.release, as_version=4)
        if not self.trusted:
            tests = {
                grade_id(cell): cell.source for cell in self._nbgrader_cells() if is_checked(cell)
            }
            for cell in notebook.cells:
                cell.source = tests.get(grade_id(cell), cell.source)
        return notebook

    def points(self) -> dict[str, float]:
        """Points of the automatically graded cells, by grade id, in notebook order."""
        return {
            str(grade_id(cell)): float(marks(cell)["points"])
            for cell in self._nbgrader_cells()
            if is_checked(cell)
        }

    def probe_cells(self) -> frozenset[str]:
        """Grade ids of the instructor's cells to run before students' functions are probed."""
        return frozenset(
            str(grade_id(cell))
            for cell in self._nbgrader_cells()
            if PROBE_TAG in cell.metadata.get("tags", [])
        )

    def given_code(self) -> list[tuple[str, str]]:
        """Grade ids and sources of the instructor's code cells, in notebook order."""
        return [
            (str(grade_id(cell)), cell.source)
            for cell in self._nbgrader_cells()
            if cell.cell_type == "code" and not is_answer(cell)
        ]

    def _nbgrader_cells(self) -> list[nbformat.NotebookNode]:
        return _nbgrader_cells(self.source, self.source.stat().st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _nbgrader_cells(path: Path, written: int) -> list[nbformat.NotebookNode]:
    """Read a notebook's cells that nbgrader knows, again when it is written again."""
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if marks(cell)]


@dataclass(frozen=True)
class Course:
    """A course, declared once.

    Attributes
    ----------
    id, title
        nbgrader's course id, and what the course is about.
    assignments
        In the order in which they are taught.
    command
        What the instructor's command is called.
    prefix
        Of environment variables that carry settings.
    commands
        Further sub-commands: the name of the module of each.
    mistakes
        What the course's library raises for what a person can mend.
    library, extras
        Packages that students get, which every sandbox sees; and those of the project's optional
        dependencies that they have, too.
    preload
        Slow modules that one process imports for all sandboxes.
    first
        Modules that a kernel imports before a submission's code runs.
    trusted
        Slow modules that hidden checks need.
    packages
        Distributions on whose versions results depend.
    kit
        Script with what probes do besides calling functions, see ``answer_probes.py``.
    code
        Packages whose code decides what checks find, besides the grader's own.
    training_functions
        Functions that students write, whose second and third argument are train and val.
    settings
        The subclass of :class:`grader.settings.Settings` that holds the course's own.
    machine
        A function that returns a :class:`Machine`.
    bundle_readme
        Text of the file that goes with the notebooks; may hold {python}, {wheel}, {conditions}.
    budget_conditions, conditions
        What students are told of the budget, as {budget}, and of what they are given.
    """

    id: str
    title: str
    assignments: tuple[Assignment, ...] = ()
    command: str = "course"
    prefix: str = "GRADER"
    commands: Mapping[str, str] = field(default_factory=dict)
    mistakes: tuple[type[Exception], ...] = ()
    library: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    kit: Path | None = None
    code: tuple[str, ...] = ()
    training_functions: tuple[str, ...] = ()
    settings: str = "grader.settings:Settings"
    machine: str = "grader.assignment:Machine"
    bundle_readme: str = "{conditions}"
    budget_conditions: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


def no_inputs(*_: Any) -> Inputs:
    """Give a submission nothing."""
    return Inputs()


def assignments_in(package: str) -> tuple[Assignment, ...]:
    """Return what the packages in a package declare as ``ASSIGNMENT``, by name."""
    folder = package_folder(package)
    names = sorted(
        path.parent.name
        for path in folder.glob("*/__init__.py")
        if "\nASSIGNMENT = " in path.read_text(encoding="utf-8")
    )
    modules = [import_module(f"{package}.{name}") for name in names]
    return tuple(module.ASSIGNMENT for module in modules)


@functools.cache
def installed_course() -> Course:
    """Return the course of this repository, or the one that GRADER_COURSE names."""
    name = os.environ.get(_SETTING) or _DEFAULT
    found = find_spec(name.partition(":")[0])
    if found is None or found.origin is None:
        return Course(id="course", title="A course that has no assignment yet.")
    course: Course = load(name)
    return course


def load(name: str) -> Any:
    """Import what is named as ``"module:name"``."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


@functools.cache
def machine() -> Machine:
    """Return what the course says of this machine."""
    found: Machine = load(installed_course().machine)()
    return found


def module_file(name: str) -> Path:
    """Return the file of a module, of a package that of its ``__init__``."""
    found = find_spec(name)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin)


def package_folder(name: str) -> Path:
    """Return the folder of a package."""
    return module_file(name).parent


def get_assignment(name: str) -> Assignment:
    """Return the assignment called `name`, or say which there are.

    Raises
    ------
    CourseError
        If there is no such assignment.
    """
    known = {one.name: one for one in installed_course().assignments}
    if name not in known:
        raise CourseError(
            f"expected an assignment, one of {', '.join(known)}; found {name!r}; "
            "give one of those names"
        )
    return known[name]

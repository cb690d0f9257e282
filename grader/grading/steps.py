"""The two steps of grading one sanitised notebook: execute it, then check what it left behind.

Both are plain functions of what they are given, so that they run as well in another process or on
another machine.
"""

import math
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import nbformat

from bsds_utils.work import WorkClock
from grader.assignment import COURSE_ROOT, Assignment
from grader.checking.process import CheckJob, Findings, run_checks
from grader.course.inputs import Provisions, prepare
from grader.course.machine_speed import (
    THREADS,
    keras_environment,
    library_sandbox,
    pace,
    usual_probe,
)
from grader.folders import Workplace, scratch
from grader.sandbox.bubblewrap import Sandbox, require_sandbox
from grader.sandbox.launch import warm_address
from grader.sandbox.notebook import Effort, Executed, execute
from grader.sandbox.probe import Cell
from grader.settings import Settings

__all__ = ["check_executed", "execute_notebook"]

_PROBE_TRAIN_SECONDS = 1.0
"""Budget of any training in cells that only define functions; it is of no use there."""


def execute_notebook(
    notebook: nbformat.NotebookNode,
    assignment: Assignment,
    settings: Settings,
    workplace: Workplace,
) -> Executed:
    """Execute one submission in isolation.

    Parameters
    ----------
    notebook
        The submission after sanitising: the instructor's cells are the release version's.
    assignment, settings, workplace
        What is graded, how, and where the grader keeps its files.

    Returns
    -------
    Executed
        Whatever the submission does.

    Raises
    ------
    BSDSError
        If this machine cannot grade: no sandbox, no data.
    """
    if settings.sandbox:
        require_sandbox()
    provisions = prepare(assignment, settings, workplace)
    budget = settings.budget(assignment) * pace()
    limits = settings.limits
    # A loop of a student's own that looks at the clock keeps all threads busy for as long.
    training = THREADS * budget
    effort = Effort(
        training=training,
        other=limits.other_seconds * pace(),
        own=limits.own_seconds * pace(),
        usual_probe=usual_probe(),
        cell_seconds=training + limits.cell_seconds,
        total_seconds=training + limits.submission_seconds,
    )
    with scratch("g") as folder:
        sandbox = _sandbox(_folder(folder, "work"), provisions, settings, workplace, budget)
        # Where seconds are worth less, there are more of them.
        most = math.ceil(WorkClock.MOST * (effort.training + effort.other + effort.own))
        limits = replace(limits, cpu_seconds=max(limits.cpu_seconds, most))
        return execute(
            notebook,
            replace(sandbox, limits=limits),
            effort,
            take=assignment.artifacts,
            added=[
                number
                for number, cell in enumerate(notebook.cells)
                if cell.cell_type == "code" and _grade_id(cell) is None
            ],
        )


def check_executed(
    executed: Executed,
    notebook: nbformat.NotebookNode,
    assignment: Assignment,
    settings: Settings,
    only: Collection[str],
    workplace: Workplace,
) -> tuple[Findings, float]:
    """Check an executed submission.

    Parameters
    ----------
    executed
        What executing left.
    notebook
        The sanitised notebook that was executed.
    assignment, settings
        What is graded, and how.
    only
        Grade ids of the checks to make.
    workplace
        Where the grader keeps its files.

    Returns
    -------
    tuple
        What the checks found, and how many seconds of wall-clock time they took.

    Raises
    ------
    BSDSError
        If this machine cannot grade: no sandbox, no data, no calibration.
    """
    if settings.sandbox:
        require_sandbox()
    started = time.monotonic()
    provisions = prepare(assignment, settings, workplace)
    with scratch("g") as folder:
        job = CheckJob(
            assignment=assignment,
            settings=settings,
            workplace=workplace,
            artifacts=executed.artifacts,
            probe_sandbox=_sandbox(
                _folder(folder, "probe"), provisions, settings, workplace, _PROBE_TRAIN_SECONDS
            ),
            model_sandbox=library_sandbox(
                _folder(folder, "models"), settings.limits, settings.sandbox
            ),
            probe_cells=_probe_cells(notebook, assignment),
            student_cells=_student_cells(notebook),
            problem=_first_error(executed.notebook),
            only=frozenset(only),
            warm=warm_address() if settings.sandbox else None,
        )
        findings = run_checks(job)
    return findings, time.monotonic() - started


def _folder(parent: str, name: str) -> Path:
    path = Path(parent, name)
    path.mkdir(mode=0o700)
    return path


def _sandbox(
    work: Path,
    provisions: Provisions,
    settings: Settings,
    workplace: Workplace,
    train_seconds: float,
) -> Sandbox:
    sandbox = Sandbox(
        work=work,
        environment={},
        read_only=provisions.mounts,
        private=(COURSE_ROOT, workplace.root),
        limits=settings.limits,
        isolated=settings.sandbox,
    )
    inside = sandbox.path_inside
    environment = {
        **provisions.variables(inside),
        "BSDS_PROCESSOR_BUDGET": str(train_seconds),
        "BSDS_PROCESSOR_PROBE": str(usual_probe()),
        # For loops of a student's own that look at the clock.
        "BSDS_TIME_BUDGET": str(train_seconds),
        **keras_environment(inside(work)),
    }
    return replace(sandbox, environment=environment)


def _grade_id(cell: nbformat.NotebookNode) -> str | None:
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
    return None if grade_id is None else str(grade_id)


def _is_students(cell: nbformat.NotebookNode) -> bool:
    metadata = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and not metadata.get("locked") and not metadata.get("grade")


def _student_cells(notebook: nbformat.NotebookNode) -> list[Cell]:
    return [
        Cell(_grade_id(cell) or f"no. {number}", cell.source)
        for number, cell in enumerate(notebook.cells, start=1)
        if _is_students(cell)
    ]


def _probe_cells(notebook: nbformat.NotebookNode, assignment: Assignment) -> list[Cell]:
    """Return the cells that define functions: the student's, and the instructor's marked ones."""
    marked = assignment.probe_cells()
    return [
        Cell(_grade_id(cell) or f"no. {number}", cell.source)
        for number, cell in enumerate(notebook.cells, start=1)
        if cell.cell_type == "code" and (_is_students(cell) or _grade_id(cell) in marked)
    ]


def _first_error(notebook: nbformat.NotebookNode) -> str | None:
    """Describe the first cell that failed, which usually explains all that is missing."""
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                name = _grade_id(cell) or f"no. {number}"
                if output.ename == "NotImplementedError":
                    return f"cell {name} needs a task that is not written yet"
                text = f"{output.ename}: {output.evalue}".splitlines()[0][:200]
                return f"the first error is in cell {name} ({text})"
    return None

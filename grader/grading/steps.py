"""The two steps of grading one sanitised notebook: execute it, then check what it left behind.

Both are plain functions of what they are given, so that they run as well in another process or on
another machine.
"""

import math
import time
from dataclasses import replace
from pathlib import Path

import nbformat

from grader.assignment import COURSE_ROOT, Assignment, Inputs, load, machine
from grader.checking.process import CheckJob, Findings, run_checks
from grader.folders import Workplace, scratch
from grader.notebooks.cells import grade_id, is_students, label
from grader.sandbox.bubblewrap import Sandbox, require_sandbox
from grader.sandbox.launch import warm_address
from grader.sandbox.notebook import Effort, Executed, execute
from grader.sandbox.probe import Cell
from grader.settings import Settings

__all__ = ["check_executed", "execute_notebook", "prepare"]

_PROBE_TRAIN_SECONDS = 1.0
"""Budget of any training in cells that only define functions; it is of no use there."""


def prepare(assignment: Assignment, settings: Settings, workplace: Workplace) -> Inputs:
    """Make sure that everything a submission needs exists, and say what it is."""
    inputs: Inputs = load(assignment.inputs)(assignment, settings, workplace)
    return inputs


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
    CourseError
        If this machine cannot grade: no sandbox, no data.
    """
    if settings.sandbox:
        require_sandbox()
    inputs = prepare(assignment, settings, workplace)
    here = machine()
    pace = here.pace()
    budget = settings.budget(assignment) * pace
    limits = settings.limits
    # A loop of a student's own that looks at the clock keeps all threads busy for as long.
    training = here.threads * budget
    effort = Effort(
        training=training,
        other=limits.other_seconds * pace,
        own=limits.own_seconds * pace,
        clock=here.clock,
        cell_seconds=training + limits.cell_seconds,
        total_seconds=training + limits.submission_seconds,
    )
    with scratch("g") as folder:
        sandbox = _sandbox(_folder(folder, "work"), inputs, settings, workplace, budget)
        # Where seconds are worth less, there are more of them.
        most = math.ceil(here.most * (effort.training + effort.other + effort.own))
        limits = replace(limits, cpu_seconds=max(limits.cpu_seconds, most))
        return execute(
            notebook,
            replace(sandbox, limits=limits),
            effort,
            take=assignment.artifacts,
            added=[
                number
                for number, cell in enumerate(notebook.cells)
                if cell.cell_type == "code" and grade_id(cell) is None
            ],
        )


def check_executed(
    executed: Executed,
    notebook: nbformat.NotebookNode,
    assignment: Assignment,
    settings: Settings,
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
    workplace
        Where the grader keeps its files.

    Returns
    -------
    tuple
        What the checks found, and how many seconds of wall-clock time they took.

    Raises
    ------
    CourseError
        If this machine cannot grade: no sandbox, no data, no calibration.
    """
    if settings.sandbox:
        require_sandbox()
    started = time.monotonic()
    if not assignment.trusted:
        # Here, because importing nbgrader takes seconds.
        from grader.checking.own_tests import own_tests

        return own_tests(executed.notebook), time.monotonic() - started
    inputs = prepare(assignment, settings, workplace)
    with scratch("g") as folder:
        job = CheckJob(
            assignment=assignment,
            settings=settings,
            workplace=workplace,
            artifacts=executed.artifacts,
            probe_sandbox=_sandbox(
                _folder(folder, "probe"), inputs, settings, workplace, _PROBE_TRAIN_SECONDS
            ),
            probe_cells=_probe_cells(notebook, assignment),
            student_cells=_student_cells(notebook),
            problem=_first_error(executed.notebook),
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
    inputs: Inputs,
    settings: Settings,
    workplace: Workplace,
    train_seconds: float,
) -> Sandbox:
    sandbox = Sandbox(
        work=work,
        environment={},
        read_only=inputs.mounts,
        private=(COURSE_ROOT, workplace.root),
        limits=settings.limits,
        isolated=settings.sandbox,
    )
    inside = sandbox.path_inside
    environment = {
        **inputs.variables(inside),
        **machine().environment(inside(work), train_seconds),
    }
    return replace(sandbox, environment=environment)


def _student_cells(notebook: nbformat.NotebookNode) -> list[Cell]:
    return [
        Cell(label(cell, number), cell.source)
        for number, cell in enumerate(notebook.cells, start=1)
        if is_students(cell)
    ]


def _probe_cells(notebook: nbformat.NotebookNode, assignment: Assignment) -> list[Cell]:
    """Return the cells that define functions: the student's, and the instructor's marked ones."""
    marked = assignment.probe_cells()
    return [
        Cell(label(cell, number), cell.source)
        for number, cell in enumerate(notebook.cells, start=1)
        if cell.cell_type == "code" and (is_students(cell) or grade_id(cell) in marked)
    ]


def _first_error(notebook: nbformat.NotebookNode) -> str | None:
    """Describe the first cell that failed, which usually explains all that is missing."""
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                name = label(cell, number)
                if output.ename == "NotImplementedError":
                    return f"cell {name} needs a task that is not written yet"
                text = f"{output.ename}: {output.evalue}".splitlines()[0][:200]
                return f"the first error is in cell {name} ({text})"
    return None

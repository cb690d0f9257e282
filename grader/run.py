"""Grading a class: many submissions side by side, one gradebook writer.

Workers only execute and check; what they find goes into the result store. This process then lets
stock nbgrader autograde each submission, which finds the stored result, so that the grades equal
those of ``nbgrader autograde`` by construction.
"""

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import nbformat

from bsds_utils.errors import BSDSError
from grader.course import Assignment
from grader.gradebook import Course
from grader.grading import grade_notebook
from grader.restore import restore
from grader.result import Result, no_points, rejected
from grader.sandbox.live import LIVE, GradingStopped
from grader.settings import Settings
from grader.store import ResultStore, result_key
from grader.submission import Rejected, read_submission
from grader.workplace import Workplace

__all__ = ["Graded", "Renew", "find_submissions", "grade_class"]

Renew = Literal["nothing", "failed", "all"]

# Characters that nbgrader's folder patterns would take for wildcards.
_WILDCARDS = set("*?[]")


@dataclass(frozen=True)
class Graded:
    """One line of the grade table.

    Attributes
    ----------
    student
        Name of the folder below ``submitted/``.
    result
        What came of it.
    seconds
        Wall-clock seconds that it took now; close to 0 for a stored result.
    reused
        Whether the result was found in the store.
    recordable
        False if the grader itself failed, so that a score would say nothing.
    """

    student: str
    result: Result
    seconds: float
    reused: bool
    recordable: bool = True


def find_submissions(assignment: Assignment, workplace: Workplace) -> list[str]:
    """Return the students who handed something in, in order.

    Raises
    ------
    BSDSError
        If nobody did.
    """
    folder = workplace.root / "submitted"
    students = sorted(
        path.parent.name for path in folder.glob(f"*/{assignment.name}") if path.is_dir()
    )
    if not students:
        raise BSDSError(
            f"expected submissions in {folder}/<student>/{assignment.name}/, found none; put each "
            f"student's {assignment.notebook_name} there"
        )
    return students


def grade_class(
    assignment: Assignment,
    students: Sequence[str],
    settings: Settings,
    workplace: Workplace,
    jobs: int = 1,
    executor: Executor | None = None,
    on_done: Callable[[Graded], None] = lambda graded: None,
    renew: Renew = "nothing",
) -> list[Graded]:
    """Grade submissions and record them in the gradebook as they finish.

    Parameters
    ----------
    assignment, students, settings, workplace
        What to grade, whose, how and where.
    jobs
        How many submissions to run at a time.
    executor
        What to run them on; by default `jobs` threads, each of which drives sandboxes.
    on_done
        Called in this thread after each submission is recorded.
    renew
        Which stored results are not used but made again: none, those of submissions that were
        not run to their end, or all.

    Returns
    -------
    list of Graded
        In the order of `students`. After Ctrl-C, which ends the running sandboxes and is raised
        again, everything recorded so far stays recorded.
    """
    course = Course(workplace.root, settings)
    course.ensure_assignment(assignment)
    release = nbformat.read(assignment.release, as_version=4)
    done: dict[str, Graded] = {}
    pool = executor or ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="grade")
    try:
        futures = {
            pool.submit(
                _grade_one, student, release, assignment, settings, workplace, renew
            ): student
            for student in students
        }
        for student, graded in _finished(futures):
            done[student] = _recorded(graded, course, assignment)
            on_done(done[student])
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        LIVE.kill_all()
        raise
    finally:
        if executor is None:
            pool.shutdown(wait=False, cancel_futures=True)
    return [done[student] for student in students]


def _recorded(graded: Graded, course: Course, assignment: Assignment) -> Graded:
    """Enter a result into the gradebook; what fails there is that student's problem alone."""
    if graded.result.status == "rejected" or not graded.recordable:
        return graded
    try:
        course.record(assignment, graded.student)
    except BSDSError as error:
        return replace(graded, result=replace(graded.result, problem=str(error)))
    return graded


def _finished(futures: dict[Future[Graded], str]) -> Iterator[tuple[str, Graded]]:
    for future in as_completed(futures):
        yield futures[future], future.result()


def _grade_one(
    student: str,
    release: nbformat.NotebookNode,
    assignment: Assignment,
    settings: Settings,
    workplace: Workplace,
    renew: Renew,
) -> Graded:
    started = time.monotonic()
    try:
        notebook = restore(_read(student, assignment, settings, workplace.root), release)
    except Rejected as problem:
        result = rejected(assignment.points(), str(problem))
        return Graded(student, result, time.monotonic() - started, reused=False)
    store = ResultStore(workplace.results)
    key = result_key(notebook, assignment, settings)
    stored = store.get(key)
    if stored is not None and _outdated(stored, renew):
        stored = None
    try:
        result = stored or grade_notebook(notebook, assignment, settings, workplace)
    except (BSDSError, GradingStopped):
        raise  # not this submission's doing, and the same for all others
    except Exception:
        return _grader_failed(student, assignment, time.monotonic() - started)
    if stored is None:
        store.put(key, result)
    return Graded(student, result, time.monotonic() - started, reused=stored is not None)


def _outdated(stored: Result, renew: Renew) -> bool:
    return renew == "all" or (renew == "failed" and stored.status != "graded")


def _grader_failed(student: str, assignment: Assignment, seconds: float) -> Graded:
    problem = "the grader failed on this submission; your instructor has been told why"
    verdicts = {
        name: replace(verdict, internal=traceback.format_exc())
        for name, verdict in no_points(assignment.points(), problem).items()
    }
    result = Result("not_run", verdicts, problem)
    return Graded(student, result, seconds, reused=False, recordable=False)


def _read(
    student: str, assignment: Assignment, settings: Settings, root: Path
) -> nbformat.NotebookNode:
    if _WILDCARDS & set(student):
        raise Rejected(
            f"expected a folder name without * ? [ ], found {student!r}; rename the folder"
        )
    folder = root / "submitted" / student / assignment.name
    return read_submission(folder, assignment, settings.limits)

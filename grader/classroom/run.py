"""Grading a class: many submissions side by side, one gradebook writer.

Threads have submissions executed and checked, here or elsewhere; what is found goes into the
result store. The main thread then lets stock nbgrader autograde each submission, which finds the
stored result, so that the grades equal those of ``nbgrader autograde`` by construction.
"""

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from grader.assignment import Assignment
from grader.errors import CourseError, mistakes
from grader.folders import Workplace, locked, sweep
from grader.gradebook.nbgrader_warnings import ignore_nbgrader_warnings
from grader.grading.cached import Engine, Renew, Starved, grade, here
from grader.grading.result import Result, no_points, rejected
from grader.grading.result_cache import ResultStore
from grader.notebooks.restore import restore
from grader.notebooks.submitted import Rejected, check_timestamp, name_problem, read_submission
from grader.notebooks.text import printable
from grader.sandbox.stopping import LIVE, GradingStopped
from grader.settings import Settings

if TYPE_CHECKING:
    from grader.gradebook.recorded import Ledger

__all__ = ["Graded", "find_submissions", "grade_class", "grade_submission"]

GRADER_FAILED = "the grader failed on this submission; your instructor has been told why"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Graded:
    """One line of the grade table.

    Attributes
    ----------
    student
        Name of the folder below ``submitted/``, what cannot be printed of it as escapes.
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
    CourseError
        If nobody did.
    """
    folder = workplace.root / "submitted"
    students = sorted(
        path.parent.name for path in folder.glob(f"*/{assignment.name}") if path.is_dir()
    )
    if not students:
        raise CourseError(
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
    engine: Engine = here,
    on_start: Callable[[str], None] = lambda student: None,
    on_done: Callable[[Graded], None] = lambda graded: None,
    renew: Renew = "nothing",
) -> list[Graded]:
    """Grade submissions and record them in the gradebook as they finish.

    Parameters
    ----------
    assignment, students, settings, workplace
        What to grade, whose, how and where.
    jobs
        How many submissions to have under way at a time.
    engine
        Where they are executed and checked; by default in sandboxes of this machine.
    on_start
        Called in a thread of its own when a submission's turn has come.
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

    Raises
    ------
    CourseError
        If this machine cannot grade, or another run grades this course at the moment.
    """
    with _only_writer(workplace):
        ignore_nbgrader_warnings()
        sweep()
        ResultStore(workplace.results).sweep()
        release = assignment.restoring()

        def work(student: str) -> Graded:
            on_start(printable(student))
            return grade_submission(
                student, release, assignment, settings, workplace, renew, engine
            )

        done: dict[str, Graded] = {}
        pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="grade")
        try:
            futures = {pool.submit(work, student): student for student in students}
            # Here, because importing nbgrader takes seconds, in which submissions already run.
            from grader.gradebook.book import CourseGradebook
            from grader.gradebook.recorded import Ledger

            course = CourseGradebook(workplace.root, settings)
            course.ensure_assignment(assignment)
            ledger = Ledger(course, assignment, workplace)
            for future in as_completed(futures):
                student = futures[future]
                done[student] = _recorded(future.result(), ledger)
                on_done(done[student])
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            LIVE.kill_all()
            raise
        except mistakes():
            # What ends this run would end it for those that are under way, too; not a later run.
            pool.shutdown(wait=False, cancel_futures=True)
            LIVE.kill_all()
            pool.shutdown()
            LIVE.renew()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return [done[student] for student in students]


@contextmanager
def _only_writer(workplace: Workplace) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(locked(workplace, "run", wait=False))
        except BlockingIOError:
            raise CourseError(
                f"expected to be alone, found another run grading in {workplace.root}; wait for "
                "its end"
            ) from None
        yield


def _recorded(graded: Graded, ledger: "Ledger") -> Graded:
    """Enter a result into the gradebook; what fails there is that student's problem alone."""
    if graded.result.status == "rejected" or not graded.recordable:
        return graded
    try:
        ledger.record(graded.student, graded.result)
    except mistakes() as error:
        result = replace(graded.result, problem=str(error))
        return replace(graded, result=result, recordable=False)
    return graded


def grade_submission(
    student: str,
    release: nbformat.NotebookNode,
    assignment: Assignment,
    settings: Settings,
    workplace: Workplace,
    renew: Renew = "nothing",
    engine: Engine = here,
) -> Graded:
    """Grade what one student handed in, and record nothing.

    An error of the grader costs this submission alone; mistakes that would be the same for all
    are raised.
    """
    started = time.monotonic()
    try:
        notebook = restore(
            _read(student, assignment, settings, workplace.root), release, settings.limits
        )
        outcome = grade(notebook, assignment, settings, workplace, renew, engine)
    except Rejected as problem:
        result = rejected(assignment.points(), str(problem))
        return Graded(printable(student), result, time.monotonic() - started, reused=False)
    except GradingStopped:
        raise
    except mistakes():
        raise  # not this submission's doing, and the same for all others
    except Starved as reason:
        return _not_graded(student, assignment, str(reason), time.monotonic() - started)
    except Exception:
        _log.exception("the grader failed on %s, which is a bug", student)
        seconds = time.monotonic() - started
        return _not_graded(student, assignment, GRADER_FAILED, seconds, traceback.format_exc())
    return Graded(student, outcome.result, time.monotonic() - started, outcome.reused)


def _not_graded(
    student: str,
    assignment: Assignment,
    problem: str,
    seconds: float,
    internal: str | None = None,
) -> Graded:
    """Say why there is no grade that could be recorded, for a reason that is not the student's."""
    verdicts = {
        name: replace(verdict, internal=internal)
        for name, verdict in no_points(assignment.points(), problem).items()
    }
    result = Result("not_run", verdicts, problem)
    return Graded(printable(student), result, seconds, reused=False, recordable=False)


def _read(
    student: str, assignment: Assignment, settings: Settings, root: Path
) -> nbformat.NotebookNode:
    problem = name_problem(student)
    if problem is not None:
        raise Rejected(problem)
    folder = root / "submitted" / student / assignment.name
    check_timestamp(folder)
    return read_submission(folder, assignment, settings.limits)

"""Grading one submission with as little work as its stored results allow."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import nbformat

from grader.assignment import Assignment
from grader.folders import Workplace, locked
from grader.grading.cache_keys import checking_key, execution_key
from grader.grading.result import Result, no_points
from grader.grading.result_cache import Checked, ResultStore
from grader.grading.steps import check_executed, execute_notebook, prepare
from grader.sandbox.notebook import Executed
from grader.settings import Settings

__all__ = ["Engine", "Outcome", "Renew", "Starved", "grade", "here"]

Renew = Literal["nothing", "failed", "all"]

_T = TypeVar("_T")


STARVED = (
    "nothing was graded, as the machine was too busy to run this notebook, twice: {reason}; grade "
    "it again, with fewer --jobs"
)


class Starved(Exception):
    """The machine had no time for a submission, which says nothing about it."""


class Engine(Protocol):
    """Runs steps of grading somewhere."""

    def __call__(self, step: Callable[..., _T], *arguments: Any) -> _T:
        """Return what `step` returns for `arguments`.

        The last argument is the workplace; an engine on another machine puts its own in its place.
        """


def here(step: Callable[..., _T], *arguments: Any) -> _T:
    """Run a step of grading in this process."""
    return step(*arguments)


@dataclass(frozen=True)
class Outcome:
    """A result and how it came about.

    Attributes
    ----------
    result
        Graded or not run.
    reused
        Whether nothing had to be done for it.
    """

    result: Result
    reused: bool


def grade(
    notebook: nbformat.NotebookNode,
    assignment: Assignment,
    settings: Settings,
    workplace: Workplace,
    renew: Renew = "nothing",
    engine: Engine = here,
) -> Outcome:
    """Grade a sanitised notebook, or take what is stored of it.

    What executing left is kept, so that after a change of the checks only they are made again.

    Parameters
    ----------
    notebook
        The submission after sanitising.
    assignment, settings, workplace
        What is graded, how, and where the grader keeps its files.
    renew
        Which stored results are not used but made again: none, those of submissions that were
        not run to their end, or all.
    engine
        Where to execute and check.

    Raises
    ------
    CourseError
        If this machine cannot grade: no sandbox, no data, no calibration.
    Starved
        If it has no time for this notebook, not even at the second attempt; nothing is stored.
    """
    store = ResultStore(workplace.results)
    key = execution_key(notebook, assignment, settings, prepare(assignment, settings, workplace))
    # Equal submissions wait for one another, in all processes, so that one run serves all.
    with locked(workplace, key, wait=True):
        executed = store.executed(key)
        fresh = executed is None or _outdated(executed, renew)
        if executed is None or fresh:
            executed = _execute(notebook, assignment, settings, workplace, engine)
            store.keep_executed(key, executed)
        if executed.problem is not None:
            return Outcome(_not_run(executed, executed.problem, assignment), reused=not fresh)
        checked = store.checked(key)
        wanted = checking_key(assignment, settings)
        made = checked.key == wanted
        if not made:
            found, seconds = engine(
                check_executed, executed, notebook, assignment, settings, workplace
            )
            # What the grader could not complete is tried again next time.
            broken = any(verdict.internal is not None for verdict in found.verdicts.values())
            checked = Checked(found.verdicts, "" if broken else wanted, found.preview, seconds)
            store.keep_checked(key, checked)
    return Outcome(_graded(executed, checked, assignment), reused=not fresh and made)


def _execute(
    notebook: nbformat.NotebookNode,
    assignment: Assignment,
    settings: Settings,
    workplace: Workplace,
    engine: Engine,
) -> Executed:
    """Execute, and once more if the machine had no time for it."""
    for _ in range(2):
        executed = engine(execute_notebook, notebook, assignment, settings, workplace)
        if not executed.starved:
            return executed
    raise Starved(STARVED.format(reason=executed.problem))


def _outdated(executed: Executed, renew: Renew) -> bool:
    return renew == "all" or (renew == "failed" and executed.problem is not None)


def _not_run(executed: Executed, problem: str, assignment: Assignment) -> Result:
    verdicts = no_points(assignment.points(), problem)
    seconds = {"notebook": executed.seconds, "notebook_cpu": executed.cpu_seconds}
    return Result("not_run", verdicts, problem, executed.notebook, seconds)


def _graded(executed: Executed, checked: Checked, assignment: Assignment) -> Result:
    return Result(
        status="graded",
        verdicts={name: checked.verdicts[name] for name in assignment.points()},
        notebook=executed.notebook,
        seconds={
            "notebook": executed.seconds,
            "notebook_cpu": executed.cpu_seconds,
            "checks": checked.seconds,
        },
        preview=checked.preview,
        remark=executed.remark,
    )

"""The live table of `bsds grade`."""

import re

import pytest
from rich.console import Console

from grader.assignment import get_assignment
from grader.classroom.progress import Progress, duration
from grader.classroom.run import Graded
from grader.grading.result import Result, rejected

POINTS = get_assignment("cnn").points()


def done(student: str, seconds: float, *, reused: bool = False, failed: bool = False) -> Graded:
    """Return a finished submission."""
    result = rejected(POINTS, "no notebook") if failed else Result("graded", {})
    return Graded(student, result, seconds, reused)


def shown(progress: Progress) -> str:
    """Render the table as a terminal shows it."""
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(progress._table())
    return capture.get()


def test_says_who_runs_who_is_done_and_how_long_it_takes() -> None:
    """Names of those under way, counts of done and failed, and an estimate from those executed."""
    progress = Progress(10, 2, lambda one: one.student)
    for student in ("ada", "alan", "grace", "linus"):
        progress.start(student)
    progress.finish(done("ada", 30))
    progress.finish(done("alan", 50, failed=True))
    text = shown(progress)
    assert re.search(r"running grace +0 s", text)
    assert re.search(r"running linus +0 s", text)
    assert "ada" not in text
    assert "2 of 10 done, 1 of them not run or rejected" in text
    assert "about 3 min left" in text


def test_stored_results_do_not_count_as_fast() -> None:
    """Before anything was executed nobody can say how long it takes."""
    progress = Progress(3, 1, lambda one: one.student)
    progress.finish(done("ada", 0.01, reused=True))
    assert progress.remaining_seconds() is None
    progress.finish(done("alan", 20))
    assert progress.remaining_seconds() == pytest.approx(20)


def test_many_jobs_stay_readable() -> None:
    """Of many that run at a time some are named and the others counted."""
    progress = Progress(50, 20, lambda one: one.student)
    for number in range(20):
        progress.start(f"student-{number}")
    text = shown(progress)
    assert text.count("running") == 8
    assert "and 12 more" in text


def test_odd_names_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Markup in a name is neither obeyed nor swallowed."""
    progress = Progress(1, 1, lambda one: one.student)
    with progress:
        progress.start("[red]ada[/nope]")
        assert "[red]ada[/nope]" in shown(progress)
        progress.finish(done("[red]ada[/nope]", 1))
    assert "[1/1] [red]ada[/nope]" in capsys.readouterr().out


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0 s"), (75, "75 s"), (130, "2 min")])
def test_duration(seconds: float, text: str) -> None:
    """Seconds up to two minutes, then minutes."""
    assert duration(seconds) == text

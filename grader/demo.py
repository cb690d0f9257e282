"""The course in one run: data, release version, a sample class of eight, grades, reports.

`make demo` runs this. It works in the folder demo/, so submissions and gradebook of a course that
is taught from the same checkout stay as they are. The sample class is that of the assignments.

Example:
  python -m grader.demo --data path/to/data
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from grader.assignment import COURSE_ROOT, Assignment, installed_course
from grader.classroom.progress import Progress, duration
from grader.classroom.run import Graded, grade_class
from grader.errors import mistakes
from grader.folders import Workplace
from grader.gradebook.book import CourseGradebook
from grader.report.exports import write_csv
from grader.report.page import write_html
from grader.report.table import table
from grader.samples import Case, cases
from grader.sandbox.bubblewrap import sandbox_problem
from grader.settings import Settings, current_settings

__all__ = ["FOLDER", "main"]

FOLDER = COURSE_ROOT / "demo"

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo.

    Parameters
    ----------
    argv
        Arguments without the program name; by default those of the process.

    Returns
    -------
    int
        Exit code: 0 on success, 1 after a user's mistake, 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        prog="python -m grader.demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="real data (default: synthetic)")
    args = parser.parse_args(argv)
    try:
        _demonstrate(args.data)
    except mistakes() as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped by Ctrl-C; run it again to go on", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _demonstrate(data: Path | None) -> None:
    started = time.monotonic()
    settings = current_settings().demonstrating(data)
    problem = sandbox_problem()
    if problem is not None:
        settings = replace(settings, sandbox=False)
        print(
            "demo: WARNING: grading WITHOUT isolation, which is acceptable only because the "
            f"sample class is part of this repository: {problem}",
            file=sys.stderr,
        )
    workplace = Workplace(FOLDER)
    assignments = installed_course().assignments

    _step(1, "data")
    print(settings.data_summary())

    _step(2, "release version of the assignments")
    FOLDER.mkdir(exist_ok=True)
    course = CourseGradebook(FOLDER)
    for assignment in assignments:
        course.generate(assignment)
        print(assignment.release.relative_to(COURSE_ROOT))

    _step(3, "sample class")
    sample = _hand_in()
    for student, case in sample.items():
        print(f"{student}  {case.assignment:<6}  {case.description}")

    of_each = {
        one.name: replace(settings, train_seconds=one.demo_seconds if data is None else None)
        for one in assignments
    }
    budgets = ", ".join(f"{one.name} {of_each[one.name].budget(one):.0f} s" for one in assignments)
    _step(4, f"grading; training budget of each: {budgets}")
    for assignment in assignments:
        graded = _grade(assignment, sample, of_each[assignment.name], workplace)
        print(f"\n{table(graded)}\n")
        print(f"report {assignment.name}: {write_html(assignment, graded, workplace)}")
        print(f"grades {assignment.name}: {write_csv(assignment, graded, workplace)}\n")
    print(f"done in {time.monotonic() - started:.0f} s")


def _step(number: int, title: str) -> None:
    print(f"\n[{number}/4] {title}", flush=True)


def _hand_in() -> dict[str, Case]:
    """Write the sample class's submissions, in place of those of an earlier run."""
    shutil.rmtree(FOLDER / "submitted", ignore_errors=True)
    by_name = {case.name: case for case in cases()}
    names = [name for one in installed_course().assignments for name in one.demo]
    sample = {f"student-{number}": by_name[name] for number, name in enumerate(names, start=1)}
    for student, case in sample.items():
        case.write(FOLDER, student)
    return sample


def _grade(
    assignment: Assignment, sample: dict[str, Case], settings: Settings, workplace: Workplace
) -> list[Graded]:
    students = [name for name, case in sample.items() if case.assignment == assignment.name]
    jobs = os.cpu_count() or 1
    with Progress(len(students), jobs, _took) as progress:
        return grade_class(
            assignment, students, settings, workplace, jobs,
            on_start=progress.start, on_done=progress.finish,
        )  # fmt: skip


def _took(one: Graded) -> str:
    took = "unchanged since the last run" if one.reused else duration(one.seconds)
    return f"{one.student}  {one.result.status.replace('_', ' ')}  {took}"


if __name__ == "__main__":
    sys.exit(main())

"""Grade all submissions of an assignment in parallel, isolated from each other and from you.

Reads submitted/<student>/<assignment>/<assignment>.ipynb below the current folder, writes the
gradebook, and gives the same grades as `nbgrader autograde <assignment>`. Results are kept, so a
second run grades only what changed.

Examples
--------
  {command} grade {assignment} --jobs 2 --json grades.json
  {command} grade {assignment} --only-failed         the machine was overloaded: run those again
  {command} grade {assignment} --student ada --student alan --force
  {command} grade {assignment} --scheduler tcp://10.0.0.1:8786     on a Dask cluster
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grader.assignment import Assignment, get_assignment, installed_course, load
from grader.checking.forkserver import head_start
from grader.classroom.cluster import connect
from grader.classroom.progress import Progress, duration
from grader.classroom.run import Graded, find_submissions, grade_class
from grader.errors import CourseError
from grader.folders import Workplace, all_in_scratch
from grader.grading.cached import Engine, Renew, here
from grader.grading.result_cache import ResultStore
from grader.notebooks.text import printable
from grader.report.exports import write_canvas, write_csv, write_moodle
from grader.report.page import write_html
from grader.report.table import FORGEABLE, table
from grader.sandbox.bubblewrap import require_sandbox
from grader.settings import DEVELOPMENT_SECRET, Settings, current_settings, variable
from grader.suspicion import investigate

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "assignment",
        metavar="ASSIGNMENT",
        help=" or ".join(one.name for one in installed_course().assignments),
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N",
        help="submissions at a time (default: as many as there are processors)",
    )  # fmt: skip
    parser.add_argument(
        "--scheduler", metavar="ADDRESS",
        help="run submissions on the workers of a Dask scheduler, e.g. tcp://10.0.0.1:8786",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write results as JSON")
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help="processor seconds of training for each notebook (default: the assignment's)",
    )
    parser.add_argument(
        "--student", action="append", metavar="NAME",
        help="grade this one only; may be given several times; leaves report and CSV as they are",
    )  # fmt: skip
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--only-failed", dest="renew", action="store_const", const="failed", default="nothing",
        help="grade again those that were not run to their end; the others keep their results",
    )  # fmt: skip
    again.add_argument(
        "--force", dest="renew", action="store_const", const="all",
        help="grade everybody again, unchanged or not",
    )  # fmt: skip
    parser.add_argument(
        "--course-dir", type=Path, default=Path(), metavar="DIR",
        help="folder that holds submitted/ (default: here)",
    )  # fmt: skip
    parser.add_argument(
        "--unsafe-no-sandbox",
        action="store_true",
        help="run submissions without isolation: they can read and change your files",
    )


def run(args: argparse.Namespace) -> int:
    """Grade, print the table, write report and exports."""
    if args.jobs is not None and args.jobs < 1:
        raise CourseError(f"expected --jobs to be at least 1, found {args.jobs}")
    # The environment is how settings reach nbgrader's own process of the same name.
    if args.seconds is not None:
        os.environ[variable("GRADE_SECONDS")] = str(args.seconds)
    if args.unsafe_no_sandbox:
        os.environ[variable("UNSAFE_NO_SANDBOX")] = "1"
    assignment = get_assignment(args.assignment)
    settings = current_settings()
    _warn_of(settings)
    workplace = Workplace(args.course_dir.resolve())
    students = _chosen(find_submissions(assignment, workplace), args.student)
    _warn_of_budget(assignment, settings)
    if not assignment.trusted:
        _warn(FORGEABLE)
    with all_in_scratch(), _engine(args, settings) as (engine, jobs):
        known = ResultStore(workplace.results).count()
        if engine is here and (args.renew != "nothing" or known < len(students)):
            head_start(settings.sandbox)
        print(f"grading {len(students)} submissions of {assignment.name}, {jobs} at a time")
        graded = _grade(assignment, students, settings, workplace, jobs, engine, args.renew)
    if args.json is not None:
        _write_json(args.json, graded)
    missing = _warn_of_missing(graded)
    if args.student:
        return missing  # report and exports are of the whole class
    found = investigate(assignment, graded, workplace)
    print(f"\n{table(graded, found.suspicious)}\n")
    if not assignment.trusted:
        print(f"{FORGEABLE}\n")
    print(f"report:     {write_html(assignment, graded, workplace, found)}")
    print(f"all points: {write_csv(assignment, graded, workplace)}")
    print(f"for Canvas: {write_canvas(assignment, graded, workplace)}")
    print(f"for Moodle: {write_moodle(assignment, graded, workplace)}")
    return missing


@contextlib.contextmanager
def _engine(args: argparse.Namespace, settings: Settings) -> Iterator[tuple[Engine, int]]:
    """Say where submissions run, and how many at a time."""
    if args.scheduler is not None:
        with connect(args.scheduler) as cluster:
            yield cluster, args.jobs or cluster.slots
        return
    if settings.sandbox:
        require_sandbox()
    yield here, args.jobs or os.cpu_count() or 1


def _grade(
    assignment: Assignment,
    students: list[str],
    settings: Settings,
    workplace: Workplace,
    jobs: int,
    engine: Engine,
    renew: Renew,
) -> list[Graded]:
    width = max(len(student) for student in students)
    with Progress(len(students), jobs, lambda one: _line(one, width)) as progress:
        try:
            return grade_class(
                assignment, students, settings, workplace, jobs, engine,
                on_start=progress.start, on_done=progress.finish, renew=renew,
            )  # fmt: skip
        except KeyboardInterrupt:
            _warn(
                f"stopped; {progress.done} of {len(students)} are graded and stay so; run again "
                "to go on"
            )
            raise


def _warn_of(settings: Settings) -> None:
    if not settings.sandbox:
        _warn("submissions run WITHOUT isolation and can read and change your files")
    if settings.secret == DEVELOPMENT_SECRET:
        _warn(
            "hidden inputs come from the public development secret; set "
            f"{variable('COURSE_SECRET')} or {variable('COURSE_SECRET_FILE')} before you grade a "
            "real class"
        )


def _warn_of_budget(assignment: Assignment, settings: Settings) -> None:
    problem = load(assignment.warning)(assignment, settings) if assignment.warning else None
    if problem is not None:
        _warn(problem)


def _warn_of_missing(graded: list[Graded]) -> int:
    """Name those whose grades are not in the gradebook, and return the exit code."""
    missing = [one.student for one in graded if not one.recordable]
    if missing:
        _warn(
            f"the gradebook has no new grades of {', '.join(missing)}, for the reasons above; run "
            "again to try once more, nobody else is graded twice"
        )
    return int(bool(missing))


def _chosen(students: list[str], names: list[str] | None) -> list[str]:
    missing = sorted(set(names or ()) - set(students))
    if missing:
        raise CourseError(
            f"--student: expected one who handed something in, found "
            f"{', '.join(map(printable, missing))}; there are "
            f"{', '.join(map(printable, students[:5]))}{', …' if len(students) > 5 else ''}"
        )
    return [student for student in students if names is None or student in names]


def _line(graded: Graded, width: int) -> str:
    result = graded.result
    text = f"{graded.student:<{width}}  {result.score:6.2f} / {result.max_score:g}"
    missed = result.missed
    if not graded.recordable:
        text += f"  not recorded: {result.problem}"
    elif result.status != "graded":
        text += f"  {result.status.replace('_', ' ')}: {result.problem}"
    elif missed:
        text += f"  not full: {', '.join(missed)}"
    return text + ("  (unchanged)" if graded.reused else f"  {duration(graded.seconds)}")


def _warn(text: str) -> None:
    print(f"{installed_course().command} grade: WARNING: {text}", file=sys.stderr, flush=True)


def _write_json(path: Path, graded: list[Graded]) -> None:
    try:
        path.write_text(
            json.dumps([_entry(one) for one in graded], indent=2, ensure_ascii=False) + "\n",
            encoding="utf-8",
        )
    except OSError as error:
        raise CourseError(
            f"cannot write {path} ({error.strerror}); name a writable file"
        ) from error


def _entry(graded: Graded) -> dict[str, Any]:
    result = graded.result
    return {
        "student": graded.student,
        "status": result.status,
        "problem": result.problem,
        "score": result.score,
        "max_score": result.max_score,
        "checks": {
            name: {"points": v.points, "max_points": v.max_points, "message": v.message}
            for name, v in result.verdicts.items()
        },
        "seconds": {**result.seconds, "now": graded.seconds},
    }

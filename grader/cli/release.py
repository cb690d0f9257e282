"""Generate what students get: assignments/ and dist/student-bundle.zip.

The notebooks come from solutions/ through nbgrader; the bundle adds a wheel of the course's
library and files that set up an environment. Refuses to release anything that holds a solution, a
hidden check or the grader. With --check it writes nothing and fails if assignments/ is out of
date.

Example:
  {command} release
"""

import argparse
from pathlib import Path

from grader.assignment import get_assignment, installed_course
from grader.errors import CourseError
from grader.gradebook.book import CourseGradebook
from grader.release.bundle import build_bundle
from grader.release.current import stale_assignments
from grader.release.leaks import require_no_leaks

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "assignment", nargs="?", metavar="ASSIGNMENT", help="one assignment (default: all)"
    )
    parser.add_argument(
        "--check", action="store_true", help="only tell whether assignments/ is up to date"
    )


def run(args: argparse.Namespace) -> int:
    """Generate, check for leaks, bundle."""
    known = installed_course().assignments
    assignments = [get_assignment(args.assignment)] if args.assignment else list(known)
    if args.check:
        stale = stale_assignments(assignments)
        command = installed_course().command
        if stale:
            raise CourseError(
                f"assignments/ is out of date for {', '.join(stale)}: run '{command} "
                "release' and commit what it changes"
            )
        print("assignments/ is up to date")
        return 0
    course = CourseGradebook(Path())
    for assignment in assignments:
        course.generate(assignment)
        print(f"released {assignment.release}")
    bundle = build_bundle()
    require_no_leaks(bundle)
    print(f"student bundle: {bundle}")
    return 0

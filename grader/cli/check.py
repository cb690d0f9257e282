"""Prove an assignment before students see it: for right answers and for wrong ones.

The solution and every right sample must earn all points, the untouched release nothing, every
wrong sample exactly what it declares to lose; visible checks pass what is right and see what is
wrong; nothing leaks, the release is current, declaration and notebook agree. Exits with 1 if
anything is not so.

Examples
--------
  {command} check {assignment}
  {command} check --json proof.json
"""

import argparse
import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path

from grader.assignment import get_assignment, installed_course
from grader.errors import CourseError
from grader.release.proof import prove
from grader.sandbox.bubblewrap import require_sandbox
from grader.settings import current_settings

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "assignment", nargs="?", metavar="ASSIGNMENT", help="one assignment (default: all)"
    )
    parser.add_argument(
        "--seconds", type=float, metavar="S",
        help="processor seconds of training for each sample (default: the assignment's)",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="samples at a time"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found as JSON")


def run(args: argparse.Namespace) -> int:
    """Prove, print a table."""
    if args.jobs < 1:
        raise CourseError(f"expected --jobs to be at least 1, found {args.jobs}")
    known = installed_course().assignments
    wanted = [get_assignment(args.assignment)] if args.assignment else list(known)
    settings = replace(current_settings(), train_seconds=args.seconds)
    if settings.sandbox:
        require_sandbox()
    found = {}
    for assignment in wanted:
        began = time.monotonic()
        steps = found[assignment.name] = prove(assignment, settings, args.jobs)
        print(f"{assignment.name}, {time.monotonic() - began:.0f} s")
        for step in steps:
            print(f"  {'no ' if step.problems else 'yes'}  {step.what}")
            for problem in step.problems:
                print(f"         {problem}")
    if args.json is not None:
        text = json.dumps(
            {name: [asdict(step) for step in steps] for name, steps in found.items()}, indent=2
        )
        try:
            args.json.write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            raise CourseError(
                f"cannot write {args.json} ({error.strerror}); name a writable file"
            ) from error
    return int(any(step.problems for steps in found.values() for step in steps))

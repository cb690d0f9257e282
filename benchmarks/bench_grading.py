"""Measure which share of a grading's wall time is spent in the student's computation.

    python benchmarks/bench_grading.py [cnn|resnet] [--seconds 60]

Grades the solution as one submission on the synthetic data in the cache. The data and the hidden
images are made before the clock runs, as for every submission but the first.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import nbformat

from grader.assignment import get_assignment
from grader.classroom.run import grade_class
from grader.course import ASSIGNMENTS
from grader.course.inputs import prepare
from grader.course.settings import BoundarySettings
from grader.folders import Workplace
from grader.grading.result import Result


def _cell_seconds(result: Result) -> float:
    """Wall-clock seconds in which the kernel was busy with cells."""
    assert result.notebook is not None
    total = 0.0
    for cell in result.notebook.cells:
        times = cell.metadata.get("execution", {})
        if "iopub.execute_input" in times and "shell.execute_reply" in times:
            begin, end = (
                datetime.fromisoformat(times[name])
                for name in ("iopub.execute_input", "shell.execute_reply")
            )
            total += (end - begin).total_seconds()
    return total


def main() -> None:
    """Grade once and print where the time went."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("assignment", nargs="?", default="cnn", choices=list(ASSIGNMENTS))
    parser.add_argument("--seconds", type=float, default=60.0, help="training budget")
    args = parser.parse_args()
    assignment = get_assignment(args.assignment)
    settings = replace(
        BoundarySettings.from_environment(), train_seconds=args.seconds, data_source="deadleaves"
    )
    with tempfile.TemporaryDirectory() as folder:
        workplace = Workplace(Path(folder))
        path = workplace.root / "submitted" / "student" / assignment.name
        path.mkdir(parents=True)
        nbformat.write(
            nbformat.read(assignment.source, as_version=4), path / assignment.notebook_name
        )
        prepare(assignment, settings, workplace)
        start = time.monotonic()
        (graded,) = grade_class(assignment, ["student"], settings, workplace)
        wall = time.monotonic() - start
    result = graded.result
    cells = _cell_seconds(result)
    print(f"{assignment.name}: {result.score:g} of {result.max_score:g} points")
    print(f"wall                  {wall:6.1f} s")
    rows = {
        "notebook's cells": cells,
        "kernel around them": result.seconds["notebook"] - cells,
        "hidden checks": result.seconds["checks"],
        "recording, the rest": wall - result.seconds["notebook"] - result.seconds["checks"],
    }
    for name, seconds in rows.items():
        print(f"{name:<20}  {seconds:6.1f} s  {seconds / wall:4.0%}")


if __name__ == "__main__":
    main()

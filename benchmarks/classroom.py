"""Run an assignment's notebook as a student does, in its own time, and say what its model reaches.

    python benchmarks/classroom.py --root BSDS500 [--assignment cnn] [--seconds 180]

The solutions notebook runs from top to bottom, chooses its threshold on val and reports on test.
Its budget is what a student has by default, stretched on a slow machine as when grading is, since
the budget is meant for the machine of the calibration. The lines that it prints are kept in
classroom.json. Nothing else should run meanwhile.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from bsds_utils.atomic import written_whole
from bsds_utils.models.revision import current_commit
from bsds_utils.training import BUDGET_VARIABLE, DEFAULT_SECONDS
from grader.assignment import Assignment, get_assignment
from grader.course import ASSIGNMENTS
from grader.course.machine_speed import pace

FILE = Path(__file__).with_name("classroom.json")


def main() -> None:
    """Run, print and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="BSDS500")
    parser.add_argument("--assignment", choices=ASSIGNMENTS, default="cnn")
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS)
    args = parser.parse_args()
    result = _run(get_assignment(args.assignment), args.root.resolve(), args.seconds)
    print(json.dumps(result))
    kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else []
    with written_whole(FILE) as part:
        part.write_text(json.dumps([*kept, result], indent=1) + "\n", encoding="utf-8")


def _run(assignment: Assignment, root: Path, seconds: float) -> dict[str, Any]:
    slower = pace()
    os.environ |= {"BSDS500_ROOT": str(root), BUDGET_VARIABLE: str(seconds * slower)}
    notebook = nbformat.read(assignment.source, as_version=4)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=None, resources={"metadata": {"path": folder}}).execute()
        card = json.loads(Path(folder, assignment.artifacts[1]).read_text(encoding="utf-8"))
    return {
        "assignment": assignment.name,
        "seconds": seconds,
        "pace": round(slower, 2),
        "whole_notebook_seconds": round(time.monotonic() - began),
        "threshold": card["threshold"],
        "test": card["metrics"]["test"],
        "commit": current_commit(FILE.parent),
        "date": time.strftime("%Y-%m-%d"),
        "processors": os.cpu_count(),
    }


if __name__ == "__main__":
    main()

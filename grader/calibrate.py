"""Measure what the reference solutions reach: ``python -m grader.calibrate ASSIGNMENT``.

Grades the solutions notebook in the sandbox, as a submission, for several training budgets and
seeds, two at a time as a class would be graded on two cores, and writes the IoU on hidden images
into ``calibration.json``. The data set and the encoder's weights are found as when grading.

Example:
    python -m grader.calibrate cnn --seconds 15 60 --seeds 2
"""

import argparse
import datetime
import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import nbformat
import numpy as np

from bsds_utils import foreground_iou, open_dataset
from bsds_utils.wholefile import written_whole
from grader.calibration import CALIBRATION_FILE, case_name
from grader.course import Assignment, get_assignment
from grader.grading import check_executed, execute_notebook
from grader.hidden_data import hidden_set
from grader.pace import pace
from grader.provisions import prepare
from grader.settings import Settings
from grader.workplace import Workplace

_IOU = re.compile(r"unseen images: ([0-9.]+)")


def main(argv: list[str] | None = None) -> int:
    """Run the calibration and write the file."""
    parser = argparse.ArgumentParser(
        prog="python -m grader.calibrate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("assignment")
    parser.add_argument("--seconds", type=float, nargs="+", default=[15, 60, 180])
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args(argv)
    assignment = get_assignment(args.assignment)
    settings = Settings.from_environment()
    workplace = Workplace()
    dataset = open_dataset()
    name = case_name(
        dataset.name, imagenet=assignment.encoder and settings.encoder_weights is not None
    )
    prepare(assignment, settings, workplace)
    hidden = hidden_set(dataset, settings.secret, assignment.size, workplace.hidden_data)
    case: dict[str, Any] = {
        "baseline": round(foreground_iou(hidden.masks, np.ones_like(hidden.masks)), 4),
        "command": " ".join(["python -m grader.calibrate", *(argv or sys.argv[1:])]),
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "jobs": 2,
        "pace": round(pace(), 2),
        "runs": [],
    }
    # While it is measured there may be no target yet, and any will do.
    _write(assignment, name, {**case, "runs": [{"seconds": 1, "seed": 0, "iou": 0.9}]})
    for seconds in args.seconds:
        with ThreadPoolExecutor(max_workers=2) as pool:
            runs = pool.map(
                lambda seed, seconds=seconds: _measure(
                    assignment, replace(settings, train_seconds=seconds), workplace, seed
                ),
                range(args.seeds),
            )
            for run in runs:
                print(f"{assignment.name} {name} {run}", flush=True)
                case["runs"].append(run)
    _write(assignment, name, case)
    return 0


def _measure(
    assignment: Assignment, settings: Settings, workplace: Workplace, seed: int
) -> dict[str, float]:
    notebook = nbformat.read(assignment.source, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("seed_everything(1)", f"seed_everything({seed + 1})")
    executed = execute_notebook(notebook, assignment, settings, workplace)
    findings, _ = check_executed(executed, notebook, assignment, settings, ["iou"], workplace)
    message = findings.verdicts["iou"].message
    found = _IOU.search(message)
    if found is None:
        raise SystemExit(f"no IoU: {executed.problem or message}")
    return {"seconds": settings.train_seconds, "seed": seed, "iou": float(found[1])}


def _write(assignment: Assignment, name: str, case: dict[str, Any]) -> None:
    everything = json.loads(CALIBRATION_FILE.read_text()) if CALIBRATION_FILE.exists() else {}
    everything.setdefault(assignment.name, {})[name] = case
    with written_whole(CALIBRATION_FILE) as part:
        part.write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())

"""Measure what the reference solutions reach: ``python -m grader.course.calibrate ASSIGNMENT``.

Grades the solutions notebook in the sandbox, as a submission, for several training budgets and
seeds, and writes the IoU on hidden images into ``targets.json``, with the processor time that
the notebook uses besides training. The data set and the encoder's weights are found as when
grading. Every run is kept as soon as it is done, and one that is there already is not repeated, so
that an interrupted calibration goes on; after a change of the solution begin anew (``--force``).

Example:
    python -m grader.course.calibrate cnn --seconds 15 60 --seeds 2
"""

import argparse
import datetime
import json
import tempfile
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat

from bsds_utils import baselines, open_dataset
from bsds_utils.atomic import written_whole
from bsds_utils.errors import BSDSError
from grader.assignment import installed_course
from grader.course.hidden_data import hidden_set
from grader.course.inputs import prepare
from grader.course.machine_speed import pace
from grader.course.network import NetworkAssignment, network_assignment
from grader.course.settings import BoundarySettings
from grader.course.targets import CALIBRATION_FILE, case_name, load_target
from grader.folders import Workplace
from grader.grading.steps import check_executed, execute_notebook

__all__ = ["calibrate", "main"]


def main(argv: list[str] | None = None) -> int:
    """Run the calibration, write the file, and say what it means for grading."""
    parser = argparse.ArgumentParser(
        prog="python -m grader.course.calibrate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = [one.name for one in installed_course().assignments]
    parser.add_argument("assignment", choices=known)
    parser.add_argument("--seconds", type=float, nargs="+", default=[15, 60, 120], metavar="S")
    parser.add_argument("--seeds", type=int, default=2, metavar="N")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="runs at a time")
    parser.add_argument("--force", action="store_true", help="forget the runs of this case")
    parser.add_argument(
        "--to", type=Path, default=CALIBRATION_FILE, metavar="FILE", help="default: the course's"
    )
    args = parser.parse_args(argv)
    calibrate(
        network_assignment(args.assignment), BoundarySettings.from_environment(), Workplace(),
        args.to, args.seconds, range(args.seeds), args.jobs, again=args.force,
    )  # fmt: skip
    return 0


@dataclass(frozen=True)
class _Case:
    """What is calibrated, and the file that keeps it."""

    assignment: NetworkAssignment
    name: str
    path: Path

    def read(self) -> dict[str, Any]:
        """Return the case as it was measured so far."""
        found: dict[str, Any] = _content(self.path).get(self.assignment.name, {})
        return dict(found.get(self.name, {}))

    def write(self, case: Mapping[str, Any]) -> None:
        """Put the case into the file, beside all others."""
        everything = _content(self.path)
        everything.setdefault(self.assignment.name, {})[self.name] = case
        with written_whole(self.path) as part:
            text = json.dumps(everything, indent=1, sort_keys=True)
            part.write_text(text + "\n", encoding="utf-8")


def calibrate(
    assignment: NetworkAssignment,
    settings: BoundarySettings,
    workplace: Workplace,
    path: Path,
    budgets: Iterable[float],
    seeds: Iterable[int],
    jobs: int,
    *,
    again: bool = False,
) -> None:
    """Measure the runs of one case that are not in the file yet, and write each into it."""
    dataset = open_dataset(settings.data_source, settings.data_root)
    kept = _Case(assignment, case_name(assignment, dataset.name, settings), path)
    prepare(assignment, settings, workplace)
    hidden = hidden_set(dataset, settings.secret, assignment.size, workplace.hidden_data)
    found = baselines(hidden.masks, hidden.images)
    runs: list[dict[str, Any]] = [] if again else kept.read().get("runs", [])
    case = {"untrained": {name: round(iou, 4) for name, iou in found.items()}, "runs": runs}
    done = {(run["seconds"], run["seed"]) for run in runs}
    wanted = [(s, seed) for s in budgets for seed in seeds if (s, seed) not in done]
    writing = threading.Lock()

    def measure(seconds: float, seed: int) -> None:
        run = _measure(kept, replace(settings, train_seconds=seconds), workplace, seed)
        with writing:
            runs.append(run)
            runs.sort(key=lambda run: (run["seconds"], run["seed"]))
            kept.write(case)
        print(f"{assignment.name} {kept.name} {run}", flush=True)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for future in [pool.submit(measure, *one) for one in wanted]:
            future.result()
    for seconds in sorted({run["seconds"] for run in runs}):
        measured = replace(settings, train_seconds=seconds, calibration=path)
        target = load_target(assignment, dataset.name, measured)
        print(
            f"{assignment.name} {kept.name} {seconds:g} s: no points up to {target.baseline:.3f} "
            f"({target.method}), all from {target.full:.3f}; "
            + (target.problem or f"the reference reaches {target.reference:.3f}")
        )


def _measure(
    case: _Case, settings: BoundarySettings, workplace: Workplace, seed: int
) -> dict[str, float | str]:
    assignment = case.assignment
    notebook = nbformat.read(assignment.source, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("seed_everything(1)", f"seed_everything({seed + 1})")
    executed = execute_notebook(notebook, assignment, settings, workplace)
    with tempfile.TemporaryDirectory() as folder:
        # The check wants a target, of which there may be none yet; any will do.
        stand_in = Path(folder, "targets.json")
        stand_in.write_text(json.dumps(_stand_in(assignment.name, case.name)), encoding="utf-8")
        findings, _ = check_executed(
            executed, notebook, assignment, replace(settings, calibration=stand_in), workplace
        )
    stopped = executed.problem or executed.remark
    if findings.preview is None or stopped is not None:
        reason = stopped or findings.verdicts["iou"].message
        raise BSDSError(f"expected the solution to run to its end: {reason}; mend it first")
    slower = pace()
    seconds = settings.budget(assignment)
    return {
        "seconds": seconds,
        "seed": seed,
        "iou": round(findings.preview.number, 4),
        "other_seconds": round(executed.cpu_seconds / slower - seconds, 1),
        "pace": round(slower, 2),
        "date": datetime.date.today().isoformat(),
    }


def _stand_in(assignment: str, name: str) -> dict[str, Any]:
    run = {"seconds": 1, "seed": 0, "iou": 0.9}
    return {assignment: {name: {"untrained": {"all boundary": 0.3}, "runs": [run]}}}


def _content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


if __name__ == "__main__":
    raise SystemExit(main())

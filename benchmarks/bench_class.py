"""Grade one class with stock nbgrader and with bsds grade, side by side on this machine.

    python benchmarks/bench_class.py [--count 16] [--jobs 2]
    python benchmarks/bench_class.py --count 2 --train 60

Two classes, neither of which trains, on eight small scenes, so that what is measured is the
grading itself: one hands in the cnn assignment as it was handed out, which does little more than
import TensorFlow; the other solved everything but the training. Stock nbgrader is timed as it
comes: every notebook is executed in a kernel without isolation, and points come from the tests in
its cells. No two notebooks are equal, so nothing is shared between them. Start-up and hidden
images count; only the data set's arrays are made before.

With --train the class trains for that many seconds each, one at a time either way, and what is
printed is the overhead of isolation and trusted checks. bench_grading.py says where it goes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat

from bsds_utils import open_dataset
from bsds_utils.synthetic import write_dataset
from grader.assignment import COURSE_ROOT, get_assignment
from grader.samples import load
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.notebook import Effort, execute

CNN = get_assignment("cnn")
TRAINING = "task_train"
SCENES = {"train": 4, "val": 2, "test": 2}
STOCK_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "bench"
c.Execute.timeout = 900
"""
NBGRADER = (sys.executable, "-m", "nbgrader")
BSDS = (sys.executable, "-c", "import sys; from grader.cli import main; sys.exit(main())")


def main() -> None:
    """Grade the class each way and print seconds, ratios and targets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=16, metavar="N", help="submissions")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="of bsds grade")
    parser.add_argument("--starts", type=int, default=7, metavar="N", help="kernel starts timed")
    parser.add_argument("--train", type=float, metavar="S", help="seconds of training of each")
    parser.add_argument(
        "--skip-stock", action="store_true", help="do not time stock nbgrader, which takes longest"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        _prepare(folder)
        if args.train is not None:
            _compare_training(folder, args.count, args.train)
            return
        os.environ["BSDS_GRADE_SECONDS"] = os.environ["BSDS_TIME_BUDGET"] = "1"
        for name, unsolved in {"untouched": _tasks(), "untrained": [TRAINING]}.items():
            print(f"{args.count} submissions, {name}, {os.cpu_count()} processors")
            _compare_class(folder / name, args.count, args.jobs, unsolved, args.skip_stock)
        _compare_starts(folder, args.starts)


def _prepare(folder: Path) -> None:
    write_dataset(folder / "scenes", SCENES, seed=1)
    # nbgrader starts alembic by its bare name.
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    os.environ["BSDS500_ROOT"] = str(folder / "scenes")
    os.environ["BSDS_CACHE"] = str(folder / "cache")
    dataset = open_dataset()
    for split in SCENES:
        dataset.load(split, size=CNN.size)


def _tasks() -> list[str]:
    """Return the grade ids of all cells in which students write code."""
    return [
        str(cell.metadata.nbgrader.grade_id)
        for cell in nbformat.read(CNN.source, as_version=4).cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    ]


def _hand_in(root: Path, count: int, unsolved: Sequence[str]) -> None:
    sample = root / "wheat" / "cnn_bench.py"
    sample.parent.mkdir(parents=True)
    for number in range(count):
        text = f'"""A sample."""\n# %% after setup\n# student no. {number}\n'
        text += "".join(f"# %% {task}\n" for task in unsolved)
        sample.write_text(text, encoding="utf-8")
        load(sample, CNN).write(root, f"student-{number:02d}")


def _compare_class(
    folder: Path, count: int, jobs: int, unsolved: Sequence[str], skip_stock: bool
) -> None:
    stock = None
    if not skip_stock:
        stock = _time_stock(folder / "stock", count, unsolved)
        _show("nbgrader autograde, as it comes", stock, count)
    ours = _time_ours(folder / "ours", count, jobs, unsolved)
    faster = f"{stock / ours:.1f} times faster; target 4" if stock else ""
    _show(f"bsds grade --jobs {jobs}", ours, count, faster)
    again = _time_ours(folder / "ours", count, jobs, unsolved)
    _show("bsds grade, unchanged", again, count, "target: 5 s for 16, 1 s each")


def _compare_training(folder: Path, count: int, seconds: float) -> None:
    os.environ["BSDS_GRADE_SECONDS"] = os.environ["BSDS_TIME_BUDGET"] = str(seconds)
    print(f"{count} submissions that train for {seconds:g} s, one at a time")
    stock = _time_stock(folder / "stock", count, [])
    _show("nbgrader autograde, as it comes", stock, count)
    ours = _time_ours(folder / "ours", count, 1, [])
    _show("bsds grade --jobs 1", ours, count, f"overhead {ours / stock - 1:+.1%}; target 5 %")


def _time_stock(root: Path, count: int, unsolved: Sequence[str]) -> float:
    _hand_in(root, count, unsolved)
    (root / "nbgrader_config.py").write_text(STOCK_CONFIG, encoding="utf-8")
    (root / "source").symlink_to(COURSE_ROOT / "solutions")
    _run(root, [*NBGRADER, "generate_assignment", "cnn", "--create"])
    return _run(root, [*NBGRADER, "autograde", "cnn"])


def _time_ours(root: Path, count: int, jobs: int, unsolved: Sequence[str]) -> float:
    if not root.exists():
        _hand_in(root, count, unsolved)
    taken = _run(root, [*BSDS, "grade", "cnn", "--jobs", str(jobs), "--json", "grades.json"])
    grades = json.loads((root / "grades.json").read_text(encoding="utf-8"))
    assert [entry["status"] for entry in grades] == ["graded"] * count
    return taken


def _run(folder: Path, line: Sequence[str]) -> float:
    """Return the wall-clock seconds of a command that must succeed."""
    started = time.monotonic()
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    taken = time.monotonic() - started
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(line[-4:])} failed:\n{done.stdout}{done.stderr}")
    return taken


def _compare_starts(folder: Path, count: int) -> None:
    """Time a notebook whose only cell is a number, in kernels of each kind."""
    kinds = {
        "kernel without a sandbox": (False, "1"),
        "in a sandbox, from scratch": (True, "1"),
        "in a sandbox, warm": (True, "0"),
    }
    medians = {}
    for name, (isolated, cold) in kinds.items():
        os.environ["BSDS_NO_WARM_START"] = cold
        _start_seconds(folder, isolated)  # the first one reads files that are not yet in memory
        medians[name] = statistics.median(_start_seconds(folder, isolated) for _ in range(count))
    plain = medians["kernel without a sandbox"]
    print(f"from the start of a kernel to its end after one cell, median of {count}")
    for name, seconds in medians.items():
        more = f"{seconds - plain:+.3f} s; target 0.150" if seconds is not plain else ""
        print(f"{name:<34}{seconds:8.3f} s  {more}")


def _start_seconds(folder: Path, isolated: bool) -> float:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    with tempfile.TemporaryDirectory(dir=folder) as work:
        sandbox = Sandbox(Path(work), environment={}, isolated=isolated)
        execution = execute(notebook, sandbox, Effort())
    assert execution.problem is None, execution.problem
    return execution.seconds


def _show(name: str, seconds: float, count: int, remark: str = "") -> None:
    each = seconds / count
    print(f"{name:<34}{seconds:8.1f} s  {each:6.2f} s a submission  {remark}", flush=True)


if __name__ == "__main__":
    main()

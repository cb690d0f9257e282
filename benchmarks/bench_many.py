"""Grade many small submissions in one run and watch what the grader itself uses.

    python benchmarks/bench_many.py [--count 200] [--jobs 2] [--checked 10]

Most submissions end their kernel in the first cell, which is the cheapest that there is; every
tenth is the notebook as handed out, which is executed and checked to its end. After each one the
grader's memory, open files, threads and child processes are counted from outside, and what it has
in the folder for temporary files. The means in the first and last quarter differ by what grows.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil

from bsds_utils.synthetic import write_dataset
from grader.assignment import get_assignment

CNN = get_assignment("cnn")
SCENES = {"train": 4, "val": 2, "test": 2}
BSDS = (sys.executable, "-c", "import sys; from grader.cli import main; sys.exit(main())")
DONE = re.compile(r"^\[ *\d+/\d+\] ")


def main() -> None:
    """Grade the class and print a line for each thing that is counted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--count", type=int, default=200, metavar="N", help="submissions, 8 or more"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="at a time")
    parser.add_argument(
        "--checked", type=int, default=10, metavar="K", help="every Kth is run to its end"
    )
    args = parser.parse_args()
    if args.count < 8:
        parser.error(f"expected --count to be at least 8, found {args.count}")
    with tempfile.TemporaryDirectory(prefix="many-") as name:
        root = Path(name)
        _hand_in(root, args.count, args.checked)
        started = time.monotonic()
        samples = _grade(root, args.jobs)
        taken = time.monotonic() - started
    print(f"{len(samples)} submissions, {taken:.0f} s, {taken / len(samples):.2f} s each")
    print(f"{'mean in the':<22}{'first':>10}{'last quarter':>14}{'growth':>10}")
    quarter = len(samples) // 4
    for name in samples[0]:
        first, last = (
            statistics.fmean(sample[name] for sample in part)
            for part in (samples[:quarter], samples[-quarter:])
        )
        print(f"{name:<22}{first:>10.1f}{last:>14.1f}{last - first:>+10.1f}")


def _hand_in(root: Path, count: int, checked: int) -> None:
    write_dataset(root / "scenes", SCENES, seed=1)
    for number in range(count):
        notebook = nbformat.read(CNN.release, as_version=4)
        ending = "" if number % checked == 0 else "\nimport os\nos._exit(0)"
        cell = nbformat.v4.new_code_cell(f"# student no. {number}{ending}", id="first")
        notebook.cells.insert(0, cell)
        folder = root / "submitted" / f"student-{number:03d}" / CNN.name
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / CNN.notebook_name)


def _grade(root: Path, jobs: int) -> list[dict[str, float]]:
    """Return what the grader used after each submission."""
    temporary = root / "tmp"
    temporary.mkdir()
    environment = os.environ | {
        "BSDS500_ROOT": str(root / "scenes"),
        "BSDS_CACHE": str(root / "cache"),
        "BSDS_GRADE_SECONDS": "1",
        "TMPDIR": str(temporary),
    }
    with subprocess.Popen(
        [*BSDS, "grade", CNN.name, "--jobs", str(jobs)],
        cwd=root, env=environment, text=True, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        counters = _counters(psutil.Process(process.pid), temporary)
        samples = [
            {name: count() for name, count in counters.items()}
            for line in process.stdout
            if DONE.match(line)
        ]
    if process.returncode != 0:
        raise SystemExit(f"bsds grade failed with exit code {process.returncode}")
    return samples


def _counters(grader: psutil.Process, temporary: Path) -> dict[str, Callable[[], float]]:
    return {
        "memory, MB": lambda: grader.memory_info().rss / 1e6,
        "open files": lambda: float(grader.num_fds()),
        "threads": lambda: float(grader.num_threads()),
        "processes below it": lambda: float(len(grader.children(recursive=True))),
        "temporary entries": lambda: float(len(list(temporary.iterdir()))),
    }


if __name__ == "__main__":
    main()

"""Measure whether a training budget buys the same beside busy neighbours as alone.

    python benchmarks/bench_budget.py [cnn|resnet] [--seeds 2] [--seconds S]

Grades the solution as a submission in sandboxes: for each seed once alone, and once in a class
with three submissions that use all processors and the memory for as long as they may, two at a
time. Data and weights are found as `bsds grade` finds them. Nothing else should run meanwhile.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from grader.assignment import Assignment, get_assignment
from grader.classroom.run import Graded, grade_class
from grader.course import ASSIGNMENTS
from grader.course.inputs import prepare
from grader.course.machine_speed import pace
from grader.course.settings import BoundarySettings
from grader.folders import Workplace

LARGEST_DIFFERENCE = 0.02
BUSY = 3
REFERENCE = "reference"

# The cells that train are the instructor's; this is one of the student's.
OTHER_SEED = """
bsds.seed_everything = lambda seed, seed_all=bsds.seed_everything: seed_all(seed + {seed})
"""
# Whatever stops it: it is there to be in the way.
IN_THE_WAY = """
import threading, time
def be_busy(until=time.monotonic() + {seconds}):
    numbers = np.ones(1 << 22, np.float32)
    while time.monotonic() < until:
        numbers = np.maximum(numbers * 1.0001, 0.5) + numbers[::-1] * 0
threads = [threading.Thread(target=be_busy) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def main() -> None:
    """Grade, print each pair of IoUs and points, and say whether the bar is met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("assignment", nargs="?", default="cnn", choices=list(ASSIGNMENTS))
    parser.add_argument("--seeds", type=int, default=2, metavar="N")
    parser.add_argument("--seconds", type=float, metavar="S", help="training budget")
    args = parser.parse_args()
    assignment, settings = get_assignment(args.assignment), BoundarySettings.from_environment()
    if args.seconds is not None:
        settings = replace(settings, train_seconds=args.seconds)
    budget = settings.budget(assignment)
    print(f"{assignment.name}, {budget:g} s, pace {pace():.2f}")
    met = True
    with tempfile.TemporaryDirectory() as folder:
        workplace = Workplace(Path(folder))
        prepare(assignment, settings, workplace)
        for seed in range(args.seeds):
            _hand_in(workplace, assignment, REFERENCE, OTHER_SEED.format(seed=seed))
            alone = _grade(assignment, [REFERENCE], settings, workplace)
            busy = [f"{REFERENCE}-{number}-in-the-way" for number in range(BUSY)]
            for number, student in enumerate(busy):
                # Different ones, as equal submissions are run once.
                seconds = 10 * budget * pace() + number
                _hand_in(workplace, assignment, student, IN_THE_WAY.format(seconds=seconds))
            beside = _grade(assignment, [REFERENCE, *busy], settings, workplace)
            met &= _show(seed, alone, beside)
    print("the bar is " + ("met" if met else "NOT met"))


def _hand_in(workplace: Workplace, assignment: Assignment, student: str, source: str) -> None:
    notebook = nbformat.read(assignment.source, as_version=4)
    first = next(i for i, cell in enumerate(notebook.cells) if cell.get("id") == "task-train")
    notebook.cells.insert(first + 1, new_code_cell(source.strip()))
    folder = workplace.root / "submitted" / student / assignment.name
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / assignment.notebook_name)


def _grade(
    assignment: Assignment, students: list[str], settings: BoundarySettings, workplace: Workplace
) -> Graded:
    """Grade afresh, two at a time, and return what came of the reference."""
    graded = grade_class(assignment, students, settings, workplace, 2, renew="all")
    return next(one for one in graded if one.student == REFERENCE)


def _show(seed: int, alone: Graded, beside: Graded) -> bool:
    ious = []
    for where, one in (("alone", alone), ("beside three busy", beside)):
        preview = one.result.preview
        ious.append(preview.number if preview else 0.0)
        print(
            f"seed {seed}  {where:<17}  IoU {ious[-1]:.3f}  "
            f"{one.result.score:g} of {one.result.max_score:g} points  {one.seconds:.0f} s"
            f"  {one.result.verdicts['iou'].message}",
            flush=True,
        )
    difference = abs(ious[0] - ious[1])
    print(f"seed {seed}  difference {difference:.3f} (at most {LARGEST_DIFFERENCE})", flush=True)
    full = all(one.result.score == one.result.max_score for one in (alone, beside))
    return full and difference <= LARGEST_DIFFERENCE


if __name__ == "__main__":
    main()

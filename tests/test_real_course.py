"""One real grading on BSDS500: the solutions, handed in by a student, get all points."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from grader.assignment import Assignment
from grader.course import ASSIGNMENTS

WEIGHTS = (
    Path(__file__).resolve().parents[2]
    / "shared"
    / "resnet50"
    / "resnet50_imagenet_conv1_conv4.h5"
)


def hand_in(assignment: Assignment, root: Path) -> None:
    """Write the solution as a submission."""
    notebook = nbformat.read(assignment.source, as_version=4)
    path = root / "submitted" / "student" / assignment.name / assignment.notebook_name
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def start_grading(assignment: Assignment, root: Path, data: Path) -> "subprocess.Popen[str]":
    """Start ``bsds grade`` as an instructor does."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BSDS5")}
    environment |= {"BSDS500_ROOT": str(data)}
    if WEIGHTS.is_file():
        environment["BSDS_ENCODER_WEIGHTS"] = str(WEIGHTS)
    return subprocess.Popen(
        [sys.executable, "-c", "import sys; from grader.cli import main; sys.exit(main())",
         "grade", assignment.name, "--course-dir", root,
         "--json", root / f"{assignment.name}.json"],
        env=environment, cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.real_data
@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.timeout(2400)
def test_solutions_get_all_points_on_the_real_data(bsds500_root: Path, tmp_path: Path) -> None:
    """Both solutions, graded at the same time on BSDS500, get all automatic points.

    The ResNet50 is left out where there are no weights: a random one need not learn photographs.
    """
    running = {}
    for assignment in ASSIGNMENTS.values():
        if assignment.encoder and not WEIGHTS.is_file():
            continue
        root = tmp_path / assignment.name
        hand_in(assignment, root)
        running[assignment.name] = start_grading(assignment, root, bsds500_root)
    for name, process in running.items():
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        assert "is not enough" not in errors  # the default budget
        (entry,) = json.loads((tmp_path / name / f"{name}.json").read_text(encoding="utf-8"))
        assert entry["status"] == "graded"
        missed = {k: v for k, v in entry["checks"].items() if v["points"] < v["max_points"]}
        assert missed == {}
        assert entry["score"] == entry["max_score"]
        report = tmp_path / name / ".bsds" / "reports" / f"{name}.html"
        assert str(report) in output
        assert report.is_file()

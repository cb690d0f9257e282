"""The notebooks themselves: clean as committed, and the solutions run from top to bottom."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from grader.assignment import Assignment
from grader.course import ASSIGNMENTS
from grader.course.inputs import encoder_weights
from grader.course.machine_speed import pace
from grader.course.settings import BoundarySettings
from grader.folders import Workplace

TRAIN_SECONDS = 10
"""Enough for the visible checks, which want better than "all boundary"; longer where slower."""

NBGRADER_KEYS = {"grade", "grade_id", "locked", "points", "schema_version", "solution", "task"}


def notebooks() -> Iterator[Path]:
    """Every notebook that is committed, except for sample submissions."""
    for assignment in ASSIGNMENTS.values():
        yield assignment.source
        yield assignment.release


@pytest.fixture(params=notebooks(), ids=lambda path: f"{path.parts[-3]}/{path.name}")
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    """Return each committed notebook."""
    return nbformat.read(request.param, as_version=nbformat.NO_CONVERT)


def test_committed_without_outputs(notebook: nbformat.NotebookNode) -> None:
    """No outputs, execution counts or attachments are committed."""
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert not cell.get("attachments")


def test_metadata_are_clean(notebook: nbformat.NotebookNode) -> None:
    """Metadata are those of the kernel and of nbgrader, and nothing of the editor or machine."""
    nbformat.validate(notebook)
    assert notebook.nbformat == 4
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.language_info) == {"name"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"nbgrader", "tags", "deletable", "editable"}
        assert set(cell.metadata.get("nbgrader", {})) <= NBGRADER_KEYS | {"checksum", "cell_type"}


def test_grade_ids_are_unique(notebook: nbformat.NotebookNode) -> None:
    """No two cells share a grade id or a cell id."""
    names = [c.metadata.nbgrader.grade_id for c in notebook.cells if "nbgrader" in c.metadata]
    assert len(names) == len(set(names))
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@pytest.mark.parametrize("assignment", ASSIGNMENTS.values(), ids=ASSIGNMENTS)
def test_every_task_is_graded(assignment: Assignment) -> None:
    """Each assignment has points for code and two questions that are graded by hand."""
    cells = nbformat.read(assignment.source, as_version=4).cells
    graded = [c.metadata.nbgrader for c in cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert all(meta.points > 0 for meta in graded)
    by_hand = [meta for meta in graded if meta.solution]
    assert len(by_hand) == 2
    assert set(assignment.points()) == {meta.grade_id for meta in graded if not meta.solution}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, few_scenes: Path) -> dict[str, str]:
    """Return a student's environment: a few scenes, a small budget, an encoder weights file."""
    folder = tmp_path_factory.mktemp("student")
    weights = encoder_weights(BoundarySettings(), Workplace(folder))
    changed = {
        "BSDS_CACHE": str(folder / "cache"),
        "BSDS500_ROOT": str(few_scenes),
        "BSDS_TIME_BUDGET": str(TRAIN_SECONDS * pace()),
        "BSDS_ENCODER_WEIGHTS": str(weights),
    }
    return {k: v for k, v in os.environ.items() if not k.startswith("BSDS")} | changed


@pytest.mark.slow
@pytest.mark.parametrize("assignment", ASSIGNMENTS.values(), ids=ASSIGNMENTS)
def test_solutions_run(
    assignment: Assignment, environment: dict[str, str], tmp_path: Path
) -> None:
    """Run as a student runs it, the solutions notebook has no error, warning or line on stderr."""
    # A notebook saves its models beside itself.
    shutil.copy(assignment.source, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "nbconvert", "--execute", "--to", "notebook",
         "--inplace", "--ExecutePreprocessor.timeout=600", assignment.notebook_name],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    executed = nbformat.read(tmp_path / assignment.notebook_name, as_version=4)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert [output for output in outputs if output.output_type == "error"] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert "warning" not in printed.lower()
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 4

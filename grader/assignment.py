"""What there is to grade: the assignments and where the course keeps its files."""

import functools
from dataclasses import dataclass
from pathlib import Path

import nbformat

from bsds_utils.errors import BSDSError

__all__ = ["ASSIGNMENTS", "COURSE_ROOT", "Assignment", "get_assignment"]

COURSE_ROOT = Path(__file__).resolve().parent.parent

PROBE_TAG = "probe"
"""Marks an instructor's cell that defines names which the students' functions need."""


@dataclass(frozen=True)
class Assignment:
    """One assignment: a notebook, its hidden checks and what they look at.

    Attributes
    ----------
    name
        Folder and notebook name, e.g. ``"cnn"``.
    size
        Side of the square model input in pixels.
    artifacts
        Files that the notebook writes into its working folder and that the checks may open.
    encoder
        Whether the sandbox gets the ResNet50 encoder's weights.
    train_seconds
        Training budget in seconds of processor time, in which the solution is well above every
        answer that needs no training, on either data source.
    """

    name: str
    size: int
    artifacts: tuple[str, ...]
    encoder: bool
    train_seconds: float

    @property
    def notebook_name(self) -> str:
        """File name of the notebook, e.g. ``"cnn.ipynb"``."""
        return f"{self.name}.ipynb"

    @property
    def source(self) -> Path:
        """The notebook with solutions, the single source of the assignment."""
        return COURSE_ROOT / "solutions" / self.name / self.notebook_name

    @property
    def release(self) -> Path:
        """The notebook that students get, generated from the source."""
        return COURSE_ROOT / "assignments" / self.name / self.notebook_name

    @property
    def hidden_checks(self) -> Path:
        """The pytest file whose tests are the graded cells' verdicts."""
        return COURSE_ROOT / "grader" / "course" / self.name / "checks.py"

    def points(self) -> dict[str, float]:
        """Points of the automatically graded cells, by grade id, in notebook order."""
        return {
            cell.metadata.nbgrader["grade_id"]: float(cell.metadata.nbgrader["points"])
            for cell in self._nbgrader_cells()
            if cell.metadata.nbgrader["grade"] and not cell.metadata.nbgrader["solution"]
        }

    def probe_cells(self) -> frozenset[str]:
        """Grade ids of the instructor's cells to run before students' functions are probed."""
        return frozenset(
            cell.metadata.nbgrader["grade_id"]
            for cell in self._nbgrader_cells()
            if PROBE_TAG in cell.metadata.get("tags", [])
        )

    def given_code(self) -> list[tuple[str, str]]:
        """Grade ids and sources of the instructor's code cells, in notebook order."""
        return [
            (cell.metadata.nbgrader["grade_id"], cell.source)
            for cell in self._nbgrader_cells()
            if cell.cell_type == "code" and not cell.metadata.nbgrader["solution"]
        ]

    def _nbgrader_cells(self) -> list[nbformat.NotebookNode]:
        return _nbgrader_cells(self.source, self.source.stat().st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _nbgrader_cells(path: Path, written: int) -> list[nbformat.NotebookNode]:
    """Read a notebook's cells that nbgrader knows, again when it is written again."""
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if "nbgrader" in cell.metadata]


ASSIGNMENTS = {
    "cnn": Assignment(
        name="cnn",
        size=168,
        artifacts=("cnn_model.keras", "cnn_model.json"),
        encoder=False,
        train_seconds=120.0,
    ),
    "resnet": Assignment(
        name="resnet",
        size=224,
        artifacts=("resnet_phase1.keras", "resnet_model.keras", "resnet_model.json"),
        encoder=True,
        train_seconds=60.0,
    ),
}


def get_assignment(name: str) -> Assignment:
    """Return the assignment called `name`, or say which there are.

    Raises
    ------
    BSDSError
        If there is no such assignment.
    """
    if name not in ASSIGNMENTS:
        raise BSDSError(
            f"expected an assignment, one of {', '.join(ASSIGNMENTS)}; found {name!r}; "
            "give one of those names"
        )
    return ASSIGNMENTS[name]

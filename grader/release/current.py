"""Whether the committed release version is the one that the solutions give."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nbgrader.apps import NbGraderAPI

from bsds_utils.errors import BSDSError
from grader.course import Assignment
from grader.gradebook import load_config, quiet

__all__ = ["generate_into", "stale_assignments"]


def generate_into(folder: Path, assignment: Assignment) -> Path:
    """Generate a release version away from the course, with a gradebook of its own.

    Returns
    -------
    pathlib.Path
        The notebook.

    Raises
    ------
    BSDSError
        If nbgrader fails.
    """
    config = load_config(folder)
    config.CourseDirectory.release_directory = str(folder / "release")
    with quiet() as log:
        outcome = NbGraderAPI(config=config).generate_assignment(
            assignment.name, force=True, create=True
        )
    if not outcome["success"]:
        raise BSDSError(f"nbgrader could not generate {assignment.name}: {log.getvalue()[-500:]}")
    return folder / "release" / assignment.name / assignment.notebook_name


def stale_assignments(assignments: Sequence[Assignment]) -> list[str]:
    """Return the names of assignments whose committed release version is not current."""
    stale = []
    folder = Path(tempfile.mkdtemp(prefix="bsds-release-"))
    try:
        for assignment in assignments:
            fresh = generate_into(folder, assignment).read_bytes()
            committed = assignment.release
            if not committed.is_file() or committed.read_bytes() != fresh:
                stale.append(assignment.name)
    finally:
        shutil.rmtree(folder)
    return stale

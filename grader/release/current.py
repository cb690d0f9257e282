"""Whether the committed release version is the one that the solutions give."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from grader.assignment import Assignment
from grader.gradebook.book import CourseGradebook

__all__ = ["stale_assignments"]


def stale_assignments(assignments: Sequence[Assignment]) -> list[str]:
    """Return the names of assignments whose committed release version is not current."""
    stale = []
    with tempfile.TemporaryDirectory(prefix="bsds-release-") as name:
        # A gradebook of its own, so that the course's is not touched.
        course = CourseGradebook(Path(name))
        for assignment in assignments:
            fresh = course.generate(assignment, Path(name, "release")).read_bytes()
            committed = assignment.release
            if not committed.is_file() or committed.read_bytes() != fresh:
                stale.append(assignment.name)
    return stale

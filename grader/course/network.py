"""An assignment in which a network is trained."""

from dataclasses import dataclass

from grader.assignment import Assignment, get_assignment

__all__ = ["NetworkAssignment", "network_assignment"]


@dataclass(frozen=True)
class NetworkAssignment(Assignment):
    """An assignment whose notebook leaves a network that finds boundaries.

    Attributes
    ----------
    size
        Side of the square model input in pixels.
    encoder
        Whether the sandbox gets the ResNet50 encoder's weights.
    """

    size: int = 0
    encoder: bool = False
    inputs: str = "grader.course.inputs:prepare"
    submission: str = "grader.course.submission:NetworkSubmission"
    preview: str | None = "grader.course.preview:make_preview"
    warning: str | None = "grader.course.targets:budget_warning"


def network_assignment(name: str) -> NetworkAssignment:
    """Return the assignment called `name`, or say which there are."""
    found = get_assignment(name)
    assert isinstance(found, NetworkAssignment)
    return found

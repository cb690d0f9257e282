"""An assignment in which a network is trained."""

import re
from dataclasses import dataclass

from grader.assignment import Assignment, get_assignment

__all__ = ["NetworkAssignment", "network_assignment"]


_SIZE = re.compile(r"^SIZE = (\d+)\b", re.MULTILINE)


@dataclass(frozen=True)
class NetworkAssignment(Assignment):
    """An assignment whose notebook leaves a network that finds boundaries.

    Attributes
    ----------
    size
        Side of the square model input in pixels.
    encoder
        Whether the sandbox gets the ResNet50 encoder's weights.
    full_credit_share
        Share of the way from the best answer that needs no training to the reference solution
        that earns all points for the IoU. Below 1 because a correct solution may be smaller,
        slower or unluckier than the reference.
    """

    size: int = 0
    encoder: bool = False
    full_credit_share: float = 0.5
    inputs: str = "grader.course.inputs:prepare"
    submission: str = "grader.course.submission:NetworkSubmission"
    preview: str | None = "grader.course.preview:make_preview"
    warning: str | None = "grader.course.targets:budget_warning"
    agreement: str | None = "grader.course.network:differences"


def differences(assignment: NetworkAssignment) -> list[str]:
    """Say where the notebook's input size is not the declared one."""
    code = "\n".join(source for _, source in assignment.given_code())
    found = {int(size) for size in _SIZE.findall(code)}
    if found == {assignment.size}:
        return []
    return [
        f"expected one SIZE = {assignment.size} in {assignment.source}, as in the declaration in "
        f"{assignment.package}, found {sorted(found) or 'none'}; correct either"
    ]


def network_assignment(name: str) -> NetworkAssignment:
    """Return the assignment called `name`, or say which there are."""
    found = get_assignment(name)
    assert isinstance(found, NetworkAssignment)
    return found

"""The assignment NAME."""

from grader.assignment import Assignment

__all__ = ["ASSIGNMENT"]

ASSIGNMENT = Assignment(
    name="NAME",
    package=__name__,
    artifacts=("NAME.json",),
    demo=("NAME_numpy", "NAME_rounded"),
)

"""The course."""

from grader.assignment import Course, assignments_in

__all__ = ["COURSE"]

COURSE = Course(
    id="course",
    title="A course.",
    assignments=assignments_in(__name__),
    command="COMMAND",
    prefix="GRADER",
    packages=("numpy",),
    code=(__name__,),
)

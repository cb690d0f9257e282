"""Mistakes that a person can mend, told in one line."""

__all__ = ["CourseError", "mistakes"]


class CourseError(Exception):
    """Something that the instructor can mend; the message says what was expected, found, to do."""


def mistakes() -> tuple[type[Exception], ...]:
    """Return what to catch: the grader's own error and those of the course's library."""
    # Here, because a course imports the error.
    from grader.assignment import installed_course

    return (CourseError, *installed_course().mistakes)

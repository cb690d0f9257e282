"""What students are told about how their notebook is graded, in numbers that hold."""

from collections.abc import Sequence

from grader.assignment import Assignment, installed_course
from grader.settings import Settings

__all__ = ["conditions"]

_MB = 1024 * 1024


def conditions(assignments: Sequence[Assignment], settings: Settings | None = None) -> str:
    """Return the conditions of grading as paragraphs of Markdown that read well as plain text.

    Parameters
    ----------
    assignments
        Whose budgets to tell.
    settings
        Those to tell; by default the ones that hold where an instructor sets nothing.
    """
    settings = settings or Settings()
    limits = settings.limits
    budgets = [f"{settings.budget(one):g} ({one.name})" for one in assignments]
    budget = " and ".join(budgets) if len(budgets) != 1 else budgets[0].partition(" ")[0]
    course = installed_course()
    lines = [
        *(line.format(budget=budget) for line in course.budget_conditions),
        f"Everything else: {limits.other_seconds:g} seconds of processor time for loading, "
        f"predicting and drawing, and {limits.own_seconds:g} more in cells that you added. When "
        "all of it is used up, the notebook is stopped, and what it had saved until then counts.",
        *course.conditions,
        f"Waiting: a cell may not sleep for more than {limits.cell_seconds:g} seconds, and the "
        f"whole notebook not for more than {limits.submission_seconds:g}.",
        f"Memory: {limits.memory // (1024 * _MB)} GB for everything together, files included.",
        f"Files: {limits.disk // (1024 * _MB)} GB, none larger than {limits.file_size // _MB} MB.",
        f"Processes and threads: {limits.processes} together.",
        f"Output: {limits.output_bytes // _MB} MB, text and pictures.",
        f"Code: {limits.cell_bytes:,} bytes in one of your cells, {limits.code_bytes:,} in all of "
        "them.",
    ]
    listed = "\n".join(f"- {line}" for line in lines)
    return f"""\
Grading runs the whole notebook again, from top to bottom, in a fresh kernel on another machine: \
what counts is what the cells do there, not the outputs, variables and files that you have now. \
There is no internet.

{listed}

A notebook that goes beyond a limit is stopped there, and the feedback says at which one.
"""

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
    further = "\n".join(installed_course().conditions)
    budget = " and ".join(budgets) if len(budgets) > 1 else budgets[0].partition(" ")[0]
    return f"""\
Grading runs the whole notebook again, from top to bottom, in a fresh kernel on another machine: \
what counts is what the cells do there, not the outputs, variables and files that you have now. \
There is no internet.

- Training: the budget that your instructor set, by default {budget} seconds of processor time \
for all training together. `bsds.TimeBudget` keeps to it, whatever `SECONDS` says; a cell that \
trains for twice as long is interrupted.
- Everything else: {limits.other_seconds:g} seconds of processor time for loading, predicting and \
drawing, and {limits.own_seconds:g} more in cells that you added. When all of it is used up, the \
notebook is stopped, and what it had saved until then counts.
{further}
- Waiting: a cell may not sleep for more than {limits.cell_seconds:g} seconds, and the whole \
notebook not for more than {limits.submission_seconds:g}.
- Memory: {limits.memory // (1024 * _MB)} GB for everything together, files included.
- Files: {limits.disk // (1024 * _MB)} GB, none larger than {limits.file_size // _MB} MB.
- Processes and threads: {limits.processes} together.
- Output: {limits.output_bytes // _MB} MB, text and pictures.
- Code: {limits.cell_bytes:,} bytes in one of your cells, {limits.code_bytes:,} in all of them.

A notebook that goes beyond a limit is stopped there, and the feedback says at which one.
"""

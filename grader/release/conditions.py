"""What students are told about how their notebook is graded, in numbers that hold."""

from grader.settings import Settings

__all__ = ["conditions"]

_MB = 1024 * 1024


def conditions(settings: Settings | None = None) -> str:
    """Return the conditions of grading as paragraphs of Markdown that read well as plain text.

    Parameters
    ----------
    settings
        Those to tell; by default the ones that hold where an instructor sets nothing.
    """
    settings = settings or Settings()
    limits = settings.limits
    return f"""\
Grading runs the whole notebook again, from top to bottom, in a fresh kernel on another machine: \
what counts is what the cells do there, not the outputs, variables and files that you have now. \
There is no internet.

- Training: the budget that your instructor set, by default {settings.train_seconds:g} processor \
seconds for all training together. `bsds.TimeBudget` keeps to it, whatever `SECONDS` says.
- Data: the data set that your instructor chose, where `bsds.open_dataset()` finds it; your \
network is judged on further images that nobody has seen. Weights of a pretrained encoder lie \
ready; nothing can be downloaded.
- Time: besides the training budget, {limits.cell_seconds:g} seconds for one cell and \
{limits.submission_seconds:g} seconds for the whole notebook.
- Memory: {limits.memory // (1024 * _MB)} GB for everything together, files included.
- Files: {limits.disk // (1024 * _MB)} GB, none larger than {limits.file_size // _MB} MB.
- Processes and threads: {limits.processes} together.
- Output: {limits.output_bytes // _MB} MB, text and pictures.
- Code: {limits.cell_bytes:,} bytes in one of your cells, {limits.code_bytes:,} in all of them.

A notebook that goes beyond a limit is stopped there, and the feedback says at which one.
"""

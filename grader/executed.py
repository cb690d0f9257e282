"""What is left of a submission after it was executed: all that the hidden checks look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import nbformat

__all__ = ["Executed"]


@dataclass(frozen=True)
class Executed:
    """An executed notebook with the files that it left behind.

    Attributes
    ----------
    notebook
        With its outputs, as far as it got; they are harmless.
    seconds
        Wall-clock seconds from the sandbox's start to its end.
    problem
        Why it was not run to its end, in words for the student; None if it was.
    artifacts
        Contents of the assignment's artifacts that could be taken, by file name.
    cpu_seconds
        Processor time of everything in the sandbox.
    remark
        Why it was stopped although what it had saved counts, in words for the student.
    starved
        Whether it was stopped because the machine had no time for it.
    """

    notebook: nbformat.NotebookNode
    seconds: float
    problem: str | None = None
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    remark: str | None = None
    starved: bool = False

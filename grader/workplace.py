"""Where the grader keeps its own files, all of them outside of every sandbox."""

from dataclasses import dataclass
from pathlib import Path

from grader.course import COURSE_ROOT

__all__ = ["Workplace"]


@dataclass(frozen=True)
class Workplace:
    """Folders of the grader below one root.

    Attributes
    ----------
    root
        Folder of the course: holds ``submitted/``, ``gradebook.db`` and the rest.
    """

    root: Path = COURSE_ROOT

    @property
    def private(self) -> Path:
        """Files of the grader that may be deleted at any time."""
        return self.root / ".bsds"

    @property
    def hidden_data(self) -> Path:
        """Cache of the hidden images."""
        return self.private / "hidden"

    @property
    def results(self) -> Path:
        """Executed submissions and their verdicts, one folder for each distinct submission."""
        return self.private / "results"

    @property
    def locks(self) -> Path:
        """Files that keep two processes from doing the same thing at the same time."""
        return self.private / "locks"

    @property
    def reports(self) -> Path:
        """Where ``bsds grade`` writes reports and exports."""
        return self.private / "reports"

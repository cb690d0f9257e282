"""What happens while a class is graded: who is running, who is done, how long it will take."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from grader.classroom.run import Graded

__all__ = ["Progress", "duration"]

_MOST_SHOWN = 8
_REFRESH_PER_SECOND = 2


class Progress:
    """A line for every finished submission; on a terminal, a live table below them.

    Parameters
    ----------
    total
        How many submissions there are.
    jobs
        How many are under way at a time.
    line
        Describes a finished submission on one line.
    """

    def __init__(self, total: int, jobs: int, line: Callable[[Graded], str]) -> None:
        self._total, self._jobs, self._line = total, jobs, line
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}
        self._seconds: list[float] = []
        self.done = 0
        self.failed = 0
        self._console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console, get_renderable=self._table, transient=True,
            refresh_per_second=_REFRESH_PER_SECOND,
        )  # fmt: skip

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def start(self, student: str) -> None:
        """Note that a submission's turn has come; called from any thread."""
        with self._lock:
            self._running[student] = time.monotonic()

    def finish(self, graded: Graded) -> None:
        """Print the line of a finished submission."""
        with self._lock:
            self._running.pop(graded.student, None)
            self.done += 1
            self.failed += graded.result.status != "graded"
            if not graded.reused:
                self._seconds.append(graded.seconds)
        width = len(str(self._total))
        self._console.print(f"[{self.done:>{width}}/{self._total}] {self._line(graded)}")
        self._console.file.flush()

    def remaining_seconds(self) -> float | None:
        """Estimate how long the rest takes, from those executed so far; None before the first."""
        if not self._seconds:
            return None
        mean = sum(self._seconds) / len(self._seconds)
        return mean * (self._total - self.done) / min(self._jobs, max(1, self._total - self.done))

    def _table(self) -> Group:
        now = time.monotonic()
        with self._lock:
            running = [(name, now - since) for name, since in self._running.items()]
            left = self.remaining_seconds()
        lines = [f"  running {name}  {duration(seconds)}" for name, seconds in running]
        if len(lines) > _MOST_SHOWN:
            lines[_MOST_SHOWN:] = [f"  and {len(lines) - _MOST_SHOWN} more"]
        summary = f"{self.done} of {self._total} done"
        if self.failed:
            summary += f", {self.failed} of them not run or rejected"
        if left is not None:
            summary += f"; about {duration(left)} left"
        return Group(
            *(Text(line, no_wrap=True, overflow="ellipsis") for line in [*lines, summary])
        )


def duration(seconds: float) -> str:
    """Write a time span for people, e.g. ``"75 s"`` or ``"12 min"``."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

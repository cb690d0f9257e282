"""Ends a sandbox that uses more than it may, and says what it was."""

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from grader.sandbox.cgroup import ControlGroup
from grader.sandbox.resources import Usage, measure, waited_seconds
from grader.settings import Limits

__all__ = ["Watchdog"]

# A process can fill half a gigabyte in this time, so the limit holds up to that.
_INTERVAL_SECONDS = 0.1
_WITH_GROUP_SECONDS = 0.5
"""Where the kernel itself stops what takes too much memory, looking less often costs less."""
_WAITED_SECONDS = 2.0
"""How often it is worth asking every thread."""

MEMORY = "it used more than {limit:.3g} GB of memory, files included"
FILES = "it made more than {limit:,} files"
CPU = "it used more than {limit:,} seconds of processor time"


class Watchdog:
    """Measures a sandbox again and again in a thread of its own.

    Limits on each process (`prlimit`) do not bound many processes together, nor memory that
    no process has mapped. This does, whoever the grader runs as.

    Parameters
    ----------
    outermost
        The sandbox's outermost processes.
    limits
        What it may use.
    stop
        Ends the sandbox. Called with what was exceeded, in words that go after "because".
    group
        Its control group, which counts better.
    """

    def __init__(
        self,
        outermost: Sequence[int],
        limits: Limits,
        stop: Callable[[str], None],
        group: ControlGroup | None = None,
    ) -> None:
        self._outermost = outermost
        self._group = group
        self._limits = limits
        self._stop_sandbox = stop
        self.usage = Usage(0, 0, 0.0)
        self.waited_seconds = 0.0
        self._next_waited = 0.0
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.set()
        self._thread.join()

    def _watch(self) -> None:
        interval = _INTERVAL_SECONDS if self._group is None else _WITH_GROUP_SECONDS
        while not self._left.wait(interval) and self.look():
            pass

    def look(self) -> bool:
        """Measure once, and say whether the sandbox has kept to its limits; else it is ended."""
        self._measure()
        exceeded = self._judge(self.usage)
        if exceeded is not None:
            self._stop_sandbox(exceeded)
        return exceeded is None

    def _measure(self) -> None:
        if time.monotonic() > self._next_waited:
            self._next_waited = time.monotonic() + _WAITED_SECONDS
            self.waited_seconds = max(self.waited_seconds, waited_seconds(self._outermost))
        usage = measure(self._outermost, self._limits.memory)
        counted = None if self._group is None else self._group.cpu_seconds()
        # What has ended is not there to be asked any more.
        cpu = max(usage.cpu_seconds, self.usage.cpu_seconds) if counted is None else counted
        self.usage = usage._replace(cpu_seconds=cpu)

    def out_of_memory(self) -> str | None:
        """Say that the kernel ended the sandbox for its memory, if it did."""
        if self._group is None or not self._group.out_of_memory():
            return None
        return MEMORY.format(limit=self._limits.memory / 1024**3)

    def _judge(self, usage: Usage) -> str | None:
        limits = self._limits
        if exceeded := self.out_of_memory():
            return exceeded
        if usage.memory > limits.memory:
            return MEMORY.format(limit=limits.memory / 1024**3)
        if usage.files > limits.files:
            return FILES.format(limit=limits.files)
        if usage.cpu_seconds > limits.cpu_seconds:
            return CPU.format(limit=limits.cpu_seconds)
        return None

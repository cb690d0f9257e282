"""The processes that grade now, so that Ctrl-C can end them all and leave no half result."""

import contextlib
import threading
from collections.abc import Callable, Iterator

__all__ = ["LIVE", "GradingStopped", "LiveProcesses"]


class GradingStopped(Exception):
    """Grading was stopped from outside, so what a killed process left means nothing."""


class LiveProcesses:
    """A thread-safe set of functions, each of which kills one process tree."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kill: dict[object, Callable[[], None]] = {}
        self._stopped = False

    @contextlib.contextmanager
    def register(self, kill: Callable[[], None]) -> Iterator[None]:
        """Count a process tree as live for the duration of the block.

        Raises
        ------
        GradingStopped
            On leaving the block, if everything was killed meanwhile.
        """
        key = object()
        with self._lock:
            self._kill[key] = kill
            stopped = self._stopped
        if stopped:
            kill()
        try:
            yield
        finally:
            with self._lock:
                del self._kill[key]
        if self._stopped:
            raise GradingStopped

    def kill_all(self) -> None:
        """End every live process tree, and every one that is registered later."""
        with self._lock:
            self._stopped = True
            live = list(self._kill.values())
        for kill in live:
            kill()

    def renew(self) -> None:
        """Let process trees live again; to be called when no block of before is left."""
        with self._lock:
            self._stopped = False


LIVE = LiveProcesses()

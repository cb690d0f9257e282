"""The sandboxes that run now, so that Ctrl-C can end them all."""

import contextlib
import threading
from collections.abc import Callable, Iterator

__all__ = ["LIVE_SANDBOXES", "LiveSandboxes"]


class LiveSandboxes:
    """A thread-safe set of functions, each of which kills one sandbox."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kill: dict[int, Callable[[], None]] = {}
        self._next = 0

    @contextlib.contextmanager
    def register(self, kill: Callable[[], None]) -> Iterator[None]:
        """Count a sandbox as live for the duration of the block."""
        with self._lock:
            key = self._next
            self._next += 1
            self._kill[key] = kill
        try:
            yield
        finally:
            with self._lock:
                del self._kill[key]

    def kill_all(self) -> None:
        """End every live sandbox."""
        with self._lock:
            live = list(self._kill.values())
        for kill in live:
            kill()


LIVE_SANDBOXES = LiveSandboxes()

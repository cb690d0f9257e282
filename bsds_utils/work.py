"""A clock of work: processor time, counted for what gets done in it.

A second of processor time is worth less while neighbours use the machine's memory. So one and the
same little computation is timed again and again, and the seconds in between count accordingly.
"""

import math
import time
from collections.abc import Callable

import numpy as np

__all__ = ["WorkClock", "probe_seconds"]

_SIZES_AND_ROUNDS = ((1 << 20, 6), (1 << 14, 1600))
"""An array that only memory holds, one that a cache holds, and how often each is gone through: in
this proportion both together slow down as the training of a network does."""

_EVERY = 2.0
_LEAST = 0.5


def probe_seconds() -> float:
    """Processor time that a small computation takes at the moment, some 25 ms."""
    return sum(_probe(size, rounds) for size, rounds in _SIZES_AND_ROUNDS)


def _probe(size: int, rounds: int) -> float:
    numbers = np.full(size, 0.5, np.float32)
    result = np.ones_like(numbers)
    began = time.thread_time()
    for _ in range(rounds):
        np.multiply(numbers, 1.0001, out=result)
        np.maximum(result, 0.5, out=result)
        np.add(result, numbers, out=result)
    return time.thread_time() - began


class WorkClock:
    """Tells this process's processor time, in seconds that are worth what they usually are.

    Parameters
    ----------
    usual
        What the probe gives on this machine when a second counts as one.
    probe, processor_time
        Where to read both from.
    """

    MOST = 2.0
    """Processor seconds that may count as one."""

    def __init__(
        self,
        usual: float,
        probe: Callable[[], float] = probe_seconds,
        processor_time: Callable[[], float] = time.process_time,
    ) -> None:
        self._usual, self._probe, self._processor_time = usual, probe, processor_time
        self._seen = processor_time()
        self._probe_at = -math.inf
        self._slower = 1.0
        self._work = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        now = self._processor_time()
        self._work += (now - self._seen) / self._slower
        self._seen = now
        if now >= self._probe_at:
            self._slower = min(self.MOST, max(_LEAST, self._probe() / self._usual))
            # What the probe itself takes does not count.
            self._seen = self._processor_time()
            self._probe_at = self._seen + _EVERY
        return self._work

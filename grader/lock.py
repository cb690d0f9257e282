"""Keeping two processes, or two threads, from doing the same thing at the same time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from grader.workplace import Workplace

__all__ = ["locked"]


@contextmanager
def locked(workplace: Workplace, name: str, *, wait: bool) -> Iterator[None]:
    """Hold a lock for the duration of the block; it goes with the process that is killed.

    Raises
    ------
    BlockingIOError
        If somebody holds it and `wait` is false.
    """
    workplace.locks.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (workplace.locks / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield

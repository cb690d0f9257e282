"""Digests of what results depend on, asked for by many threads."""

import gc
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

from grader.assignment import get_assignment
from grader.grading import cache_keys
from grader.settings import Settings


class _Rubbish:
    """Lets another thread run in the middle of whatever collects it."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        time.sleep(0)


def test_threads_get_the_same_keys() -> None:
    """Threads that begin at the same time all get the keys that one alone gets."""
    cnn, settings = get_assignment("cnn"), Settings()
    points = cnn.points()
    # Quick to ask, so that threads meet where they must not.
    assignment: Any = SimpleNamespace(
        points=lambda: points, source=cnn.source, hidden_checks=cnn.hidden_checks
    )
    alone = cache_keys.check_keys(assignment, settings)
    found = []
    collection, switching = gc.get_threshold(), sys.getswitchinterval()

    def ask() -> None:
        for _ in range(20):
            for _ in range(40):
                _Rubbish()
            cache_keys._uses.cache_clear()
            found.append(cache_keys.check_keys(assignment, settings))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    gc.set_threshold(50, 2, 2)
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*collection)
        sys.setswitchinterval(switching)
    assert len(found) == 60
    assert all(one == alone for one in found)

"""Warnings of other libraries, ignored or made errors for a moment, in any thread."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

__all__ = ["warnings_become"]

# Filters belong to the whole process: two threads that each restore what they found would leave
# behind what the other had set.
_LOCK = threading.Lock()


@contextmanager
def warnings_become(
    action: Literal["ignore", "error"], category: type[Warning] = Warning
) -> Iterator[None]:
    """Treat warnings of a category in one way while the block runs."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter(action, category)
        yield

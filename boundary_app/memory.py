"""Memory for many visitors."""

import ctypes
from functools import cache

__all__ = ["give_memory_back"]

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h
_LARGE = 4 << 20
_ARENAS = 2


@cache
def give_memory_back() -> None:
    """Let the C library keep less of the memory that was freed.

    Streamlit runs every visitor's page in a thread, and glibc gives threads arenas of their own,
    up to eight for each processor, in which freed memory stays; and once a large block was freed,
    it takes even larger ones from there. Other C libraries do neither.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)

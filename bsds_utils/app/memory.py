"""Memory for many visitors."""

import ctypes
from functools import cache

__all__ = ["share_arenas"]

_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2


@cache
def share_arenas() -> None:
    """Let threads share what the C library keeps of the memory that they freed.

    Streamlit runs every visitor's page in a thread, and glibc gives threads arenas of their own,
    up to eight for each processor, in which freed memory stays. Other C libraries do not.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)

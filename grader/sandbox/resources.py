"""What everything that runs in a sandbox uses at the moment, seen from outside."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

__all__ = ["Usage", "measure", "waited_seconds"]

_OWN_PROGRAM = 1 << 29
# Folders inside whose files lie in memory.
IN_MEMORY = ("home/student", "tmp", "dev/shm")


class Usage(NamedTuple):
    """Use by all processes of a sandbox together.

    Attributes
    ----------
    memory
        Bytes of the processes and of files, which lie in memory as well.
    files
        Number of files.
    cpu_seconds
        Processor time, that of ended processes included.
    """

    memory: int
    files: int
    cpu_seconds: float


def measure(outermost: Sequence[int], limit: int) -> Usage:
    """Measure the use by all that a sandbox's outermost processes started, directly or not.

    Nothing inside can leave the tree: an orphan becomes a child of the sandbox's first process.

    Parameters
    ----------
    outermost
        The sandbox's outermost processes.
    limit
        Bytes of memory near which it is worth knowing exactly. Below, memory that processes share
        counts for each of them, since telling it apart takes time.

    Returns
    -------
    Usage
        Zeros once the processes have ended.
    """
    processes = _inside(outermost)
    in_files, count = _in_files(processes)
    memory = in_files + sum(_resident(one) for one in processes)
    if memory > limit:
        memory = in_files + _exact(processes)
    return Usage(memory, count, sum(_cpu(one) for one in processes))


def waited_seconds(outermost: Sequence[int]) -> float:
    """Return how long the thread that waited longest was ready to run and had no processor."""
    return max(map(_waited, _inside(outermost)), default=0.0)


def _inside(outermost: Sequence[int]) -> list[psutil.Process]:
    """Return the processes inside; not the outermost, whose file system is the machine's own."""
    found: list[psutil.Process] = []
    for pid in outermost:
        with contextlib.suppress(psutil.Error):
            found += psutil.Process(pid).children(recursive=True)
    return found


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _exact(processes: list[psutil.Process]) -> int:
    """Add up memory in which what processes share counts once."""
    exact = [_proportional(one) for one in processes]
    unknown = [
        _resident(one) for one, found in zip(processes, exact, strict=True) if found is None
    ]
    # One of those that do not let a plain user ask is our own program, most of which is shared.
    own = min(max(unknown, default=0), _OWN_PROGRAM)
    return sum(found for found in exact if found is not None) + sum(unknown) - own


def _proportional(process: psutil.Process) -> int | None:
    """Return a process's share of the memory that it uses, None where it does not let us ask."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0
    except (psutil.Error, AttributeError):
        return None


def _cpu(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        return float(sum(process.cpu_times()[:4]))  # its own and its ended children's
    return 0.0


def _waited(process: psutil.Process) -> float:
    waited = 0.0
    for schedstat in Path("/proc", str(process.pid), "task").glob("*/schedstat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            waited = max(waited, int(schedstat.read_text().split()[1]) / 1e9)
    return waited


def _in_files(processes: list[psutil.Process]) -> tuple[int, int]:
    """Return bytes and number of files that lie in memory."""
    size = count = 0
    for process in reversed(processes):
        found = False
        for folder in IN_MEMORY:
            with contextlib.suppress(OSError):
                status = os.statvfs(f"/proc/{process.pid}/root/{folder}")
                size += (status.f_blocks - status.f_bfree) * status.f_frsize
                count += status.f_files - status.f_ffree
                found = True
        if found:
            break
    return size, count

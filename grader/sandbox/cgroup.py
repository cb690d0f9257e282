"""A control group for each sandbox, where one can be had: by root, or below a delegated one.

The kernel then counts all memory and processor time that a sandbox causes, whoever holds it: files
in memory, shared memory, what waits in sockets and pipes. Where none can be had, the filter of
system calls takes the ways to such memory away, and the watchdog counts the rest.
"""

import contextlib
import itertools
import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from grader.settings import Limits

__all__ = ["ControlGroup"]

_NAME = re.compile(r"bsds-(\d+)-\d+")
_REMOVE_TRIES = 50
_REMOVE_SECONDS = 0.1
_count = itertools.count()


class ControlGroup:
    """A new group without processes, as folders of the kernel's.

    Parameters
    ----------
    folders
        One below each hierarchy's own group.
    limits
        ``memory`` and ``processes`` are set.
    """

    def __init__(self, folders: Sequence[Path], limits: Limits) -> None:
        self._folders = folders
        for name, value in (
            ("memory.limit_in_bytes", limits.memory),
            ("memory.memsw.limit_in_bytes", limits.memory),
            ("memory.max", limits.memory),
            ("memory.swap.max", 0),
            # If one process has to end, all do: half a sandbox would give odd answers.
            ("memory.oom.group", 1),
        ):
            for folder in folders:
                if (folder / name).exists():
                    with contextlib.suppress(OSError):
                        (folder / name).write_text(str(value))

    @classmethod
    def make(cls, limits: Limits) -> "ControlGroup | None":
        """Make a group, or return None where that cannot be done."""
        made: list[Path] = []
        try:
            for parent in _parents():
                _sweep(parent)
                folder = parent / f"bsds-{os.getpid()}-{next(_count)}"
                folder.mkdir()
                made.append(folder)
            group = cls(made, limits)
            if made and group._bounds_memory():
                return group
        except OSError:
            pass
        for folder in made:
            _remove(folder)
        return None

    @property
    def files(self) -> list[Path]:
        """Files into which a process writes ``0`` to join."""
        return [folder / "cgroup.procs" for folder in self._folders]

    def cpu_seconds(self) -> float | None:
        """Processor time of all that ever ran in it, None if it is not counted."""
        for folder in self._folders:
            with contextlib.suppress(OSError, ValueError):
                return int((folder / "cpuacct.usage").read_text()) / 1e9
            with contextlib.suppress(OSError, ValueError, KeyError):
                return int(_fields(folder / "cpu.stat")["usage_usec"]) / 1e6
        return None

    def out_of_memory(self) -> bool:
        """Whether the kernel ended something because the group had used up its memory."""
        for folder in self._folders:
            for name in ("memory.oom_control", "memory.events"):
                with contextlib.suppress(OSError, ValueError, KeyError):
                    if int(_fields(folder / name)["oom_kill"]) > 0:
                        return True
        return False

    def remove(self) -> None:
        """Remove the group, once all of its processes have ended."""
        for folder in self._folders:
            for _ in range(_REMOVE_TRIES):
                if _remove(folder):
                    break
                time.sleep(_REMOVE_SECONDS)

    def _bounds_memory(self) -> bool:
        return any(
            (folder / name).exists()
            for folder in self._folders
            for name in ("memory.limit_in_bytes", "memory.max")
        )


def _parents() -> Iterator[Path]:
    """Yield the groups below which ours may be made, one of each hierarchy that matters."""
    own: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), path)
    unified = None
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, mounted = before.split()[3:5]
        kind, _, options = after.split()[:3]
        if kind == "cgroup2":
            unified = Path(mounted)
        elif kind == "cgroup":
            for controller in {"memory", "cpuacct"} & set(options.split(",")):
                below = os.path.relpath(own.get(controller, "/"), root)
                yield Path(mounted) / ("" if below.startswith("..") else below)
    if unified is not None:
        # Groups with processes cannot hand controllers on: look further up for one that does.
        group = unified / own.get("", "/").lstrip("/")
        for parent in (group, *group.parents):
            handed_on = parent / "cgroup.subtree_control"
            if not handed_on.exists():
                return
            if "memory" in handed_on.read_text().split() and os.access(parent, os.W_OK):
                yield parent
                return


def _fields(path: Path) -> dict[str, str]:
    return dict(line.split() for line in path.read_text().splitlines())


def _sweep(parent: Path) -> None:
    """Remove groups of graders that were killed."""
    for folder in parent.glob("bsds-*"):
        name = _NAME.fullmatch(folder.name)
        if name is not None and not psutil.pid_exists(int(name[1])):
            _remove(folder)


def _remove(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True

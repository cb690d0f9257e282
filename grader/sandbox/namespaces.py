"""Joining a sandbox that exists: its namespaces, its limits, no privileges.

Does to the calling process what bubblewrap, ``setpriv`` and ``prlimit`` do to a program that they
start. Used by ``zygote_process.py``, beside which it lies, so it imports nothing of the grader.
"""

import ctypes
import fcntl
import os
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["NAMESPACES", "drop_privileges", "enter"]

NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")

_ORDER = ("cgroup", "ipc", "uts", "net", "pid", "mnt")

# From Linux' nsfs.h, prctl.h and capability.h.
_NS_GET_USERNS = 0xB701
_PR_SET_DUMPABLE, _PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 4, 23, 24, 38
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def enter(files: Sequence[int]) -> None:
    """Join namespaces, given as open files in the order of `NAMESPACES`.

    The process must have one thread. Only its children will be in the process namespace.

    Raises
    ------
    OSError
        If one cannot be joined.
    """
    wanted = dict(zip(NAMESPACES, files, strict=True))
    # bubblewrap may put its child into a user namespace within the one that owns the others.
    owner = fcntl.ioctl(wanted["mnt"], _NS_GET_USERNS)
    # In this order: rights over all of them come with the owner, and /proc goes with "mnt".
    order = [("user", owner), *((name, wanted[name]) for name in _ORDER), ("user", wanted["user"])]
    current = {name: Path("/proc/self/ns", name).stat().st_ino for name in NAMESPACES}
    for name, file in order:
        inode = os.fstat(file).st_ino
        if inode != current[name]:
            _check(_libc.setns(file, 0), f"setns {name}")
            current[name] = inode
    os.close(owner)


def drop_privileges(uid: int | None, limits: Mapping[str, int]) -> None:
    """Give up every privilege for good and set limits.

    Parameters
    ----------
    uid
        Whom to become; None stays who it is.
    limits
        By the name of the constant in :mod:`resource`, e.g. ``"RLIMIT_AS"``.

    Raises
    ------
    OSError
        If that fails, or privileges are left.
    """
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))
    capability = 0
    while _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) >= 0:
        _check(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), "PR_CAPBSET_DROP")
        capability += 1
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    # Changing the user hides a process from itself; starting a program would undo that.
    _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "PR_SET_DUMPABLE")
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    left = {line for line in status.splitlines() if line.startswith("Cap")}
    if any(int(line.split()[1], 16) for line in left):
        raise PermissionError(f"privileges are left: {sorted(left)}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")

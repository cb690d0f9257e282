"""The system calls that a sandbox must do without, as a filter that the kernel runs.

They are the ways to memory that no process and no folder shows (System V and nameless shared
memory), to namespaces and mounts of one's own, to other processes' insides, to key rings, and to
interfaces through which most holes in Linux were found. Used by ``confine.py`` and
``zygote_process.py``, beside which it lies, so it imports nothing of the grader.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator

__all__ = ["apply", "program"]

# Numbers of system calls on x86-64 and on arm64, from Linux' unistd.h of each.
_DENIED = {
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "pidfd_getfd": (438, 438),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "userfaultfd": (323, 282), "bpf": (321, 280), "perf_event_open": (298, 241),
    "fanotify_init": (300, 262),
}  # fmt: skip
_CLONE, _CLONE3 = (56, 220), (435, 435)
_NEW_NAMESPACES = 0x7E020000
"""The flags CLONE_NEW… that ``clone`` takes."""

# By the machine's name: column in the tables, AUDIT_ARCH_…, first number of another convention.
_MACHINES = {"x86_64": (0, 0xC000003E, 0x40000000), "aarch64": (1, 0xC00000B7, None)}

# From Linux' bpf_common.h and seccomp.h.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


def program() -> bytes:
    """Return the filter for this machine, an array of ``struct sock_filter``.

    Raises
    ------
    OSError
        If the machine is of a kind whose system calls are not known here.
    """
    machine = platform.machine()
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no list of system calls for {machine}")
    return b"".join(struct.pack("=HBBI", *line) for line in _lines(*_MACHINES[machine]))


def _lines(column: int, architecture: int, other: int | None) -> Iterator[tuple[int, ...]]:
    """Yield the filter's instructions: operation, steps if true and if false, value."""
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield _EQUAL, 1, 0, architecture
    yield refuse
    yield _LOAD, 0, 0, _NUMBER
    if other is not None:
        yield _AT_LEAST, 0, 1, other
        yield refuse
    for numbers in _DENIED.values():
        yield _EQUAL, 0, 1, numbers[column]
        yield refuse
    # Its flags lie in memory, where a filter cannot look; libraries then take the older clone.
    yield _EQUAL, 0, 1, _CLONE3[column]
    yield _RETURN, 0, 0, _ERRNO | errno.ENOSYS
    yield _EQUAL, 0, 3, _CLONE[column]
    yield _LOAD, 0, 0, _FIRST_ARGUMENT
    yield _ANY_BIT, 0, 1, _NEW_NAMESPACES
    yield refuse
    yield _RETURN, 0, 0, _ALLOW


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def apply() -> None:
    """Put this process under the filter for good; it must have given up new privileges.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    code = program()
    libc = ctypes.CDLL(None, use_errno=True)
    filter_program = _FilterProgram(len(code) // 8, code)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(filter_program), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"PR_SET_SECCOMP: {os.strerror(number)}")

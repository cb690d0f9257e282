"""Reading a file that somebody else made, without trusting what it is."""

import os
import stat
from pathlib import Path

__all__ = ["read_plain"]


def read_plain(path: str | Path, max_bytes: int, folder: int | None = None) -> bytes | None:
    """Read a plain file, following no link and waiting for no pipe.

    Parameters
    ----------
    path
        The file.
    max_bytes
        Largest file that is read.
    folder
        Descriptor of the folder that a relative path starts from; by default the current one.

    Returns
    -------
    bytes or None
        None if it is missing, larger, or anything but a plain file.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, dir_fd=folder)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read(max_bytes)

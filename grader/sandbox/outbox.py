"""Taking files out of a sandbox without trusting what they are."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

__all__ = ["collect"]


def collect(folder: int, names: Sequence[str], max_bytes: int, destination: Path) -> None:
    """Copy named files out of a sandbox's folder.

    Only regular files are taken, no link is followed, and each is bounded in size; what is left
    out is simply missing afterwards. No process of the sandbox may be running any more.

    Parameters
    ----------
    folder
        Descriptor of the folder.
    names
        File names in it.
    max_bytes
        Largest file that is taken.
    destination
        Where to, made if missing.
    """
    destination.mkdir(parents=True, exist_ok=True)
    for name in names:
        data = _read_regular(folder, name, max_bytes)
        if data is not None:
            (destination / name).write_bytes(data)


def _read_regular(folder: int, name: str, max_bytes: int) -> bytes | None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read(max_bytes)

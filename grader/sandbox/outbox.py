"""Taking files out of a sandbox without trusting what they are."""

from collections.abc import Sequence
from pathlib import Path

from grader.plainfile import read_plain

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
        data = read_plain(name, max_bytes, folder)
        if data is not None:
            (destination / name).write_bytes(data)

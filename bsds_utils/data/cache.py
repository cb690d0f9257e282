"""Arrays kept on disk, so that images are decoded and resized once."""

import hashlib
import os
import sys
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsds_utils.atomic import written_whole
from bsds_utils.data.files import printable

__all__ = ["cached_arrays", "fingerprint"]


def fingerprint(root: Path, paths: list[Path], *details: object) -> str:
    """Return a key that changes with the files or with what is made of them.

    Files count by name relative to the root, size and time of change, not by absolute path: the
    same files mounted elsewhere give the same key.

    Parameters
    ----------
    root
        Folder the names are relative to.
    paths
        The files, all under the root.
    details
        Whatever else the result depends on; by its ``repr``.
    """
    digest = hashlib.sha256(repr(details).encode())
    for path in paths:
        status = path.stat()
        line = (os.fsencode(path.relative_to(root)), status.st_size, status.st_mtime_ns)
        digest.update(repr(line).encode())
    return digest.hexdigest()[:32]


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    try:
        # Opened here, because np.load leaves a damaged file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return dict(archive)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile):
        return None  # a damaged file is remade; zip's checksums tell


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as part:
            np.savez(part, allow_pickle=False, **arrays)
    except OSError as error:
        _say_not_cached(path.parent, error.strerror)


@cache
def _say_not_cached(folder: Path, reason: str | None) -> None:
    """Say it once, not for every file."""
    # Not a warning of the warnings module: notebooks would show its source line, and under an
    # error filter the arrays, which are fine, would be lost.
    print(
        f"bsds_utils: arrays not cached in {printable(folder)} ({reason}); "
        "they will be made again next time. Set BSDS_CACHE to a folder with free space.",
        file=sys.stderr,
    )


def cached_arrays(
    path: Path,
    make: Callable[[], dict[str, NDArray[Any]]],
    fits: Callable[[Mapping[str, NDArray[Any]]], bool],
) -> dict[str, NDArray[Any]]:
    """Return arrays from a file, or make them and keep them in it.

    The file appears whole or not at all. If it cannot be written (read-only or full disk), one
    line on stderr says so and the arrays are returned all the same.

    Parameters
    ----------
    path
        An .npz file.
    make
        Makes the arrays.
    fits
        Says whether arrays read from the file are what `make` would return.
    """
    arrays = _read(path)
    if arrays is None or not fits(arrays):
        arrays = make()
        _write(path, arrays)
    return arrays

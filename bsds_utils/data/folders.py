"""Folders that appear whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bsds_utils.data.files import printable
from bsds_utils.errors import BSDSError

__all__ = ["filled_atomically"]


@contextmanager
def filled_atomically(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside the target, and rename it to the target in the end.

    If the body fails or is interrupted, the temporary folder is deleted and the target is as
    it was. If another process made the target meanwhile, its folder is kept and ours deleted.

    Parameters
    ----------
    target
        The folder to make.
    replace
        Delete what is at the target; otherwise it must not exist, or be empty.

    Yields
    ------
    Path
        The folder to fill.

    Raises
    ------
    BSDSError
        If the target is in the way, or the disk refuses (full, read-only, no permission).
    """
    name = printable(target)
    target = target.resolve()  # a link to an empty folder is filled at its end
    vacant = not os.path.lexists(target) or (target.is_dir() and not any(target.iterdir()))
    if not vacant and not replace:
        raise BSDSError(
            f"{name}: expected a new or empty folder, found something in it; give another one "
            "or empty it"
        )
    folder: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        yield folder
        folder.chmod(0o755)
        if vacant:
            _move_unless_made(folder, target)
        else:
            _swap(folder, target)
    except OSError as error:
        raise BSDSError(
            f"{name}: cannot be written ({error.strerror or error}); check free space and "
            "permissions, or choose another folder (BSDS_CACHE sets the cache)"
        ) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _move_unless_made(folder: Path, target: Path) -> None:
    with suppress(OSError):
        target.rmdir()  # an empty folder is in the way on Windows
    try:
        folder.rename(target)
    except OSError:
        if not (target.is_dir() and any(target.iterdir())):
            raise


def _swap(folder: Path, target: Path) -> None:
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        target.rename(old / "old")
        folder.rename(target)
    finally:
        shutil.rmtree(old, ignore_errors=True)

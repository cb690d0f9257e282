"""Temporary folders of the grader, and removing those of graders that were killed."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.util import Finalize
from pathlib import Path

import psutil

__all__ = ["all_in_scratch", "scratch", "sweep"]

_LAST = -1000
_LONGEST_PATH = 40
_NAME = re.compile(r"bsds-[a-z]-(\d+)-\w+")


def scratch(kind: str) -> "tempfile.TemporaryDirectory[str]":
    """Return a temporary folder, to be used as a context manager.

    Parameters
    ----------
    kind
        One letter. The path is short, because a Unix socket's has at most 107 characters.
    """
    return tempfile.TemporaryDirectory(
        prefix=f"bsds-{kind}-{os.getpid()}-", ignore_cleanup_errors=True
    )


@contextmanager
def all_in_scratch() -> Iterator[None]:
    """Let whatever this process makes of temporary files lie in one of our folders.

    Libraries give theirs names that do not say whose they are, so that nobody could remove them
    after a process that was killed. The folder stays until the process ends. It is in /tmp where
    the usual place has a path too long for the sockets in it.
    """
    usual = tempfile.gettempdir()
    place = usual if len(usual) <= _LONGEST_PATH else "/tmp"
    folder = tempfile.mkdtemp(prefix=f"bsds-t-{os.getpid()}-", dir=place)
    # After multiprocessing has removed its own folder, which it wants to find (-100 there).
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=_LAST)
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        yield
    finally:
        tempfile.tempdir = before


def sweep() -> None:
    """Remove our temporary folders whose process has ended without doing so."""
    folder = Path(tempfile.gettempdir())
    for path in (folder.parent if _NAME.fullmatch(folder.name) else folder).iterdir():
        name = _NAME.fullmatch(path.name)
        if name is None or psutil.pid_exists(int(name[1])):
            continue
        if path.is_dir() and not path.is_symlink() and path.lstat().st_uid == os.geteuid():
            shutil.rmtree(path, ignore_errors=True)

"""Temporary folders of the grader, and removing those of graders that were killed."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import psutil

__all__ = ["scratch", "sweep"]

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


def sweep() -> None:
    """Remove our temporary folders whose process has ended without doing so."""
    for path in Path(tempfile.gettempdir()).iterdir():
        name = _NAME.fullmatch(path.name)
        if name is None or psutil.pid_exists(int(name[1])):
            continue
        if path.is_dir() and not path.is_symlink() and path.lstat().st_uid == os.geteuid():
            shutil.rmtree(path, ignore_errors=True)

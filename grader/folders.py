"""The grader's folders, locks between its processes, and its temporary folders."""

import contextlib
import fcntl
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path

import psutil

from grader.assignment import COURSE_ROOT

__all__ = ["Workplace", "all_in_scratch", "locked", "remove_tree", "scratch", "sweep"]

_LAST = -1000
_LONGEST_PATH = 40
_NAME = re.compile(r"bsds-[a-z]-(\d+)-\w+")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Workplace:
    """Folders of the grader below one root.

    Attributes
    ----------
    root
        Folder of the course: holds ``submitted/``, ``gradebook.db`` and the rest.
    """

    root: Path = COURSE_ROOT

    @property
    def private(self) -> Path:
        """Files of the grader that may be deleted at any time."""
        return self.root / ".bsds"

    @property
    def hidden_data(self) -> Path:
        """Cache of the hidden images."""
        return self.private / "hidden"

    @property
    def results(self) -> Path:
        """Executed submissions and their verdicts, one folder for each distinct submission."""
        return self.private / "results"

    @property
    def locks(self) -> Path:
        """Files that keep two processes from doing the same thing at the same time."""
        return self.private / "locks"

    @property
    def reports(self) -> Path:
        """Where ``bsds grade`` writes reports and exports."""
        return self.private / "reports"


@contextmanager
def locked(workplace: Workplace, name: str, *, wait: bool) -> Iterator[None]:
    """Hold a lock for the duration of the block; it goes with the process that is killed.

    Raises
    ------
    BlockingIOError
        If somebody holds it and `wait` is false.
    """
    workplace.locks.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (workplace.locks / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@contextmanager
def scratch(kind: str) -> Iterator[str]:
    """Make a temporary folder for the duration of the block.

    Parameters
    ----------
    kind
        One letter. The path is short, because a Unix socket's has at most 107 characters.
    """
    folder = tempfile.mkdtemp(prefix=f"bsds-{kind}-{os.getpid()}-")
    try:
        yield folder
    finally:
        remove_tree(folder)


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
    Finalize(None, remove_tree, (folder,), exitpriority=_LAST)
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        yield
    finally:
        tempfile.tempdir = before


def sweep() -> None:
    """Remove our temporary folders whose process has ended without doing so; never fails."""
    folder = Path(tempfile.gettempdir())
    with contextlib.suppress(OSError):
        for path in list((folder.parent if _NAME.fullmatch(folder.name) else folder).iterdir()):
            name = _NAME.fullmatch(path.name)
            if name is not None and not psutil.pid_exists(int(name[1])):
                with contextlib.suppress(OSError):
                    if path.lstat().st_uid == os.geteuid():
                        remove_tree(path)


def remove_tree(path: str | Path) -> None:
    """Remove a folder with all that is in it, however deep it goes; what cannot go stays.

    Folders within folders are moved up to the first level one by one, so that neither recursion
    nor the length of a path bounds how deep they may lie. No link is followed.
    """
    try:
        top = os.open(path, _FOLDER)
    except OSError:
        return
    try:
        _empty(top)
    finally:
        os.close(top)
    with contextlib.suppress(OSError):
        os.rmdir(path)  # noqa: PTH106, a Path is not needed for anything else here


def _empty(top: int) -> None:
    while True:
        folders = [name for name in _names(top) if not _unlinked(name, top)]
        removed = [name for name in folders if _raise_folders(name, top)]
        if not removed:
            return


def _names(folder: int) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _unlinked(name: str, folder: int) -> bool:
    """Remove a file; False for a folder, and for what cannot be removed."""
    try:
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            return False
        os.unlink(name, dir_fd=folder)
    except OSError:
        return False
    return True


def _raise_folders(name: str, top: int) -> bool:
    """Empty a folder of the first level and remove it; its folders go to the first level."""
    with contextlib.suppress(OSError):
        os.chmod(name, 0o700, dir_fd=top)
    try:
        folder = os.open(name, _FOLDER, dir_fd=top)
    except OSError:
        return False
    try:
        for inner in _names(folder):
            if not _unlinked(inner, folder):
                with contextlib.suppress(OSError):
                    # Moving a folder changes it, for which it must be writable.
                    os.chmod(inner, 0o700, dir_fd=folder)
                    os.rename(inner, secrets.token_hex(), src_dir_fd=folder, dst_dir_fd=top)
        os.rmdir(name, dir_fd=top)
    except OSError:
        return False
    finally:
        os.close(folder)
    return True

"""Temporary folders: gone after use, and after the next start where a grader was killed."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from grader.folders import all_in_scratch, remove_tree, scratch, sweep
from grader.grading.result_cache import ResultStore
from grader.sandbox.notebook import Executed


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that temporary ones are made in."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_folders_of_the_dead_are_removed(temporary: Path) -> None:
    """What a killed process left goes; what is in use or not a folder of ours stays."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = temporary / f"bsds-g-{ended.pid}-abc"
    (left / "work").mkdir(parents=True)
    target = temporary / "somebody's"
    target.mkdir()
    (temporary / f"bsds-k-{ended.pid}-link").symlink_to(target)
    (temporary / "bsds-release-abc").mkdir()
    with scratch("g") as used:
        sweep()
        assert Path(used).is_dir()
        assert not left.exists()
        assert target.is_dir()
        assert (temporary / "bsds-release-abc").is_dir()
    assert not Path(used).exists()


def test_all_temporary_files_can_lie_in_one_folder(temporary: Path) -> None:
    """Within the block they do, and a sweep still looks where that folder is; then as before."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with all_in_scratch():
        folder = Path(tempfile.gettempdir())
        left = folder.parent / f"bsds-g-{ended.pid}-abc"
        left.mkdir()
        sweep()
        assert not left.exists()
        with scratch("g") as inside:
            assert Path(inside).parent == folder
    assert tempfile.gettempdir() == str(temporary)


def test_sockets_fit_into_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the path of the usual temporary folder is."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("x" * 100)))
    with all_in_scratch():
        assert len(tempfile.gettempdir()) < 70


def test_half_written_results_are_removed_when_old(tmp_path: Path) -> None:
    """A part that may still be in the making is left alone; results stay."""
    store = ResultStore(tmp_path)
    executed = Executed(nbformat.v4.new_notebook(), 1.0)
    store.keep_executed("key", executed)
    for name, age in (("new.part", 0), ("old.part", 7200)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    store.sweep()
    assert {path.name for path in tmp_path.iterdir()} == {"key", "new.part"}
    assert store.executed("key") == executed


def _nested(top: Path, depth: int) -> None:
    """Make folders within folders, deeper than a path may be long and a program may recurse."""
    at = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 20, dir_fd=at)
        (inner, at) = (at, os.open("d" * 20, os.O_RDONLY, dir_fd=at))
        os.close(inner)
    os.close(at)


def _closed(top: Path) -> None:
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "b" / "file").write_text("x")
    (top / "a" / "b").chmod(0)
    (top / "a").chmod(0)


def _odd_files(top: Path) -> None:
    os.mkfifo(top / "pipe")
    (top / "link").symlink_to("/")
    (top / "to-itself").symlink_to("to-itself")
    (top / "up").symlink_to(top)
    (top / os.fsdecode(b"\xff\xfe\n")).write_text("x")


@pytest.mark.parametrize(
    "make",
    [lambda top: _nested(top, 3000), _closed, _odd_files, lambda top: None],
    ids=["deep", "closed", "odd files", "empty"],
)
def test_whatever_was_left_is_removed(make: Callable[[Path], None], temporary: Path) -> None:
    """However deep, closed or odd it is, after use and after the next start, without an error."""
    with scratch("g") as folder:
        make(Path(folder))
    assert not Path(folder).exists()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = temporary / f"bsds-g-{ended.pid}-abc"
    left.mkdir()
    make(left)
    sweep()
    assert list(temporary.iterdir()) == []


def test_links_are_not_followed(temporary: Path) -> None:
    """What lies behind a link stays, and a link in the folder's place is not a folder."""
    target = temporary / "somebody's"
    target.mkdir()
    (target / "file").write_text("x")
    with scratch("g") as folder:
        Path(folder, "link").symlink_to(target)
    link = temporary / "link"
    link.symlink_to(target)
    remove_tree(link)
    assert (target / "file").exists()


def test_what_cannot_be_removed_is_left(temporary: Path) -> None:
    """A folder that is not there, or a file in its place, is not an error."""
    remove_tree(temporary / "absent")
    (temporary / "file").write_text("x")
    remove_tree(temporary / "file")
    assert (temporary / "file").exists()

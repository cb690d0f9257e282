"""Taking files out of a sandbox: only plain files, only those asked for, only small ones."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.sandbox.outbox import collect


def _collect(work: Path, tmp_path: Path) -> Path:
    destination = tmp_path / "out"
    folder = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    try:
        collect(folder, ("a.keras", "a.json"), 1000, destination)
    finally:
        os.close(folder)
    return destination


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return the folder that a submission could write to."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_named_files_are_collected(work: Path, tmp_path: Path) -> None:
    """The files asked for are copied, and nothing else."""
    for name in ("a.keras", "a.json", "b.json"):
        (work / name).write_text(name)
    out = _collect(work, tmp_path)
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "a.keras": "a.keras", "a.json": "a.json",
    }  # fmt: skip


def _link(path: Path) -> None:
    target = path.parent.parent / "secret"
    target.write_text("not the student's")
    path.symlink_to(target)


@pytest.mark.parametrize(
    "make",
    [
        _link,
        os.mkfifo,
        Path.mkdir,
        lambda path: path.write_bytes(bytes(1001)),
        lambda path: os.truncate(path, 1 << 40) if path.touch() is None else None,
        lambda path: None,
    ],
    ids=["link", "fifo", "folder", "large", "sparse", "missing"],
)
def test_anything_but_a_plain_small_file_is_left_out(
    make: Callable[[Path], object], work: Path, tmp_path: Path
) -> None:
    """Links, pipes, folders and huge files count as missing; the others still come."""
    make(work / "a.keras")
    (work / "a.json").write_text("{}")
    assert [path.name for path in _collect(work, tmp_path).iterdir()] == ["a.json"]

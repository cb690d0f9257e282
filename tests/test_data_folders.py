"""Folders that appear whole or not at all, and bars that appear where somebody looks."""

import sys
import types
from pathlib import Path

import pytest

from bsds_utils import BSDSError
from bsds_utils.data.folders import filled_atomically
from bsds_utils.data.progress import bar


@pytest.mark.parametrize("before", ["missing", "empty", "link to empty"])
def test_folder_appears_when_it_is_full(tmp_path: Path, before: str) -> None:
    """Nothing is at the target until the body is done."""
    target = tmp_path / "parent" / "target"
    if before == "empty":
        target.mkdir(parents=True)
    elif before == "link to empty":
        (tmp_path / "end").mkdir()
        target.parent.mkdir()
        target.symlink_to(tmp_path / "end")
    with filled_atomically(target) as folder:
        (folder / "a").write_text("a")
        assert not (target / "a").exists()
    assert (target / "a").read_text() == "a"
    assert [path.name for path in target.parent.iterdir()] == ["target"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, BSDSError])
@pytest.mark.parametrize("replace", [True, False])
def test_failure_changes_nothing(
    tmp_path: Path, error: type[BaseException], replace: bool
) -> None:
    """After a failure the old content is there and no temporary folder."""
    target = tmp_path / "target"
    if replace:
        target.mkdir()
        (target / "old").write_text("old")

    def fail() -> None:
        with filled_atomically(target, replace=replace) as folder:
            (folder / "a").write_text("a")
            raise error

    with pytest.raises(error):
        fail()
    assert [p.name for p in tmp_path.rglob("*")] == (["target", "old"] if replace else [])


def test_full_disk_is_one_line(tmp_path: Path) -> None:
    """An error of the disk is told with the folder's name."""
    with (
        pytest.raises(BSDSError, match=r"target: cannot be written \(No space left"),
        filled_atomically(tmp_path / "target"),
    ):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_folder_made_meanwhile_is_kept(tmp_path: Path) -> None:
    """If two processes make the same folder, the first one's stays, and both succeed."""
    target = tmp_path / "target"
    with filled_atomically(target) as late, filled_atomically(target) as early:
        (early / "a").write_text("early")
        (late / "a").write_text("late")
    assert (target / "a").read_text() == "early"
    assert list(tmp_path.iterdir()) == [target]


class Screen:
    """A place to write to that may be a terminal."""

    def __init__(self, terminal: bool) -> None:
        self.text = ""
        self.terminal = terminal

    def write(self, text: str) -> int:
        """Keep the text."""
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Do nothing."""

    def isatty(self) -> bool:
        """Say whether this is a terminal."""
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "notebook", "shown"),
    [(True, False, "stderr"), (False, True, "stdout"), (False, False, "")],
)
def test_bar_is_shown_where_somebody_looks(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, notebook: bool, shown: str
) -> None:
    """Terminals show the bar on stderr, notebooks on stdout, and log files none."""
    screens = {"stderr": Screen(terminal), "stdout": Screen(False)}
    for name, screen in screens.items():
        monkeypatch.setattr(sys, name, screen)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    if notebook:
        monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setattr("bsds_utils.data.progress._DELAY", 0)
    assert list(bar(range(3), "counting", unit="sheep")) == [0, 1, 2]
    assert [name for name, screen in screens.items() if "counting" in screen.text] == (
        [shown] if shown else []
    )

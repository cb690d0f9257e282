"""Files that appear whole or not at all."""

from pathlib import Path

import pytest

from bsds_utils.atomic import written_whole


def test_replaces_what_was_there(tmp_path: Path) -> None:
    """The new content takes the place of the old, and nothing else is left."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with written_whole(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_keeps_what_was_there(tmp_path: Path) -> None:
    """If writing fails half-way, the old file is whole and the half one gone."""
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail_half_way() -> None:
        with written_whole(path) as part:
            part.write_text("ne")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_readable_as_any_file(tmp_path: Path) -> None:
    """It has the permissions of a file that was written plainly."""
    plain = tmp_path / "plain"
    plain.write_text("")
    with written_whole(tmp_path / "whole") as part:
        part.write_text("")
    assert (tmp_path / "whole").stat().st_mode == plain.stat().st_mode

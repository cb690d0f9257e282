"""The class as a text table at the end of ``bsds grade``."""

import unicodedata

import pytest

from grader.report.table import table
from tests.graded_class import graded, refused


def _columns(line: str) -> int:
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in line)
    return len(line) + wide


def test_everybody_has_a_line() -> None:
    """Each student's line has score, IoU, seconds, what was missed, and whether to look."""
    everybody = [graded("ada", 99.0, iou=0.487), graded("alan", 1.0), refused("eve", "empty")]
    lines = table(everybody, suspicious=["alan"], width=120).splitlines()
    ada, alan, eve = lines[2:5]
    assert ada.split() == ["ada", "27.00/27", "0.487", "12", "-"]
    assert alan.startswith("alan")
    assert "agreement, metrics" in alan
    assert alan.endswith("look")
    assert eve.split(maxsplit=4)[4] == "rejected: empty"


def test_summary_counts_the_class() -> None:
    """Below the table stand mean, median, how many were not graded, and each check's passes."""
    text = table([graded("ada", 99.0), graded("alan", 1.0), refused("eve", "empty")], width=120)
    assert "3 submissions, 1 of them not run or rejected" in text
    assert "mean 12.00, median 9.00 of 27 points" in text
    assert "agreement 1/3" in text
    assert "nothing 2/3" in text


@pytest.mark.parametrize("width", [72, 100, 200])
def test_lines_fit_the_terminal(width: int) -> None:
    """Long reasons and names are cut, so that no line is wider than the terminal."""
    everybody = [refused("x" * 300, "a long reason, " * 30), graded("名前" * 40, 1.0)]
    for line in table(everybody, width=width).splitlines():
        assert _columns(line) <= width


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\u202eb", "a\tb", "e\u0301"])
def test_odd_names_stay_on_their_line(name: str) -> None:
    """Line breaks, terminal escapes and marks of direction do not reach the terminal."""
    text = table([graded(name, 99.0), graded("ada", 99.0)], width=100)
    assert len(text.splitlines()) == len(table([graded("x", 99.0)], width=100).splitlines()) + 1
    assert not {"\x1b", "\u202e", "\t"} & set(text)


def test_wide_letters_keep_the_columns() -> None:
    """Scores stand below each other after names in letters of double width and with accents."""
    lines = table([graded("名前", 99.0), graded("e\u0301a", 99.0), graded("ada", 99.0)], width=90)
    wide, accent, plain = lines.splitlines()[2:5]
    place = plain.index("27.00")
    assert wide.index("27.00") == place - 2
    assert accent.index("27.00") == place + 1

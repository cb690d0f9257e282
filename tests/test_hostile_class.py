"""Submissions that are no notebooks, and odd names, in one class with honest students.

Each is refused by itself with its reason and everybody else is graded: by ``bsds grade``, which
ends with exit code 0 and names them in its table, and by stock ``nbgrader autograde``, which names
them in its log and ends with exit code 1 when all others are graded.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bsds_command import PROGRAM
from sandboxed import SANDBOXED
from stock_nbgrader import nbgrader

from bsds_utils.data.files import printable
from grader.assignment import get_assignment
from grader.gradebook.book import CourseGradebook

pytestmark = [
    pytest.mark.slow,
    *SANDBOXED,
]

CNN = get_assignment("cnn")
SECONDS = 300
"""A run that takes longer hangs."""

Make = Callable[[Path], object]


def _text(text: str) -> Make:
    return lambda path: path.write_text(text, encoding="utf-8")


def _bytes(data: bytes) -> Make:
    return lambda path: path.write_bytes(data)


def _blank() -> str:
    return CNN.release.read_text(encoding="utf-8")


def _with_markdown(source: str) -> Make:
    notebook = json.loads(_blank())
    cell = {"cell_type": "markdown", "id": "added", "metadata": {}, "source": source}
    notebook["cells"].append(cell)
    return _text(json.dumps(notebook))


def _blank_with(make: Callable[[Path], object]) -> Make:
    """Hand in the honest notebook, and something beside it that `make` makes in its folder."""

    def write(path: Path) -> None:
        path.write_text(_blank(), encoding="utf-8")
        make(path.parent)

    return write


def _format_3() -> str:
    cell = {
        "cell_type": "code", "collapsed": False, "input": ["1"], "language": "python",
        "metadata": {}, "outputs": [],
    }  # fmt: skip
    sheet = {"cells": [cell], "metadata": {}}
    return json.dumps(
        {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [sheet]}
    )


MALFORMED: dict[str, tuple[Make, str]] = {
    "empty": (_text(""), "empty"),
    "binary": (_bytes(bytes(range(256)) * 40), "not JSON"),
    "truncated": (_text(_blank()[: len(_blank()) // 2]), "not JSON"),
    "deep": (_text("[" * 100_000), "not JSON"),
    "list": (_text("[]"), "notebook format 4"),
    "format-3": (_text(_format_3()), "notebook format 4, found 3"),
    "large": (_with_markdown("x" * 20_000_000), "at most 17 MB"),
    "half-character": (_with_markdown("\ud800"), "a character that is none"),
    "folder": (Path.mkdir, "plain file"),
    "link": (lambda path: path.symlink_to("/etc/hostname"), "plain file"),
    "copied-link": (lambda path: path.symlink_to("../../victim/cnn/cnn.ipynb"), "plain file"),
    "dangling": (lambda path: path.symlink_to("nowhere"), "plain file"),
    "pipe": (os.mkfifo, "plain file"),
}
WRONG_TIMES: dict[str, Make] = {
    "time-words": _blank_with(lambda folder: (folder / "timestamp.txt").write_text("yesterday")),
    "time-binary": _blank_with(lambda folder: (folder / "timestamp.txt").write_bytes(b"\xff\0")),
    "time-folder": _blank_with(lambda folder: (folder / "timestamp.txt").mkdir()),
    "time-pipe": _blank_with(lambda folder: os.mkfifo(folder / "timestamp.txt")),
}
MISNAMED = ("x*", "[ab]", "what?", "two\nlines", "ta\tb", os.fsdecode(b"no-utf-8-\xff"))
HONEST: dict[str, Make] = {
    name: _text(_blank())
    for name in (
        "victim", "Zoë 你好", "a b", "a'b\"c", "-rf", "x;y", "%s", "{0}", "$HOME", "n" * 240,
    )
} | {
    "beside-link": _blank_with(lambda folder: (folder / "data").symlink_to("/etc/hostname")),
    "beside-dangling": _blank_with(lambda folder: (folder / "data").symlink_to("nowhere")),
    "beside-pipe": _blank_with(lambda folder: os.mkfifo(folder / "data")),
    "beside-library": _blank_with(lambda folder: (folder / "numpy.py").write_text("1 / 0")),
}  # fmt: skip
"""Students who are graded; their equal notebooks are executed once for all."""

each = pytest.mark.parametrize


def _hand_in(root: Path) -> None:
    makers = {name: make for name, (make, _) in MALFORMED.items()} | WRONG_TIMES | HONEST
    makers |= {name: _text(_blank()) for name in MISNAMED}
    for student, make in makers.items():
        folder = root / "submitted" / student / "cnn"
        folder.mkdir(parents=True)
        make(folder / CNN.notebook_name)


@dataclass(frozen=True)
class Graded:
    """The class, graded both ways.

    Attributes
    ----------
    ours, stock
        Folder of the course that ``bsds grade`` and stock nbgrader graded.
    entries
        By student, what ``bsds grade --json`` wrote.
    output
        What ``bsds grade`` printed.
    reasons
        By student, how stock nbgrader's log ends on them.
    codes
        Exit code of either.
    """

    ours: Path
    stock: Path
    entries: dict[str, dict[str, Any]]
    output: str
    reasons: dict[str, str]
    codes: tuple[int, int]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory, tiny_deadleaves: Path) -> Iterator[Graded]:
    """Grade the class with ``bsds grade``, then with stock nbgrader."""
    ours, stock = (tmp_path_factory.mktemp(name) for name in ("ours", "stock"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BSDS500_ROOT", str(tiny_deadleaves))
        environment.setenv("BSDS_CACHE", str(ours / "cache"))
        environment.setenv("BSDS_GRADE_SECONDS", "1")
        for root in (ours, stock):
            _hand_in(root)
        first = subprocess.run(
            [*PROGRAM, "grade", "cnn", "--json", "grades.json"], cwd=ours, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=SECONDS,
        )  # fmt: skip
        # Stock nbgrader takes the results of what was executed from the same store.
        shutil.copytree(ours / ".bsds", stock / ".bsds")
        CourseGradebook(stock).ensure_assignment(CNN)
        second = nbgrader(stock, "autograde", "cnn", timeout=SECONDS)
        entries = json.loads((ours / "grades.json").read_text(encoding="utf-8"))
        yield Graded(
            ours,
            stock,
            {entry["student"]: entry for entry in entries},
            first.stdout,
            _reasons(second.stderr),
            (first.returncode, second.returncode),
        )


def _reasons(log: str) -> dict[str, str]:
    """Return the last line of each traceback in nbgrader's log, by student."""
    pattern = r"processing assignment: \S*/submitted/(.+)/cnn\n.*Traceback .*\n((?: +.*\n)+)"
    return {
        student: traceback.strip().splitlines()[-1].strip()
        for student, traceback in re.findall(pattern, log)
    }


def _points(root: Path) -> dict[str, float]:
    with CourseGradebook(root).gradebook() as gradebook:
        return {
            submission.student_id: submission.score
            for submission in gradebook.assignment_submissions("cnn")
        }


def test_the_runs_reach_their_ends(graded: Graded) -> None:
    """The exit code is 0 of `bsds grade`, 1 of nbgrader; neither shows anybody a traceback."""
    assert graded.codes == (0, 1), graded.output
    assert "Traceback" not in graded.output


@each("student", HONEST)
def test_honest_students_are_graded(student: str, graded: Graded) -> None:
    """Odd names and odd files beside the notebook change nothing, either way of grading."""
    entry, victim = graded.entries[student], graded.entries["victim"]
    assert (entry["status"], entry["problem"]) == ("graded", None)
    assert entry["checks"] == victim["checks"]
    assert student not in graded.reasons
    for root in (graded.ours, graded.stock):
        assert _points(root)[student] == victim["score"]
        folder = root / "autograded" / student / "cnn"
        assert [path.name for path in folder.iterdir()] == [CNN.notebook_name]


@each("student", MALFORMED)
def test_malformed_notebooks_are_refused_one_by_one(student: str, graded: Graded) -> None:
    """Each gets no points and its own reason, the same either way of grading."""
    entry, reason = graded.entries[student], MALFORMED[student][1]
    assert (entry["status"], entry["score"]) == ("rejected", 0)
    assert reason in entry["problem"]
    assert all(check["message"] == entry["problem"] for check in entry["checks"].values())
    assert reason in graded.reasons[student]
    assert not (graded.stock / "autograded" / student).exists()


@each("student", WRONG_TIMES)
def test_wrong_time_stamps_are_named(student: str, graded: Graded) -> None:
    """A time stamp that cannot be read is not guessed: both say which file to mend."""
    entry = graded.entries[student]
    assert entry["status"] == "rejected"
    assert "timestamp.txt" in entry["problem"]
    assert "timestamp.txt" in graded.reasons[student]
    assert student not in {path.name for path in (graded.stock / "autograded").iterdir()}


@each("student", MISNAMED, ids=printable)
def test_folders_that_nbgrader_cannot_name_are_refused(student: str, graded: Graded) -> None:
    """What cannot be a folder's name there keeps its own submission alone from a grade."""
    assert "rename the folder" in graded.entries[printable(student)]["problem"]
    for root in (graded.ours, graded.stock):
        assert student not in _points(root)

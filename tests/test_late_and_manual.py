"""Late work and grades given by hand: `bsds grade` does with them what nbgrader does.

An instructor sets the due date with ``nbgrader db assignment add cnn --duedate "2026-03-01
12:00:00 Europe/Berlin"``, and a penalty in ``nbgrader_config.py``: with
``c.LateSubmissionPlugin.penalty_method = "zero"``, or a plugin of their own with
``c.AssignLatePenalties.plugin_class``. When a submission came in is the text of ``timestamp.txt``
beside its notebook, which nbgrader writes when it collects; a time without a zone is UTC.
"""

import itertools
import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from stock_nbgrader import nbgrader

from grader.assignment import Assignment, get_assignment
from grader.checking.process import Findings
from grader.checking.verdict import Verdict
from grader.classroom import run
from grader.cli import main
from grader.errors import CourseError
from grader.gradebook.book import CONFIG_FILE, CourseGradebook
from grader.grading import cached
from grader.notebooks.parsing import parse_python
from grader.notebooks.pictures import genuine_picture
from grader.sandbox.notebook import Executed

CNN = get_assignment("cnn")
MAXIMUM = sum(CNN.points().values())
DUE = "2026-03-01 12:00:00"
CHECKED, BY_HAND = "agreement", "question_metrics"

Grader = Callable[[Path], None]


@dataclass
class Played:
    """What the played hidden checks give.

    Attributes
    ----------
    share
        Of the points of every check.
    """

    share: float = 1.0


@pytest.fixture(scope="module")
def new_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a gradebook without students, which nbgrader takes seconds to make."""
    root = tmp_path_factory.mktemp("course")
    CourseGradebook(root).ensure_assignment(CNN)
    return root / "gradebook.db"


@pytest.fixture
def played(
    tiny_deadleaves: Path, new_gradebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Played:
    """Play executing and checking in the course `tmp_path`, so that only recording is real."""
    shutil.copy(new_gradebook, tmp_path)
    play = Played()
    runs = itertools.count()

    def execute(notebook: nbformat.NotebookNode, *_: object) -> Executed:
        # No two runs of a notebook take the same time, which is in its cells' metadata.
        notebook = nbformat.from_dict(notebook)
        notebook.cells[0].metadata["execution"] = {"run": next(runs)}
        return Executed(notebook, 1.0)

    def check(*_: object) -> tuple[Findings, float]:
        return Findings(
            {
                name: Verdict(name, play.share * maximum, maximum, "played")
                for name, maximum in CNN.points().items()
            }
        ), 1.0

    monkeypatch.setenv("BSDS500_ROOT", str(tiny_deadleaves))
    monkeypatch.setattr(cached, "execute_notebook", execute)
    monkeypatch.setattr(cached, "check_executed", check)
    monkeypatch.setattr("grader.cli.grade.require_sandbox", lambda: None)
    return play


def command(root: Path, *options: str) -> int:
    """Run ``bsds grade`` and return its exit code."""
    return main(["grade", "cnn", "--jobs", "1", "--course-dir", str(root), *options])


def bsds_grade(root: Path, *options: str) -> None:
    """Grade the class as ``bsds grade`` does."""
    assert command(root, *options) == 0


def bsds_grade_force(root: Path) -> None:
    """Grade the class again as ``bsds grade --force`` does."""
    bsds_grade(root, "--force")


def nbgrader_autograde(root: Path) -> None:
    """Grade the class as ``nbgrader autograde --force`` does."""
    course = CourseGradebook(root)
    for folder in sorted((root / "submitted").iterdir()):
        course.record(CNN, folder.name)


either = pytest.mark.parametrize("grade", [bsds_grade, nbgrader_autograde])


def hand_in(root: Path, student: str, timestamp: str | None = None, code: str = "1") -> None:
    """Write a submission; `code` is a cell that the student added."""
    folder = root / "submitted" / student / "cnn"
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(CNN.release, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(code, id="added"))
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == BY_HAND:
            cell.source = "An answer: nbgrader gives unchanged questions 0 points by itself."
    nbformat.write(notebook, folder / CNN.notebook_name)
    if timestamp is not None:
        (folder / "timestamp.txt").write_text(timestamp, encoding="utf-8")


def set_due(root: Path, due: str) -> None:
    """Set the due date, as ``nbgrader db assignment add --duedate`` does."""
    with CourseGradebook(root).gradebook() as gradebook:
        gradebook.update_or_create_assignment("cnn", duedate=due)


def set_penalty(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let late work get no points, by a line in nbgrader's configuration."""
    config = folder / "nbgrader_config.py"
    line = 'c.LateSubmissionPlugin.penalty_method = "zero"'
    config.write_text(f"{CONFIG_FILE.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    monkeypatch.setattr("grader.gradebook.book.CONFIG_FILE", config)
    monkeypatch.setattr("grader.gradebook.recorded.CONFIG_FILE", config)


@dataclass(frozen=True)
class Lateness:
    """What the gradebook says about when a submission came in."""

    timestamp: datetime | None
    seconds: float
    penalty: float
    score: float


def lateness(root: Path, student: str) -> Lateness:
    """Read it from the gradebook."""
    with CourseGradebook(root).gradebook() as gradebook:
        entry = gradebook.find_submission("cnn", student)
        return Lateness(
            entry.timestamp, entry.total_seconds_late, entry.late_submission_penalty, entry.score
        )


TIMESTAMPS = {
    "ada": (None, None),
    "alan": ("2026-03-01 12:00:00", datetime(2026, 3, 1, 12)),
    "barbara": ("2026-03-01 12:00:01.500000 UTC\n", datetime(2026, 3, 1, 12, 0, 1, 500_000)),
    "edsger": ("2026-03-01 13:30:00", datetime(2026, 3, 1, 13, 30)),
    "grace": ("2026-03-01 13:30:00 Europe/Berlin", datetime(2026, 3, 1, 12, 30)),
    "linus": ("2026-03-01T07:30:00-05:00", datetime(2026, 3, 1, 12, 30)),
}
SECONDS_LATE = {
    "ada": 0, "alan": 0, "barbara": 1.5, "edsger": 5400, "grace": 1800, "linus": 1800,
}  # fmt: skip


@either
def test_timestamps_are_read_as_nbgrader_reads_them(
    grade: Grader, played: Played, tmp_path: Path
) -> None:
    """With a zone, without one (UTC) and without a timestamp: the gradebook says how late."""
    for student, (text, _) in TIMESTAMPS.items():
        hand_in(tmp_path, student, text)
    set_due(tmp_path, "2026-03-01 13:00:00 Europe/Berlin")
    grade(tmp_path)
    for student, (_, moment) in TIMESTAMPS.items():
        assert lateness(tmp_path, student) == Lateness(moment, SECONDS_LATE[student], 0, MAXIMUM)


@either
def test_late_work_gets_the_penalty_that_is_set(
    grade: Grader, played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The penalty of the configuration is for the late submission alone."""
    hand_in(tmp_path, "ada", "2026-03-01 11:59:59")
    hand_in(tmp_path, "alan", "2026-03-01 12:00:01")
    set_due(tmp_path, DUE)
    set_penalty(tmp_path, monkeypatch)
    grade(tmp_path)
    assert lateness(tmp_path, "ada").penalty == 0
    assert lateness(tmp_path, "alan") == Lateness(
        datetime(2026, 3, 1, 12, 0, 1), 1, MAXIMUM, MAXIMUM
    )


def test_penalties_follow_dates_and_configuration(
    played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A due date, a penalty or a timestamp that changes later counts for unchanged notebooks."""
    hand_in(tmp_path, "ada", "2026-03-01 12:30:00")
    bsds_grade(tmp_path)
    assert lateness(tmp_path, "ada").seconds == 0
    set_due(tmp_path, DUE)
    bsds_grade(tmp_path)
    assert lateness(tmp_path, "ada").penalty == 0
    set_penalty(tmp_path, monkeypatch)
    bsds_grade(tmp_path)
    assert lateness(tmp_path, "ada").penalty == MAXIMUM
    hand_in(tmp_path, "ada", "2026-03-01 11:30:00")
    bsds_grade(tmp_path)
    assert lateness(tmp_path, "ada") == Lateness(datetime(2026, 3, 1, 11, 30), 0, 0, MAXIMUM)


@either
def test_an_extension_takes_the_penalty_away(
    grade: Grader, played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A student to whom the gradebook grants more time is not late any more."""
    for student in ("ada", "alan"):
        hand_in(tmp_path, student, "2026-03-01 13:00:00")
    set_due(tmp_path, DUE)
    set_penalty(tmp_path, monkeypatch)
    grade(tmp_path)
    with CourseGradebook(tmp_path).gradebook() as gradebook:
        gradebook.grant_extension("cnn", "ada", hours=2)
    grade(tmp_path)
    assert lateness(tmp_path, "ada").penalty == 0
    assert lateness(tmp_path, "alan").penalty == MAXIMUM


def _odd(cell: nbformat.NotebookNode) -> None:
    cell.metadata["by"] = "a tool"
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = "broken", "?"


def _without_id(cell: nbformat.NotebookNode) -> None:
    del cell["id"]


def _same_id(cell: nbformat.NotebookNode) -> None:
    cell["id"] = "same"


def _no_id(cell: nbformat.NotebookNode) -> None:
    cell["id"] = 7


@either
def test_what_does_not_count_stops_no_grade(grade: Grader, played: Played, tmp_path: Path) -> None:
    """Ids, outputs and versions that nbformat warns of or refuses never reach nbgrader."""
    changes = {"alan": _without_id, "barbara": _same_id, "edsger": _no_id, "grace": _odd}
    for student, change in changes.items():
        hand_in(tmp_path, student)
        path = tmp_path / "submitted" / student / "cnn" / CNN.notebook_name
        notebook = nbformat.from_dict(json.loads(path.read_text(encoding="utf-8")))
        for cell in notebook.cells:
            change(cell)
        notebook["metadata"], notebook["nbformat_minor"] = {"kernelspec": 3}, 99
        path.write_text(json.dumps(notebook), encoding="utf-8")
    grade(tmp_path)
    for student in changes:
        assert lateness(tmp_path, student).score == MAXIMUM


def test_recording_beside_threads_that_parse(played: Played, tmp_path: Path) -> None:
    """Warnings on nbgrader stay ignored while other threads change filters for a moment."""
    for student in ("ada", "alan", "barbara"):
        hand_in(tmp_path, student)
    ended = threading.Event()

    def parse() -> None:
        while not ended.is_set():
            parse_python("'odd \\d'")
            genuine_picture("AAAA")
            ended.wait(0.005)

    threads = [threading.Thread(target=parse) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        bsds_grade(tmp_path)
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_what_is_not_recorded_is_said(
    played: Played,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A grade that the gradebook does not take is named, fails the command, and is tried again."""
    for student in ("ada", "alan"):
        hand_in(tmp_path, student)
    record = CourseGradebook.record

    def fail_on_ada(course: CourseGradebook, assignment: Assignment, student: str) -> None:
        if student == "ada":
            raise CourseError("the disk is full")
        record(course, assignment, student)

    with monkeypatch.context() as patch:
        patch.setattr(CourseGradebook, "record", fail_on_ada)
        assert command(tmp_path) == 1
    printed = capsys.readouterr()
    assert printed.out.count("not recorded: the disk is full") == 2  # as it goes, and in the table
    assert "no new grades of ada, for" in printed.err
    bsds_grade(tmp_path)
    assert "not recorded" not in capsys.readouterr().out
    assert lateness(tmp_path, "ada") == lateness(tmp_path, "alan")


def test_a_bug_of_the_grader_costs_one_submission(
    played: Played,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An error while a submission is read is named, and the others are graded."""
    for student in ("ada", "alan"):
        hand_in(tmp_path, student, code="'odd'" if student == "ada" else "1")
    restore = run.restore

    def fail_on_odd(notebook: nbformat.NotebookNode, *others: Any) -> nbformat.NotebookNode:
        if any(cell.source == "'odd'" for cell in notebook.cells):
            raise SystemError("AST constructor recursion depth mismatch")
        return restore(notebook, *others)

    monkeypatch.setattr(run, "restore", fail_on_odd)
    assert command(tmp_path) == 1
    printed = capsys.readouterr().out
    assert "not recorded: the grader failed on this submission" in printed
    assert "27.00 / 27" in printed


def test_a_starved_submission_gets_no_grade(
    played: Played,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """For whom the machine had no time is named, and has no points that another run would keep."""
    hand_in(tmp_path, "ada")
    starved = Executed(nbformat.v4.new_notebook(), 9.0, "it was too busy", starved=True)
    with monkeypatch.context() as patch:
        patch.setattr(cached, "execute_notebook", lambda *_: starved)
        assert command(tmp_path) == 1
    assert (
        "not recorded: nothing was graded, as the machine was too busy" in capsys.readouterr().out
    )
    bsds_grade(tmp_path)
    assert "27.00 / 27" in capsys.readouterr().out


@dataclass(frozen=True)
class Entry:
    """What the gradebook says about one cell of one student."""

    auto_score: float | None
    manual_score: float | None
    extra_credit: float | None
    score: float
    needs_manual_grade: bool
    comment: str | None


def entry(root: Path, student: str, cell: str) -> Entry:
    """Read it from the gradebook; the comment is that of the answer, for a check of the task."""
    with CourseGradebook(root).gradebook() as gradebook:
        grade = gradebook.find_grade(cell, "cnn", "cnn", student)
        answer = cell if cell == BY_HAND else f"task_{cell}"
        comment = gradebook.find_comment(answer, "cnn", "cnn", student).manual_comment
        names = ("auto_score", "manual_score", "extra_credit", "score", "needs_manual_grade")
        return Entry(**{name: getattr(grade, name) for name in names}, comment=comment)


def grade_by_hand(root: Path, student: str, cell: str, **changes: Any) -> None:
    """Save a grade and a comment as nbgrader's form does."""
    with CourseGradebook(root).gradebook() as gradebook:
        grade = gradebook.find_grade(cell, "cnn", "cnn", student)
        grade.needs_manual_grade = False
        for name, value in changes.items():
            setattr(grade, name, value)
        answer = cell if cell == BY_HAND else f"task_{cell}"
        comment = gradebook.find_comment(answer, "cnn", "cnn", student)
        comment.manual_comment = f"on {cell}"
        gradebook.db.commit()


def test_what_is_graded_by_hand_waits_for_it(played: Played, tmp_path: Path) -> None:
    """Without a grade by hand a question counts nothing and is marked; a check is complete."""
    hand_in(tmp_path, "ada")
    bsds_grade(tmp_path)
    assert entry(tmp_path, "ada", BY_HAND) == Entry(None, None, None, 0, True, None)
    assert entry(tmp_path, "ada", CHECKED) == Entry(2, None, None, 2, False, None)


@pytest.mark.parametrize("again", [bsds_grade, bsds_grade_force, nbgrader_autograde])
@pytest.mark.parametrize("resubmits", [False, True], ids=["same", "resubmitted"])
def test_grades_by_hand_are_never_overwritten(
    again: Grader, resubmits: bool, played: Played, tmp_path: Path
) -> None:
    """Scores, extra credit and comments stay, and win against a new automatic score."""
    hand_in(tmp_path, "ada")
    bsds_grade(tmp_path)
    grade_by_hand(tmp_path, "ada", CHECKED, manual_score=1.5, extra_credit=0.25)
    grade_by_hand(tmp_path, "ada", BY_HAND, manual_score=2.0)
    if resubmits:
        played.share = 0.5
        hand_in(tmp_path, "ada", code="2")
    again(tmp_path)
    automatic = 2 * played.share
    # nbgrader asks to look again at what it entered anew; `bsds grade` enters nothing unchanged.
    look_again = resubmits or again is not bsds_grade
    assert entry(tmp_path, "ada", CHECKED) == Entry(
        automatic, 1.5, 0.25, 1.75, look_again, f"on {CHECKED}"
    )
    assert entry(tmp_path, "ada", BY_HAND) == Entry(None, 2, None, 2, look_again, f"on {BY_HAND}")
    assert lateness(tmp_path, "ada").score == played.share * (MAXIMUM - 2) + 1.75 + 2


def test_the_penalty_takes_grades_by_hand_into_account(
    played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Points that a late student gets by hand are lost like the others when grading anew."""
    hand_in(tmp_path, "ada", "2026-03-01 13:00:00")
    set_due(tmp_path, DUE)
    set_penalty(tmp_path, monkeypatch)
    bsds_grade(tmp_path)
    grade_by_hand(tmp_path, "ada", BY_HAND, manual_score=2.0)
    bsds_grade_force(tmp_path)
    found = lateness(tmp_path, "ada")
    assert (found.score, found.penalty) == (MAXIMUM + 2, MAXIMUM + 2)


def test_zero_by_hand_is_a_grade(played: Played, tmp_path: Path) -> None:
    """An instructor's 0 for what a check gave full marks is not taken for no grade."""
    hand_in(tmp_path, "ada")
    bsds_grade(tmp_path)
    grade_by_hand(tmp_path, "ada", CHECKED, manual_score=0.0)
    bsds_grade_force(tmp_path)
    assert entry(tmp_path, "ada", CHECKED).score == 0


def test_the_commands_themselves(played: Played, tmp_path: Path) -> None:
    """`nbgrader db` and `nbgrader autograde --force` on a class that `bsds grade` graded."""
    hand_in(tmp_path, "ada", "2026-03-01 13:00:00")
    hand_in(tmp_path, "alan", "2026-03-01 11:00:00")
    played.share = 0.5
    bsds_grade(tmp_path)
    grade_by_hand(tmp_path, "ada", CHECKED, manual_score=2.0)
    for arguments in (
        ["db", "assignment", "add", "cnn", "--duedate", f"{DUE} UTC"],
        ["autograde", "cnn", "--force", "--LateSubmissionPlugin.penalty_method=zero"],
    ):
        done = nbgrader(tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
    expected = {"ada": 0.5 * (MAXIMUM - 2) + 2, "alan": 0.5 * MAXIMUM}
    for student, score in expected.items():
        found = lateness(tmp_path, student)
        assert (found.score, found.penalty) == (score, score if student == "ada" else 0)
    assert asdict(entry(tmp_path, "ada", CHECKED)) == {
        "auto_score": 1, "manual_score": 2, "extra_credit": None, "score": 2,
        "needs_manual_grade": True, "comment": f"on {CHECKED}",
    }  # fmt: skip

"""Whom `bsds grade` grades again: `--student`, `--only-failed`, `--force`."""

import json
from pathlib import Path

import nbformat
import pytest

from grader.assignment import get_assignment
from grader.checking.process import Findings
from grader.checking.verdict import Verdict
from grader.cli import main
from grader.grading import cached
from grader.sandbox.notebook import Executed

ASSIGNMENT = get_assignment("cnn")
STUDENTS = ("ada", "alan", "grace")


@pytest.fixture
def graded(tmp_path: Path, tiny_deadleaves: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hand in three notebooks; return the list that names those that were executed.

    Executing is played: alan's notebook is not run to its end.
    """
    release = nbformat.read(ASSIGNMENT.release, as_version=4)
    for student in STUDENTS:
        notebook = nbformat.from_dict(release)
        cell = nbformat.v4.new_code_cell(f"name = {student!r}")
        notebook.cells = [*release.cells, cell]
        folder = tmp_path / "submitted" / student / "cnn"
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / "cnn.ipynb")
    executed: list[str] = []

    def execute(notebook: nbformat.NotebookNode, *_: object) -> Executed:
        name = next(cell.source for cell in notebook.cells if cell.source.startswith("name = "))
        student = name.split("'")[1]
        executed.append(student)
        return Executed(notebook, 1.0, "too slow" if student == "alan" else None)

    def check(*_: object) -> tuple[Findings, float]:
        points = ASSIGNMENT.points()
        full = {key: Verdict(key, maximum, maximum, "passed") for key, maximum in points.items()}
        return Findings(full), 1.0

    monkeypatch.setenv("BSDS500_ROOT", str(tiny_deadleaves))
    monkeypatch.setattr(cached, "execute_notebook", execute)
    monkeypatch.setattr(cached, "check_executed", check)
    monkeypatch.setattr("grader.cli.grade.require_sandbox", lambda: None)
    return executed


def grade(folder: Path, *options: str) -> int:
    """Run the command in this process, one submission at a time."""
    return main(["grade", "cnn", "--jobs", "1", "--course-dir", str(folder), *options])


def test_unchanged_submissions_keep_their_results(graded: list[str], tmp_path: Path) -> None:
    """Nothing is executed twice unless it is asked for."""
    assert grade(tmp_path) == 0
    assert sorted(graded) == sorted(STUDENTS)
    assert grade(tmp_path) == 0
    assert len(graded) == 3


def test_only_failed_runs_those_that_were_not_run(graded: list[str], tmp_path: Path) -> None:
    """After `--only-failed` everybody is in the report, and only one was executed again."""
    assert grade(tmp_path) == 0
    graded.clear()
    result = tmp_path / "grades.json"
    assert grade(tmp_path, "--only-failed", "--json", str(result)) == 0
    assert graded == ["alan"]
    assert [entry["student"] for entry in json.loads(result.read_text())] == list(STUDENTS)


def test_force_runs_everybody(graded: list[str], tmp_path: Path) -> None:
    """`--force` executes unchanged submissions, too."""
    assert grade(tmp_path) == 0
    assert grade(tmp_path, "--force") == 0
    assert sorted(graded) == sorted(STUDENTS * 2)


def test_one_student(
    graded: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--student` grades the ones named and leaves the class's report alone."""
    assert grade(tmp_path, "--student", "grace", "--student", "ada") == 0
    assert sorted(graded) == ["ada", "grace"]
    assert not (tmp_path / ".bsds" / "reports").exists()
    capsys.readouterr()
    assert grade(tmp_path, "--student", "linus") == 1
    error = capsys.readouterr().err
    assert "found linus; there are ada, alan, grace" in error


def test_force_and_only_failed_exclude_one_another(graded: list[str], tmp_path: Path) -> None:
    """The two cannot be meant together."""
    with pytest.raises(SystemExit) as caught:
        grade(tmp_path, "--force", "--only-failed")
    assert caught.value.code == 2

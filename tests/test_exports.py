"""The CSV files: everything, and what Canvas and Moodle import."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from grader.classroom.run import Graded
from grader.folders import Workplace
from grader.grading.result import Result, no_points
from grader.report.exports import write_canvas, write_csv, write_moodle
from tests.graded_class import CNN, graded, refused

ODD_NAMES = ["Zoë Müller", 'a "quoted", name', "名前", "line\nbreak"]
FORMULAS = ["=1+1", "+1 ", "-cmd|' /C calc'!A0", "@SUM(A1)", "\tx"]


def read_rows(path: Path) -> list[list[str]]:
    """Read a CSV file as a spreadsheet would."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def read_records(path: Path) -> list[dict[str, str]]:
    """Read a CSV file by its headings."""
    headings, *rows = read_rows(path)
    return [dict(zip(headings, row, strict=True)) for row in rows]


def not_run(student: str) -> Graded:
    """Return a submission that was stopped."""
    result = Result("not_run", no_points(CNN.points(), "it hung"), "it hung")
    return Graded(student, result, 1.0, reused=False)


def test_csv_has_one_row_a_student(tmp_path: Path) -> None:
    """Each row gives status, score and the points of every check, which add up to the score."""
    path = write_csv(CNN, [graded("ada", 1.0), graded("bob", 99.0)], Workplace(tmp_path))
    ada, bob = read_records(path)
    checks = CNN.points()
    assert [ada["student"], bob["student"]] == ["ada", "bob"]
    assert {ada["assignment"], bob["assignment"]} == {"cnn"}
    assert float(ada["score"]) == sum(float(ada[name]) for name in checks) == len(checks)
    assert float(bob["score"]) == float(bob["max_score"]) == sum(checks.values())


def test_csv_says_why_a_submission_was_refused(tmp_path: Path) -> None:
    """A refused submission has no points and its reason in the last column."""
    path = write_csv(CNN, [refused("eve", "found cnn.ipynb empty")], Workplace(tmp_path))
    (row,) = read_records(path)
    assert (row["status"], float(row["score"])) == ("rejected", 0.0)
    assert row["problem"] == "found cnn.ipynb empty"


@pytest.mark.parametrize("name", FORMULAS)
def test_csv_starts_no_formula(tmp_path: Path, name: str) -> None:
    """A student's folder name or message that begins like a formula stays text."""
    path = write_csv(CNN, [refused(name, f"{name} is odd")], Workplace(tmp_path))
    (row,) = read_records(path)
    assert row["student"] == f"'{name}"
    assert row["problem"] == f"'{name} is odd"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_come_out_again(tmp_path: Path, name: str) -> None:
    """Names with spaces, commas, quotes, line breaks and letters of any script come out again."""
    workplace = Workplace(tmp_path)
    assert read_records(write_csv(CNN, [graded(name)], workplace))[0]["student"] == name
    assert read_rows(write_canvas(CNN, [graded(name)], workplace))[2][3] == name
    assert read_records(write_moodle(CNN, [graded(name)], workplace))[0]["username"] == name


@pytest.mark.parametrize("login", ["ada", "ada@example.org", "-ada", "+49123", "a.b_c-1"])
def test_logins_stay_as_they_are(tmp_path: Path, login: str) -> None:
    """What can be a login or an address is not changed, or nobody would be found by it."""
    workplace = Workplace(tmp_path)
    assert read_rows(write_canvas(CNN, [graded(login)], workplace))[2][3] == login
    assert read_records(write_moodle(CNN, [graded(login)], workplace))[0]["username"] == login


@pytest.mark.parametrize("name", FORMULAS)
def test_imports_start_no_formula(tmp_path: Path, name: str) -> None:
    """No cell of the files for Canvas and Moodle runs anything in a spreadsheet."""
    workplace = Workplace(tmp_path)
    rows = read_rows(write_canvas(CNN, [graded(name)], workplace))
    rows += read_rows(write_moodle(CNN, [graded(name, message=name)], workplace))
    assert not [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t"))]


def test_canvas_reads_its_own_form(tmp_path: Path) -> None:
    """Headings, the row of points possible, and a login with its score, as Canvas looks for them.

    Canvas's importer wants "Student" and "ID" first, then both SIS columns, "Section" as the last
    before the assignments, and the words "Points Possible" in the first column of their row.
    """
    path = write_canvas(CNN, [graded("ada", 1.0)], Workplace(tmp_path))
    assert not path.read_bytes().startswith(b"\xef\xbb\xbf")
    headings, possible, ada = read_rows(path)
    assert headings[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert headings[5:] == ["cnn (automatic)"]
    assert "Points Possible" in possible[0]
    assert float(possible[5]) == sum(CNN.points().values())
    assert ada == ["ada", "", "", "ada", "", str(float(len(CNN.points())))]


def test_moodle_gets_grade_and_feedback_together(tmp_path: Path) -> None:
    """One row a student: login, score with a decimal point, and why, with markup disarmed."""
    path = write_moodle(CNN, [graded("ada", 0.5, "no <b>edge</b>")], Workplace(tmp_path))
    (row,) = read_records(path)
    assert list(row) == ["username", "cnn (automatic)", "cnn (automatic) feedback"]
    assert float(row["cnn (automatic)"]) == 0.5 * len(CNN.points())
    assert "agreement: 0.5 of 2 (no &lt;b&gt;edge&lt;/b&gt;)" in row["cnn (automatic) feedback"]


def test_imports_hold_what_the_gradebook_holds(tmp_path: Path) -> None:
    """Stopped: 0 points. Unreadable, or the grader's own failure: no row to overwrite a grade."""
    failed = replace(graded("linus"), recordable=False)
    everybody = [not_run("alan"), refused("eve", "empty"), failed, graded("ada", 1.0)]
    workplace = Workplace(tmp_path)
    canvas = read_rows(write_canvas(CNN, everybody, workplace))[2:]
    moodle = read_rows(write_moodle(CNN, everybody, workplace))[1:]
    assert [(row[3], float(row[5])) for row in canvas] == [("alan", 0.0), ("ada", 9.0)]
    assert [(row[0], float(row[1])) for row in moodle] == [("alan", 0.0), ("ada", 9.0)]
    assert moodle[0][2] == "it hung"
    assert len(read_records(write_csv(CNN, everybody, workplace))) == 4

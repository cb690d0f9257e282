"""What an instructor gets after grading: the CSV file and the HTML page."""

import csv
from html.parser import HTMLParser
from pathlib import Path

import pytest

from grader.course import get_assignment
from grader.report import write_csv, write_html
from grader.result import Result, rejected
from grader.run import Graded
from grader.scoring.verdict import Verdict
from grader.workplace import Workplace

CNN = get_assignment("cnn")


def graded(student: str, points: float = 0.0, message: str = "fine") -> Graded:
    """Return a graded submission with these points in every check."""
    verdicts = {
        name: Verdict(name, min(points, maximum), maximum, message)
        for name, maximum in CNN.points().items()
    }
    return Graded(student, Result("graded", verdicts), 12.0, reused=False)


def refused(student: str, problem: str) -> Graded:
    """Return a submission that could not be read."""
    return Graded(student, rejected(CNN.points(), problem), 0.0, reused=False)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the CSV file as a spreadsheet would."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


class Page(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and where it points."""
        self.tags.append(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += " ".join(data.split()) + " "


def test_csv_has_one_row_a_student(tmp_path: Path) -> None:
    """Each row gives status, score and the points of every check, which add up to the score."""
    path = write_csv(CNN, [graded("ada", 1.0), graded("bob", 99.0)], Workplace(tmp_path))
    ada, bob = read_rows(path)
    checks = CNN.points()
    assert [ada["student"], bob["student"]] == ["ada", "bob"]
    assert {ada["assignment"], bob["assignment"]} == {"cnn"}
    assert float(ada["score"]) == sum(float(ada[name]) for name in checks) == len(checks)
    assert float(bob["score"]) == float(bob["max_score"]) == sum(checks.values())


def test_csv_says_why_a_submission_was_refused(tmp_path: Path) -> None:
    """A refused submission has no points and its reason in the last column."""
    path = write_csv(CNN, [refused("eve", "found cnn.ipynb empty")], Workplace(tmp_path))
    (row,) = read_rows(path)
    assert (row["status"], float(row["score"])) == ("rejected", 0.0)
    assert row["problem"] == "found cnn.ipynb empty"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_csv_starts_no_formula(tmp_path: Path, name: str) -> None:
    """A student's folder name or message that begins like a formula stays text."""
    path = write_csv(CNN, [refused(name, f"{name} is odd")], Workplace(tmp_path))
    (row,) = read_rows(path)
    assert row["student"] == f"'{name}"
    assert row["problem"] == f"'{name} is odd"


@pytest.mark.parametrize("name", ["Zoë Müller", 'a "quoted", name', "名前", "line\nbreak"])
def test_csv_keeps_any_name(tmp_path: Path, name: str) -> None:
    """Names with spaces, commas, quotes, line breaks and letters of any script come out again."""
    (row,) = read_rows(write_csv(CNN, [graded(name)], Workplace(tmp_path)))
    assert row["student"] == name


def test_html_shows_everybody_and_every_verdict(tmp_path: Path) -> None:
    """The page names each student, score, check and message, and the class's mean and median."""
    everybody = [graded("ada", 99.0, "all right"), graded("bob", 0.0, "wrong shape"),
                 refused("eve", "found no notebook")]  # fmt: skip
    page = Page(write_html(CNN, everybody, Workplace(tmp_path)))
    maximum = sum(CNN.points().values())
    told = ["all right", "wrong shape", "found no notebook"]
    figures = ["3 submissions", f"{maximum:.2f} of {maximum:g}", f"Mean {maximum / 3:.2f}",
               "median 0.00", "1 of 3"]  # fmt: skip
    for part in ["ada", "bob", "eve", *told, *figures, *CNN.points()]:
        assert part in page.text


def test_html_lists_problems_first(tmp_path: Path) -> None:
    """Submissions that need the instructor come before those that were graded."""
    page = Page(write_html(CNN, [graded("ada"), refused("zoe", "empty")], Workplace(tmp_path)))
    assert page.text.index("zoe") < page.text.index("ada")


def test_html_takes_no_markup_from_students(tmp_path: Path) -> None:
    """Markup in names, messages and reasons is shown as text."""
    evil = "<script>alert(1)</script><img src=http://evil.example>"
    page = Page(
        write_html(CNN, [graded(evil, message=evil), refused("x", evil)], Workplace(tmp_path))
    )
    assert not {"script", "img"} & set(page.tags)
    assert "<script>alert(1)</script>" in page.text


def test_html_needs_no_other_file(tmp_path: Path) -> None:
    """The page loads nothing from elsewhere."""
    page = Page(write_html(CNN, [graded("ada")], Workplace(tmp_path)))
    assert page.addresses == []
    assert "link" not in page.tags


def test_reports_are_written_again(tmp_path: Path) -> None:
    """A second grading replaces the reports of the first."""
    for student in ("ada", "bob"):
        table = write_csv(CNN, [graded(student)], Workplace(tmp_path))
        page = write_html(CNN, [graded(student)], Workplace(tmp_path))
    assert [row["student"] for row in read_rows(table)] == ["bob"]
    assert "ada" not in Page(page).text.split()

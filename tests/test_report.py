"""The page that an instructor gets after grading."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from grader.folders import Workplace
from grader.report.page import write_html
from grader.suspicion import Finding, Pair, Suspicion
from tests.graded_class import CNN, PREVIEW, graded, refused


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


def test_html_shows_everybody_and_every_verdict(tmp_path: Path) -> None:
    """The page names each student, score, check and message, and the class's mean and median."""
    everybody = [graded("ada", 99.0, "all right"), graded("bob", 0.0, "wrong shape"),
                 refused("eve", "found no notebook")]  # fmt: skip
    page = Page(write_html(CNN, everybody, Workplace(tmp_path)))
    maximum = sum(CNN.points().values())
    told = ["all right", "wrong shape", "found no notebook"]
    figures = ["3 submissions", f"{maximum:.2f} of {maximum:g}", f"{maximum / 3:.2f} mean",
               "0.00 median", "1 of 3"]  # fmt: skip
    for part in ["ada", "bob", "eve", *told, *figures, *CNN.points()]:
        assert part in page.text


def test_html_lists_problems_first(tmp_path: Path) -> None:
    """Suspicious submissions come first, then those without a grade, then the others."""
    everybody = [graded("ada"), graded("bob"), refused("zoe", "empty")]
    suspicion = Suspicion({"bob": [Finding("sign", "cell x, line 1", "starts processes")]})
    page = Page(write_html(CNN, everybody, Workplace(tmp_path), suspicion))
    students = page.text.index("Students")
    places = [page.text.index(name, students) for name in ("bob", "zoe", "ada")]
    assert places == sorted(places)


def test_html_shows_evidence_before_all_else(tmp_path: Path) -> None:
    """Signs with place and line stand at the top; what is often innocent only with the student."""
    sign = Finding("sign", "cell no. 5, line 3", "starts processes", "import subprocess")
    note = Finding("note", "notebook", "asks for another kernel", "'conda'")
    suspicion = Suspicion({"ada": [sign, note], "bob": [note]})
    page = Page(write_html(CNN, [graded("ada"), graded("bob")], Workplace(tmp_path), suspicion))
    top, rest = page.text.split("The class", 1)
    for part in ("cell no. 5, line 3", "starts processes", "import subprocess", "not a verdict"):
        assert part in top
    assert "another kernel" not in top
    assert rest.count("asks for another kernel") == 2
    assert "bob" not in top


def test_html_shows_alike_submissions(tmp_path: Path) -> None:
    """A pair is listed with its similarity and cells, and with each of the two."""
    suspicion = Suspicion(pairs=[Pair("ada", "alan", 0.934, {"task_loss": 1.0})])
    everybody = [graded("ada"), graded("alan"), graded("grace")]
    page = Page(write_html(CNN, everybody, Workplace(tmp_path), suspicion))
    text = " ".join(page.text.split())
    assert "ada and alan 93 % task_loss 100 %" in text
    assert text.count("Code like that of alan") == text.count("Code like that of ada") == 2
    assert "Code like that of grace" not in text


def test_html_shows_iou_with_baselines_and_target(tmp_path: Path) -> None:
    """The histogram of IoU names every baseline, the target and its bars in words."""
    everybody = [graded("ada", iou=0.487), graded("alan", iou=0.481), graded("grace", iou=0.31)]
    page = Page(write_html(CNN, everybody, Workplace(tmp_path)))
    for part in ("all boundary 0.280", "Sobel 0.389", "full credit 0.462", "0.45 to 0.5: 2"):
        assert part in page.text


def test_html_leaves_out_what_there_is_not(tmp_path: Path) -> None:
    """Without models, copies and stopped submissions there is no empty section about them."""
    page = Page(write_html(CNN, [graded("ada")], Workplace(tmp_path)))
    for heading in ("Boundary IoU", "Alike submissions", "Not run or rejected"):
        assert heading not in page.text
    assert "Nothing was noticed." in page.text


def test_html_is_accessible(tmp_path: Path) -> None:
    """Tables have headers, drawings and pictures text alternatives, links a target."""
    suspicion = Suspicion({"ada": [Finding("sign", "run", "x")]}, [Pair("ada", "alan", 0.9, {})])
    path = write_html(
        CNN, [graded("ada", iou=0.4), graded("alan")], Workplace(tmp_path), suspicion
    )
    page, source = Page(path), path.read_text(encoding="utf-8")
    assert page.tags.count("table") == page.tags.count("thead")
    assert all("aria-label" in tag for tag in re.findall(r"<svg[^>]*>", source))
    assert all(re.search(r'alt="[^"]+"', tag) for tag in re.findall(r"<img[^>]*>", source))
    targets = set(re.findall(r'id="([^"]+)"', source))
    links = [address for address in page.addresses if address.startswith("#")]
    assert {link.removeprefix("#") for link in links} <= targets
    assert len(re.findall(r'id="', source)) == len(targets)


def test_html_takes_no_markup_from_students(tmp_path: Path) -> None:
    """Markup in names, messages and reasons is shown as text."""
    evil = "<script>alert(1)</script><img src=http://evil.example>"
    page = Page(
        write_html(CNN, [graded(evil, message=evil), refused("x", evil)], Workplace(tmp_path))
    )
    assert not {"script", "img"} & set(page.tags)
    assert "<script>alert(1)</script>" in page.text


def test_html_takes_no_markup_from_evidence(tmp_path: Path) -> None:
    """Markup in excerpts, places, cells and students' names of pairs is shown as text."""
    evil = '<script>alert(1)</script>"><img src=x>'
    suspicion = Suspicion(
        {"ada": [Finding("sign", evil, evil, evil)]}, [Pair("ada", evil, 0.9, {evil: 1.0})]
    )
    page = Page(write_html(CNN, [graded("ada")], Workplace(tmp_path), suspicion))
    assert not {"script", "img"} & set(page.tags)


def test_html_needs_no_other_file(tmp_path: Path) -> None:
    """The page holds its pictures, links to itself alone, and forbids the browser all else."""
    path = write_html(CNN, [graded("ada", iou=0.4)], Workplace(tmp_path))
    page = Page(path)
    inside = ("#", "data:image/png;base64,")
    assert any(PREVIEW.pictures[0] in address for address in page.addresses)
    assert all(address.startswith(inside) for address in page.addresses)
    assert not {"link", "script", "iframe"} & set(page.tags)
    assert "default-src 'none'" in path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_html_of_a_large_class(tmp_path: Path) -> None:
    """A class of 300 is written in seconds; beyond a dozen, suspicious ones are folded away."""
    everybody = [
        graded(f"student-{number}", number % 7, iou=number / 600) for number in range(300)
    ]
    findings = {one.student: [Finding("sign", "run", "x")] for one in everybody[:40]}
    page = Page(write_html(CNN, everybody, Workplace(tmp_path), Suspicion(findings)))
    assert "28 more with less" in page.text
    assert page.tags.count("details") >= 300


def test_report_is_written_again(tmp_path: Path) -> None:
    """A second grading replaces the page of the first."""
    for student in ("ada", "bob"):
        page = write_html(CNN, [graded(student)], Workplace(tmp_path))
    assert "ada" not in Page(page).text.split()

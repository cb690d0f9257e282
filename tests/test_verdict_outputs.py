"""Verdicts become exactly the points that stock nbgrader reads out of the cells."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.utils import determine_grade
from PIL import Image

from grader.checking.verdict import Verdict
from grader.gradebook.preview_picture import curve_picture
from grader.gradebook.verdict_outputs import show_verdicts
from grader.grading.result import Result, no_points
from tests.graded_class import PREVIEW

MAXIMUM = 4.0


def _graded(name: str = "check") -> Any:
    metadata = {
        "grade_id": name, "grade": True, "solution": False, "points": MAXIMUM, "locked": True,
        "schema_version": 3, "task": False,
    }  # fmt: skip
    return new_code_cell("assert True", metadata={"nbgrader": metadata})


def _shown(points: float, ran: Any) -> Any:
    verdicts = {"check": Verdict("check", points, MAXIMUM, "because <b>so</b>")}
    result = Result("graded", verdicts, notebook=new_notebook(cells=[ran]))
    return show_verdicts(new_notebook(cells=[_graded()]), result).cells[0]


RAN = {
    "nothing": [],
    "number": [new_output("execute_result", data={"text/plain": "4"}, execution_count=1)],
    "zero": [new_output("execute_result", data={"text/plain": "0"}, execution_count=1)],
    "stderr": [new_output("stream", name="stderr", text="W0000 log line")],
    "error": [new_output("error", ename="E", evalue="e", traceback=[])],
    "display": [new_output("display_data", data={"text/html": "<b>4</b>"})],
}


@pytest.mark.parametrize("points", [0.0, 0.01, 0.54, 1.0, 2.5, 3.99, MAXIMUM])
@pytest.mark.parametrize("outputs", RAN.values(), ids=RAN)
def test_nbgrader_reads_the_verdict(points: float, outputs: list[Any]) -> None:
    """Nbgrader's own rule gives the verdict's points, whatever the cell put out when it ran."""
    ran = _graded()
    ran.outputs = outputs
    found, maximum = determine_grade(_shown(points, ran))
    assert (found, maximum) == (pytest.approx(points), MAXIMUM)


@pytest.mark.parametrize("points", [0.0, 1.5, MAXIMUM])
def test_message_is_shown(points: float) -> None:
    """The student reads the points and the reason in the cell's output."""
    text = str(_shown(points, _graded()).outputs)
    credit = {0.0: "No", MAXIMUM: "Full"}.get(points, "Partial")
    assert f"{credit} credit, {points:g} of 4 points: because <b>so</b>" in text


def test_other_cells_show_what_they_put_out() -> None:
    """Cells that are not graded keep the outputs of the run; the given notebook is not changed."""
    given = new_notebook(cells=[new_markdown_cell("# T"), new_code_cell("print(1)"), _graded()])
    ran = new_notebook(cells=[new_markdown_cell("# T"), new_code_cell("print(1)"), _graded()])
    ran.cells[1].outputs = [new_output("stream", name="stdout", text="1\n")]
    ran.cells[1].execution_count = 7
    verdicts = {"check": Verdict("check", MAXIMUM, MAXIMUM, "passed")}
    shown = show_verdicts(given, Result("graded", verdicts, notebook=ran))
    assert shown.cells[1].outputs == ran.cells[1].outputs
    assert shown.cells[1].execution_count == 7
    assert not given.cells[2].outputs


def test_submissions_without_a_run_show_the_reason() -> None:
    """Where nothing was executed, every graded cell says why and earns nothing."""
    verdicts = no_points({"check": MAXIMUM}, "the kernel died")
    notebook = new_notebook(cells=[new_code_cell("1"), _graded()])
    shown = show_verdicts(notebook, Result("not_run", verdicts, "the kernel died"))
    assert determine_grade(shown.cells[1]) == (0, MAXIMUM)
    assert "the kernel died" in shown.cells[1].outputs[0].evalue


def _with_curve(points: float, name: str = PREVIEW.grade_id) -> Any:
    verdicts = {name: Verdict(name, points, MAXIMUM, "boundary IoU 0.487")}
    result = Result("graded", verdicts, preview=PREVIEW)
    return show_verdicts(new_notebook(cells=[_graded(name)]), result).cells[0]


@pytest.mark.parametrize("points", [0.0, 0.54, 2.5, MAXIMUM])
def test_curve_stands_beside_the_verdict(points: float) -> None:
    """The check of the IoU shows a picture with its text, and nbgrader reads the same points."""
    cell = _with_curve(points)
    assert determine_grade(cell) == (pytest.approx(points), MAXIMUM)
    shown = cell.outputs[-1]
    assert shown.output_type == "display_data"
    picture = Image.open(io.BytesIO(base64.b64decode(shown.data["image/png"], validate=True)))
    assert picture.format == "PNG"
    assert shown.data["text/plain"] == shown.metadata["image/png"]["alt"] == PREVIEW.text


def test_other_checks_show_no_curve() -> None:
    """The curve belongs to the check whose points it explains."""
    assert [o.output_type for o in _with_curve(MAXIMUM, "loss").outputs] == ["stream"]


def test_feedback_shows_no_hidden_image() -> None:
    """Nothing of the instructor's thumbnails comes into the notebook."""
    secret = base64.b64encode(b"a picture of a hidden image").decode()
    verdicts = {PREVIEW.grade_id: Verdict(PREVIEW.grade_id, 1.0, MAXIMUM, "some")}
    result = Result("graded", verdicts, preview=replace(PREVIEW, pictures=[secret]))
    shown = show_verdicts(new_notebook(cells=[_graded(PREVIEW.grade_id)]), result)
    assert secret not in str(shown)
    assert shown.cells[0].outputs[-1] == _with_curve(1.0).outputs[-1]


def test_sanitised_feedback_keeps_the_curve() -> None:
    """The page made of it, without anything a browser could run, still holds the picture."""
    notebook = new_notebook(cells=[_with_curve(1.0)])
    page, _ = HTMLExporter(sanitize_html=True).from_notebook_node(notebook)
    assert base64.b64encode(curve_picture(PREVIEW)).decode()[:200] in page.replace("\n", "")


def test_curve_is_told_in_words() -> None:
    """The text has the numbers of the picture: chosen and best threshold, target, baselines."""
    text = PREVIEW.text
    for part in ("0.487 at your threshold 0.45", "best 0.500 at threshold 0.40",
                 "full credit from 0.462", "all boundary 0.280", "Sobel 0.389"):  # fmt: skip
        assert part in text


def test_same_figures_give_the_same_picture() -> None:
    """Pictures are the same to the last byte, whatever thread draws them; others differ."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        pictures = set(pool.map(curve_picture, [PREVIEW] * 8))
    assert len(pictures) == 1
    assert curve_picture(replace(PREVIEW, number=0.3)) not in pictures

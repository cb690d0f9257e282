"""Verdicts become exactly the points that stock nbgrader reads out of the cells."""

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.utils import determine_grade

from grader.result import Result, no_points
from grader.scoring.verdict import Verdict
from grader.verdict_outputs import show_verdicts

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
    assert f"{points:g} of 4 points: because <b>so</b>" in text


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

"""Oddities of the file that was handed in."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.assignment import get_assignment
from grader.folders import Workplace
from grader.samples import cases
from grader.suspicion import Suspicion, investigate
from grader.suspicion.anomalies import anomalies
from grader.suspicion.finding import Finding
from grader.suspicion.similarity import Pair
from tests.graded_class import refused

CNN = get_assignment("cnn")
RELEASE = nbformat.read(CNN.release, as_version=4)
CLASS = frozenset({"ada", "alan", "grace", "linus"})
HONEST = next(case for case in cases("cnn") if case.name == "cnn_own_cells")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return ada's folder with an honest notebook in it."""
    return HONEST.write(tmp_path, "ada").parent


def _found(folder: Path) -> list[Finding]:
    return anomalies(folder, CNN, RELEASE, "ada", CLASS)


def _edit(folder: Path, change: Callable[[Any], object]) -> list[Finding]:
    path = folder / CNN.notebook_name
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")
    return _found(folder)


def _cell(notebook: Any, name: str) -> Any:
    cells = notebook["cells"]
    return next(c for c in cells if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


@pytest.mark.parametrize("case", [c for c in cases() if c.kind == "wheat"], ids=lambda c: c.name)
def test_honest_submissions_have_no_signs(tmp_path: Path, case: Any) -> None:
    """Honest sample submissions, as they are handed in, have nothing that flags their author."""
    assignment = get_assignment(case.assignment)
    release = nbformat.read(assignment.release, as_version=4)
    folder = case.write(tmp_path, "ada").parent
    found = anomalies(folder, assignment, release, "ada", CLASS)
    assert [finding for finding in found if finding.weight == "sign"] == []


def test_traces_of_ordinary_work_are_usual(folder: Path) -> None:
    """What Jupyter, nbgrader and running the notebook leave beside it is no anomaly."""
    (folder / ".ipynb_checkpoints").mkdir()
    for name in ("timestamp.txt", *CNN.artifacts):
        (folder / name).write_text("x", encoding="utf-8")
    found = _edit(folder, lambda value: value["metadata"]["kernelspec"].update(
        display_name="Python 3 (ipykernel)"))  # fmt: skip
    assert found == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("points", 99), ("grade", False), ("solution", True), ("task", True)],
)
def test_edited_instructors_metadata_are_signs(folder: Path, field: str, value: Any) -> None:
    """Points and flags that differ from what was handed out are named with both values."""
    (finding,) = _edit(
        folder, lambda n: _cell(n, "iou")["metadata"]["nbgrader"].update({field: value})
    )
    assert (finding.weight, finding.where) == ("sign", "cell iou")
    assert f"{field} is {value!r}, was handed out as" in finding.what


def test_edited_tests_are_noted_with_the_line(folder: Path) -> None:
    """A locked cell whose code was changed shows the first line that is new."""
    (finding,) = _edit(folder, lambda n: _cell(n, "loss").update(source="assert True  # fine"))
    assert (finding.where, finding.excerpt) == ("cell loss", "assert True # fine")
    assert "edited" in finding.what


def test_layout_of_locked_cells_does_not_matter(folder: Path) -> None:
    """White space that an editor added or took is no edit."""
    cell = _cell(RELEASE, "loss")
    lines = [f"{line}  \n" for line in cell.source.splitlines()]
    assert _edit(folder, lambda n: _cell(n, "loss").update(source=["\n", *lines])) == []


def test_missing_doubled_and_unknown_cells_are_noted(folder: Path) -> None:
    """Grade ids that are gone, there twice, or of nobody's giving are named."""

    def change(notebook: Any) -> None:
        cells = notebook["cells"]
        cells.remove(_cell(notebook, "nothing"))
        cells.append(_cell(notebook, "task_loss"))
        other = json.loads(json.dumps(_cell(notebook, "task_train")))
        other["metadata"]["nbgrader"]["grade_id"] = "extra"
        cells.append(other)

    found = {(finding.where, finding.what) for finding in _edit(folder, change)}
    assert found == {
        ("cell nothing", "is missing"),
        ("cell task_loss", "is there 2 times"),
        ("cell extra", "has a grade id that nobody gave it"),
    }


def test_another_kind_of_cell_is_noted(folder: Path) -> None:
    """A test cell that became text, by one key in Jupyter, is named."""
    (finding,) = _edit(folder, lambda n: _cell(n, "iou").update(cell_type="markdown"))
    assert finding.what == "is a markdown cell, was a code cell"


@pytest.mark.parametrize(
    ("kernel", "weight"),
    [({"name": "conda-env"}, "note"), ({"name": "x", "language": "bash"}, "sign")],
)
def test_other_kernels(folder: Path, kernel: dict[str, str], weight: str) -> None:
    """Another environment's name is often innocent; another language is not."""
    (finding,) = _edit(folder, lambda n: n["metadata"].update(kernelspec=kernel))
    assert finding.weight == weight


def test_other_students_names_in_metadata(folder: Path) -> None:
    """Another student's folder name in the metadata is a sign; one's own is not."""
    found = _edit(folder, lambda n: n["metadata"].update(authors=[{"name": "grace"}, "ada"]))
    assert [(one.weight, one.what) for one in found] == [("sign", "name another student, grace")]


def test_names_are_whole_words(folder: Path) -> None:
    """A name within a longer word says nothing."""
    assert _edit(folder, lambda n: n["metadata"].update(title="disgraceful, linus-like")) == []


def test_files_beside_the_notebook(folder: Path, tmp_path: Path) -> None:
    """Links and pipes are signs; more notebooks and files are noted by name."""
    (folder / "a-link").symlink_to(tmp_path)
    os.mkfifo(folder / "a-pipe")
    (folder / "copy.ipynb").write_text("{}", encoding="utf-8")
    (folder / "weights.npz").write_text("x", encoding="utf-8")
    found = {finding.where: finding for finding in _found(folder)}
    assert {where: found[where].weight for where in found} == {
        "a-link": "sign", "a-pipe": "sign", "copy.ipynb": "note", "folder": "note",
    }  # fmt: skip
    assert found["folder"].excerpt == "weights.npz"


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "no json", "[" * 100_000, '{"cells": 3}', '{"cells": [1, {"metadata": 3}]}',
        '{"metadata": [], "nbformat": {}, "cells": [{"source": [1, {}]}]}',
        '{"nbformat": 4, "nbformat_minor": ' + "[" * 900 + "]" * 900 + ', "cells": []}',
        '{"cells": [{"metadata": {"nbgrader": {"grade_id": ["x"]}}}]}',
        '{"cells": [{"metadata": {"nbgrader": {"grade_id": "iou", "points": '
        + "[" * 900 + "]" * 900 + "}}}]}",
        '{"metadata": {"kernelspec": {"name": {"a": "\\ud800"}}}, "cells": []}',
    ],
)  # fmt: skip
def test_anything_can_be_read(folder: Path, text: str) -> None:
    """Whatever was handed in, findings come back and no error."""
    (folder / CNN.notebook_name).write_text(text, encoding="utf-8")
    assert isinstance(_found(folder), list)


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    """A notebook that is a link is a sign by itself and is not read."""
    path = folder / CNN.notebook_name
    path.rename(tmp_path / "elsewhere.ipynb")
    path.symlink_to(tmp_path / "elsewhere.ipynb")
    assert [(one.weight, one.where) for one in _found(folder)] == [("sign", "cnn.ipynb")]


def test_missing_folders_have_no_anomalies(tmp_path: Path) -> None:
    """Where nothing was handed in there is nothing to find."""
    assert _found(tmp_path / "nobody") == []


def test_investigation_reads_what_was_handed_in(folder: Path, tmp_path: Path) -> None:
    """The class's findings come by student, signs first; a rejected notebook is read as it is."""
    # Nearly all of it but the network is the reference solution's.
    next(case for case in cases("cnn") if case.name == "cnn_separable").write(tmp_path, "ada")
    _edit(folder, lambda n: _cell(n, "loss").update(source="assert True"))
    _edit(folder, lambda n: _cell(n, "task_loss").update(source="import ctypes"))
    next(case for case in cases("cnn") if case.name == "cnn_functional").write(tmp_path, "alan")
    everybody = [refused("ada", "damaged"), refused("alan", "damaged"), refused("linus", "none")]
    found = investigate(CNN, everybody, Workplace(tmp_path))
    first, *notes = found.findings["ada"]
    assert (first.where, first.excerpt) == ("cell task_loss, line 1", "import ctypes")
    assert {one.where for one in notes} == {"cell loss", "code"}
    assert found.findings["linus"] == []
    assert "alan" not in found.suspicious


def test_suspicious_are_ordered_by_evidence() -> None:
    """Most signs and pairs first; notes alone make nobody suspicious."""
    sign, note = Finding("sign", "x", "y"), Finding("note", "x", "y")
    findings = {"ada": [sign], "alan": [note, note, note], "grace": [sign, sign]}
    suspicion = Suspicion(findings, [Pair("ada", "linus", 0.9, {})])
    assert suspicion.suspicious == ["ada", "grace", "linus"]

"""Sanitising: whatever a student did to the notebook, the instructor's cells come out right."""

import copy
import random
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grader.course import ASSIGNMENTS
from grader.notebooks.restore import restore
from grader.notebooks.submitted import Rejected
from grader.settings import Limits


def _cell(name: str, source: str, solution: bool = False, points: int = 0) -> Any:
    metadata = {
        "grade_id": name, "solution": solution, "grade": points > 0, "locked": not solution,
        "schema_version": 3, "task": False,
    }  # fmt: skip
    return new_code_cell(source, metadata={"nbgrader": metadata})


def _release() -> Any:
    return new_notebook(
        cells=[
            new_markdown_cell("# Title"),
            _cell("setup", "import numpy as np"),
            new_markdown_cell("## Task"),
            _cell("task_a", "raise NotImplementedError()", solution=True),
            _cell("a", "assert a() == 1", points=2),
            _cell("task_b", "raise NotImplementedError()", solution=True),
            _cell("b", "assert b() == 2", points=3),
            new_markdown_cell("The end"),
        ]
    )


RELEASE = _release()


def _name(cell: Any) -> str | None:
    name: str | None = cell.metadata.get("nbgrader", {}).get("grade_id")
    return name


def _by_name(notebook: Any) -> dict[str, Any]:
    return {name: cell for cell in notebook.cells if (name := _name(cell)) is not None}


@st.composite
def submissions(draw: st.DrawFn) -> Any:
    """Draw a release notebook with cells deleted, repeated, moved, edited, renamed and added."""
    chosen = draw(st.lists(st.integers(0, len(RELEASE.cells) - 1), max_size=14))
    cells = []
    for index in chosen:
        cell = copy.deepcopy(RELEASE.cells[index])
        if draw(st.booleans()):
            cell.source = draw(st.text(max_size=20))
        if draw(st.integers(0, 9)) == 0:
            cell.metadata["nbgrader"] = draw(
                st.sampled_from(
                    [{}, [], None, "x", {"grade_id": 3}, {"grade_id": "new"}, {"grade_id": ["a"]}]
                )
            )
        if draw(st.integers(0, 9)) == 0:
            cell = new_raw_cell(cell.source, metadata=cell.metadata)
        cells.append(cell)
    extra = draw(st.lists(st.tuples(st.integers(0, 14), st.text(max_size=10)), max_size=3))
    for place, source in extra:
        make = draw(st.sampled_from([new_code_cell, new_markdown_cell, new_raw_cell]))
        cells.insert(place, make(source))
    # As read_submission gives it: without ids, and with metadata that nobody has looked at.
    for cell in cells:
        cell.pop("id", None)
    return nbformat.from_dict({**new_notebook(), "nbformat_minor": 4, "cells": cells})


@given(submissions())
def test_release_cells_are_there_once_and_in_order(submitted: Any) -> None:
    """All cells of the release version are there in its order, with its text and metadata."""
    restored = restore(submitted, RELEASE)
    names = [_name(cell) for cell in restored.cells if _name(cell) is not None]
    assert names == list(_by_name(RELEASE))
    for name, cell in _by_name(restored).items():
        expected = _by_name(RELEASE)[name]
        assert cell.metadata == expected.metadata
        assert cell.cell_type == expected.cell_type
        if not expected.metadata.nbgrader["solution"]:
            assert cell.source == expected.source
    sources = iter([cell.source for cell in restored.cells])
    kept = [c.source for c in RELEASE.cells if not c.metadata.get("nbgrader", {}).get("solution")]
    assert all(source in sources for source in kept), "the release's cells are not in its order"


@given(submissions())
def test_restored_notebook_is_valid(submitted: Any) -> None:
    """The result is a valid notebook without outputs, and the submission is left as it was."""
    before = copy.deepcopy(submitted)
    restored = restore(submitted, RELEASE)
    nbformat.validate(restored)
    assert submitted == before
    assert all(not cell.outputs for cell in restored.cells if cell.cell_type == "code")


@given(submissions())
def test_restoring_twice_changes_nothing(submitted: Any) -> None:
    """What was restored is restored to itself."""
    once = restore(submitted, RELEASE)
    assert restore(once, RELEASE) == once


def test_answers_are_kept() -> None:
    """An answer stays where it belongs, even if its cell was moved to the end."""
    submitted = _release()
    answer = submitted.cells.pop(3)
    answer.source = "def a(): return 1"
    submitted.cells.append(answer)
    assert _by_name(restore(submitted, RELEASE))["task_a"].source == "def a(): return 1"


def test_last_of_repeated_answers_counts() -> None:
    """Of an answer cell that exists twice the last counts, as it would when run in order."""
    submitted = _release()
    for source in ("first", "second"):
        again = copy.deepcopy(submitted.cells[3])
        again.source = source
        submitted.cells.append(again)
    assert _by_name(restore(submitted, RELEASE))["task_a"].source == "second"


def test_added_cells_stay_behind_the_cell_they_follow() -> None:
    """A helper cell that the student added stays at its place, stripped of metadata."""
    submitted = _release()
    helper = new_code_cell("helper = 1", metadata={"tags": ["probe"], "deletable": False})
    submitted.cells.insert(4, helper)
    submitted.cells.insert(0, new_code_cell("first = 0"))
    sources = [cell.source for cell in restore(submitted, RELEASE).cells]
    assert sources[0] == "first = 0"
    assert sources.index("helper = 1") == sources.index("raise NotImplementedError()") + 1
    added = [c for c in restore(submitted, RELEASE).cells if c.source == "helper = 1"]
    assert [cell.metadata for cell in added] == [{}]


def test_edited_check_is_put_back() -> None:
    """A test cell that was made to pass, given more points or unlocked is the release's again."""
    submitted = _release()
    submitted.cells[4].source = "pass"
    submitted.cells[4].metadata["nbgrader"] |= {"points": 100, "solution": True, "locked": False}
    cell = _by_name(restore(submitted, RELEASE))["a"]
    assert cell.source == "assert a() == 1"
    assert cell.metadata == RELEASE.cells[4].metadata


LIMITS = Limits(cell_bytes=1000, code_bytes=2500)


@pytest.mark.parametrize(
    ("answer", "added", "reason"),
    [
        ("x" * 1001, [], "found 1,001 in cell task_a"),
        ("ä" * 501, [], "found 1,002 in cell task_a"),
        ("", ["", "x" * 2000], "found 2,000 in cell no. 9"),
        ("x" * 900, ["x" * 900] * 2, "all your cells"),
    ],
    ids=["answer", "bytes", "added cell", "sum"],
)
def test_too_much_code_is_rejected(answer: str, added: list[str], reason: str) -> None:
    """More code than a person writes for the tasks is rejected, and the message says where."""
    submitted = _release()
    submitted.cells[3].source = answer
    submitted.cells += [new_code_cell(source) for source in added]
    with pytest.raises(Rejected, match=reason):
        restore(submitted, RELEASE, LIMITS)


def test_long_texts_do_not_run() -> None:
    """Comments and docstrings run where there are few; where there are many, the code without."""
    submitted = _release()
    answer = 'def a():\n    """One."""\n    return 1  # one'
    submitted.cells[3].source = answer
    assert _by_name(restore(submitted, RELEASE))["task_a"].source == answer
    noise = "".join(random.Random(0).choices("0123456789abcdef", k=10_000))
    submitted.cells.append(new_code_cell(f"x = 1\n# {noise}"))
    restored = restore(submitted, RELEASE)
    assert _by_name(restored)["task_a"].source.startswith('def a():\n    ""\n    return 1\n#')
    assert noise not in str(restored)


def test_what_does_not_run_may_be_long() -> None:
    """Text, and what a student pasted into cells that are put back anyway, is not measured."""
    submitted = _release()
    submitted.cells[4].source = "x" * 9000
    submitted.cells += [new_markdown_cell("x" * 9000), new_code_cell("y" * 1000)]
    assert restore(submitted, RELEASE, LIMITS).cells[-2].source == "y" * 1000


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_real_release_restores_to_itself(name: str) -> None:
    """The released notebook, handed in unchanged or empty, gives the released notebook."""
    release = nbformat.read(ASSIGNMENTS[name].release, as_version=4)
    expected = [(cell.cell_type, cell.source, cell.metadata) for cell in release.cells]
    for submitted in (release, new_notebook()):
        restored = restore(submitted, release)
        assert [(c.cell_type, c.source, c.metadata) for c in restored.cells] == expected

"""Reading what students hand in: anything but a notebook gets one line that helps."""

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment import get_assignment
from grader.classroom.run import find_submissions, grade_class
from grader.course.settings import BoundarySettings
from grader.errors import CourseError
from grader.folders import Workplace
from grader.notebooks.submitted import Rejected, read_submission
from grader.sandbox.stopping import LIVE
from grader.settings import Limits

CNN = get_assignment("cnn")
LIMITS = Limits(notebook_bytes=100_000)


def _notebook(**changes: Any) -> dict[str, Any]:
    cell = {
        "cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [], "source": "x",
    }  # fmt: skip
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | changes


def _write(folder: Path, value: Any) -> Path:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    path = folder / "cnn.ipynb"
    path.write_bytes(data)
    return path


def _message(folder: Path) -> str:
    with pytest.raises(Rejected) as caught:
        read_submission(folder, CNN, LIMITS)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) not in message
    assert message.startswith("expected ")
    return message


def test_notebook_is_read(tmp_path: Path) -> None:
    """A notebook as Jupyter saves it is read, unicode included."""
    notebook = new_notebook(cells=[new_code_cell("größe = 'π 你好'")])
    nbformat.write(notebook, tmp_path / "cnn.ipynb")
    assert read_submission(tmp_path, CNN, LIMITS).cells[0].source == "größe = 'π 你好'"


@pytest.mark.parametrize(
    "value",
    [
        _notebook(nbformat_minor=0),
        _notebook(nbformat_minor=99),
        _notebook(metadata={"kernelspec": 3, "widgets": [1]}),
        _notebook(cells=[]),
        _notebook(extra="what some tools add"),
        _notebook(
            cells=[
                {"cell_type": "code", "metadata": {}, "id": "same", "source": ["x = 1\n", "y"],
                 "outputs": "broken", "execution_count": "?"},
                {"cell_type": "markdown", "metadata": {}, "id": "same", "source": []},
            ]
        ),
    ],
    ids=["old minor", "new minor", "odd metadata", "no cells", "extra key", "odd cells"],
)  # fmt: skip
def test_harmless_oddities_are_accepted(value: dict[str, Any], tmp_path: Path) -> None:
    """What is thrown away anyway need not be valid: outputs, ids, metadata, minor version."""
    _write(tmp_path, value)
    nbformat.validate(read_submission(tmp_path, CNN, LIMITS), relax_add_props=True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"PK\x03\x04 a zip", "not JSON"),
        (b"<!DOCTYPE html><html></html>", "not JSON"),
        (b'{"cells": [', "not JSON"),
        (b"\xff\xfe{\x00}\x00", "not JSON"),
        (b"[" * 90_000, "not JSON"),
        (b"[]", "format"),
        (b"null", "format"),
        (b"{}", "format"),
        (b'"text"', "format"),
        (b"NaN", "format"),
        (b'{"nbformat": 3, "worksheets": []}', "format 4, found 3"),
        (b'{"nbformat": 5}', "format 4, found 5"),
        (b'{"nbformat": "4"}', "format"),
        (b'{"nbformat": 4}', "damaged"),
        (b'{"nbformat": 4, "cells": {}}', "damaged"),
        (b'{"nbformat": 4, "cells": [3]}', "damaged"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "damaged"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "virus", "metadata": {}, "source": ""}]}',
         "damaged"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "markdown", "metadata": 3, "source": ""}]}',
         "damaged"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "markdown", "metadata": {}, "source": 3}]}',
         "damaged"),
        (b'{"nbformat": 4, "cells": [' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"]}", ""),
    ],
)  # fmt: skip
def test_what_is_no_notebook(data: bytes, reason: str, tmp_path: Path) -> None:
    """Empty, not JSON, of another version, damaged: each says which."""
    _write(tmp_path, data)
    assert reason in _message(tmp_path)


def _damaged_metadata(value: Any) -> bytes:
    cells = [{"cell_type": "code", "metadata": {"nbgrader": value}, "source": "1", "outputs": []}]
    return json.dumps(_notebook(cells=cells)).encode()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["cells", "metadata", "source", "cell_type", "nbformat", "id"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    """No JSON whatever makes reading fail in another way than by rejection."""
    folder = tmp_path_factory.mktemp("any")
    for whole in (value, {"nbformat": 4, "cells": value}, {"nbformat": 4, "cells": [value]}):
        _write(folder, whole)
        with contextlib.suppress(Rejected):
            nbformat.validate(read_submission(folder, CNN, LIMITS), relax_add_props=True)


def test_missing_and_renamed(tmp_path: Path) -> None:
    """Where the notebook is missing, the message names what is there instead."""
    assert "found no notebook" in _message(tmp_path)
    (tmp_path / "my cnn (2).ipynb").write_text("{}")
    message = _message(tmp_path)
    assert "expected cnn.ipynb" in message
    assert "my cnn (2).ipynb" in message


def _directory(path: Path) -> None:
    path.mkdir()


def _symlink(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [_directory, _symlink, _dangling, _fifo])
def test_what_is_no_plain_file(make: Callable[[Path], None], tmp_path: Path) -> None:
    """Folders, links and pipes are not opened, and nothing waits for them."""
    make(tmp_path / "cnn.ipynb")
    assert "plain file" in _message(tmp_path)


def test_too_large(tmp_path: Path) -> None:
    """A notebook above the limit is not read; the message gives both sizes."""
    _write(tmp_path, b" " * 200_000)
    assert "at most 0 MB" in _message(tmp_path)


def test_too_many_cells(tmp_path: Path) -> None:
    """A notebook of more cells than anybody writes is rejected before each is looked at."""
    cell = {"cell_type": "markdown", "metadata": {}, "source": ""}
    _write(tmp_path, _notebook(cells=[cell] * 1001))
    assert "at most 1000 cells, found 1001" in _message(tmp_path)


@pytest.mark.parametrize("kind", ["code", "markdown", "raw"])
def test_half_a_character(kind: str, tmp_path: Path) -> None:
    """Half a surrogate pair, which JSON can hold and no file can, is rejected with its cell."""
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "whole: 😀"},
        {"cell_type": kind, "metadata": {}, "source": ["a", "\ud83d"]},
    ]
    _write(tmp_path, _notebook(cells=cells))
    assert "cell no. 2" in _message(tmp_path)


HOSTILE = ["", "a b", "Zoë 你好", "..x", "-rf", "x;y", "a'b\"c", "$HOME", "%s", "new\nline"]


def _hand_in(root: Path, student: str, text: str) -> None:
    folder = root / "submitted" / student / "cnn"
    folder.mkdir(parents=True)
    (folder / "cnn.ipynb").write_text(text)


def test_submissions_are_found_whatever_their_names(tmp_path: Path) -> None:
    """Every folder below submitted/ with the assignment in it is a student; files are not."""
    for name in HOSTILE[1:]:
        _hand_in(tmp_path, name, "{}")
    (tmp_path / "submitted" / "notes.txt").write_text("not a student")
    (tmp_path / "submitted" / "nobody").mkdir()
    assert find_submissions(CNN, Workplace(tmp_path)) == sorted(HOSTILE[1:])


def test_nobody_handed_in(tmp_path: Path) -> None:
    """An empty class says where submissions were expected."""
    with pytest.raises(CourseError, match=r"submitted.*<student>/cnn"):
        find_submissions(CNN, Workplace(tmp_path))


def test_bad_submissions_are_rejected_one_by_one(tmp_path: Path) -> None:
    """Each malformed submission is rejected with its own reason; no name breaks the run."""
    texts = {
        "a b": "", "Zoë 你好": "no json", "..x": "[]", "-rf": '{"nbformat": 3}', "x*": "{}",
        "[ab]": "{}", "what?": "{}", ".hidden": "", "a'b": '{"nbformat": 4}',
    }  # fmt: skip
    for student, text in texts.items():
        _hand_in(tmp_path, student, text)
    students = find_submissions(CNN, Workplace(tmp_path))
    seen: list[str] = []
    graded = grade_class(
        CNN, students, BoundarySettings(), Workplace(tmp_path), jobs=2,
        on_done=lambda one: seen.append(one.student),
    )  # fmt: skip
    assert [one.student for one in graded] == students
    assert sorted(seen) == students
    for one in graded:
        assert (one.result.status, one.result.score) == ("rejected", 0)
        assert one.result.problem
        assert one.result.max_score == sum(CNN.points().values())
        assert all(v.message == one.result.problem for v in one.result.verdicts.values())
    problems = {one.student: str(one.result.problem) for one in graded}
    for student in ("x*", "[ab]", "what?"):
        assert "rename the folder" in problems[student]
    assert "empty" in problems["a b"]
    assert "not JSON" in problems["Zoë 你好"]


def test_a_run_that_ends_with_an_error_ends_only_itself(
    tmp_path: Path, tiny_deadleaves: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a run that cannot go on, the same process grades the next one."""
    monkeypatch.setenv("BSDS500_ROOT", str(tiny_deadleaves))
    _hand_in(tmp_path, "somebody", json.dumps(_notebook()))

    def broken(step: Any, *arguments: Any) -> Any:
        raise CourseError("expected the same data on every machine, found others")

    with pytest.raises(CourseError, match="expected the same data"):
        grade_class(
            CNN, ["somebody"], BoundarySettings(), Workplace(tmp_path), jobs=1, engine=broken
        )
    killed: list[str] = []
    with LIVE.register(lambda: killed.append("the next run")):
        assert not killed

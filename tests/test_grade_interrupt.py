"""Ctrl-C in the middle of ``bsds grade``."""

import signal
import subprocess
from pathlib import Path

import nbformat
import pytest
from bsds_command import start
from sandboxed import SANDBOXED

from grader.assignment import get_assignment
from grader.gradebook.book import CourseGradebook

pytestmark = [
    pytest.mark.slow,
    *SANDBOXED,
]

SLEEP = "import time\ntime.sleep(600)"


def _submit(root: Path, student: str, first_cell: str | None = None) -> None:
    notebook = nbformat.read(get_assignment("cnn").release, as_version=4)
    if first_cell is not None:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(first_cell))
    folder = root / "submitted" / student / "cnn"
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / "cnn.ipynb")


def _start(root: Path) -> subprocess.Popen[str]:
    return start(
        "grade", "cnn", "--jobs", "1", "--seconds", "5", "--course-dir", str(root),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.timeout(300)
def test_what_was_graded_stays_graded(
    tmp_path: Path, tiny_deadleaves: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends the run at once, keeps finished grades, and the next run goes on from there."""
    monkeypatch.setenv("BSDS500_ROOT", str(tiny_deadleaves))
    _submit(tmp_path, "a")
    _submit(tmp_path, "b", SLEEP)
    process = _start(tmp_path)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("[1/2]"):
            break
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130, "".join(lines) + rest
    assert "1 of 2 are graded and stay so" in rest
    assert "Traceback" not in rest
    with CourseGradebook(tmp_path).gradebook() as gradebook:
        students = [one.student.id for one in gradebook.assignment_submissions("cnn")]
    assert students == ["a"]

    _submit(tmp_path, "b")
    process = _start(tmp_path)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    first = next(line for line in output.splitlines() if " a " in line and line.startswith("["))
    assert "(unchanged)" in first

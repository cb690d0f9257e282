"""``kill -9`` of ``bsds grade`` at random moments: nothing is lost, broken or left running."""

import csv
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import psutil
import pytest
from bsds_command import start
from sandboxed import SANDBOXED

from grader.assignment import get_assignment

pytestmark = [
    pytest.mark.slow,
    *SANDBOXED,
]

CNN = get_assignment("cnn")
STUDENTS = ("ada", "alan", "grace", "linus")
JOBS = 2
DONE = re.compile(r"^\[\d/\d\] (\w+) .*?(\(unchanged\))?$", re.MULTILINE)
PATIENCE = 20.0
"""Seconds in which what a killed grader started must be gone."""


@dataclass
class Course:
    """A class of blank submissions and its grading, with folders and a cache of its own.

    Attributes
    ----------
    root
        Folder of the course and its cache.
    data
        Root of the data set.
    temporary
        Folder of its temporary files. Its path has to be short: sockets lie in it.
    started
        Processes that were seen below a grader that was killed.
    """

    root: Path
    data: Path
    temporary: Path
    started: set[psutil.Process] = field(default_factory=set)

    def hand_in(self) -> None:
        """Write the submissions, no two of them equal."""
        for student in STUDENTS:
            notebook = nbformat.read(CNN.release, as_version=4)
            notebook.cells.append(nbformat.v4.new_code_cell(f"# {student}", id=student))
            folder = self.root / "submitted" / student / "cnn"
            folder.mkdir(parents=True)
            nbformat.write(notebook, folder / CNN.notebook_name)

    def start(self) -> "subprocess.Popen[str]":
        """Start ``bsds grade``."""
        environment = os.environ | {
            "BSDS500_ROOT": str(self.data),
            "BSDS_CACHE": str(self.root / "cache"),
            "TMPDIR": str(self.temporary),
        }
        with self.log.open("w") as log:
            return start(
                "grade", "cnn", "--jobs", str(JOBS), "--seconds", "1",
                "--json", str(self.grades), "--course-dir", str(self.root),
                stdout=log, stderr=subprocess.STDOUT, env=environment,
            )  # fmt: skip

    def grade(self) -> None:
        """Grade undisturbed."""
        process = self.start()
        assert process.wait(timeout=240) == 0, self.log.read_text()

    def kill(self, process: "subprocess.Popen[str]") -> None:
        """Kill the grader alone, if it still runs, and remember what it had started."""
        if process.poll() is not None:
            return
        family = psutil.Process(process.pid)
        self.started |= set(family.children(recursive=True))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)

    @property
    def log(self) -> Path:
        """What the last run printed."""
        return self.root / "log.txt"

    @property
    def grades(self) -> Path:
        """What the last complete run wrote with ``--json``."""
        return self.root / "grades.json"

    def done(self) -> dict[str, bool]:
        """Return the students whom the last run showed as graded, and who were unchanged."""
        return {student: bool(same) for student, same in DONE.findall(self.log.read_text())}

    def leftovers(self) -> list[str]:
        """Describe the processes that are still there, by their descent or their command line."""
        found = {process for process in self.started if process.is_running()}
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or ()
            if any(str(own) in word for word in words for own in (self.root, self.temporary)):
                found.add(process)
        return [described for process in found for described in _describe(process)]

    def gradebook(self) -> list[tuple[Any, ...]]:
        """Return what a sound gradebook holds, without its random ids."""
        with closing(sqlite3.connect(self.root / "gradebook.db")) as database:
            assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
            return database.execute(
                "select student_id, timestamp, extension, base_cell.name, auto_score,"
                " manual_score, extra_credit, needs_manual_grade, late_submission_penalty"
                " from grade join base_cell on base_cell.id = grade.cell_id"
                " join submitted_notebook on submitted_notebook.id = grade.notebook_id"
                " join submitted_assignment"
                " on submitted_assignment.id = submitted_notebook.assignment_id"
                " order by student_id, base_cell.name"
            ).fetchall()

    def results(self) -> str:
        """Return grades, verdicts and messages as text, without the seconds that they took."""
        entries = json.loads(self.grades.read_text(encoding="utf-8"))
        assert [entry["student"] for entry in entries] == list(STUDENTS)
        for entry in entries:
            del entry["seconds"]
        return json.dumps(entries, indent=1)

    def notebooks(self) -> dict[str, str]:
        """Return the autograded notebooks without the times of execution."""
        return {
            path.parent.parent.name: _timeless(path)
            for path in sorted((self.root / "autograded").glob("*/cnn/*.ipynb"))
        }

    def table(self) -> list[list[str]]:
        """Return the exported points."""
        with (self.root / ".bsds" / "reports" / "cnn.csv").open(newline="") as stream:
            return list(csv.reader(stream))


def _describe(process: psutil.Process) -> Iterator[str]:
    try:
        if process.status() != psutil.STATUS_ZOMBIE:
            yield f"{process.pid}: {' '.join(process.cmdline())[:200]}"
    except psutil.NoSuchProcess:
        return


def _timeless(path: Path) -> str:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["metadata"].pop("execution", None)
    return json.dumps(notebook, indent=1)


def _wait_for_line(course: Course, process: "subprocess.Popen[str]") -> None:
    while not course.done() and process.poll() is None:
        time.sleep(0.05)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Return an empty folder with a short path."""
    with TemporaryDirectory(prefix="bsds-") as name:
        yield Path(name)


@pytest.mark.timeout(600)
def test_killed_at_random_moments(tmp_path: Path, tiny_deadleaves: Path, temporary: Path) -> None:
    """Every run goes on from the last one, and the end equals that of an undisturbed run."""
    seed = int(os.environ.get("BSDS_TEST_SEED") or random.randrange(10**6))
    print(f"BSDS_TEST_SEED={seed}")
    moments = random.Random(seed)
    calm, killed = (
        Course(tmp_path / name, tiny_deadleaves, temporary / name) for name in ("calm", "killed")
    )
    for course in (calm, killed):
        course.hand_in()
        course.temporary.mkdir()
    began = time.monotonic()
    calm.grade()
    takes = time.monotonic() - began

    finished: set[str] = set()
    for after_first_line, most in ((False, takes / 2), (True, takes / 4), (False, takes / 2)):
        process = killed.start()
        if after_first_line:
            _wait_for_line(killed, process)
        time.sleep(moments.uniform(0, most))
        killed.kill(process)
        done = killed.done()
        print(f"killed: {done or killed.log.read_text()}")
        assert all(done[student] for student in finished & done.keys()), killed.log.read_text()
        finished |= done.keys()
    killed.grade()

    done = killed.done()
    assert sorted(done) == list(STUDENTS)
    assert all(done[student] for student in finished), killed.log.read_text()
    assert killed.results() == calm.results()
    assert killed.gradebook() == calm.gradebook()
    assert killed.notebooks() == calm.notebooks()
    assert list(killed.notebooks()) == list(STUDENTS)
    assert killed.table() == calm.table()
    deadline = time.monotonic() + PATIENCE
    while killed.leftovers() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert killed.leftovers() == []
    assert list(killed.temporary.iterdir()) == []

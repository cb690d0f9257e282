"""Grading on a Dask cluster: a scheduler and two worker processes, one of which is killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bsds_command import start
from sandboxed import SANDBOXED

from grader.assignment import get_assignment
from grader.cli import main
from grader.course.settings import BoundarySettings
from grader.gradebook.book import CourseGradebook

CNN = get_assignment("cnn")
STUDENTS = ("ada", "alan", "grace")

MARKS = [
    pytest.mark.slow,
    *SANDBOXED,
]


def needs_sandbox(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that executes submissions."""
    for mark in MARKS:
        test = mark(test)
    return test


class DaskCluster:
    """A scheduler and workers on this machine, as processes that can be killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "scheduler.json"
        self._processes = contextlib.ExitStack()
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-show")
        deadline = time.monotonic() + 60
        while not self._file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.address: str = json.loads(self._file.read_text())["address"]

    def add_worker(self, **environment: str) -> "subprocess.Popen[bytes]":
        """Start a worker with a cache of its own, as another machine would have."""
        folder = self._folder / f"worker-{time.monotonic_ns()}"
        return self._start(
            "worker", "--nthreads", "1", "--local-directory", str(folder), "--host", "127.0.0.1",
            BSDS_CACHE=str(folder / "cache"), XDG_CACHE_HOME=str(folder), **environment,
        )  # fmt: skip

    def wait_for_workers(self, count: int) -> None:
        """Wait until so many workers are there."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def close(self) -> None:
        """Kill all that is left."""
        self._processes.close()

    def _start(self, what: str, *options: str, **environment: str) -> "subprocess.Popen[bytes]":
        log = self._processes.enter_context((self._folder / f"{what}.log").open("ab"))
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard",
             "--scheduler-file", str(self._file), *options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            env=os.environ | environment,
        )  # fmt: skip
        self._processes.callback(kill, process)
        return process


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process and its children at once, as a machine that loses power."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    """Start a scheduler without workers."""
    pytest.importorskip("distributed", reason="needs the extra [cluster]")
    folder = tmp_path / "dask"
    folder.mkdir()
    cluster = DaskCluster(folder)
    yield cluster
    cluster.close()


@pytest.fixture
def course(tmp_path: Path, tiny_deadleaves: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hand in three notebooks that differ."""
    monkeypatch.setenv("BSDS500_ROOT", str(tiny_deadleaves))
    release = nbformat.read(CNN.release, as_version=4)
    for student in STUDENTS:
        folder = tmp_path / "course" / "submitted" / student / "cnn"
        folder.mkdir(parents=True)
        cell = nbformat.v4.new_code_cell(f"import time\ntime.sleep(1)\nname = {student!r}")
        notebook = nbformat.from_dict({**release, "cells": [*release.cells, cell]})
        nbformat.write(notebook, folder / "cnn.ipynb")
    return tmp_path / "course"


def command(course: Path, *options: str) -> list[str]:
    """Return the arguments of `bsds grade` for a class without training."""
    return ["grade", "cnn", "--seconds", "1", "--course-dir", str(course), *options]


def results(path: Path) -> list[dict[str, Any]]:
    """Read what `--json` wrote, without the times."""
    entries: list[dict[str, Any]] = json.loads(path.read_text())
    return [{key: entry[key] for key in entry if key != "seconds"} for entry in entries]


@needs_sandbox
@pytest.mark.timeout(400)
def test_nothing_is_lost_with_a_worker(course: Path, cluster: DaskCluster) -> None:
    """A worker is killed in mid-run: everybody is graded, as on one machine."""
    first, _second = cluster.add_worker(), cluster.add_worker()
    cluster.wait_for_workers(2)
    far = course / "far.json"
    process = start(
        *command(course, "--scheduler", cluster.address, "--json", str(far)),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("[1/3]"):
            kill(first)
            break
    rest, _ = process.communicate(timeout=300)
    assert process.returncode == 0, "".join(lines) + rest
    with CourseGradebook(course).gradebook() as gradebook:
        recorded = {one.student.id for one in gradebook.assignment_submissions("cnn")}
    assert recorded == set(STUDENTS)

    near = course / "near.json"
    assert main(command(course, "--force", "--student", "alan", "--json", str(near))) == 0
    assert results(near) == [entry for entry in results(far) if entry["student"] == "alan"]
    assert [entry["status"] for entry in results(far)] == ["graded"] * len(STUDENTS)


@needs_sandbox
@pytest.mark.timeout(300)
def test_other_data_on_a_worker_is_refused(
    course: Path,
    cluster: DaskCluster,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that holds other images would give other grades, so it gives none."""
    from bsds_utils.synthetic import write_dataset

    write_dataset(tmp_path / "other", {"train": 3, "val": 2, "test": 2}, seed=9)
    cluster.add_worker(BSDS500_ROOT=str(tmp_path / "other"))
    cluster.wait_for_workers(1)
    # The sender's folder is not on the worker's machine.
    monkeypatch.setattr(BoundarySettings, "portable", lambda settings: settings)
    assert main(command(course, "--scheduler", cluster.address)) == 1
    error = capsys.readouterr().err
    assert "expected the same data and other inputs on every machine" in error
    assert "Traceback" not in error


def test_scheduler_without_workers_is_an_error(
    course: Path, cluster: DaskCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits for workers that never come."""
    assert main(command(course, "--scheduler", cluster.address)) == 1
    assert "expected workers at" in capsys.readouterr().err


def test_no_scheduler_is_an_error(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong address is named, with what to start."""
    pytest.importorskip("distributed", reason="needs the extra [cluster]")
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        assert main(command(course, "--scheduler", address)) == 1
        error = capsys.readouterr().err
        assert f"expected a Dask scheduler at {address}" in error
        assert "Traceback" not in error

"""The one road into a sandbox and out of it, with programs at its other end that lie or hang."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from sandboxed import SANDBOXED

from grader.sandbox import notebook as executing
from grader.sandbox import running
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.notebook import Effort, Executed, execute
from grader.sandbox.running import Bounds, Ended, Running, Silent
from grader.settings import Limits

pytestmark = SANDBOXED

START = """
import os, struct, sys, time
from frames import pack, receive, send
requests, answers = os.fdopen(0, "rb"), os.fdopen(1, "wb")
"""
Start = Callable[..., Running]
Execution = Callable[..., Executed]
SMALL = Bounds(frame_bytes=1 << 20, total_bytes=4 << 20, frames=50)


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that makes a program of a source."""

    def make(source: str) -> Path:
        path = tmp_path / f"program_{time.monotonic_ns()}.py"
        path.write_text(START + source)
        return path

    return make


@pytest.fixture
def start(tmp_path: Path, program: Callable[[str], Path]) -> Iterator[Start]:
    """Return a function that starts a program, given as its source, in a sandbox."""
    started = []

    def run(source: str, bounds: Bounds = SMALL, limits: Limits | None = None) -> Running:
        sandbox = Sandbox(tmp_path, {}, limits=limits or Limits())
        started.append(Running(sandbox, program(source), bounds))
        return started[-1]

    yield run
    for one in started:
        one.close()


def _ended(one: Running) -> str:
    """Take all frames until the sandbox has ended, and return why it did."""
    for _ in range(1000):
        try:
            one.receive(60)
        except Ended as reason:
            return str(reason)
    return "it did not end"


def test_values_go_in_and_come_out(start: Start) -> None:
    """A program is sent values and answers with values, in order."""
    one = start("while True: send(answers, [receive(requests)])")
    for value in (1, "two", {"three": np.arange(3)}, b"x" * 500_000):
        one.send(value)
        assert str(one.receive(60)) == str([value])


@pytest.mark.parametrize(
    "source",
    [
        "os.write(1, b'garbage' * 1000); time.sleep(600)",
        "os.write(1, struct.pack('>Q', 1 << 62)); time.sleep(600)",
        "os.write(1, struct.pack('>Q', 3) + b'zzz'); time.sleep(600)",
        "os.write(1, pack(1)[:-1])",
        "send(answers, bytes(2 << 20)); time.sleep(600)",
        "while True: send(answers, bytes(1 << 19))",
        "while True: send(answers, None)",
        "os.close(1); os.close(0); os.kill(os.getpid(), 9)",
        "sys.exit(3)",
        "1 / 0",
    ],
    ids=[
        "garbage", "long", "unknown", "broken off", "large", "too much", "too many", "killed",
        "left", "failed",
    ],
)  # fmt: skip
def test_whatever_is_sent_ends_only_its_sandbox(source: str, start: Start) -> None:
    """Nonsense, floods and sudden ends are one reason, again for whoever asks again."""
    one = start(source)
    assert _ended(one) == _ended(one) == "it ended unexpectedly"
    with pytest.raises(Ended):
        one.send(bytes(10 << 20))


def test_silence_is_not_waited_for(start: Start) -> None:
    """Whoever asks says how long to wait, and may ask again."""
    one = start("receive(requests); send(answers, 1); time.sleep(600)")
    with pytest.raises(Silent):
        one.receive(0.1)
    one.send("go on")
    assert one.receive(60) == 1
    with pytest.raises(Silent):
        one.receive(0.1)


def test_half_a_frame_is_not_waited_for(start: Start) -> None:
    """A frame that never ends holds up nobody."""
    one = start("os.write(1, struct.pack('>Q', 1000) + b'l'); time.sleep(600)")
    with pytest.raises(Silent):
        one.receive(1)


def test_questions_that_nobody_takes(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that stops reading is ended; what is sent does not wait for it for ever."""
    monkeypatch.setattr(running, "_SEND_SECONDS", 2.0)
    one = start("send(answers, 1); os.kill(os.getpid(), 19)")
    assert one.receive(60) == 1
    with pytest.raises(Ended, match="it took no question for 2 seconds"):
        one.send(bytes(10 << 20))


def test_frames_do_not_pile_up(start: Start) -> None:
    """What nobody asks for waits in the sandbox, not in the grader's memory."""
    source = """
for number in range(40):
    send(answers, bytes(1 << 20))
    open("/tmp/sent", "w").write(str(number))
    os.write(2, b"")
time.sleep(600)
"""
    one = start(source, Bounds(frame_bytes=2 << 20, total_bytes=1 << 30, frames=1000))
    assert len(one.receive(60)) == 1 << 20
    time.sleep(1)
    assert one._frames.qsize() <= 4
    assert sum(len(one.receive(60)) for _ in range(39)) == 39 << 20


def test_nothing_is_left_open(start: Start) -> None:
    """Processes, threads and descriptors end after closing, whatever state it is in."""
    start("time.sleep(600)").close()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for source in ("time.sleep(600)", "while True: send(answers, bytes(1 << 19))", "sys.exit()"):
        one = start(source)
        one.close()
        one.close()
        one._reader.join(60)
        assert not one._reader.is_alive()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


@pytest.fixture
def executed(
    program: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Execution:
    """Return a function that executes a notebook of three cells by a program that is not ours.

    The program begins the first cell, sends what it showed and its number, then what is given.
    """

    def run(source: str, outputs: str = "[]", count: str = "5") -> Executed:
        whole = f"""
request = receive(requests)
send(answers, {{"begin": 0}})
send(answers, {{"cell": 0, "outputs": {outputs}, "count": {count}}})
{source}
"""
        monkeypatch.setattr(executing, "_PROGRAM", program(whole))
        notebook = new_notebook(cells=[new_code_cell(f"x = {n}") for n in range(3)])
        return execute(notebook, Sandbox(tmp_path, {}), Effort(), take=["model.keras"])

    return run


@pytest.mark.parametrize(
    "frame",
    [
        "7", "'text'", "[1]", "{}", "{'begin': 'x'}", "{'begin': 99}", "{'begin': -1}",
        "{'begin': None}", "{'cell': 0}", "{'cell': 0, 'outputs': 3, 'count': 1}",
        "{'file': '../../escaped', 'data': b'x'}", "{'file': 'other.keras', 'data': b'x'}",
        "{'file': 'model.keras', 'data': 'text'}", "{'end': 3}", "{'unknown': 1}",
    ],
)  # fmt: skip
def test_frames_that_mean_nothing(frame: str, executed: Execution, tmp_path: Path) -> None:
    """A notebook's program that sends something else is ended, and what came before is kept."""
    source = f"""
send(answers, {{"file": "model.keras", "data": b"kept"}})
send(answers, {frame})
time.sleep(600)
"""
    found = executed(source)
    assert found.problem is not None
    assert found.artifacts == {"model.keras": b"kept"}
    assert found.notebook.cells[0].execution_count == 5
    assert not (tmp_path.parent / "escaped").exists()


@pytest.mark.parametrize(
    "output",
    [
        "1", "None", "{}", "{'output_type': 5}", "{'output_type': 'stream'}",
        "{'output_type': 'stream', 'text': 5}", "{'output_type': 'stream', 'text': ['a', None]}",
        "{'output_type': 'error'}", "{'output_type': 'error', 'traceback': 7, 'evalue': [1]}",
        "{'output_type': 'error', 'ename': {}, 'traceback': [1, None]}",
        "{'output_type': 'display_data', 'data': 5}",
        "{'output_type': 'display_data', 'data': {'image/png': 5, 'text/html': '<script>'}}",
        "{'output_type': 'execute_result', 'data': {'text/plain': ['a', 3]}}",
    ],
)  # fmt: skip
def test_outputs_that_no_kernel_makes(output: str, executed: Execution) -> None:
    """They are dropped or made harmless, and can be shown."""
    found = executed('send(answers, {"end": None})', outputs=f"[{output}]")
    assert found.problem is None
    assert "script" not in str(found.notebook.cells[0].outputs)
    nbformat.validate(nbformat.from_dict(found.notebook))


@pytest.mark.parametrize("count", ["'<script>'", "True", "[1]", "2.5"])
def test_only_numbers_number_cells(count: str, executed: Execution) -> None:
    """What comes as a cell's number stands in the notebook only if it is one."""
    found = executed('send(answers, {"end": None})', count=count)
    assert found.notebook.cells[0].execution_count is None


def test_a_busy_machine_is_not_the_notebooks_fault(
    executed: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had neither its work nor was idle for too long is marked, and the reason says so."""
    monkeypatch.setattr(executing, "_PATIENCE", 0)
    found = executed("time.sleep(600)")
    assert found.starved
    assert "the machine was too busy" in str(found.problem)

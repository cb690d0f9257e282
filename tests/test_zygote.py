"""Programs that start warm in a sandbox are as confined as those that start from scratch."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from sandboxed import SANDBOXED

from grader.sandbox import launch, zygote
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.launch import Started
from grader.settings import Limits

pytestmark = SANDBOXED

ABOUT_ITSELF = """
import json, os, resource, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
names = [n for n in dir(resource) if n.startswith("RLIMIT_")]
print(json.dumps({
    "arguments": sys.argv,
    "warm": "tensorflow" in sys.modules,
    "environment": dict(os.environ),
    "first environment": open("/proc/self/environ").read(),
    "command": open("/proc/self/cmdline").read().split(chr(0)),
    "folder": os.getcwd(),
    "root": sorted(os.listdir("/")),
    "groups": os.getgroups(),
    "ids": [os.getuid() > 1000, os.getuid() == os.geteuid() == os.getgid()],
    "uid": os.getuid(),
    "limits": {n: resource.getrlimit(getattr(resource, n)) for n in names},
    "privileges": [status[n].strip() for n in status if n.startswith("Cap")],
    "no new privileges": status["NoNewPrivs"].strip(),
    "killed first": open("/proc/self/oom_score_adj").read().strip(),
    "files": sorted(os.listdir("/proc/self/fd"), key=int)[:3],
    "more files": len(os.listdir("/proc/self/fd")) > 4,
    "namespaces": {n: os.readlink("/proc/self/ns/" + n) for n in os.listdir("/proc/self/ns")},
    "path": [p for p in sys.path if os.path.exists(p)],
    "main": __name__,
    "umask": os.umask(0o22),
    "session": os.getsid(0) == os.getpid(),
}))
"""
# What differs between two sandboxes, or between warm and cold, for a good reason.
DIFFERENT = {"warm", "uid", "first environment", "command", "namespaces", "session"}

Run = Callable[..., tuple[Started, Path]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Start a program from its source in a sandbox of its own; return it and its output file."""

    def start(source: str, *arguments: str, limits: Limits | None = None) -> tuple[Started, Path]:
        work = tmp_path / f"work-{time.monotonic_ns()}"
        work.mkdir()
        program = work / "program"
        program.mkdir(mode=0o755)
        (program / "program.py").write_text(source)
        sandbox = Sandbox(
            work, {"GIVEN": "value"}, read_only={program: Path("/opt/program")},
            limits=limits or Limits(),
        )  # fmt: skip
        with (work / "output").open("wb") as output:
            argv = ["/opt/program/program.py", *arguments]
            return launch.start(sandbox, argv, subprocess.DEVNULL, output, output), work / "output"

    return start


def _answer(run: Run, source: str) -> dict[str, Any]:
    started, output = run(source, "an argument")
    started.process.wait(timeout=60)
    value: dict[str, Any] = json.loads(output.read_text().splitlines()[-1])
    return value


def _first_line(output: Path) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while not (text := output.read_text()).endswith("\n") and time.monotonic() < deadline:
        time.sleep(0.05)
    value: dict[str, Any] = json.loads(text)
    return value


def test_warm_and_cold_are_confined_alike(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """User, limits, privileges, files, environment and folders are those of a cold start."""
    monkeypatch.setenv("BSDS_COURSE_SECRET", "not to be seen")
    warm_one = _answer(run, ABOUT_ITSELF)
    monkeypatch.setenv("BSDS_NO_WARM_START", "1")
    cold_one = _answer(run, ABOUT_ITSELF)
    assert warm_one["warm"]
    assert not cold_one["warm"]
    assert {name: warm_one[name] for name in warm_one.keys() - DIFFERENT} == {
        name: cold_one[name] for name in cold_one.keys() - DIFFERENT
    }
    assert set(warm_one["privileges"]) == {"0000000000000000"}
    assert "not to be seen" not in warm_one["first environment"]


def test_every_namespace_is_its_own(run: Run) -> None:
    """Two warm programs share no namespace but the machine's user and time ones, if any."""
    both = [run(ABOUT_ITSELF + "\nsys.stdout.flush()\nimport time; time.sleep(600)") for _ in "ab"]
    first, second = (_first_line(output) for _, output in both)
    for started, _ in both:
        started.process.kill()
        started.process.wait(timeout=10)
    ours = {name: str(Path("/proc/self/ns", name).readlink()) for name in first["namespaces"]}
    for name in ("mnt", "pid", "net", "ipc", "uts"):
        inside = {first["namespaces"][name], second["namespaces"][name]}
        assert len(inside | {ours[name]}) == 3, name
    if os.geteuid() == 0:
        assert first["uid"] != second["uid"]


def test_chance_differs(run: Run) -> None:
    """Random numbers are not those of the process that all were forked from."""
    source = """
import json, random
import numpy as np
print(json.dumps([random.random(), np.random.rand()]))
"""
    first, second = _answer(run, source), _answer(run, source)
    assert set(first).isdisjoint(second)


def test_sandbox_ends_with_its_program(run: Run) -> None:
    """When the program ends, all that it left behind in the sandbox ends, too."""
    started, _ = run("import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(600)\n")
    inside = _descendants(started)
    started.process.wait(timeout=60)
    _, alive = psutil.wait_procs(inside, timeout=10)
    assert not alive


def test_program_ends_with_its_sandbox(run: Run) -> None:
    """Killing the sandbox ends the program and the process outside that waits for it."""
    started, _ = run("import time\nprint('x', flush=True)\ntime.sleep(600)\n")
    inside = _descendants(started)
    assert any(process.pid == started.outermost[1] for process in inside)
    started.process.kill()
    started.process.wait(timeout=10)
    _, alive = psutil.wait_procs(inside, timeout=10)
    assert not alive


def _descendants(started: Started) -> list[psutil.Process]:
    found = []
    for pid in started.outermost:
        process = psutil.Process(pid)
        found += [process, *process.children(recursive=True)]
    return found


def test_dead_warm_process_is_replaced(run: Run) -> None:
    """When the warm process was killed, the next program gets a new one."""
    assert _answer(run, ABOUT_ITSELF)["warm"]
    ended = [
        child
        for child in psutil.Process().children()
        if "zygote_process.py" in " ".join(child.cmdline())
    ]
    for process in ended:
        process.kill()
        process.wait(timeout=10)
    assert ended
    assert _answer(run, ABOUT_ITSELF)["warm"]


@pytest.mark.parametrize("source", ["", "import sys; sys.exit(1)", "print('?')"])
def test_without_warm_process_it_starts_cold(
    source: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no warm process can be had, the program starts from scratch."""
    broken = tmp_path / "broken.py"
    broken.write_text(source)
    monkeypatch.setattr(zygote, "_PROGRAM", broken)
    monkeypatch.setattr(launch, "_WARM", zygote.WarmProcess())
    assert not _answer(run, ABOUT_ITSELF)["warm"]


def test_where_it_cannot_be_entered_it_starts_cold(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only the warm start cannot do, here an unknown limit, is left to the cold one."""
    real = launch.process_limits
    monkeypatch.setattr(launch, "process_limits", lambda limits: {**real(limits), "RLIMIT_X": 1})
    assert not _answer(run, ABOUT_ITSELF)["warm"]


def test_error_is_shown_and_ends_it(run: Run) -> None:
    """A program that fails says why and ends with its sandbox."""
    started, output = run("raise ValueError('told')")
    started.process.wait(timeout=60)
    assert "ValueError: told" in output.read_text()


def test_same_training_as_from_scratch(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training with a seed gives the same loss after a warm and after a cold start."""
    source = """
import json, keras, numpy as np
keras.utils.set_random_seed(1)
layers = keras.layers
model = keras.Sequential([layers.Conv2D(4, 3), layers.Dropout(0.5), layers.Dense(1)])
model.compile("adam", "mse")
x = np.random.rand(16, 8, 8, 3); y = np.random.rand(16, 6, 6, 1)
print(json.dumps(model.fit(x, y, epochs=3, verbose=0).history))
"""
    warm_one = _answer(run, source)
    monkeypatch.setenv("BSDS_NO_WARM_START", "1")
    assert warm_one == _answer(run, source)


def test_own_modules_are_the_students(run: Run) -> None:
    """The library is imported from where the sandbox has it; nothing of the grader is loaded."""
    source = """
import json, sys, bsds_utils
ours = [name for name in sys.modules if name.startswith(("grader", "enter"))]
print(json.dumps([bsds_utils.__file__, ours]))
"""
    where, grader = _answer(run, source)
    assert where == "/course/bsds_utils/__init__.py"
    assert grader == []


def test_nothing_stays_behind() -> None:
    """A grader that ends takes its warm process along."""
    source = """
import subprocess, sys, tempfile, psutil
from pathlib import Path
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.launch import start
null = subprocess.DEVNULL
start(Sandbox(Path(tempfile.mkdtemp()), {}), ["-m", "this"], null, null, null).process.wait()
print([child.pid for child in psutil.Process().children()], flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=120
    )
    pids = json.loads(done.stdout)
    assert pids
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(psutil.pid_exists(pid) for pid in pids):
        time.sleep(0.1)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_one_warm_process_serves_all_of_a_grader(run: Run, tmp_path: Path) -> None:
    """A checking process starts its probes from the grader's warm process, not one of its own."""
    started, _ = run("")
    started.process.wait(timeout=60)
    source = """
import subprocess, sys, psutil
from pathlib import Path
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.launch import share_warm, start
share_warm(sys.argv[1])
null = subprocess.DEVNULL
program = Path(sys.argv[2])
sandbox = Sandbox(program, {}, read_only={program: Path("/opt/program")})
start(sandbox, ["/opt/program/x.py"], null, sys.stdout, null).process.wait()
print([child.name() for child in psutil.Process().children()])
"""
    program = tmp_path / "shared"
    program.mkdir(mode=0o755)
    (program / "x.py").write_text("import sys; print('tensorflow' in sys.modules, flush=True)")
    done = subprocess.run(
        [sys.executable, "-c", source, str(launch.warm_address()), str(program)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.split() == ["True", "[]"]

"""The filter of system calls, and the control group: no way around the limits of a sandbox."""

import ctypes
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from sandboxed import SANDBOXED

from grader.assignment import COURSE_ROOT
from grader.errors import CourseError
from grader.sandbox import seccomp
from grader.sandbox.bubblewrap import Sandbox, command
from grader.sandbox.cgroup import ControlGroup
from grader.sandbox.notebook import Effort, Executed, execute
from grader.settings import Limits

pytestmark = SANDBOXED

_MB = 1 << 20
COLUMN = {"x86_64": 0, "aarch64": 1}.get(platform.machine(), 0)

TRY = """
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
def attempt(function, *arguments):
    ctypes.set_errno(0)
    result = function(*arguments)
    return [result, ctypes.get_errno()]
"""

# What a program would call, so that the numbers in the filter are checked against libc's own.
BY_NAME = {
    "shmget": "libc.shmget(0, 4096, 0o1600)",
    "semget": "libc.semget(0, 1, 0o1600)",
    "msgget": "libc.msgget(0, 0o1600)",
    "memfd_create": "libc.memfd_create(b'x', 0)",
    "unshare": "libc.unshare(0x10000000)",
    "setns": "libc.setns(os.open('/proc/self/ns/net', 0), 0)",
    "mount": "libc.mount(b'x', b'/tmp', b'tmpfs', 0, None)",
    "umount2": "libc.umount2(b'/tmp', 2)",
    "chroot": "libc.chroot(b'/tmp')",
    "ptrace": "libc.ptrace(0, 0, None, None)",
    "process_vm_readv": "libc.process_vm_readv(os.getpid(), None, 0, None, 0, 0)",
    "process_vm_writev": "libc.process_vm_writev(os.getpid(), None, 0, None, 0, 0)",
    "fanotify_init": "libc.fanotify_init(0, 0)",
}

Run = Callable[..., Executed]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that executes code cells in a sandbox."""

    def execute_cells(*sources: str, limits: Limits | None = None) -> Executed:
        cells = [new_code_cell(source) for source in sources]
        sandbox = Sandbox(tmp_path, {}, limits=limits or Limits())
        return execute(new_notebook(cells=cells), sandbox, Effort())

    return execute_cells


def _value(executed: Executed, index: int = 0) -> Any:
    assert executed.problem is None, executed.problem
    return json.loads(executed.notebook.cells[index].outputs[0].text)


@pytest.fixture(params=["warm", "cold"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start programs in sandboxes warm, then from scratch."""
    if request.param == "cold":
        monkeypatch.setenv("BSDS_NO_WARM_START", "1")


@pytest.mark.usefixtures("either_way")
def test_no_denied_call_gets_through(run: Run) -> None:
    """Each of the filter's calls is refused, by number and as libc calls it."""
    numbers = {name: numbers[COLUMN] for name, numbers in seccomp._DENIED.items()}
    named = ", ".join(f"{name!r}: attempt(lambda: {code})" for name, code in BY_NAME.items())
    found = _value(
        run(
            TRY
            + f"""
numbers = {numbers!r}
print(json.dumps({{
    "numbers": {{name: attempt(libc.syscall, n, 0, 0, 0, 0, 0) for name, n in numbers.items()}},
    "named": {{{named}}},
    "clone": [attempt(libc.syscall, {seccomp._CLONE[COLUMN]}, flag, 0, 0, 0, 0)
              for flag in (0x20000, 1 << 25, 1 << 26, 1 << 27, 1 << 28, 1 << 29, 1 << 30)],
    "clone3": attempt(libc.syscall, {seccomp._CLONE3[COLUMN]}, 0, 0),
}}))"""
        )
    )
    for kind in ("numbers", "named"):
        assert {name for name, answer in found[kind].items() if answer != [-1, 1]} == set(), kind
    assert found["clone"] == [[-1, 1]] * 7
    assert found["clone3"] == [-1, 38]


@pytest.mark.usefixtures("either_way")
def test_what_programs_need_still_works(run: Run) -> None:
    """Threads, processes, shared memory of multiprocessing, pipes and sockets are not refused."""
    source = """
import json, multiprocessing, socket, subprocess, threading
from multiprocessing import shared_memory
done = []
thread = threading.Thread(target=lambda: done.append("thread")); thread.start(); thread.join()
process = multiprocessing.get_context("fork").Process(target=len, args=([],)); process.start()
process.join()
block = shared_memory.SharedMemory(create=True, size=1000); block.close(); block.unlink()
socket.socketpair()
print(json.dumps([done, process.exitcode, subprocess.run(["true"]).returncode]))
"""
    assert _value(run(source)) == [["thread"], 0, 0]


@pytest.mark.usefixtures("either_way")
def test_no_namespace_can_be_made(run: Run) -> None:
    """Neither command nor call makes a user namespace, in which one would be root."""
    found = _value(
        run(
            "import json, subprocess\n"
            "print(json.dumps([subprocess.run(['unshare', *more, 'true'], capture_output=True)"
            ".returncode for more in (['-U'], ['-Ur'], ['-Urm'], ['-Urn'], ['-Urp', '-f'])]))"
        )
    )
    assert 0 not in found


@pytest.mark.usefixtures("either_way")
def test_key_rings_are_its_own(run: Run) -> None:
    """A key of the grader's session is not in the sandbox's."""
    libc = ctypes.CDLL(None, use_errno=True)
    numbers = (seccomp._DENIED["add_key"][COLUMN], seccomp._DENIED["keyctl"][COLUMN])
    key = libc.syscall(numbers[0], b"user", b"bsds-test", b"secret", 6, -3)
    if key < 0:
        pytest.skip("the kernel here has no key rings")
    try:
        assert "bsds-test" not in str(run("print(open('/proc/keys').read())").notebook.cells)
    finally:
        libc.syscall(numbers[1], 9, key, -3)  # unlink


SOCKETS = """
import os, socket, time
pairs = []
for _ in range(400):
    one, other = socket.socketpair()
    one.setblocking(False)
    pairs.append((one, other))
    try:
        while True:
            one.send(bytes(1 << 16))
    except BlockingIOError:
        pass
time.sleep(60)
"""
FILES_IN_FLIGHT = """
import array, os, socket, time
kept = []
for number in range(60):
    one, other = socket.socketpair()
    kept.append((one, other))
    path = f"/tmp/{number}"
    file = os.open(path, os.O_CREAT | os.O_RDWR)
    os.unlink(path)
    os.write(file, bytes(8 << 20))
    socket.send_fds(one, [b"x"], [file])
    os.close(file)
time.sleep(60)
"""
QUEUES = """
import mmap, os, time
for _ in range(12):
    if os.fork() == 0:
        block = mmap.mmap(-1, 40 << 20)
        block.write(b"x" * (40 << 20))
        time.sleep(60)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("source", "needs_group"),
    [(SOCKETS, True), (FILES_IN_FLIGHT, False), (QUEUES, False)],
    ids=["sockets", "files in flight", "shared maps"],
)
def test_memory_cannot_be_hidden(source: str, needs_group: bool, run: Run) -> None:
    """Memory that no process shows as its own counts as well, and is named."""
    limits = Limits(memory=200 * _MB)
    if needs_group:
        group = ControlGroup.make(limits)
        if group is None:
            pytest.skip("a control group can be made by root alone, or by who got a part of them")
        group.remove()
    executed = run("x = 1", source, limits=limits)
    assert "GB of memory" in str(executed.problem)


def test_processor_time_of_the_dead_counts(run: Run) -> None:
    """Work done by processes that have ended, and whose parents did not wait, is counted."""
    source = """
import os, time
def count():
    return len([name for name in os.listdir("/proc") if name.isdigit()])
before = count()
for _ in range(4):
    if os.fork() == 0:
        if os.fork() == 0:
            until = time.process_time() + 1.5
            while time.process_time() < until:
                pass
        os._exit(0)
    os.wait()
while count() > before:
    time.sleep(0.2)
"""
    assert run(source).cpu_seconds > 5


def test_control_groups_go_away(run: Run) -> None:
    """Nothing of a sandbox is left in the kernel's tree of groups."""
    group = ControlGroup.make(Limits())
    if group is None:
        pytest.skip("a control group can be made by root alone, or by who got a part of them")
    folders = [file.parent.parent for file in group.files]
    group.remove()
    run("print(1)")
    pattern, left = f"bsds-{os.getpid()}-*", folders
    for _ in range(600):  # nobody waits for the end of a sandbox's memory
        left = [path for folder in folders for path in folder.glob(pattern)]
        if not left:
            break
        time.sleep(0.1)
    assert left == []


def test_where_no_group_can_be_had(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without control groups submissions run all the same."""
    monkeypatch.setattr(ControlGroup, "make", classmethod(lambda cls, limits: None))
    assert _value(run("print(3)")) == 3


@pytest.mark.parametrize("where", ["library", "data", "system"])
def test_a_course_that_submissions_could_read_is_refused(where: str, tmp_path: Path) -> None:
    """Where the course lies below something that is mounted, no sandbox starts."""
    course = {
        "library": COURSE_ROOT / "bsds_utils" / "data",
        "data": tmp_path / "data" / "course",
        "system": Path("/usr/share/course"),
    }[where]
    sandbox = Sandbox(
        tmp_path, {}, read_only={tmp_path / "data": Path("/data")}, private=[tmp_path, course]
    )
    (tmp_path / "data").mkdir()
    with pytest.raises(CourseError, match="move the course to a folder of its own"):
        command(sandbox, ["true"])
    line, environment = command(replace(sandbox, private=[tmp_path]), ["true"])
    assert subprocess.run(line, env=environment, check=False, timeout=60).returncode == 0


def test_links_to_a_course_do_not_hide_it(tmp_path: Path) -> None:
    """A data set that is a link to the folder above the course is seen through."""
    (tmp_path / "real" / "course").mkdir(parents=True)
    (tmp_path / "data").symlink_to(tmp_path / "real")
    mounts = {tmp_path / "data": Path("/data")}
    sandbox = Sandbox(tmp_path, {}, read_only=mounts, private=[tmp_path / "real" / "course"])
    with pytest.raises(CourseError, match="move the course"):
        command(sandbox, ["true"])

"""The sandbox: what code inside it can see, reach and use up, and how a notebook runs in it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment import COURSE_ROOT
from grader.errors import CourseError
from grader.sandbox.bubblewrap import Sandbox, command, require_sandbox, sandbox_problem
from grader.sandbox.notebook import Effort, Executed, execute
from grader.sandbox.resources import measure
from grader.settings import Limits

pytestmark = pytest.mark.sandbox

_MB = 1 << 20

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """Return a sandbox with an empty work folder, or skip the test."""
    problem = sandbox_problem()
    if problem is not None:
        pytest.skip(problem)
    work = tmp_path / "work"
    work.mkdir(mode=0o700)
    return Sandbox(work=work, environment={"GIVEN": "yes"})


@pytest.fixture
def python(sandbox: Sandbox) -> Run:
    """Return a function that runs Python code in the sandbox."""

    def run(code: str, limits: Limits | None = None) -> "subprocess.CompletedProcess[str]":
        inside = sandbox if limits is None else replace(sandbox, limits=limits)
        line, environment = command(inside, [sys.executable, "-c", code])
        return subprocess.run(
            line, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def _output(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CONNECT = """
import socket
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=3)
    print("connected")
except OSError as error:
    print("refused")
"""


def test_no_network_not_even_loopback(python: Run) -> None:
    """A listener on this machine's loopback cannot be reached from inside."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        code = CONNECT.format(port=listener.getsockname()[1])
        outside = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert outside.stdout.strip() == "connected", "the listener itself does not work"
        assert _output(python(code)) == "refused"
    assert _output(python("import socket; print(socket.if_nameindex()[1:])")) == "[]"


def test_unix_sockets_of_the_host_are_out_of_reach(python: Run, tmp_path: Path) -> None:
    """Neither path nor abstract Unix sockets of the host can be reached."""
    name = f"\0bsds-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        code = f"import socket; socket.socket(socket.AF_UNIX).connect({name!r})"
        assert python(code).returncode != 0


def test_course_cannot_be_read(python: Run, tmp_path: Path) -> None:
    """Repository, gradebook, hidden data and home do not exist inside."""
    secret = tmp_path / "hidden.npz"
    secret.write_text("labels")
    paths = [
        *(COURSE_ROOT / name for name in ("solutions", "assignments", "grader", "tests", ".git")),
        COURSE_ROOT / "gradebook.db", COURSE_ROOT / ".bsds", secret, Path.home() / ".ssh",
        Path("/etc/shadow"), Path("/etc/passwd"), Path("/var"), Path("/mnt"), Path("/opt"),
    ]  # fmt: skip
    code = f"import os; print([p for p in {list(map(str, paths))!r} if os.access(p, os.R_OK)])"
    assert _output(python(code)) == "[]"


def test_grader_cannot_be_imported(python: Run) -> None:
    """Students' library is there; the grader is not, wherever it is installed."""
    code = """
import importlib.util, bsds_utils
print(bsds_utils.__file__)
import pathlib, sys
print([p for p in sys.path if pathlib.Path(p, "grader", "course").exists()])
"""
    where, found = _output(python(code)).splitlines()
    assert where.startswith("/course/")
    assert found == "[]"


def test_environment_is_clean(python: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the grader's environment gets in, not by way of other processes either."""
    monkeypatch.setenv("BSDS_COURSE_SECRET", "the-secret-itself")
    code = """
import os, pathlib
names = sorted(os.environ)
everything = b"".join(
    path.read_bytes() for pattern in ("*/environ", "*/cmdline")
    for path in pathlib.Path("/proc").glob(pattern) if os.access(path, os.R_OK)
)
print(b"-".join([b"the", b"secret"]) in everything, *names)
"""
    found, *names = _output(python(code)).split()
    assert found == "False"
    assert set(names) <= {
        "GIVEN", "HOME", "LANG", "LC_CTYPE", "PATH", "PWD", "PYTHONDONTWRITEBYTECODE",
        "PYTHONPATH", "USER",
    }  # fmt: skip


def test_other_processes_cannot_be_seen(python: Run) -> None:
    """Only the sandbox's own few processes are in /proc, and none of them is ours."""
    code = "import pathlib; print(len([p for p in pathlib.Path('/proc').glob('[0-9]*')]))"
    assert int(_output(python(code))) <= 4
    assert python(f"import os; os.kill({os.getpid()}, 0)").returncode != 0


def test_no_privileges(python: Run) -> None:
    """The user inside is nobody in particular, has no capability and cannot get any."""
    code = """
import os
lines = open("/proc/self/status").read().splitlines()
fields = dict(line.split(":\\t") for line in lines if ":\\t" in line)
names = ("CapInh", "CapPrm", "CapEff", "CapBnd", "NoNewPrivs")
print(os.getuid(), *(int(fields[name], 16) for name in names))
"""
    uid, *capabilities, no_new_privileges = _output(python(code)).split()
    assert int(uid) not in (0, os.getuid())
    assert capabilities == ["0", "0", "0", "0"] or os.getuid() != 0
    assert no_new_privileges == "1"
    for attempt in ("os.setuid(0)", "os.chroot('/tmp')", "os.mknod('/tmp/disk', 0o60666, 2048)"):
        refused = python(f"import os; {attempt}")
        assert refused.returncode != 0
        # In a plain user's sandbox there is no user 0 that one could become.
        assert "PermissionError" in refused.stderr or "[Errno 22]" in refused.stderr


def test_only_home_and_tmp_are_writable(python: Run, sandbox: Sandbox) -> None:
    """Home and /tmp are private and writable; system, library and environment stay as is."""
    code = f"""
import os, sys
open("here.txt", "w").write("from inside")
open("/tmp/there.txt", "w").write("private")
for folder in ("/", "/usr", "/usr/bin", "/etc", "/course", "/course/bsds_utils", "/proc",
               "/home", "/dev", "/opt", "/var", "/run",
               sys.prefix, sys.base_prefix, {str(sandbox.work.parent)!r}):
    try:
        open(os.path.join(folder, "forbidden"), "w")
    except OSError:
        continue
    print("wrote to", folder)
print(os.getcwd())
"""
    assert _output(python(code)) == "/home/student"
    assert not list(sandbox.work.iterdir())
    assert not Path("/tmp/there.txt").exists()


def test_processes_are_limited(python: Run) -> None:
    """A process that spawns without end is refused after a while and harms nobody."""
    code = """
import subprocess
started = []
try:
    for _ in range(200):
        started.append(subprocess.Popen(["sleep", "20"]))
except OSError:
    pass
print(len(started))
"""
    assert int(_output(python(code, Limits(processes=30)))) < 30


def test_memory_is_limited(python: Run) -> None:
    """Asking for more memory than allowed fails inside."""
    done = python("bytearray(800 << 20)", Limits(address_space=600 * _MB))
    assert "MemoryError" in done.stderr


def test_cpu_time_is_limited(python: Run) -> None:
    """A process is ended after its CPU seconds."""
    started = time.monotonic()
    assert python("while True: pass", Limits(cpu_seconds=1)).returncode != 0
    assert time.monotonic() - started < 40


def test_files_are_limited(python: Run) -> None:
    """Neither one file nor all of a folder can grow beyond the limits."""
    code = """
def write(path):
    try:
        with open(path, "wb") as stream:
            for _ in range(6):
                stream.write(bytes(1 << 20))
        return True
    except OSError:
        return False
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for folder in ("/home/student", "/tmp", "/dev/shm"):
    print(*[write(f"{folder}/{n}") for n in range(4)])
"""
    fits = _output(python(code, Limits(file_size=8 * _MB, disk=20 * _MB)))
    assert fits.splitlines() == ["True True True False"] * 3
    small = _output(python(code, Limits(file_size=5 * _MB, disk=20 * _MB)))
    assert small.splitlines() == ["False False False False"] * 3


def test_nothing_outlives_the_sandbox(sandbox: Sandbox) -> None:
    """When bubblewrap is killed, processes that detached themselves inside end, too."""
    marker = f"{time.time_ns()}"
    code = f"""
import subprocess, time
subprocess.Popen(["sleep", "1{marker[-7:]}"], start_new_session=True)
print("ready", flush=True)
time.sleep(100)
"""
    line, environment = command(sandbox, [sys.executable, "-c", code])
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert _becomes(True, f"1{marker[-7:]}")
        process.kill()
    assert _becomes(False, f"1{marker[-7:]}")


def _becomes(expected: bool, argument: str) -> bool:
    """Whether a process with that argument appears or disappears within 20 seconds."""
    deadline = time.monotonic() + 20
    while _running(argument) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return _running(argument) == expected


def _running(argument: str) -> bool:
    """Whether some process has that argument."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument.encode() in path.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def test_missing_bubblewrap_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without bubblewrap, grading refuses with the command that installs it."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CourseError, match=r"apt-get install bubblewrap.*--unsafe-no-sandbox"):
        require_sandbox()


def test_other_systems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on Linux the reason is the system."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "needs Linux, found darwin" in str(sandbox_problem())


def test_unsafe_mode_is_a_plain_process(tmp_path: Path) -> None:
    """With isolation switched off, the command runs as it is, with the environment added."""
    sandbox = Sandbox(work=tmp_path, environment={"GIVEN": "yes"}, isolated=False)
    line, environment = command(sandbox, ["python", "x.py"])
    assert line == ["python", "x.py"]
    assert environment["GIVEN"] == "yes"
    assert environment["PATH"] == os.environ["PATH"]
    assert sandbox.path_inside(tmp_path / "a") == tmp_path / "a"


def _execute(
    sandbox: Sandbox,
    *sources: str,
    cell_seconds: float = 30,
    total_seconds: float = 60,
    take: Sequence[str] = (),
    added: Sequence[int] = (),
    **effort: float,
) -> Executed:
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    within = Effort(cell_seconds=cell_seconds, total_seconds=total_seconds, **effort)
    execution = execute(notebook, sandbox, within, take, added)
    assert all(not cell.outputs for cell in notebook.cells), "the given notebook was changed"
    return execution


def _text(execution: Executed, index: int) -> str:
    return "".join(
        output.get("text", "") or output.get("evalue", "")
        for output in execution.notebook.cells[index].outputs
    )


def test_notebook_goes_on_after_errors(sandbox: Sandbox) -> None:
    """Outputs are collected, and a failing cell does not keep later ones from running."""
    execution = _execute(sandbox, "x = 20", "1 / 0", "raise SystemExit", "print(x + 1)", "def f(:")
    assert execution.problem is None
    assert "division" in _text(execution, 1)
    assert _text(execution, 3) == "21\n"
    assert execution.seconds > 0


def test_cell_timeout_is_reported_in_the_cell(sandbox: Sandbox) -> None:
    """A cell that runs too long is interrupted and says so; the next one runs."""
    execution = _execute(sandbox, "import time", "time.sleep(50)", "print('next')", cell_seconds=2)
    assert execution.problem is None
    assert "longer than 2 seconds" in _text(execution, 1)
    assert _text(execution, 2) == "next\n"
    assert execution.seconds < 45


def test_total_timeout_is_a_reason(sandbox: Sandbox) -> None:
    """A notebook that cannot be interrupted is ended with the sandbox, for a stated reason."""
    stubborn = """
import time
while True:
    try:
        time.sleep(1)
    except KeyboardInterrupt:
        pass
"""
    execution = _execute(sandbox, stubborn, "print(1)", cell_seconds=3, total_seconds=12)
    assert "longer than 12 seconds" in str(execution.problem)
    assert execution.seconds < 50


@pytest.mark.parametrize(
    "source",
    [
        "import os; os.kill(os.getpid(), 9)",
        "import os; os._exit(0)",
        "import ctypes; ctypes.string_at(0)",
    ],
)
def test_dead_kernel_is_a_reason(source: str, sandbox: Sandbox) -> None:
    """A kernel that dies in whatever way is reported as such."""
    execution = _execute(sandbox, "x = 1", source, "print(x)")
    assert "the kernel died" in str(execution.problem)


def test_kernel_that_cannot_start_is_a_reason(sandbox: Sandbox) -> None:
    """Too little memory to start Python is a reason, too, not an exception."""
    small = replace(sandbox, limits=Limits(address_space=30 * _MB, probe_seconds=5))
    execution = _execute(small, "print(1)", cell_seconds=10)
    assert execution.problem is not None
    assert "\n" not in execution.problem


BUFFERS = """
k = get_ipython().kernel
for n in range(4):
    m = k.session.msg("display_data", {"data": {}, "metadata": {}}, parent={"msg_id": "nobody"})
    frames = [b"display_data", *k.session.serialize(m), *[bytes(4_000_000)] * 10]
    k.iopub_socket.send_multipart(frames, copy=False)
"""


def test_bytes_that_are_no_outputs_stay_inside(sandbox: Sandbox) -> None:
    """What a kernel sends beside outputs reaches the program in its sandbox, not the grader."""
    limits = Limits(output_bytes=4 * _MB)
    execution = _execute(replace(sandbox, limits=limits), BUFFERS, "print('after')")
    assert execution.problem is None
    assert _text(execution, 1) == "after\n"


@pytest.mark.parametrize(
    "source",
    [
        "k.session.send(k.iopub_socket, 'stream', {'txt': 1}, parent=k.get_parent())",
        "k.session.send(k.iopub_socket, 'comm_open', {}, parent=k.get_parent())",
        "k.iopub_socket.send_multipart([b'x', b'<IDS|MSG>', b'', b'{}', b'{}', b'{}', b'{}'])",
        "k.iopub_socket.send_multipart([b'garbage'])",
        "from IPython.display import display, publish_display_data\n"
        "publish_display_data({'text/plain': ['a', 1, None], 'image/png': 5})",
        "import json; k.session.pack = lambda o: json.dumps(o, default=str).encode()\n"
        "print('here \\ud800 half')",
    ],
    ids=["stream", "comm", "unsigned", "garbage", "display", "surrogate"],
)
def test_messages_that_no_kernel_sends(source: str, sandbox: Sandbox) -> None:
    """They are dropped, or end this notebook with a reason in one line; never the grader."""
    execution = _execute(sandbox, f"k = get_ipython().kernel\n{source}", "print('after')")
    if execution.problem is None:
        assert "after" in str(execution.notebook.cells[-1].outputs)
    else:
        assert "messages that no kernel sends" in execution.problem


TOGETHER = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        {body}
        time.sleep(60)
        os._exit(0)
time.sleep(60)
"""
FILES = """
import time
block = bytes(8 << 20)
for n in range(40):
    with open(f"{folder}/{{n}}", "wb") as stream:
        stream.write(block)
        time.sleep(0.02)
time.sleep(60)
"""
OUTPUT = """
import time
while True:
    {show}
    time.sleep(0.002)
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (TOGETHER.format(body="x = bytearray(os.urandom(1 << 20) * 60)"), "GB of memory"),
        (FILES.format(folder="/home/student"), "GB of memory, files included"),
        (FILES.format(folder="/tmp"), "GB of memory, files included"),
        (FILES.format(folder="/dev/shm"), "GB of memory, files included"),
        (TOGETHER.format(body="while True: pass"), "10 seconds of processor time"),
        ("for n in range(20_000): open(f'/tmp/{n}', 'w').close()", "more than 3,000 files"),
        (OUTPUT.format(show="print('x' * 10_000)"), "printed, showed or sent more than 4 MB"),
        (
            OUTPUT.format(show="display({'a/b': 'x' * 10_000}, raw=True)"),
            "printed, showed or sent",
        ),
    ],
    ids=["processes", "home", "tmp", "shm", "cpu", "files", "output", "display"],
)
def test_what_is_used_up_together_is_a_reason(
    source: str, expected: str, sandbox: Sandbox
) -> None:
    """Memory, processor time, files and output are bounded in all, and the limit is named."""
    memory = 300 if "memory" in expected else 2000
    limits = Limits(memory=memory * _MB, cpu_seconds=10, files=3000, output_bytes=4 * _MB)
    execution = _execute(replace(sandbox, limits=limits), "x = 1", source, "print('end')")
    assert execution.problem is not None
    assert execution.problem.startswith("the notebook was stopped because it ")
    assert expected in execution.problem
    assert execution.seconds < 50


def test_memory_that_processes_share_counts_once(sandbox: Sandbox) -> None:
    """Eight processes that share what their parent read may do so under its own limit."""
    source = """
import os, time
x = bytearray(os.urandom(1 << 20) * 80)
children = []
for _ in range(8):
    pid = os.fork()
    if pid == 0:
        time.sleep(1)
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
print("end")
"""
    execution = _execute(replace(sandbox, limits=Limits(memory=500 * _MB)), source)
    assert execution.problem is None
    assert _text(execution, 0) == "end\n"


def test_files_are_taken_out(sandbox: Sandbox) -> None:
    """Files that were asked for come out, even of a sandbox that was stopped; others do not."""
    write = "open('a.txt', 'w').write('a'); open('b.txt', 'w').write('b')"
    done = _execute(sandbox, write, take=["a.txt", "none.txt"])
    assert done.problem is None
    assert done.artifacts == {"a.txt": b"a"}
    stopped = _execute(sandbox, write + "\nimport os; os._exit(0)", take=["b.txt"])
    assert stopped.problem is not None
    assert stopped.artifacts == {"b.txt": b"b"}


def test_the_last_complete_file_counts(sandbox: Sandbox) -> None:
    """A file that a cell wrote before it was killed with its sandbox is kept, as it was then."""
    source = """
import time
for version in ("first", "second"):
    with open("a.txt", "w") as stream:
        stream.write(version)
    time.sleep(14)
memory = bytearray(500 << 20)
for page in range(0, len(memory), 4096):
    memory[page] = 1
time.sleep(60)
"""
    limits = Limits(memory=400 * _MB)
    execution = _execute(replace(sandbox, limits=limits), source, take=["a.txt"])
    assert "GB of memory" in str(execution.problem)
    assert execution.artifacts == {"a.txt": b"second"}


@pytest.mark.parametrize(
    "make",
    [
        "os.symlink('/etc/ld.so.cache', 'a.txt')",
        "open('b', 'w').write('x'); os.symlink('b', 'a.txt')",
        "os.mkfifo('a.txt')",
        "os.mkdir('a.txt')",
        "import socket; socket.socket(socket.AF_UNIX).bind('a.txt')",
        "open('a.txt', 'wb').truncate(3 << 20)",
        "os.makedirs('/'.join('d' * 60)); os.chmod('.', 0)",
    ],
    ids=["link", "own link", "pipe", "folder", "socket", "large", "closed"],
)
def test_nothing_but_plain_files_is_taken_out(make: str, sandbox: Sandbox) -> None:
    """Links are not followed, pipes not waited for, large files not read; the next cell runs."""
    limits = Limits(artifact_bytes=2 * _MB)
    inside = replace(sandbox, limits=limits)
    execution = _execute(inside, f"import os\n{make}", "print('after')", take=["a.txt"])
    assert execution.problem is None
    assert execution.artifacts == {}
    assert _text(execution, 1) == "after\n"


BUSY = """
import time
def work(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
"""


def test_at_the_bell_what_was_saved_counts(sandbox: Sandbox) -> None:
    """A notebook that used up its processor time is ended, not failed, and says why."""
    work = "open('a.txt', 'w').write('saved'); work(2)", "work(60)", "print('never')"
    execution = _execute(sandbox, BUSY, *work, take=["a.txt"], training=6, other=1)
    assert execution.problem is None
    assert "what it had saved until then counts" in str(execution.remark)
    assert execution.artifacts == {"a.txt": b"saved"}
    assert "processor time" in _text(execution, 2)
    assert not execution.notebook.cells[3].outputs


def test_a_cell_that_works_for_too_long_is_interrupted(sandbox: Sandbox) -> None:
    """Training that ignores the budget is interrupted; the cells below it still run."""
    execution = _execute(sandbox, BUSY, "work(60)", "print('next')", training=2, other=8)
    assert execution.remark is None
    assert "more than 6 seconds of processor time" in _text(execution, 1)
    assert _text(execution, 2) == "next\n"


def test_cells_of_ones_own_have_time_of_their_own(sandbox: Sandbox) -> None:
    """What a student tries out in added cells takes nothing from the budget."""
    sources = BUSY, "work(5)", "work(2)", "print('end')"
    effort = {"training": 1.0, "other": 4.0, "own": 8.0}
    assert _text(_execute(sandbox, *sources, added=[1], **effort), 3) == "end\n"
    assert _execute(sandbox, *sources, **effort).remark is not None


def test_the_machines_own_files_never_count() -> None:
    """A process that is about to leave nobody inside is not charged with the machine's disk."""
    with subprocess.Popen(["sleep", "60"]) as outermost:
        try:
            assert measure([outermost.pid], 0) == (0, 0, 0.0)
        finally:
            outermost.kill()


def test_no_descriptors_are_left_open(sandbox: Sandbox) -> None:
    """Running notebooks opens nothing for good in the grader's process."""
    _execute(sandbox, "print(1)")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        _execute(sandbox, "print(1)")
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_flood_of_output_does_not_stop_the_run(sandbox: Sandbox) -> None:
    """A cell that prints megabytes does not keep the next one from running."""
    execution = _execute(sandbox, "for i in range(20_000): print('x' * 100)", "print('end')")
    assert execution.problem is None
    assert _text(execution, 1) == "end\n"

"""The program of the zygote: has slow modules imported and forks children into sandboxes.

It never runs a line of a submission and knows of the course only the modules' names, its
arguments: its environment holds nothing of ours, it imports no module of the grader, and a child
closes every file but its own. Runs as a script beside ``namespaces.py``; the grader's side is
``zygote.py``.
"""

import contextlib
import gc
import json
import os
import random
import runpy
import select
import signal
import socket
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import seccomp  # type: ignore[import-not-found]
from confine import new_session_keyring  # type: ignore[import-not-found]
from namespaces import NAMESPACES, drop_privileges, enter  # type: ignore[import-not-found]

# What the programs import, and is slow to import.
MODULES = (
    "numpy", "IPython.core.interactiveshell", "ipykernel.kernelapp", "ipykernel.ipkernel",
    "nbclient", "jupyter_client.asynchronous.client", "psutil",
)  # fmt: skip
_FEWEST = len(NAMESPACES) + 4  # namespaces, the sign of life, three standard streams
_MOST = _FEWEST + 8  # and a control group's files
_MAX_REQUEST = 1 << 20
_MAX_PROBLEM = 1000
_MAX_WAITING = 128
_REQUEST_SECONDS = 10.0
_MAX_FILES = 1 << 12


def main() -> None:
    """Import, say so, then fork a child a request until the grader ends."""
    grader = socket.socket(fileno=int(sys.argv[1]))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(sys.argv[2])
    listener.listen(_MAX_WAITING)
    # The course's first, as some of them must come before others.
    for name in (*sys.argv[3:], *MODULES):
        import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    grader.sendall(b"ready\n")
    while True:
        ready, _, _ = select.select([grader, listener], [], [])
        if grader in ready:
            return
        channel, _ = listener.accept()
        # Whoever asks may be killed at any moment, which is no reason to end for all others.
        with channel, contextlib.suppress(OSError):
            channel.settimeout(_REQUEST_SECONDS)
            _serve(channel)


def _serve(channel: socket.socket) -> None:
    data, files, _, _ = socket.recv_fds(channel, _MAX_REQUEST, _MOST)
    if len(files) < _FEWEST:
        for file in files:
            os.close(file)
        return
    problem, tell = os.pipe()
    pid = _fork()
    if pid == 0:
        _keep(json.loads(data), files, tell)
    for file in (*files, tell):
        os.close(file)
    with os.fdopen(problem, errors="replace") as stream:
        answer = {"pid": pid, "problem": stream.read(_MAX_PROBLEM)}
    channel.sendall(json.dumps(answer).encode())


def _fork() -> int:
    with warnings.catch_warnings():
        # Threads of numerical libraries wait for work and do not matter to a child.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _keep(request: dict[str, Any], files: list[int], tell: int) -> None:
    """Start a child in the sandbox, and hold the sign of life for as long as it lives."""
    alive, *streams = files[len(NAMESPACES) : _FEWEST]
    try:
        for group in files[_FEWEST:]:
            os.write(group, b"0")
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        Path("/proc/self/oom_score_adj").write_text("1000")
        enter(files[: len(NAMESPACES)])
        pid = _fork()
        if pid == 0:
            os.close(alive)
            _settle(request, streams, tell)
            _become(request["arguments"])
        os.closerange(0, alive)
        os.closerange(alive + 1, _MAX_FILES)
        os.waitpid(pid, 0)
    except BaseException as error:
        _tell(tell, error)
    os._exit(0)


def _settle(request: dict[str, Any], streams: list[int], tell: int) -> None:
    """Make this process, which is inside, what a program started there would be."""
    try:
        os.setsid()
        os.umask(0o022)
        os.chdir(request["folder"])
        for number, file in enumerate(streams):
            os.dup2(file, number)
        new_session_keyring()
        drop_privileges(request["uid"], request["limits"])
        seccomp.apply()
    except BaseException as error:
        _tell(tell, error)
        os._exit(1)
    os.closerange(3, _MAX_FILES)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"], PWD=request["folder"])


def _tell(file: int, error: BaseException) -> None:
    with contextlib.suppress(OSError):
        os.write(file, f"{type(error).__name__}: {error}".encode()[:_MAX_PROBLEM])


def _become(arguments: list[str]) -> None:
    """Run the program that was asked for, to its end."""
    code = 1
    try:
        _reseed()
        code = _run(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _reseed() -> None:
    import numpy as np

    random.seed()
    np.random.seed()


def _run(arguments: list[str]) -> int:
    """Do what ``python arguments`` does: a module with -m, else a script."""
    # Folders that are not in this sandbox say where the grader's lie.
    found = [path for path in sys.path[1:] if Path(path).exists()]
    own = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path_importer_cache.clear()
    for name in ("__main__", "confine", "namespaces", "seccomp"):
        del sys.modules[name]
    if arguments[0] == "-m":
        sys.path[:] = ["", *own, *found]
        sys.argv[:] = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.path[:] = [str(Path(arguments[0]).parent), *own, *found]
        sys.argv[:] = arguments
        runpy.run_path(arguments[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    main()

"""The grader's side of the warm process: programs that start with TensorFlow imported.

Importing TensorFlow takes longer than grading a small submission. So one process imports it, once
for all submissions that this grader runs, and forks a child for each program. The child joins the
namespaces of a sandbox that bubblewrap has just made, gives up its privileges and becomes the
program. In the sandbox a small program of ours waits meanwhile, and ends it when the child ends.
"""

import atexit
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.assignment import installed_course, machine
from grader.folders import scratch
from grader.sandbox.namespaces import NAMESPACES

__all__ = ["Program", "WarmError", "WarmProcess", "become"]

_PROGRAM = Path(__file__).with_name("zygote_process.py")
_START_SECONDS = 600.0
_ANSWER_SECONDS = 30.0
_MAX_ANSWER = 1 << 12


class WarmError(Exception):
    """The warm process does not work here; what it was to start has to be started otherwise."""


@dataclass(frozen=True)
class Program:
    """A Python program to become inside a sandbox.

    Attributes
    ----------
    arguments
        What would follow ``python``: ``-m`` and a module, or a script, then its arguments.
    environment
        The whole environment.
    folder
        Where it starts, as seen inside.
    uid
        Whom it runs as; None for who bubblewrap made it.
    limits
        By the name of the constant in :mod:`resource`.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    uid: int | None
    limits: Mapping[str, int]


class WarmProcess:
    """A process that has TensorFlow imported; started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._address: str | None = None
        self._borrowed: str | None = None
        self._cleanup = contextlib.ExitStack()

    def address(self) -> str:
        """Return the path of the socket on which it takes requests, from any process of ours.

        Raises
        ------
        WarmError
            If it cannot be started here.
        """
        if self._borrowed is not None:
            return self._borrowed
        with self._lock:
            if self._address is None or self._process is None or self._process.poll() is not None:
                self.stop()
                try:
                    self._address = self._start()
                except OSError as error:
                    self.stop()
                    raise WarmError(str(error)) from error
            return self._address

    def use(self, address: str) -> None:
        """Take another process's warm process in place of one of its own."""
        self._borrowed = address

    def _start(self) -> str:
        home = self._cleanup.enter_context(scratch("w"))
        address = str(Path(home, "socket"))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Closed when this process ends, however it does, which ends the other one, too.
        self._cleanup.enter_context(ours)
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    str(_PROGRAM),
                    str(theirs.fileno()),
                    address,
                    *installed_course().preload,
                ],
                # Each child has this environment's block in its memory: nothing of ours in it.
                env={
                    **machine().environment(Path(home)),
                    "HOME": home,
                    "PATH": os.defpath,
                    "LANG": "C.UTF-8",
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # Ctrl-C is for the grader alone.
                start_new_session=True,
            )
        atexit.register(self.stop)
        _receive(ours, _START_SECONDS)
        return address

    def stop(self) -> None:
        """End it; the next request starts another one."""
        atexit.unregister(self.stop)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._address = None
        self._cleanup.close()


def become(address: str, program: Program, inside: int, alive: int, files: Sequence[int]) -> int:
    """Fork a child of the warm process into a sandbox.

    Parameters
    ----------
    address
        Of the warm process.
    program
        What the child becomes.
    inside
        A process in the sandbox, which lends its namespaces.
    alive
        Descriptor that is held open as long as the child lives, and not by the child itself.
    files
        Descriptors of its standard input, output and error, then of its control group's files.

    Returns
    -------
    int
        The process outside of the sandbox whose child runs the program.

    Raises
    ------
    WarmError
        If it does not work here.
    """
    request = {
        "arguments": list(program.arguments),
        "environment": dict(program.environment),
        "folder": str(program.folder),
        "uid": program.uid,
        "limits": dict(program.limits),
    }
    with contextlib.ExitStack() as opened:
        try:
            spaces = []
            for name in NAMESPACES:
                spaces.append(os.open(f"/proc/{inside}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC))
                opened.callback(os.close, spaces[-1])
            channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            opened.enter_context(channel)
            channel.settimeout(_ANSWER_SECONDS)
            channel.connect(address)
            socket.send_fds(channel, [json.dumps(request).encode()], [*spaces, alive, *files])
            answer = json.loads(_receive(channel, _ANSWER_SECONDS))
        except (OSError, ValueError) as error:
            raise WarmError(str(error)) from error
    if answer["problem"]:
        raise WarmError(answer["problem"])
    return int(answer["pid"])


def _receive(channel: socket.socket, seconds: float) -> bytes:
    ready, _, _ = select.select([channel], [], [], seconds)
    data: Any = channel.recv(_MAX_ANSWER) if ready else b""
    if not data:
        raise OSError("the warm process gave no answer")
    return bytes(data)

"""The trusted side of a probe sandbox: asks a submission's functions questions."""

import contextlib
import io
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from grader.sandbox import wire
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.launch import start
from grader.sandbox.live import LIVE
from grader.sandbox.watchdog import Watchdog
from grader.scratch import scratch

__all__ = ["Cell", "Probe", "ProbeError", "ProbeSession"]

_RUNNER = Path(__file__).with_name("probe_runner.py")
_RUNNER_INSIDE = Path("/opt/probe")
_START_SECONDS = 120.0


class ProbeError(Exception):
    """The submission gave no usable answer; the message is for the student."""


@dataclass(frozen=True)
class Cell:
    """A code cell to run before functions are probed."""

    name: str
    source: str


class ProbeSession:
    """One fresh process that has run the submission's defining cells."""

    def __init__(self, probe: "Probe") -> None:
        self._probe = probe
        self._ended = False

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._probe.current is self and not self._ended

    def call(self, function: str, *args: Any) -> Any:
        """Return what the submission's `function` returns for `args`.

        Parameters
        ----------
        function
            Name of a function that the notebook defines.
        args
            Arrays, numbers, strings, and lists and dicts of them.

        Returns
        -------
        object
            The same kinds; tensors come back as arrays, tuples as lists.

        Raises
        ------
        ProbeError
            If it is missing, raises, takes too long or returns something else.
        """
        return self._ask({"op": "call", "function": function, "args": list(args)}, function)

    def gradient(self, function: str, y_true: Any, y_pred: Any) -> Any:
        """Return the gradient of a loss function by its second argument, None if it has none."""
        return self._ask(
            {"op": "gradient", "function": function, "args": [y_true, y_pred]}, function
        )

    def build(self, *functions: str, seed: int = 0) -> bytes:
        """Return the model that the first function builds and the others change, as .keras.

        Every random seed is set to `seed` right before.
        """
        request = {"op": "build", "functions": list(functions), "seed": seed}
        answer = self._ask(request, functions[-1])
        if not isinstance(answer, bytes):
            raise ProbeError(f"{functions[0]} returned no model")
        return answer

    def _ask(self, request: dict[str, Any], function: str) -> Any:
        if not self.alive:
            raise ProbeError("the process that ran it was stopped earlier")
        answer = self._probe.exchange(request)
        if not isinstance(answer, dict):
            raise ProbeError(f"{function} gave no readable answer")
        if "ended" in answer:
            # The next check starts a fresh process, so that one crash costs one function.
            self._ended = True
            raise ProbeError(f"{function} failed: the process that ran it ended unexpectedly")
        if "missing" in answer:
            raise ProbeError(str(answer["missing"])[:400])
        if "error" in answer:
            if str(answer["error"]).startswith("NotImplementedError"):
                raise ProbeError(f"{function} is not written yet")
            raise ProbeError(f"{function} failed: {str(answer['error'])[:400]}")
        return answer.get("value")


class Probe:
    """A sandbox in which a submission's functions can be called in fresh processes.

    Parameters
    ----------
    sandbox
        Where to run; its work folder should be an empty one of its own.
    cells
        The submission's defining cells, in order.
    """

    def __init__(self, sandbox: Sandbox, cells: Sequence[Cell]) -> None:
        self._sandbox = sandbox
        self._cells = [{"name": cell.name, "source": cell.source} for cell in cells]
        self.current: ProbeSession | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._questions: BinaryIO = io.BytesIO()
        self._answers: queue.Queue[Any] = queue.Queue()
        self._cleanup = contextlib.ExitStack()
        self._exceeded: str | None = None
        self._waited = 0.0

    def open(self) -> ProbeSession:
        """Start a fresh process, which runs the cells; the session before it ends."""
        self._start()
        if self.current is not None:
            self._send(None)
        self._send({"cells": self._cells})
        self.current = ProbeSession(self)
        return self.current

    @contextlib.contextmanager
    def session(self) -> Iterator[ProbeSession]:
        """Start a fresh process for the duration of the block."""
        session = self.open()
        try:
            yield session
        finally:
            if session.alive:
                with contextlib.suppress(ProbeError):
                    self._send(None)
                self.current = None

    def close(self) -> None:
        """End the sandbox and everything in it."""
        self.current = None
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            with contextlib.suppress(OSError):
                self._questions.close()
        self._cleanup.close()

    def exchange(self, request: Mapping[str, Any]) -> Any:
        """Send a request of the current session and wait for its answer."""
        if self._process is None:
            raise ProbeError("the process that ran it was stopped earlier")
        limits = self._sandbox.limits
        left = limits.submission_seconds - self._waited
        if left <= 0:
            raise ProbeError(f"all answers took more than {limits.submission_seconds:.0f} seconds")
        self._send(dict(request))
        began = time.monotonic()
        try:
            return self._wait(min(limits.probe_seconds, left))
        finally:
            self._waited += time.monotonic() - began

    def _start(self) -> None:
        if self._process is not None:
            return
        folder = Path(self._cleanup.enter_context(scratch("p")))
        for source in (_RUNNER, Path(wire.__file__)):
            shutil.copy(source, folder)
        folder.chmod(0o755)
        sandbox = replace(
            self._sandbox, read_only={**self._sandbox.read_only, folder: _RUNNER_INSIDE}
        )
        runner = sandbox.path_inside(folder) / _RUNNER.name
        questions, self._questions = _pipe()
        answers, answer = _pipe()
        with questions, answer:
            started = start(sandbox, [str(runner)], questions, answer, subprocess.DEVNULL)
        process = self._process = started.process
        self._exceeded = None
        self._cleanup.enter_context(LIVE.register(process.kill))
        if sandbox.isolated:
            self._cleanup.enter_context(Watchdog(started.outermost, sandbox.limits, self._stop))
        self._answers = queue.Queue()
        threading.Thread(target=_read_answers, args=(answers, self._answers), daemon=True).start()
        self._wait(_START_SECONDS)

    def _stop(self, reason: str) -> None:
        """End the sandbox because of what it used; what waits for an answer will notice."""
        self._exceeded = reason
        if self._process is not None:
            self._process.kill()

    def _ended(self) -> ProbeError:
        if self._exceeded is not None:
            return ProbeError(f"the process that ran it was stopped because {self._exceeded}")
        return ProbeError("the process that ran it ended unexpectedly")

    def _send(self, message: Any) -> None:
        if self._process is None:
            raise ProbeError("the process that ran it was stopped earlier")
        try:
            wire.send(self._questions, message)
        except OSError as error:
            self.close()
            raise self._ended() from error

    def _wait(self, seconds: float) -> Any:
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.close()
            raise ProbeError(f"no answer within {seconds:.0f} seconds") from None
        if isinstance(answer, wire.WireError):
            self.close()
            raise self._ended()
        return answer


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    """Return the reading and the writing end of a new pipe."""
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb"), os.fdopen(writing, "wb")


def _read_answers(stream: BinaryIO, answers: "queue.Queue[Any]") -> None:
    with stream:
        while True:
            try:
                answers.put(wire.receive(stream))
            except (wire.WireError, OSError, ValueError) as error:
                answers.put(wire.WireError(str(error)))
                return

"""The trusted side of a probe sandbox: asks a submission's functions questions."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.running import PROGRAMS, Bounds, Ended, Running, Silent

__all__ = ["Cell", "Probe", "ProbeError", "ProbeSession"]

_PROGRAM = PROGRAMS / "answer_probes.py"
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
        Where to run.
    cells
        The submission's defining cells, in order.
    """

    def __init__(self, sandbox: Sandbox, cells: Sequence[Cell]) -> None:
        self._sandbox = sandbox
        self._cells = [{"name": cell.name, "source": cell.source} for cell in cells]
        self.current: ProbeSession | None = None
        self._running: Running | None = None
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
        running, self._running = self._running, None
        if running is not None:
            running.close()

    def exchange(self, request: Mapping[str, Any]) -> Any:
        """Send a request of the current session and wait for its answer."""
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
        if self._running is None:
            self._running = Running(self._sandbox, _PROGRAM, Bounds())
            self._wait(_START_SECONDS)

    def _send(self, message: Any) -> None:
        running = self._live()
        try:
            running.send(message)
        except Ended as error:
            raise self._failed(running) from error

    def _wait(self, seconds: float) -> Any:
        running = self._live()
        try:
            return running.receive(seconds)
        except Silent:
            self.close()
            raise ProbeError(f"no answer within {seconds:.0f} seconds") from None
        except Ended as error:
            raise self._failed(running) from error

    def _live(self) -> Running:
        if self._running is None:
            raise ProbeError("the process that ran it was stopped earlier")
        return self._running

    def _failed(self, running: Running) -> ProbeError:
        self.close()
        if running.exceeded is not None:
            return ProbeError(f"the process that ran it was stopped because {running.exceeded}")
        return ProbeError("the process that ran it ended unexpectedly")

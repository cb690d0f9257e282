"""The trusted side of a probe sandbox: asks a submission's functions questions."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.assignment import installed_course
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.running import PROGRAMS, Bounds, Ended, Running, Silent

__all__ = ["Cell", "Opaque", "Probe", "ProbeError", "ProbeSession"]

_PROGRAM = PROGRAMS / "answer_probes.py"
_START_SECONDS = 600.0
_GRACE_SECONDS = 120.0
"""For giving up cells that cannot be interrupted, beyond the time of all cells."""
_STOPPED = "the process that ran it was stopped earlier"


class ProbeError(Exception):
    """The submission gave no usable answer; the message is for the student."""


@dataclass(frozen=True)
class Cell:
    """A code cell to run before functions are probed."""

    name: str
    source: str


@dataclass(frozen=True)
class Opaque:
    """What a function returned where that cannot travel, such as "a generator"."""

    kind: str


class ProbeSession:
    """One fresh process that has what the submission's cells define."""

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
            The same kinds; tensors come back as arrays, everything that can be gone through as
            lists, an Opaque in place of anything else.

        Raises
        ------
        ProbeError
            If it is missing, raises or takes too long.
        """
        return self.ask("call", function, args=list(args))

    def ask(self, operation: str, function: str, **request: Any) -> Any:
        """Return what an operation of the probe program, or of the course's kit, gives.

        Raises
        ------
        ProbeError
            As :meth:`call`.
        """
        return self._ask({"op": operation, "function": function, **request}, function)

    def _ask(self, request: dict[str, Any], function: str) -> Any:
        if not self.alive:
            raise ProbeError(f"{function} was not asked: {_STOPPED}")
        answer = self._probe.exchange(request, function)
        if not isinstance(answer, dict):
            raise ProbeError(f"{function} gave no readable answer")
        if "ended" in answer:
            # The next check starts a fresh process, so that one crash costs one function.
            self._ended = True
            raise ProbeError(f"{function} failed: the process that ran it ended unexpectedly")
        if "missing" in answer:
            raise ProbeError(str(answer["missing"])[:400])
        if "unwritten" in answer:
            unwritten = str(answer["unwritten"])[:60]
            if unwritten == function or not unwritten.isidentifier():
                raise ProbeError(f"{function} is not written yet")
            raise ProbeError(f"{function} needs {unwritten}, which is not written yet")
        if "error" in answer:
            raise ProbeError(f"{function} failed: {str(answer['error'])[:400]}")
        if "returned" in answer:
            return Opaque(str(answer["returned"])[:400])
        return answer.get("value")


def _arguments() -> list[str | Path]:
    """Return the arguments of the program: the course's kit, and what is slow to import."""
    course = installed_course()
    return [course.kit or "-", *course.first]


class Probe:
    """A sandbox in which a submission's functions can be called in fresh processes.

    The cells run once, within limits of their own; an answer has the time of an answer to itself.

    Parameters
    ----------
    sandbox
        Where to run. The limits that a notebook has for a cell and for all hold for the cells.
    cells
        The submission's defining cells, in order.
    """

    def __init__(self, sandbox: Sandbox, cells: Sequence[Cell]) -> None:
        self._sandbox = sandbox
        self._cells = [{"name": cell.name, "source": cell.source} for cell in cells]
        self.current: ProbeSession | None = None
        self._running: Running | None = None
        self._defining = 0.0
        self._waited = 0.0
        # What the sandbox says of the cells, and hears again when it has to run them once more.
        self._known: dict[str, list[Any]] = {"slow": [], "given_up": []}

    def open(self) -> ProbeSession:
        """Start a fresh process, in which the cells have run; the session before it ends.

        Raises
        ------
        ProbeError
            If the cells take too long, or end every process.
        """
        self.current = None
        self._start()
        answer = self._define({"op": "open", "cells": self._cells, **self._known})
        if not isinstance(answer, dict) or "opened" not in answer:
            self.close()
            raise ProbeError("the cells of your notebook end the process that runs them")
        for name in self._known:
            if isinstance(found := answer.get(name), list):
                self._known[name] = found
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
                self.current = None

    def close(self) -> None:
        """End the sandbox and everything in it."""
        self.current = None
        running, self._running = self._running, None
        if running is not None:
            running.close()

    def exchange(self, request: Mapping[str, Any], function: str) -> Any:
        """Send a request of the current session and wait for its answer."""
        answer = self._answer(request, function)
        if isinstance(answer, dict) and "later" in answer:
            self._define({"op": "later"})
            answer = self._answer(request, function)
        return answer

    def _answer(self, request: Mapping[str, Any], function: str) -> Any:
        limits = self._sandbox.limits
        left = limits.submission_seconds - self._waited
        if left <= 0:
            raise ProbeError(f"all answers took more than {limits.submission_seconds:.0f} seconds")
        seconds = min(limits.probe_seconds, left)
        began = time.monotonic()
        try:
            self._send(dict(request))
            return self._wait(seconds)
        except Silent:
            self.close()
            raise ProbeError(
                f"{function} gave no answer within {seconds:.0f} seconds: does a loop never end?"
            ) from None
        except ProbeError as error:
            raise ProbeError(f"{function} failed: {error}") from error
        finally:
            self._waited += time.monotonic() - began

    def _define(self, request: Mapping[str, Any]) -> Any:
        """Have cells run, for as long as the notebook may."""
        limits = self._sandbox.limits
        left = limits.submission_seconds - self._defining
        too_long = (
            f"the cells of your notebook took more than {limits.submission_seconds:.0f} seconds"
        )
        if left <= 0:
            raise ProbeError(too_long)
        began = time.monotonic()
        try:
            self._send({**request, "seconds": left, "cell_seconds": limits.cell_seconds})
            return self._wait(left + _GRACE_SECONDS)
        except Silent:
            self.close()
            raise ProbeError(too_long) from None
        finally:
            self._defining += time.monotonic() - began

    def _start(self) -> None:
        if self._running is None:
            self._running = Running(self._sandbox, _PROGRAM, Bounds(), _arguments())
            try:
                self._wait(_START_SECONDS)
            except Silent:
                self.close()
                raise ProbeError("the process that is to run it did not start") from None

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
        except Ended as error:
            raise self._failed(running) from error

    def _live(self) -> Running:
        if self._running is None:
            raise ProbeError(_STOPPED)
        return self._running

    def _failed(self, running: Running) -> ProbeError:
        self.close()
        if running.exceeded is not None:
            return ProbeError(f"the process that ran it was stopped because {running.exceeded}")
        return ProbeError("the process that ran it ended unexpectedly")

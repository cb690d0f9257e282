"""Executing a whole notebook in a sandbox."""

import contextlib
import copy
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from grader.assignment import installed_course
from grader.notebooks.outputs import execution_count, harmless_outputs
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.running import PROGRAMS, Bounds, Ended, Running, Silent

__all__ = ["Effort", "Executed", "execute"]

NOT_BEGUN = "it had not begun after {seconds:.0f} seconds in which nothing happened"
OUT_OF_TIME = "it did nothing for longer than {seconds:.0f} seconds in all"
KERNEL_DIED = "the kernel died while the notebook ran: it crashed, or ended itself"
STOPPED = "the notebook was stopped because {reason}"
OUTPUT = "it printed, showed or sent more than {limit:.3g} MB"
CELL_TIMEOUT = "this cell was stopped because it did nothing for longer than {seconds:.0f} seconds"
STARVED = "the machine was too busy for it: it had not ended after {seconds:.0f} seconds"
CELL_WORK = (
    "this cell was stopped because it used more than {seconds:.0f} seconds of processor time"
)
NO_MESSAGES = "the notebook was stopped because it sent messages that no kernel sends"
START_FAILED = "the kernel did not start: {reason}"
BELL = (
    "the notebook was stopped here because it had used {seconds:.0f} seconds of processor time, "
    "up to {training:.0f} of which may be training; what it had saved until then counts"
)

_PROGRAM = PROGRAMS / "run_notebook.py"
_LOOK_SECONDS = 0.2
_WINDOW_SECONDS = 4.0
_IDLE_SHARE = 0.1
"""Of a processor: a kernel that sleeps uses less, one that works more, even on a busy machine."""
_PATIENCE = 10
"""How many times its work and its idleness a notebook may take by the clock."""
_START_SECONDS = 600.0
"""Most of it for importing TensorFlow where everything else is busy."""
_SENT_FOR_SHOWN = 4
"""Bytes that may be sent for each byte that a notebook may show."""
_SPARE_BYTES = 1 << 20
_FILES_SENT = 40
"""How often each file may be sent, if it has its largest size."""


@dataclass(frozen=True)
class Effort:
    """How long a notebook may work.

    Attributes
    ----------
    training
        Processor seconds that training may use.
    other
        Further processor seconds, for everything else.
    own
        Further processor seconds in cells that the student added.
    clock
        Makes a clock from one of processor time, on which those seconds are worth the same beside
        busy neighbours; by default they count as they come.
    cell_seconds, total_seconds
        Seconds in which nothing happens, for one cell and for all: a notebook that works is
        bounded by its work, and one that waits for a busy machine cannot help it.
    """

    training: float = 60.0
    other: float = 300.0
    own: float = 300.0
    clock: Callable[[Callable[[], float]], Callable[[], float]] = lambda used: used
    cell_seconds: float = 300.0
    total_seconds: float = 900.0


@dataclass(frozen=True)
class Executed:
    """An executed notebook with the files that it left behind.

    Attributes
    ----------
    notebook
        With its outputs, as far as it got; they are harmless.
    seconds
        Wall-clock seconds from the sandbox's start to its end.
    problem
        Why it was not run to its end, in words for the student; None if it was.
    artifacts
        Contents of the assignment's artifacts that could be taken, by file name.
    cpu_seconds
        Processor time of everything in the sandbox.
    remark
        Why it was stopped although what it had saved counts, in words for the student.
    starved
        Whether it was stopped because the machine had no time for it.
    """

    notebook: nbformat.NotebookNode
    seconds: float
    problem: str | None = None
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    remark: str | None = None
    starved: bool = False


def execute(
    notebook: NotebookNode,
    sandbox: Sandbox,
    effort: Effort,
    take: Sequence[str] = (),
    added: Collection[int] = (),
) -> Executed:
    """Execute every code cell in order, going on after errors.

    Parameters
    ----------
    notebook
        The sanitised notebook; it is not changed.
    sandbox
        Where to run it.
    effort
        How long it may work.
    take
        Files in the notebook's folder that are taken out.
    added
        Indices of the cells that the student added.

    Returns
    -------
    Executed
        Never raises for what the notebook does.
    """
    run = _Run(copy.deepcopy(notebook), sandbox, effort, frozenset(take), frozenset(added))
    return run.executed()


class _IdleClock:
    """Tells for how many seconds a sandbox has neither worked nor waited for a processor."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._idle = 0.0
        self._seen = self._now()

    def _now(self) -> tuple[float, float, float]:
        running = self._running
        return time.monotonic(), running.usage.cpu_seconds, running.waited_seconds

    def __call__(self) -> float:
        """Tell the time."""
        now = self._now()
        seconds, worked, waited = (
            one - before for one, before in zip(now, self._seen, strict=True)
        )
        if seconds >= _WINDOW_SECONDS:
            self._seen = now
            if worked < _IDLE_SHARE * seconds and waited < seconds / 2:
                self._idle += seconds
        return self._idle


@dataclass
class _Run:
    """One execution, as far as it got."""

    notebook: NotebookNode
    sandbox: Sandbox
    effort: Effort
    take: frozenset[str]
    added: frozenset[int]
    artifacts: dict[str, bytes] = field(default_factory=dict)
    current: int | None = None
    problem: str | None = None
    remark: str | None = None
    starved: bool = False
    ended: bool = False
    interrupted: int | None = None
    _own_before: float = 0.0
    _cell_work: float = 0.0
    _cell_idle: float = 0.0

    def executed(self) -> Executed:
        """Run all cells and return what is left."""
        began = time.monotonic()
        limits = self.sandbox.limits
        frame = max(limits.artifact_bytes, _SENT_FOR_SHOWN * limits.output_bytes) + _SPARE_BYTES
        cells = len(self.notebook.cells)
        bounds = Bounds(
            frame_bytes=frame,
            total_bytes=(1 + _FILES_SENT * len(self.take)) * frame,
            frames=4 * cells + 10_000,
        )
        running = Running(self.sandbox, _PROGRAM, bounds)

        def used() -> float:
            return running.usage.cpu_seconds

        idle = _IdleClock(running)
        work = self.effort.clock(used)
        try:
            running.send(self._request())
            while not self.ended:
                self._step(running, idle(), work())
                self._look_at_the_clock(running, time.monotonic() - began)
        except Ended:
            self._end_early(running)
        finally:
            running.close()
        return Executed(
            notebook=self.notebook,
            seconds=time.monotonic() - began,
            problem=self.problem,
            artifacts=dict(sorted(self.artifacts.items())),
            cpu_seconds=running.usage.cpu_seconds,
            remark=self.remark,
            starved=self.starved,
        )

    def _request(self) -> dict[str, Any]:
        limits = self.sandbox.limits
        return {
            "cells": [
                {"type": cell.cell_type, "source": cell.source} for cell in self.notebook.cells
            ],
            "files": sorted(self.take),
            "first": list(installed_course().first),
            "limits": {
                "file_bytes": limits.artifact_bytes,
                "output_bytes": limits.output_bytes,
                "start_seconds": round(_START_SECONDS),
            },
        }

    def _look_at_the_clock(self, running: Running, clock: float) -> None:
        """End what neither worked its fill nor was idle for too long: the machine is too busy."""
        effort = self.effort
        most = _PATIENCE * (effort.training + effort.other + effort.own + effort.total_seconds)
        longest = 2 * _START_SECONDS if self.current is None else most
        if clock > longest and running.exceeded is None:
            self.starved = True
            running.stop(STARVED.format(seconds=clock))

    def _step(self, running: Running, idle: float, work: float) -> None:
        """Look at the next frame, if there is one, and at the time."""
        with contextlib.suppress(Silent):
            self._take(running.receive(_LOOK_SECONDS), running, idle, work)
        effort = self.effort
        if self.current is None and idle > effort.cell_seconds:
            running.stop(NOT_BEGUN.format(seconds=effort.cell_seconds))
        if idle > effort.total_seconds:
            running.stop(OUT_OF_TIME.format(seconds=effort.total_seconds))
        allowed = effort.training + effort.other + min(effort.own, self._own(work))
        if work > allowed and running.exceeded is None:
            self.remark = BELL.format(seconds=allowed, training=effort.training)
            running.stop(self.remark)
        if self.current is not None and self.current != self.interrupted:
            self._interrupt(running, idle - self._cell_idle, work - self._cell_work)

    def _interrupt(self, running: Running, idle: float, work: float) -> None:
        """Interrupt the running cell if it has had its time; those below it still run."""
        effort = self.effort
        most = effort.own if self.current in self.added else effort.training + effort.other / 2
        if work > most:
            reason = CELL_WORK.format(seconds=most)
        elif idle > effort.cell_seconds:
            reason = CELL_TIMEOUT.format(seconds=effort.cell_seconds)
        else:
            return
        self.interrupted = self.current
        running.send({"interrupt": self.current, "reason": reason})

    def _own(self, work: float) -> float:
        """Work in the cells that the student added, the running one included."""
        return self._own_before + (work - self._cell_work if self.current in self.added else 0.0)

    def _take(self, frame: Any, running: Running, idle: float, work: float) -> None:
        """Keep what a frame brings; it may be anything."""
        match frame:
            case {"begin": int(index)} if 0 <= index < len(self.notebook.cells):
                self._own_before = self._own(work)
                self.current, self._cell_work, self._cell_idle = index, work, idle
            case {"cell": int(index), "outputs": list(outputs), "count": count}:
                if index == self.current:
                    cell = self.notebook.cells[index]
                    cell.outputs = harmless_outputs(
                        [nbformat.from_dict(one) for one in outputs if isinstance(one, dict)]
                    )
                    cell.execution_count = execution_count(count)
            case {"file": str(name), "data": bytes(data)} if name in self.take:
                self.artifacts[name] = data
            case {"end": None}:
                self.ended = running.kept_limits()
            case {"end": str(code)}:
                self.problem = {
                    "died": KERNEL_DIED,
                    "output": STOPPED.format(reason=self._too_much()),
                    "start": START_FAILED.format(reason="it gave no answer"),
                }.get(code, NO_MESSAGES)
                self.ended = True
            case _:
                running.stop("")

    def _too_much(self) -> str:
        return OUTPUT.format(limit=self.sandbox.limits.output_bytes / 1024**2)

    def _end_early(self, running: Running) -> None:
        """Say why the sandbox ended before the notebook did."""
        if self.remark is not None:
            if self.current is not None:
                self.notebook.cells[self.current].outputs.append(
                    new_output(
                        "error", ename="Stopped", evalue=self.remark, traceback=[self.remark]
                    )
                )
        elif running.exceeded:
            self.problem = STOPPED.format(reason=running.exceeded)
        elif self.current is None:
            self.problem = START_FAILED.format(reason="it ended at once")
        else:
            self.problem = KERNEL_DIED

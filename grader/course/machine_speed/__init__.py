"""How much longer training takes here than where the targets were measured.

A second of processor time buys less on a slow machine, and a grade must not depend on that. So a
notebook's budget is stretched by what the machine is slower than the one of the calibration. It is
never shortened.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bsds_utils.work import WorkClock, probe_seconds
from grader.assignment import Machine
from grader.folders import scratch
from grader.sandbox.bubblewrap import Sandbox, sandbox_problem
from grader.sandbox.running import Bounds, Ended, Running, Silent
from grader.settings import Limits

__all__ = ["MeasuredMachine", "keras_environment", "library_sandbox", "pace", "usual_probe"]

_REFERENCE_SECONDS = 0.2
"""What ``measure_speed.py`` takes on a machine on which a second of budget lasts a second.

A unit and no more: changing it, or the work, makes ``targets.json`` outdated.
"""

THREADS = 2
"""Threads of a submission's computations, so that its processor time buys the same on any machine.

More of them get less done in the same time, as they wait for one another.
"""

_LONGEST = 8.0
_PROGRAM = Path(__file__).with_name("measure_speed.py")
_ANSWER_SECONDS = 600.0
"""Most of it for importing TensorFlow where everything else is busy."""

_lock = threading.Lock()
_measured: list["Speed"] = []


class Speed(NamedTuple):
    """How quick this machine is at the moment.

    Attributes
    ----------
    work
        Processor seconds of all threads for a small training.
    probe
        Those of :func:`bsds_utils.work.probe_seconds` meanwhile.
    """

    work: float
    probe: float


class MeasuredMachine(Machine):
    """The machine, as a small training finds it."""

    threads = THREADS
    most = WorkClock.MOST

    def pace(self) -> float:
        """Return by what to multiply budgets here."""
        return pace()

    def clock(self, processor_time: Callable[[], float]) -> Callable[[], float]:
        """Make a clock on which seconds are worth the same beside busy neighbours."""
        return WorkClock(usual_probe(), processor_time=processor_time)

    def environment(self, home: Path, budget: float | None = None) -> dict[str, str]:
        """Return how Keras computes in a sandbox, and what bsds.TimeBudget needs to know."""
        if budget is None:
            return keras_environment(home)
        return {
            **keras_environment(home),
            "BSDS_PROCESSOR_BUDGET": str(budget),
            "BSDS_PROCESSOR_PROBE": str(usual_probe()),
            # For loops of a student's own that look at the clock.
            "BSDS_TIME_BUDGET": str(budget),
        }


def keras_environment(home: Path) -> dict[str, str]:
    """Return how Keras and TensorFlow compute in a sandbox, and where they may write."""
    return {
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_HOME": str(home / ".keras"),
        "MPLCONFIGDIR": str(home / ".matplotlib"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "TF_NUM_INTEROP_THREADS": str(THREADS),
        "TF_NUM_INTRAOP_THREADS": str(THREADS),
    }


def library_sandbox(work: Path, limits: Limits, isolated: bool) -> Sandbox:
    """Make a sandbox that sees nothing but libraries."""
    sandbox = Sandbox(work, environment={}, limits=limits, isolated=isolated)
    return replace(sandbox, environment=keras_environment(sandbox.path_inside(work)))


def pace() -> float:
    """Return by what to multiply budgets of training, 1 to 8; measured once a process."""
    slower = _speed().work / _REFERENCE_SECONDS
    return float(np.clip(slower, 1.0, _LONGEST))


def usual_probe() -> float:
    """Return what the clock of work's probe takes while a second is worth what the pace says."""
    return _speed().probe


def _speed() -> Speed:
    with _lock:
        if not _measured:
            _measured.append(measured_speed() or Speed(_REFERENCE_SECONDS, probe_seconds()))
        return _measured[0]


def measured_speed() -> Speed | None:
    """Measure in a sandbox, where submissions run, too: the grader's process loads no TensorFlow.

    Returns
    -------
    Speed or None
        None where it cannot be measured.
    """
    with scratch("g") as folder:
        sandbox = library_sandbox(Path(folder), Limits(), sandbox_problem() is None)
        running = Running(sandbox, _PROGRAM, Bounds())
        try:
            return Speed(**running.receive(_ANSWER_SECONDS))
        except (Ended, Silent):
            return None
        finally:
            running.close()

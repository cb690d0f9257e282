"""How much longer training takes here than where the targets were measured.

A second of processor time buys less on a slow machine, and a grade must not depend on that. So a
notebook's budget is stretched by what the machine is slower than the one of the calibration. It is
never shortened.
"""

import threading
import time
from multiprocessing.connection import Connection
from typing import NamedTuple

import numpy as np

from bsds_utils import quiet_start
from bsds_utils.work import probe_seconds
from grader.trusted import trusted_processes

__all__ = ["THREADS", "pace", "usual_probe"]

_REFERENCE_SECONDS = 0.2
"""What the work below takes on a machine on which a second of budget lasts a second.

A unit and no more: changing it, or the work, makes ``calibration.json`` outdated.
"""

THREADS = 2
"""Threads of a submission's computations, so that its processor time buys the same on any machine.

More of them get less done in the same time, as they wait for one another.
"""

_LONGEST = 8.0
_STEPS = 4
_BATCH, _SIDE, _CHANNELS = 8, 168, 16
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
    """Measure in a process of its own, because the grader's must not start TensorFlow.

    Returns
    -------
    Speed or None
        None where it cannot be measured.
    """
    context = trusted_processes()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(sender,))
    process.start()
    sender.close()
    try:
        with receiver:
            return Speed(*receiver.recv()) if receiver.poll(_ANSWER_SECONDS) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()


def _measure(sender: Connection) -> None:
    quiet_start()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    shape = (3, 3, _CHANNELS, _CHANNELS)
    kernels = [tf.Variable(tf.random.stateless_normal(shape, (layer, 0))) for layer in range(3)]
    images = tf.random.stateless_normal((_BATCH, _SIDE, _SIDE, _CHANNELS), (0, 1))

    # AutoGraph would leave a file behind where the process is killed.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step() -> None:
        with tf.GradientTape() as tape:
            x = images
            for kernel in kernels:
                x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
            loss = tf.reduce_mean(x)
        for kernel, change in zip(kernels, tape.gradient(loss, kernels), strict=True):
            kernel.assign_sub(1e-3 * change)

    step()  # chooses algorithms and asks for memory
    work, probe = 0.0, 0.0
    for _ in range(_STEPS):
        probe += probe_seconds()
        began = time.process_time()
        step()
        work += time.process_time() - began
    sender.send((work, probe / _STEPS))

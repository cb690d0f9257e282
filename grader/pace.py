"""How much longer training takes here than where the targets were measured.

A budget in seconds buys less on a slow machine, and a grade must not depend on that. So a
notebook's budget is stretched by what the machine is slower than the one of the calibration. It is
never shortened.
"""

import threading
import time
from multiprocessing.connection import Connection

import numpy as np

from bsds_utils import quiet_start
from grader.trusted import trusted_processes

__all__ = ["pace"]

_REFERENCE_SECONDS = 0.28
"""What the work below takes on a machine on which a second of budget lasts a second.

A unit and no more: changing it, or the work, makes ``calibration.json`` outdated.
"""
_LONGEST = 8.0
_STEPS = 4
_BATCH, _SIDE, _CHANNELS = 8, 168, 16
_ANSWER_SECONDS = 600.0
"""Most of it for importing TensorFlow where everything else is busy."""

_lock = threading.Lock()
_measured: list[float] = []


def pace() -> float:
    """Return by what to multiply budgets of training, 1 to 8; measured once a process."""
    with _lock:
        if not _measured:
            slower = work_seconds() / _REFERENCE_SECONDS
            _measured.append(float(np.clip(slower, 1.0, _LONGEST)))
        return _measured[0]


def work_seconds() -> float:
    """Processor time of a small training, whatever else the machine does meanwhile.

    Measured in a process of its own, because the grader's must not start TensorFlow.

    Returns
    -------
    float
        Seconds of all threads together; the reference where it cannot be measured.
    """
    context = trusted_processes()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(sender,))
    process.start()
    sender.close()
    try:
        with receiver:
            return float(receiver.recv()) if receiver.poll(_ANSWER_SECONDS) else _REFERENCE_SECONDS
    except EOFError:
        return _REFERENCE_SECONDS
    finally:
        process.kill()
        process.join()


def _measure(sender: Connection) -> None:
    quiet_start()
    import tensorflow as tf

    shape = (3, 3, _CHANNELS, _CHANNELS)
    kernels = [tf.Variable(tf.random.stateless_normal(shape, (layer, 0))) for layer in range(3)]
    images = tf.random.stateless_normal((_BATCH, _SIDE, _SIDE, _CHANNELS), (0, 1))

    def step() -> None:
        with tf.GradientTape() as tape:
            x = images
            for kernel in kernels:
                x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
            loss = tf.reduce_mean(x)
        tape.gradient(loss, kernels)

    step()  # chooses algorithms and asks for memory
    started = time.process_time()
    for _ in range(_STEPS):
        step()
    sender.send(time.process_time() - started)

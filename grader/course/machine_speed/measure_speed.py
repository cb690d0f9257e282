"""Times a small training, and the clock of work's probe beside it.

It runs where submissions run, and answers with the processor seconds of both.
"""

import time

import tensorflow as tf
from frames import own_streams, send  # type: ignore[import-not-found]

from bsds_utils.work import probe_seconds

_STEPS = 4
_BATCH, _SIDE, _CHANNELS = 8, 168, 16


def main() -> None:
    """Measure once."""
    _, answers = own_streams()
    shape = (3, 3, _CHANNELS, _CHANNELS)
    kernels = [tf.Variable(tf.random.stateless_normal(shape, (layer, 0))) for layer in range(3)]
    images = tf.random.stateless_normal((_BATCH, _SIDE, _SIDE, _CHANNELS), (0, 1))

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
    send(answers, {"work": work, "probe": probe / _STEPS})


if __name__ == "__main__":
    main()

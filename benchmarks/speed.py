"""Ways of calling a model, and how long each takes for one image.

    python benchmarks/speed.py MODEL...

Every way uses all processors, so let nothing else run meanwhile.
"""

import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Way = Callable[[Images], Images]

EIGHT_BIT = "LiteRT, 8-bit weights"


def ways(model: Any, size: int) -> dict[str, Way]:
    """Make functions from one image, float32 (1, size, size, 3), to its map, by their names.

    With 8-bit weights LiteRT quantises what goes into a convolution while it runs (dynamic range
    quantisation), so no sample of images is needed.
    """
    import tensorflow as tf

    compiled = tf.function(lambda image: model(image, training=False))
    return {
        "predict": lambda image: model.predict(image, verbose=0),
        "tf.function": lambda image: compiled(image).numpy(),
        "LiteRT": _lite(model, size),
        EIGHT_BIT: _lite(model, size, optimizations=[tf.lite.Optimize.DEFAULT]),
    }


def _lite(model: Any, size: int, **options: Any) -> Way:
    """Convert a model for images of one size to LiteRT."""
    import keras
    import tensorflow as tf

    image = keras.Input((size, size, 3), batch_size=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tflite")
        keras.Model(image, model(image)).export(path, format="litert", verbose=False, **options)
        with warnings.catch_warnings():
            # That another package has it, too; TensorFlow's needs none.
            warnings.simplefilter("ignore", UserWarning)
            lite = tf.lite.Interpreter(model_content=path.read_bytes(), num_threads=os.cpu_count())
    lite.allocate_tensors()
    (entry,), (end,) = lite.get_input_details(), lite.get_output_details()

    def run(image: Images) -> Images:
        lite.set_tensor(entry["index"], image)
        lite.invoke()
        return np.asarray(lite.get_tensor(end["index"]))

    return run


def milliseconds(runs: dict[str, Way], size: int, count: int = 30) -> dict[str, float]:
    """Median time of one image in each way."""
    image = np.random.default_rng(0).uniform(0, 255, (1, size, size, 3)).astype(np.float32)
    found = {}
    for name, run in runs.items():
        run(image)
        times = []
        for _ in range(count):
            began = time.perf_counter()
            run(image)
            times.append(1000 * (time.perf_counter() - began))
        found[name] = round(statistics.median(times), 1)
    return found


def main() -> None:
    """Print the times of the models that are named."""
    from bsds_utils import load_model, quiet_start

    quiet_start()
    for path in sys.argv[1:]:
        model, card = load_model(path)
        size = int(card["input_size"])
        print(path, milliseconds(ways(model, size), size))


if __name__ == "__main__":
    main()

"""The same training code runs on another Keras backend, and its file loads everywhere."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bsds_utils import load_model

pytestmark = pytest.mark.slow

TRAIN = """
import sys
import keras
import numpy as np
from bsds_utils import open_dataset, save_model
from grader.assignment import get_assignment
from grader.course.training.functions import load_functions

name, root, path = sys.argv[1:]
assert keras.backend.backend() == "jax"
functions = load_functions(get_assignment(name))
train, val = (open_dataset(root=root).load(split, size=64) for split in ("train", "val"))
if name == "cnn":
    model = functions["build_cnn"]((4, 8, 16, 32))
    history = functions["train_cnn"](model, train, val, epochs=2)
else:
    model = functions["build_resnet"]()
    functions["freeze_encoder"](model)
    history = functions["train_phase"](model, train, val, 1e-3, 1.0, epochs=2)
assert len(history.history["loss"]) == 2
save_model(model, path, threshold=0.5, input_size=64, mask_protocol="course")
np.save(path + ".npy", model.predict(val.images.astype(np.float32), verbose=0))
np.save(path + ".images.npy", val.images)
"""


@pytest.mark.parametrize("name", ["cnn", "resnet"])
def test_trained_on_jax(name: str, tiny_deadleaves: Path, tmp_path: Path) -> None:
    """A model that JAX trained for a few steps gives the same probabilities on TensorFlow."""
    path = tmp_path / "model.keras"
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "KERAS_HOME": str(tmp_path),
        # Nothing is downloaded: the encoder starts from random weights.
        "BSDS_ENCODER_WEIGHTS": str(_random_encoder(tmp_path)) if name == "resnet" else "",
    }
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, name, str(tiny_deadleaves), str(path)],
        env=environment, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    model, _ = load_model(path)
    images = np.load(f"{path}.images.npy").astype(np.float32)
    found = model.predict(images, verbose=0)
    np.testing.assert_allclose(found, np.load(f"{path}.npy"), atol=1e-4)


def _random_encoder(folder: Path) -> Path:
    from grader.assignment import get_assignment
    from grader.course.training.functions import load_functions

    path = folder / "encoder.weights.h5"
    load_functions(get_assignment("resnet"))["build_encoder"]().save_weights(path)
    return path

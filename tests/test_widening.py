"""A wide network that starts from a narrow one."""

import numpy as np
import pytest

from bsds_utils import seed_everything
from grader.course import get_assignment
from grader.reference.functions import load_functions
from grader.reference.widening import widen


def test_predicts_what_the_narrow_network_does() -> None:
    """New filters change nothing at first, whatever the trained weights are."""
    build = load_functions(get_assignment("cnn"))["build_cnn"]
    seed_everything(1)
    random = np.random.default_rng(1)
    narrow, wide = build((4, 8, 8, 16)), build((4, 12, 8, 20))
    # As after a training, normalizations are no longer those of a new network.
    narrow.set_weights(
        [
            random.uniform(0.5, 1.5, w.shape) * w + 0.05 * (w.ndim == 1)
            for w in narrow.get_weights()
        ]
    )
    images = random.uniform(0, 255, (2, 24, 32, 3)).astype(np.float32)
    expected = narrow.predict(images, verbose=0)
    assert expected.std() > 0.001
    widen(wide, narrow)
    np.testing.assert_allclose(wide.predict(images, verbose=0), expected, atol=1e-4)


def test_refuses_other_layers() -> None:
    """Networks of other layers are refused, not half filled."""
    functions = load_functions(get_assignment("cnn"))
    other = functions["build_cnn"]((4, 8, 8))
    with pytest.raises(ValueError, match="expected the same layers"):
        widen(functions["build_cnn"]((4, 8, 8, 16)), other)

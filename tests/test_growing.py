"""A large network that starts from a small one."""

import numpy as np
import pytest

from bsds_utils import seed_everything
from grader.assignment import get_assignment
from grader.course.training.functions import load_functions
from grader.course.training.growing import grow


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ({"filters": (4, 8, 8, 16)}, {"filters": (4, 12, 8, 20)}),
        ({"filters": (4, 8, 8, 16)}, {"filters": (4, 8, 8, 16), "dilations": (2, 3)}),
        ({"filters": (4, 8, 8, 16)}, {"filters": (8, 8, 12, 20), "dilations": (2,)}),
        (
            {"filters": (4, 8, 8, 16), "dilations": (2, 3)},
            {"filters": (4, 8, 8, 24), "dilations": (2, 3)},
        ),
    ],
    ids=["filters", "dilations", "both", "filters of dilations"],
)
def test_predicts_what_the_small_network_does(
    smaller: dict[str, tuple[int, ...]], larger: dict[str, tuple[int, ...]]
) -> None:
    """What is new changes nothing at first, whatever the trained weights are."""
    build = load_functions(get_assignment("cnn"))["build_cnn"]
    seed_everything(1)
    random = np.random.default_rng(1)
    small, large = build(**smaller), build(**larger)
    # As after a training, normalizations are no longer those of a new network.
    small.set_weights(
        [random.uniform(0.5, 1.5, w.shape) * w + 0.05 * (w.ndim == 1) for w in small.get_weights()]
    )
    images = random.uniform(0, 255, (2, 24, 32, 3)).astype(np.float32)
    expected = small.predict(images, verbose=0)
    assert expected.std() > 0.001
    grow(large, small)
    np.testing.assert_allclose(large.predict(images, verbose=0), expected, atol=1e-4)


def test_refuses_other_layers() -> None:
    """Networks of other layers are refused, not half filled."""
    functions = load_functions(get_assignment("cnn"))
    other = functions["build_cnn"]((4, 8, 8))
    with pytest.raises(ValueError, match="expected the same layers"):
        grow(functions["build_cnn"]((4, 8, 8, 16)), other)
    dilated = functions["build_cnn"]((4, 8, 8, 16), (2,))
    with pytest.raises(ValueError, match="expected the same layers"):
        grow(functions["build_cnn"]((4, 8, 8, 16)), dilated)

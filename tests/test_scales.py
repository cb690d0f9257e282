"""Tests of the scales at which a model sees whole pictures."""

import doctest

import pytest

from bsds_utils.errors import BSDSError
from bsds_utils.models import scales


def test_examples_of_the_docstrings() -> None:
    """What the docstrings show is what comes out."""
    assert doctest.testmod(scales).attempted > 0
    assert doctest.testmod(scales).failed == 0


@pytest.mark.parametrize("text", ["", "half", "0", "-1", "2.5", "nan", "1,", "1;2"])
def test_what_is_not_a_list_of_scales_is_one_line(text: str) -> None:
    """The line says what is expected and what was found."""
    with pytest.raises(
        BSDSError, match=r"^--scales: expected numbers above 0, up to 2 .*found"
    ) as e:
        scales.read_scales(text)
    assert str(e.value).endswith(text)


@pytest.mark.parametrize(
    ("several", "chosen"), [([0.8], 0.8), ([1.25, 0.5, 0.8], 0.8), ([0.5, 1.0], 0.5)]
)
def test_the_quick_scale_is_the_middle_one(several: list[float], chosen: float) -> None:
    """In whatever order they are; of two, the one that takes less time."""
    assert scales.quick_scale(several) == chosen

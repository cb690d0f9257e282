"""What functions answer is taken for numbers only if it is made of numbers."""

from typing import Any

import numpy as np
import pytest

from grader.scoring.answers import numbers
from grader.scoring.verdict import CheckFailed


@pytest.mark.parametrize("answer", [1, 0.5, True, [1, 2.5], [[1], [2]], np.ones((2, 3), np.uint8)])
def test_numbers_are_taken(answer: Any) -> None:
    """Numbers, nested lists of equal lengths and arrays of any shape become arrays."""
    np.testing.assert_array_equal(numbers(answer, "f"), np.asarray(answer))


@pytest.mark.parametrize(
    "answer",
    [None, "1", {"a": 1}, [1, [2]], [[1], [2, 3]], ["a"], 10**400, [10**400], b"1", 1j],
)
def test_anything_else_is_explained(answer: Any) -> None:
    """Text, dicts, ragged lists and numbers without end fail the check in one line."""
    with pytest.raises(CheckFailed, match="f must give numbers"):
        numbers(answer, "f")

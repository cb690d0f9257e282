"""What functions answer is taken in any style, and anything else is explained."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.checking.answers import array, number, numbers, pairs, table
from grader.checking.verdict import CheckFailed
from grader.sandbox.probe import Opaque

NOT_NUMBERS: list[tuple[Any, str]] = [
    (None, "found nothing (is the `return` missing?)"),
    ("0.5", 'found the text "0.5"'),
    (b"1", "found bytes"),
    (1j, "found a complex"),
    ({"a": 1}, 'found a dict with "a"'),
    ({}, "found an empty dict"),
    ([1, [2]], "found a list of 2"),
    ([[1], [2, 3]], "found a list of 2"),
    (["a"], "found a list of 1"),
    (10**400, "found the int 1000"),
    (Opaque("a generator"), "found a generator"),
]


def _table(answer: Any, function: str) -> Any:
    return table(answer, function, ["iou", "accuracy"])


def _array(answer: Any, function: str) -> Any:
    return array(answer, function, (2,))


@pytest.mark.parametrize("answer", [1, 0.5, True, [1, 2.5], [[1], [2]], np.ones((2, 3), np.uint8)])
def test_numbers_are_taken(answer: Any) -> None:
    """Numbers, nested lists of equal lengths and arrays of any shape become arrays."""
    np.testing.assert_array_equal(numbers(answer, "f"), np.asarray(answer))


@pytest.mark.parametrize("read", [numbers, number, _array])
@pytest.mark.parametrize(("answer", "message"), NOT_NUMBERS)
def test_anything_else_is_explained(
    answer: Any, message: str, read: Callable[[Any, str], Any]
) -> None:
    """Text, dicts, ragged lists and numbers without end fail the check in one line."""
    with pytest.raises(CheckFailed, match="f must return ") as failed:
        read(answer, "f")
    assert message in str(failed.value)


@pytest.mark.parametrize("answer", [2, 2.0, np.float32(2), np.array(2), np.array(2.0, "f2")])
def test_one_number(answer: Any) -> None:
    """One number is taken, whoever made it."""
    assert number(answer, "f") == 2


READERS: list[tuple[Callable[[Any, str], Any], Any, str]] = [
    (number, True, "found the bool True"),
    (number, np.ones(1), "found an array of shape (1,), float64"),
    (number, float("nan"), "returned NaN or infinity"),
    (number, np.array(np.inf), "returned NaN or infinity"),
    (_array, [1.0, 2.0, 3.0], "shape (2,), found an array of shape (3,), float64"),
    (_array, 1.0, "shape (2,), found a single float64"),
    (_array, np.ones(2, bool), "found an array of shape (2,), bool"),
    (_array, np.ones(2, int), "found an array of shape (2,), int64"),
    (_array, [np.nan, 0.0], "returned NaN or infinity"),
    (_table, [0.5, 0.5], 'a dict with "iou" and "accuracy", found a list of 2'),
    (_table, {"IoU": 1}, 'found a dict with "IoU"'),
    (_table, {"iou": 1, "accuracy": None}, "each of them a number, found nothing"),
    (_table, {"iou": 1, "accuracy": float("nan")}, "returned NaN or infinity"),
    (_table, {str(i): i for i in range(99)}, '"4", "5" and more'),
    (pairs, {"a": 1}, 'a list of (name, number) pairs, found a dict with "a"'),
    (pairs, ["a", "b"], 'found a list with the text "a" in it'),
    (pairs, [["a", 1, 2]], "found a list with a list of 3 in it"),
    (pairs, [["a", "b"]], 'found the text "b"'),
    (pairs, None, "found nothing"),
]


@pytest.mark.parametrize(("read", "answer", "message"), READERS)
def test_what_was_found_is_said(
    read: Callable[[Any, str], Any], answer: Any, message: str
) -> None:
    """Each reader says what it expected and what there was."""
    with pytest.raises(CheckFailed) as failed:
        read(answer, "f")
    assert message in str(failed.value)
    assert "\n" not in str(failed.value)


def test_tables_and_pairs() -> None:
    """A table may have more entries; names of pairs may be NumPy's."""
    assert _table({"iou": np.array(0.5), "accuracy": 1, "more": None}, "f") == {
        "iou": 0.5,
        "accuracy": 1.0,
    }
    assert pairs([[np.array("a"), np.float32(0.5)], ["b", 1]], "f") == [("a", 0.5), ("b", 1.0)]

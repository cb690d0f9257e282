"""Reading what a submission's function answered, which may be anything.

Whatever is not what was asked for fails the check with a sentence that says what was expected and
what was found.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.checking.verdict import fail, require
from grader.sandbox.probe import Opaque

__all__ = ["array", "found", "number", "numbers", "pairs", "table"]

_MOST_NAMES = 6
_NUMBERS = "numbers, or an array of them"


def numbers(answer: Any, function: str, expected: str = _NUMBERS) -> NDArray[Any]:
    """Return an answer as an array of bools, whole numbers or floats, of any shape.

    Parameters
    ----------
    answer
        What came out of a probe.
    function
        Which function gave it, for the message.
    expected
        What it must return, for the message.

    Raises
    ------
    CheckFailed
        If it is nothing of the kind: a text, a dict, lists of differing lengths, a whole number
        that is too large.
    """
    try:
        values = np.asarray(answer)
    except (ValueError, TypeError, OverflowError):
        fail(f"{function} must return {expected}, found {found(answer)}")
    require(
        values.dtype.kind in "biuf", f"{function} must return {expected}, found {found(answer)}"
    )
    return values


def array(answer: Any, function: str, shape: tuple[int, ...]) -> NDArray[np.floating[Any]]:
    """Return an answer as an array of finite floats of a shape."""
    values = numbers(answer, function, f"a float array of shape {shape}")
    require(
        values.shape == shape and values.dtype.kind == "f",
        f"{function} must return a float array of shape {shape}, found {found(values)}",
    )
    _require_finite(values, function)
    return values


def number(answer: Any, function: str, expected: str = "a number") -> float:
    """Return an answer as one finite number; NumPy's and tensors without dimensions are some."""
    value = numbers(answer, function, expected)
    require(
        value.shape == () and value.dtype.kind in "iuf",
        f"{function} must return {expected}, found {found(answer)}",
    )
    _require_finite(value, function)
    return float(value)


def table(answer: Any, function: str, names: Sequence[str]) -> dict[str, float]:
    """Return an answer as a dict with a number for each name; it may have more entries."""
    expected = f"a dict with {_listed(names)}"
    if not isinstance(answer, dict) or not answer.keys() >= set(names):
        fail(f"{function} must return {expected}, found {found(answer)}")
    return {
        name: number(answer[name], function, f"{expected}, each of them a number")
        for name in names
    }


def pairs(answer: Any, function: str) -> list[tuple[str, float]]:
    """Return an answer as a list of pairs of a name and a number."""
    expected = "a list of (name, number) pairs"
    if not isinstance(answer, list):
        fail(f"{function} must return {expected}, found {found(answer)}")
    for part in answer:
        if not isinstance(part, list) or len(part) != 2:
            fail(f"{function} must return {expected}, found a list with {found(part)} in it")
    return [(str(name), number(value, function, expected)) for name, value in answer]


def found(answer: Any) -> str:
    """Say what an answer is, in words that go after "found"."""
    match answer:
        case None:
            return "nothing (is the `return` missing?)"
        case Opaque(kind=kind):
            return kind
        case bool() | int() | float():
            return f"the {type(answer).__name__} {str(answer)[:20]}"
        case str():
            return f'the text "{answer[:20]}"'
        case bytes():
            return "bytes"
        case dict() if answer:
            return f"a dict with {_listed(answer)}"
        case dict():
            return "an empty dict"
        case list():
            return f"a list of {len(answer)}"
        case np.ndarray() if answer.shape == ():
            return f"a single {answer.dtype}"
        case np.ndarray():
            return f"an array of shape {answer.shape}, {answer.dtype}"
    return f"a {type(answer).__name__}"


def _require_finite(values: NDArray[Any], function: str) -> None:
    require(
        np.isfinite(values).all(),
        f"{function} returned NaN or infinity where a number was expected: is something divided "
        "by 0, or the logarithm of 0 taken?",
    )


def _listed(names: Any) -> str:
    quoted = [f'"{str(name)[:20]}"' for name in list(names)[: _MOST_NAMES + 1]]
    if len(quoted) > _MOST_NAMES:
        return ", ".join(quoted[:_MOST_NAMES]) + " and more"
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]]) if quoted[1:] else quoted[0]

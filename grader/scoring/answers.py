"""Reading what a submission's function answered, which may be anything."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.scoring.verdict import fail

__all__ = ["numbers"]


def numbers(answer: Any, function: str) -> NDArray[Any]:
    """Return an answer as an array of numbers.

    Parameters
    ----------
    answer
        What came out of a probe.
    function
        Which function gave it, for the message.

    Returns
    -------
    ndarray
        Of bools, whole numbers or floats, of any shape.

    Raises
    ------
    CheckFailed
        If it is nothing of the kind: a text, a dict, lists of differing lengths, a whole number
        that is too large.
    """
    try:
        array = np.asarray(answer)
    except (ValueError, TypeError, OverflowError):
        fail(f"{function} must give numbers, or an array of them")
    if array.dtype.kind not in "biuf":
        fail(f"{function} must give numbers, or an array of them")
    return array

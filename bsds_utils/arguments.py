"""Checks of array arguments: each error names the argument, what was expected and what was found.

These are programming mistakes, so they raise ``TypeError`` (wrong dtype) or ``ValueError``
(wrong shape, range or content) rather than :class:`~bsds_utils.errors.BSDSError`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "as_array",
    "as_binary",
    "as_boundaries",
    "as_image",
    "as_images",
    "as_probability",
    "as_size",
    "without_channel",
]

# Pixels looked at together, so that a check never needs a second array of the argument's size.
CHUNK = 1 << 22


def _describe(array: NDArray[Any]) -> str:
    return f"{array.dtype} of shape {array.shape}"


def as_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Check that something is an array of at least one element, and not of objects.

    Parameters
    ----------
    name
        The argument's name in the error message.
    value
        Whatever NumPy can convert.

    Returns
    -------
    numpy.ndarray
        Any dtype but object, any shape.

    Raises
    ------
    TypeError
        If it holds Python objects.
    ValueError
        If it cannot be converted, or is empty.
    """
    try:
        array = np.asarray(value)
    # RuntimeError: tensors that need a gradient or lie on a GPU refuse.
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name}: expected an array, found {type(value).__name__}") from error
    if array.dtype == object:
        raise TypeError(f"{name}: expected an array of numbers, found {type(value).__name__}")
    if array.size == 0:
        raise ValueError(f"{name}: expected at least one pixel, found {_describe(array)}")
    return array


def _chunks(array: NDArray[Any]) -> Sequence[NDArray[Any]]:
    flat = array.reshape(-1)
    return [flat[start : start + CHUNK] for start in range(0, flat.size, CHUNK)]


def without_channel(array: NDArray[Any]) -> NDArray[Any]:
    """Drop a trailing channel axis of length one, so that (N, H, W, 1) meets (N, H, W).

    Parameters
    ----------
    array
        Any dtype, at least two axes.

    Returns
    -------
    numpy.ndarray
        A view without trailing axes of length one, down to two axes.
    """
    while array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    return array


def _maps(name: str, value: ArrayLike) -> NDArray[Any]:
    array = as_array(name, value)
    if array.ndim not in (2, 3) and not (array.ndim == 4 and array.shape[-1] == 1):
        raise ValueError(
            f"{name}: expected shape (H, W), (N, H, W) or (N, H, W, 1), found {_describe(array)}"
        )
    return without_channel(array)


def as_binary(name: str, value: ArrayLike) -> NDArray[np.bool_]:
    """Check a mask or a stack of masks.

    Parameters
    ----------
    name
        The argument's name in the error message.
    value
        Shape (H, W), (N, H, W) or (N, H, W, 1); bool, or integers or floats that are all 0 or 1.

    Returns
    -------
    numpy.ndarray
        bool, (H, W) or (N, H, W).

    Raises
    ------
    TypeError
        If it does not hold numbers.
    ValueError
        If it is empty, has another shape or holds anything but 0 and 1 (NaN included).
    """
    array = _maps(name, value)
    if array.dtype == np.bool_:
        return array
    if array.dtype.kind not in "uif":
        raise TypeError(f"{name}: expected bool or numbers 0 and 1, found {_describe(array)}")
    for chunk in _chunks(array):
        wrong = chunk[(chunk != 0) & (chunk != 1)]
        if wrong.size:
            advice = (
                "; compare with a threshold first (probability >= threshold)"
                if array.dtype.kind == "f" and not np.isnan(wrong[0])
                else ""
            )
            raise ValueError(
                f"{name}: expected a binary mask of 0 and 1, found the value {wrong[0]} in "
                f"{_describe(array)}{advice}"
            )
    binary: NDArray[np.bool_] = array != 0
    return binary


def as_probability(name: str, value: ArrayLike) -> NDArray[np.floating[Any]]:
    """Check a probability map or a stack of them.

    Parameters
    ----------
    name
        The argument's name in the error message.
    value
        Shape (H, W), (N, H, W) or (N, H, W, 1); floats in [0, 1].

    Returns
    -------
    numpy.ndarray
        The same floats, (H, W) or (N, H, W).

    Raises
    ------
    TypeError
        If it does not hold floats.
    ValueError
        If it is empty, has another shape, or holds NaN or a value outside [0, 1].
    """
    array = _maps(name, value)
    if array.dtype.kind != "f":
        raise TypeError(
            f"{name}: expected float probabilities in [0, 1], found {_describe(array)}"
        )
    for chunk in _chunks(array):
        # Written so that NaN, which compares as false, is caught too.
        wrong = chunk[~((chunk >= 0) & (chunk <= 1))]
        if wrong.size:
            raise ValueError(
                f"{name}: expected probabilities in [0, 1], found the value {wrong[0]} in "
                f"{_describe(array)}"
            )
    return array


def as_one_probability(name: str, value: ArrayLike) -> NDArray[np.floating[Any]]:
    """Check one probability map.

    Parameters
    ----------
    name
        The argument's name in the error message.
    value
        Floats in [0, 1], shape (H, W) or (H, W, 1).

    Returns
    -------
    numpy.ndarray
        The same floats, (H, W).

    Raises
    ------
    TypeError, ValueError
        As `as_probability`, and if it is a stack of maps.
    """
    floats = as_probability(name, value)
    if floats.ndim != 2:
        raise ValueError(f"{name}: expected one map of shape (H, W), found shape {floats.shape}")
    return floats


def as_image(name: str, value: ArrayLike) -> NDArray[np.uint8]:
    """Check one RGB image: uint8, (H, W, 3).

    Parameters
    ----------
    name
        The argument's name in the error message.
    value
        The image.

    Returns
    -------
    numpy.ndarray
        uint8, (H, W, 3).

    Raises
    ------
    TypeError
        If it is not uint8.
    ValueError
        If it is empty or has another shape.
    """
    return _pixels(name, value, "(H, W, 3)", 3)


def as_images(name: str, value: ArrayLike) -> NDArray[np.uint8]:
    """Check a stack of RGB images: uint8, (N, H, W, 3).

    Parameters
    ----------
    name
        The argument's name in the error message.
    value
        The images.

    Returns
    -------
    numpy.ndarray
        uint8, (N, H, W, 3).

    Raises
    ------
    TypeError
        If it is not uint8.
    ValueError
        If it is empty or has another shape.
    """
    return _pixels(name, value, "(N, H, W, 3)", 4)


def _pixels(name: str, value: ArrayLike, shape: str, ndim: int) -> NDArray[np.uint8]:
    array = as_array(name, value)
    if array.ndim != ndim or array.shape[-1] != 3:
        raise ValueError(f"{name}: expected RGB of shape {shape}, found {_describe(array)}")
    if array.dtype != np.uint8:
        raise TypeError(f"{name}: expected uint8 in 0 to 255, found {_describe(array)}")
    return array


def as_boundaries(name: str, value: ArrayLike) -> NDArray[np.bool_]:
    """Check the boundary maps of one image's annotators.

    Parameters
    ----------
    name
        The argument's name in the error message.
    value
        Shape (A, H, W), one map per annotator; bool, or numbers that are all 0 or 1.

    Returns
    -------
    numpy.ndarray
        bool, (A, H, W).

    Raises
    ------
    TypeError
        If it does not hold numbers.
    ValueError
        If it is empty, has another shape or holds anything but 0 and 1.
    """
    array = as_array(name, value)
    if array.ndim != 3:
        raise ValueError(
            f"{name}: expected one map per annotator, shape (A, H, W), found {_describe(array)}"
        )
    # Seen as one tall map, so that a width of one is not taken for a channel.
    return as_binary(name, array.reshape(-1, array.shape[-1])).reshape(array.shape)


def as_size(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    """Check a size in pixels.

    Parameters
    ----------
    name
        The argument's name in the error message.
    value
        One number for a square, or (height, width).

    Returns
    -------
    tuple of int
        Height and width.

    Raises
    ------
    TypeError
        If it is neither.
    ValueError
        If a number is not positive.
    """
    pair = (value, value) if isinstance(value, int | np.integer) else value
    if (
        isinstance(value, bool)
        or not isinstance(pair, Sequence)
        or len(pair) != 2
        or not all(isinstance(side, int | np.integer) for side in pair)
    ):
        raise TypeError(f"{name}: expected an int or (height, width), found {value!r}")
    if min(pair) < 1:
        raise ValueError(f"{name}: expected at least 1 pixel, found {value!r}")
    return int(pair[0]), int(pair[1])

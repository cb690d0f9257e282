"""The scales at which a model sees a whole picture: 1 is the picture's own size."""

from collections.abc import Sequence

from bsds_utils.errors import BSDSError

__all__ = ["as_scales", "quick_scale", "read_scales"]

_LARGEST = 2


def as_scales(value: Sequence[float]) -> tuple[float, ...]:
    """Check the scales at which a model is to see pictures.

    Parameters
    ----------
    value
        One or more numbers in (0, 2].

    Returns
    -------
    tuple of float
        The same numbers.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    # A text is a sequence, too, and a bool a number.
    numbers = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
    if not numbers or not all(
        isinstance(one, int | float) and type(one) is not bool and 0 < one <= _LARGEST
        for one in numbers
    ):
        raise ValueError(
            f"scales: expected one or more numbers in (0, {_LARGEST}], found {value!r}"
        )
    return tuple(map(float, numbers))


def read_scales(text: str) -> tuple[float, ...]:
    """Read a command line's ``--scales``.

    Parameters
    ----------
    text
        Numbers in (0, 2] with commas between them.

    Returns
    -------
    tuple of float
        The numbers.

    Raises
    ------
    BSDSError
        If it is anything else.

    Examples
    --------
    >>> read_scales("0.5,1")
    (0.5, 1.0)
    """
    try:
        return as_scales([float(part) for part in text.split(",")])
    except ValueError as error:
        raise BSDSError(
            f"--scales: expected numbers above 0, up to {_LARGEST} (0.5,1), found {text}"
        ) from error


def quick_scale(scales: Sequence[float]) -> float:
    """Choose one scale where there is no time for all.

    Parameters
    ----------
    scales
        One or more.

    Returns
    -------
    float
        The middle one; of an even number, the smaller of the two, which takes less time.

    Examples
    --------
    >>> quick_scale([0.5, 0.8, 1.25])
    0.8
    """
    return sorted(scales)[(len(scales) - 1) // 2]

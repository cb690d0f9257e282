"""Resizing, in the one way that all share: Pillow's antialiased bilinear filter."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from bsds_utils.checks import as_image, as_probability, as_size

__all__ = ["resize_image", "resize_probability"]


def resize_image(image: ArrayLike, size: int | Sequence[int]) -> NDArray[np.uint8]:
    """Resize an RGB image, without keeping its aspect ratio.

    Parameters
    ----------
    image
        uint8, shape (H, W, 3), 0 to 255.
    size
        Output size in pixels: one number for a square, or (height, width).

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3), 0 to 255.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> resize_image(np.zeros((321, 481, 3), np.uint8), 168).shape
    (168, 168, 3)
    """
    pixels = as_image("image", image)
    height, width = as_size("size", size)
    resized = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
    return np.array(resized)


def resize_probability(probability: ArrayLike, size: int | Sequence[int]) -> NDArray[np.float32]:
    """Resize a boundary probability map, to be compared with a mask of that size.

    Parameters
    ----------
    probability
        Floats in [0, 1], shape (H, W) or (H, W, 1).
    size
        Output size in pixels: one number for a square, or (height, width).

    Returns
    -------
    numpy.ndarray
        float32 in [0, 1], shape (height, width).

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> resize_probability(np.array([[0.0, 1.0]]), (1, 1)).tolist()
    [[0.5]]
    """
    floats = as_probability("probability", probability)
    if floats.ndim != 2:
        raise ValueError(
            f"probability: expected one map of shape (H, W), found shape {floats.shape}"
        )
    height, width = as_size("size", size)
    # A float32 array becomes an image of Pillow's mode F, which is not quantised to 8 bits.
    picture = Image.fromarray(np.ascontiguousarray(floats, dtype=np.float32))
    resized = np.array(picture.resize((width, height), Image.Resampling.BILINEAR))
    # Rounding of the filter's weights may leave [0, 1] by an ulp.
    clipped: NDArray[np.float32] = np.clip(resized, 0, 1)
    return clipped

"""Reading pictures, and resizing in the one way all share: Pillow's antialiased bilinear."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageOps

from bsds_utils.arguments import as_image, as_one_probability, as_size
from bsds_utils.errors import BSDSError

__all__ = ["probability_of_size", "read_image", "resize_image", "resize_probability", "to_grey"]


def read_image(source: str | os.PathLike[str] | BinaryIO) -> NDArray[np.uint8]:
    """Read a picture of any kind that Pillow knows, as a viewer shows it.

    The camera's orientation (EXIF) is applied, transparent parts are laid on white, 16-bit grey
    and floats in [0, 1] are scaled to 8 bits, of an animation the first frame is taken.

    Parameters
    ----------
    source
        A path, or a file opened for reading bytes.

    Returns
    -------
    numpy.ndarray
        uint8, shape (H, W, 3), 0 to 255.

    Raises
    ------
    BSDSError
        If there is no such file, or it cannot be read as a picture.
    """
    name = Path(source) if isinstance(source, str | os.PathLike) else "image"
    try:
        with Image.open(source) as opened:
            picture = ImageOps.exif_transpose(opened)
            if picture.mode == "F" or picture.mode.startswith("I"):
                grey = _eight_bits(np.asarray(picture))
                return np.repeat(grey[..., None], 3, axis=-1)
            if picture.has_transparency_data:
                picture = picture.convert("RGBA")
                white = Image.new("RGBA", picture.size, "white")
                picture = Image.alpha_composite(white, picture)
            return np.array(picture.convert("RGB"))
    except FileNotFoundError as error:
        raise BSDSError(f"{name}: expected a picture, found no file") from error
    # SyntaxError: Pillow's own for a damaged PNG chunk. Bombs are no OSError.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise BSDSError(
            f"{name}: expected a picture (JPEG, PNG, …), found a file that cannot be read as one: "
            f"{' '.join(str(reason).split())}"
        ) from error


def _eight_bits(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale grey of more bits, which Pillow clips at 255 instead."""
    if np.issubdtype(grey.dtype, np.floating):
        floats = np.nan_to_num(grey)
        if floats.max(initial=0) <= 1:
            floats = floats * 255
        rounded: NDArray[np.uint8] = np.round(floats.clip(0, 255)).astype(np.uint8)
        return rounded
    # Whole numbers take less memory than floats; 257 is odd, so that nothing lies halfway.
    deep = grey.clip(0, 65535).astype(np.int32)
    return ((deep + 128) // 257).astype(np.uint8)


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
    floats = as_one_probability("probability", probability)
    height, width = as_size("size", size)
    # A float32 array becomes an image of Pillow's mode F, which is not quantised to 8 bits.
    picture = Image.fromarray(np.ascontiguousarray(floats, dtype=np.float32))
    resized = np.array(picture.resize((width, height), Image.Resampling.BILINEAR))
    # Rounding of the filter's weights may leave [0, 1] by an ulp.
    clipped: NDArray[np.float32] = np.clip(resized, 0, 1)
    return clipped


def probability_of_size(
    probability: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Resize a map to a picture's own size, unless it has it already.

    Parameters
    ----------
    probability
        float32 in [0, 1], shape (h, w).
    size
        Height and width in pixels.

    Returns
    -------
    numpy.ndarray
        float32 in [0, 1], of that shape; the very same array if nothing is to be done.
    """
    return probability if probability.shape == size else resize_probability(probability, size)


def to_grey(values: ArrayLike) -> NDArray[np.uint8]:
    """Turn a probability map or a mask into the grey picture that is saved of it.

    Parameters
    ----------
    values
        Floats in [0, 1] or bool, shape (H, W).

    Returns
    -------
    numpy.ndarray
        uint8, shape (H, W): 255 is certain, or boundary.

    Examples
    --------
    >>> to_grey([[0.0, 0.5, 1.0]]).tolist()
    [[0, 128, 255]]
    """
    return np.round(np.multiply(values, 255, dtype=np.float32)).astype(np.uint8)

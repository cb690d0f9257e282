"""Reading the photographs: RGB JPEG files, decoded with Pillow."""

import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bsds_utils.data.files import looks_like_html, printable, read_bytes
from bsds_utils.errors import BSDSError

__all__ = ["image_shape", "read_image"]

_RESTORE = "restore the file (`bsds data` checks all of them)"


def _open(path: Path) -> Image.Image:
    content = read_bytes(path)
    name = printable(path)
    if looks_like_html(content):
        raise BSDSError(f"{name}: expected a JPEG image, found a web page; {_RESTORE}")
    try:
        with warnings.catch_warnings():
            # Pillow only warns of a header that claims a gigantic image.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content))
    except Exception as error:  # Pillow's plugins raise whatever a broken header makes them
        raise BSDSError(
            f"{name}: expected a JPEG image, found {len(content)} bytes that are no image; "
            f"{_RESTORE}"
        ) from error
    if image.format != "JPEG":
        raise BSDSError(f"{name}: expected a JPEG image, found {image.format}; {_RESTORE}")
    if image.mode != "RGB":
        raise BSDSError(
            f"{name}: expected an RGB image of 8 bits a channel, found mode {image.mode!r}; "
            f"{_RESTORE}"
        )
    return image


def image_shape(path: Path) -> tuple[int, int]:
    """Return the height and width in pixels, from the file's header alone.

    Raises
    ------
    BSDSError
        As `read_image`, as far as the header shows it.
    """
    width, height = _open(path).size
    return height, width


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a photograph.

    Parameters
    ----------
    path
        A JPEG file.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        RGB values 0–255.

    Raises
    ------
    BSDSError
        If the file cannot be read, is no JPEG, is truncated or corrupt, or is not RGB.
    """
    image = _open(path)
    try:
        return np.array(image, dtype=np.uint8)
    except Exception as error:  # libjpeg's complaints come as OSError, SyntaxError or ValueError
        raise BSDSError(
            f"{printable(path)}: the JPEG image is truncated or corrupt; {_RESTORE}"
        ) from error

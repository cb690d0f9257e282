"""Reading the photographs: RGB JPEG files, decoded with Pillow."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bsds_utils.data.files import looks_like_html, printable, read_bytes
from bsds_utils.data.warningfilter import warnings_become
from bsds_utils.errors import BSDSError

__all__ = ["image_shape", "open_image", "read_image"]

_RESTORE = "restore the file (`bsds data` checks all of them)"


def open_image(path: Path, kind: str, advice: str) -> Image.Image:
    """Open an image file of one format, its pixels still undecoded.

    Parameters
    ----------
    path
        The file.
    kind
        Pillow's name of the format: ``"JPEG"``, ``"PNG"``.
    advice
        What to do if that fails, for the end of the error message.

    Raises
    ------
    BSDSError
        If the file cannot be read, is no such image, or claims a gigantic size.
    """
    content = read_bytes(path, advice)
    name = printable(path)
    if looks_like_html(content):
        raise BSDSError(f"{name}: expected a {kind} image, found a web page; {advice}")
    try:
        # Pillow only warns of a header that claims a gigantic image.
        with warnings_become("error", Image.DecompressionBombWarning):
            image = Image.open(io.BytesIO(content))
    except Exception as error:  # Pillow's plugins raise whatever a broken header makes them
        raise BSDSError(
            f"{name}: expected a {kind} image, found {len(content)} bytes that are no image; "
            f"{advice}"
        ) from error
    if image.format != kind:
        raise BSDSError(f"{name}: expected a {kind} image, found {image.format}; {advice}")
    return image


def _open(path: Path) -> Image.Image:
    image = open_image(path, "JPEG", _RESTORE)
    if image.mode != "RGB":
        raise BSDSError(
            f"{printable(path)}: expected an RGB image of 8 bits a channel, found mode "
            f"{image.mode!r}; {_RESTORE}"
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

"""Pictures that strangers hand in: decoded if they can be, else refused in one sentence."""

import io
import threading
import warnings
from hashlib import sha256
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bsds_utils.data.files import printable
from bsds_utils.data.warningfilter import warnings_become
from bsds_utils.errors import BSDSError
from bsds_utils.images import read_image
from bsds_utils.models.predict import as_models_see_it

__all__ = ["MAX_MEGAPIXELS", "SUFFIXES", "Picture", "picture_of", "read_picture"]

SUFFIXES: Final = ("jpg", "jpeg", "png", "webp", "tif", "tiff")
"""Ends of the names of the files that are accepted."""

MAX_MEGAPIXELS: Final = 50
"""Largest picture, which while it is decoded takes about ten bytes a pixel."""

_MIN_SIDE: Final = 16
_LONGEST: Final = 20  # times the short side; reduced for the model, nothing would be left of it
# MPO is what telephones make: a JPEG file with further pictures behind the first.
_FORMATS: Final = ("JPEG", "MPO", "PNG", "WEBP", "TIFF")
_KINDS: Final = "a JPEG, PNG, WebP or TIFF picture"
_NAME_LENGTH: Final = 60
_TURN = threading.Lock()


class Picture(NamedTuple):
    """A picture that a visitor chose.

    Attributes
    ----------
    name
        What to call it.
    size
        Its own (height, width) in pixels.
    pixels
        uint8, shape (h, w, 3): itself, or reduced as models see it.
    key
        The same for the same pixels and size, and for no others.
    public
        Whether everybody may choose it: a sample.
    """

    name: str
    size: tuple[int, int]
    pixels: NDArray[np.uint8]
    key: str
    public: bool = False

    @property
    def reduced(self) -> bool:
        """Whether ``pixels`` are fewer than the picture has."""
        return self.pixels.shape[:2] != self.size


def picture_of(name: str, image: NDArray[np.uint8]) -> Picture:
    """Make a picture of pixels.

    Parameters
    ----------
    name
        What to call it.
    image
        uint8, shape (H, W, 3).

    Returns
    -------
    Picture
        The picture, reduced to what models see: a photograph of 24 megapixels would fill the
        memory of a server that several people visit.
    """
    height, width = image.shape[:2]
    pixels = np.ascontiguousarray(as_models_see_it(image))
    key = sha256(f"{height} {width} {pixels.shape}".encode() + pixels.tobytes()).hexdigest()
    return Picture(name, (height, width), pixels, key)


def read_picture(content: bytes, name: str) -> Picture:
    """Decode a picture, or say in one sentence why not.

    As in `bsds_utils.images.read_image`, the camera's orientation is applied, transparent parts
    are laid on white and 16 bits become 8.

    Parameters
    ----------
    content
        A file's bytes.
    name
        The file's name. It is shown, not trusted: the content decides what kind of file it is.

    Returns
    -------
    Picture
        The picture.

    Raises
    ------
    BSDSError
        If it is not a still JPEG, PNG, WebP or TIFF picture, is damaged, has a side below 16
        pixels, is more than 20 times as long as wide, or has more than `MAX_MEGAPIXELS`.
    """
    name = _short(name)
    if not content:
        raise BSDSError(f"{name}: expected {_KINDS}, found an empty file; choose it again.")
    _check_header(content, name)
    try:
        # Pillow tells in warnings of what is odd but can be shown all the same.
        # One at a time: a photograph of 24 megapixels takes hundreds of megabytes meanwhile.
        with _TURN, warnings_become("ignore"):
            return picture_of(name, read_image(io.BytesIO(content)))
    except Exception as error:  # Pillow's plugins raise whatever a damaged file makes them
        raise BSDSError(
            f"{name}: expected {_KINDS}, found a damaged or incomplete one; open it in another "
            "program and save it again."
        ) from error


def _short(name: str) -> str:
    shown = printable(name)
    return shown if len(shown) <= _NAME_LENGTH else f"{shown[:40]}…{shown[-15:]}"


def _check_header(content: bytes, name: str) -> None:
    """Refuse what its first bytes already show, before it takes memory."""
    try:
        with warnings_become("ignore"):
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as opened:
                kind, (width, height) = opened.format, opened.size
                frames = getattr(opened, "n_frames", 1) if kind in ("PNG", "WEBP") else 1
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BSDSError(_too_large(name, "a far larger one")) from error
    except Exception as error:
        raise BSDSError(
            f"{name}: expected {_KINDS}, found another kind of file; choose a picture."
        ) from error
    if kind not in _FORMATS:
        raise BSDSError(
            f"{name}: expected {_KINDS}, found {kind}; save it as a PNG and choose that."
        )
    if frames > 1:
        raise BSDSError(
            f"{name}: expected a still picture, found an animation of {frames} frames; save one "
            "of them as a PNG and choose that."
        )
    if min(width, height) < _MIN_SIDE:
        raise BSDSError(
            f"{name}: expected a picture of at least {_MIN_SIDE}×{_MIN_SIDE} pixels, found "
            f"{width}×{height}; choose a larger one."
        )
    if max(width, height) > _LONGEST * min(width, height):
        raise BSDSError(
            f"{name}: expected a picture at most {_LONGEST} times as long as wide, found "
            f"{width}×{height}; cut out a part of it."
        )
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise BSDSError(_too_large(name, f"{width}×{height}"))


def _too_large(name: str, found: str) -> str:
    return (
        f"{name}: expected a picture of at most {MAX_MEGAPIXELS} megapixels, found {found}; "
        "make it smaller and choose it again."
    )

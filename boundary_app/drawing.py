"""Probabilities made visible: masks, lines over the picture, image files."""

import io
from base64 import b64encode
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bsds_utils.images import to_grey
from bsds_utils.nms import suppress_non_maxima

__all__ = [
    "COLOURS",
    "HEAT",
    "Layer",
    "data_url",
    "heat",
    "jpeg",
    "lines_of",
    "mask_of",
    "overlay",
    "painted",
    "png",
    "ridges_of",
]

COLOURS: Final[dict[str, str]] = {
    "Orange": "#E69F00",
    "Blue": "#56B4E9",
    "Yellow": "#F0E442",
    "Red": "#D55E00",
    "Pink": "#CC79A7",
}
"""Of lines: those of Okabe and Ito, which colour-blind people can tell apart."""

HEAT: Final = ("#0B0F1E", "#123A6B", "#0072B2", "#56B4E9", "#F0E442", "#FFFFE8")
"""Of probabilities, from 0 to 1: ever lighter, so that they can be read without colour, too."""

_JPEG_QUALITY: Final = 92

Layer = NDArray[np.uint8]


def mask_of(probability: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Say where the probability reaches the threshold, as `bsds predict` does.

    Parameters
    ----------
    probability
        float32 in [0, 1], shape (H, W).
    threshold
        In [0, 1].

    Returns
    -------
    numpy.ndarray
        bool, shape (H, W).
    """
    mask: NDArray[np.bool_] = probability >= float(threshold)
    return mask


def ridges_of(probability: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the middle of every line, whatever the threshold.

    Parameters
    ----------
    probability
        float32 in [0, 1], shape (H, W).

    Returns
    -------
    numpy.ndarray
        bool, shape (H, W): true where non-maximum suppression leaves something.
    """
    return suppress_non_maxima(probability) > 0


def lines_of(
    mask: NDArray[np.bool_], width: Literal["thin", "thick"], ridges: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Choose the pixels that are drawn.

    Parameters
    ----------
    mask
        bool, shape (H, W).
    width
        ``"thick"``: the whole mask; ``"thin"``: what of it lies on a ridge.
    ridges
        bool, shape (H, W); needed for thin lines only.

    Returns
    -------
    numpy.ndarray
        bool, shape (H, W), nowhere outside the mask.
    """
    return mask & ridges if width == "thin" and ridges is not None else mask


def _rgb(colour: str) -> NDArray[np.uint8]:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.uint8)


def painted(lines: NDArray[np.bool_], colour: str, opacity: float) -> Layer:
    """Paint lines on glass, to be laid on the picture.

    Parameters
    ----------
    lines
        bool, shape (H, W).
    colour
        ``"#RRGGBB"``.
    opacity
        Of the lines, in [0, 1].

    Returns
    -------
    numpy.ndarray
        uint8, shape (H, W, 4): the colour where lines are, transparent elsewhere.
    """
    layer = np.zeros((*lines.shape, 4), dtype=np.uint8)
    layer[lines] = [*_rgb(colour), round(opacity * 255)]
    return layer


def overlay(image: NDArray[np.uint8], layer: Layer) -> NDArray[np.uint8]:
    """Lay painted lines on a picture.

    Parameters
    ----------
    image
        uint8, shape (H, W, 3).
    layer
        uint8, shape (H, W, 4), as from `painted`.

    Returns
    -------
    numpy.ndarray
        uint8, shape (H, W, 3): the picture outside the lines.
    """
    share = layer[..., 3:].astype(np.float32) / 255
    mixed = image * (1 - share) + layer[..., :3] * share
    return np.round(mixed).astype(np.uint8)


def heat(probability: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour a probability map from dark (0) over blue to light yellow (1).

    Parameters
    ----------
    probability
        float32 in [0, 1], shape (H, W).

    Returns
    -------
    numpy.ndarray
        uint8, shape (H, W, 3).
    """
    stops = np.array([_rgb(colour) for colour in HEAT], dtype=np.float64)
    levels = np.linspace(0, len(stops) - 1, 256)
    table = np.stack([np.interp(levels, range(len(stops)), channel) for channel in stops.T], -1)
    coloured: NDArray[np.uint8] = np.round(table).astype(np.uint8)[to_grey(probability)]
    return coloured


def png(pixels: NDArray[np.uint8] | NDArray[np.bool_], *, compress: int = 1) -> bytes:
    """Write pixels as a PNG file.

    Parameters
    ----------
    pixels
        uint8, shape (H, W), (H, W, 3) or (H, W, 4); or bool, shape (H, W), saved as 0 and 255.
    compress
        0 (fast) to 9 (small). A page that follows a slider needs the former.

    Returns
    -------
    bytes
        The file.
    """
    values = to_grey(pixels) if pixels.dtype == np.bool_ else pixels
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "PNG", compress_level=compress)
    return stream.getvalue()


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Write a picture as a JPEG file without visible loss, a fifth of the PNG's size.

    Parameters
    ----------
    pixels
        uint8, shape (H, W, 3).

    Returns
    -------
    bytes
        The file.
    """
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return stream.getvalue()


def data_url(content: bytes, kind: Literal["png", "jpeg"]) -> str:
    """Write an image file as an address that a browser shows without asking the server.

    Parameters
    ----------
    content
        The file.
    kind
        What it is.

    Returns
    -------
    str
        ``data:image/…``.
    """
    return f"data:image/{kind};base64,{b64encode(content).decode()}"

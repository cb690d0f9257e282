"""From several annotators' boundary maps to one training mask of a fixed size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.arguments import as_boundaries, as_size
from bsds_utils.errors import BSDSError

__all__ = ["COURSE", "PROTOCOLS", "THIN", "MaskProtocol", "agreement", "get_protocol"]


def agreement(boundaries: ArrayLike) -> NDArray[np.float32]:
    """Share of the annotators who marked each pixel as boundary.

    Parameters
    ----------
    boundaries
        One map per annotator: bool (or 0 and 1), shape (A, H, W).

    Returns
    -------
    numpy.ndarray
        float32, shape (H, W), 0 (nobody) to 1 (everybody).

    Raises
    ------
    TypeError, ValueError
        If ``boundaries`` is not such an array.

    Examples
    --------
    >>> agreement([[[1, 0]], [[1, 1]]]).tolist()
    [[1.0, 0.5]]
    """
    maps = as_boundaries("boundaries", boundaries)
    share: NDArray[np.float32] = maps.mean(axis=0, dtype=np.float32)
    return share


@dataclass(frozen=True)
class MaskProtocol:
    """How annotators' boundaries become one mask: consensus, then resizing, then dilation.

    Parameters
    ----------
    name
        Name in tables and model cards.
    consensus
        Smallest share of the annotators, in (0, 1], who must have marked a pixel;
        ``"union"``: one of them is enough.
    resize
        ``"cover"``: each boundary pixel (r, c) of the H×W map marks the output pixel
        (⌊(r+½)·h/H⌋, ⌊(c+½)·w/W⌋) that covers its centre, so that reducing loses no boundary.
        ``"nearest"``: output pixel (i, j) is the source pixel (⌊i·H/h⌋, ⌊j·W/w⌋), which breaks
        lines of one pixel when reducing.
    dilate
        Radius of the square dilation after resizing, in output pixels: 0 for none, 1 for 3×3.

    Raises
    ------
    ValueError
        If a field has another value.

    Examples
    --------
    >>> boundaries = np.zeros((1, 4, 4), bool)
    >>> boundaries[0, :, 1] = True  # a vertical line in an odd column
    >>> THIN.apply(boundaries, 2).tolist()
    [[0, 0], [0, 0]]
    >>> MaskProtocol("cover", "union", "cover", 0).apply(boundaries, 2).tolist()
    [[1, 0], [1, 0]]
    """

    name: str
    consensus: float | Literal["union"] = "union"
    resize: Literal["cover", "nearest"] = "cover"
    dilate: int = 1

    def __post_init__(self) -> None:
        if self.consensus != "union" and not (
            isinstance(self.consensus, int | float) and 0 < self.consensus <= 1
        ):
            raise ValueError(
                f"consensus: expected 'union' or a share in (0, 1], found {self.consensus!r}"
            )
        if self.resize not in ("cover", "nearest"):
            raise ValueError(f"resize: expected 'cover' or 'nearest', found {self.resize!r}")
        if not isinstance(self.dilate, int) or self.dilate < 0:
            raise ValueError(f"dilate: expected a radius of 0 or more, found {self.dilate!r}")

    def apply(self, boundaries: ArrayLike, size: int | Sequence[int]) -> NDArray[np.uint8]:
        """Make the mask of one image.

        Parameters
        ----------
        boundaries
            One map per annotator: bool (or 0 and 1), shape (A, H, W).
        size
            Output size in pixels: one number for a square, or (height, width).

        Returns
        -------
        numpy.ndarray
            uint8, shape (height, width): 1 on boundaries, 0 elsewhere.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.
        """
        maps = as_boundaries("boundaries", boundaries)
        height, width = as_size("size", size)
        # count / A, not count >= consensus * A: 3 of 5 must satisfy a consensus of 0.6.
        least = 1 / len(maps) if self.consensus == "union" else self.consensus
        marked = np.count_nonzero(maps, axis=0) / len(maps) >= least
        resize = _cover if self.resize == "cover" else _nearest
        return _dilate(resize(marked, height, width), self.dilate).astype(np.uint8)


def _cover(marked: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    rows, columns = np.nonzero(marked)
    covered = np.zeros((height, width), dtype=bool)
    # ⌊(r+½)·h/H⌋ in integers, which cannot round wrongly.
    covered[
        (2 * rows + 1) * height // (2 * marked.shape[0]),
        (2 * columns + 1) * width // (2 * marked.shape[1]),
    ] = True
    return covered


def _nearest(marked: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    rows = np.arange(height) * marked.shape[0] // height
    columns = np.arange(width) * marked.shape[1] // width
    return marked[np.ix_(rows, columns)]


def _dilate(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    # A square is a row of pixels moved along a column: one axis after the other.
    for axis in (0, 1):
        source = np.moveaxis(mask, axis, 0)
        grown = source.copy()
        for step in range(1, min(radius, len(source) - 1) + 1):
            grown[step:] |= source[:-step]
            grown[:-step] |= source[step:]
        mask = np.moveaxis(grown, 0, axis)
    return mask


COURSE = MaskProtocol("course", consensus="union", resize="cover", dilate=1)
"""Used for training, grading and apps: no boundary pixel is lost."""

THIN = MaskProtocol("thin", consensus="union", resize="nearest", dilate=0)
"""A published student project's masks, kept for comparison: they break one-pixel lines."""

PROTOCOLS = {protocol.name: protocol for protocol in (COURSE, THIN)}


def get_protocol(protocol: str | MaskProtocol) -> MaskProtocol:
    """Find a mask protocol by name.

    Parameters
    ----------
    protocol
        ``"course"``, ``"thin"``, or a protocol, which is returned as it is.

    Returns
    -------
    MaskProtocol
        The protocol.

    Raises
    ------
    BSDSError
        If there is none of that name.
    """
    if isinstance(protocol, MaskProtocol):
        return protocol
    if protocol not in PROTOCOLS:
        raise BSDSError(
            f"mask protocol: expected one of {', '.join(PROTOCOLS)}, found {protocol!r}"
        )
    return PROTOCOLS[protocol]

"""Reading BSDS500's ground truth: one .mat file an image, one cell an annotator.

Format (MATLAB 5 files written by the data set's authors): a variable ``groundTruth``, a 1×A cell
array of 1×1 structs with the fields ``Segmentation`` (uint16 labels from 1) and ``Boundaries``
(0 or 1), both H×W.
"""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bsds_utils.data.files import printable, read_bytes
from bsds_utils.data.matfile import parse_variable
from bsds_utils.errors import BSDSError

__all__ = ["GroundTruth", "parse_ground_truth", "read_ground_truth"]

_RESTORE = "restore the file (`bsds data` checks all of them)"
_FIELDS = ("Boundaries", "Segmentation")
_MAX_PIXELS = 1 << 26  # a sparse matrix of a few bytes may claim any size


class GroundTruth(NamedTuple):
    """What A annotators drew on one H×W image.

    Attributes
    ----------
    boundaries
        bool (A, H, W), true on boundary pixels.
    segmentations
        uint16 (A, H, W), a region's number at each pixel.
    """

    boundaries: NDArray[np.bool_]
    segmentations: NDArray[np.uint16]


def _field(cell: Any, field: str, where: str, advice: str) -> NDArray[Any]:
    names = getattr(getattr(cell, "dtype", None), "names", None) or ()
    if field not in names or cell.size != 1:
        raise BSDSError(f"{where}: expected a struct with {' and '.join(_FIELDS)}; {advice}")
    value = cell[field].flat[0]
    if hasattr(value, "toarray"):  # MATLAB writes a sparse logical matrix as well
        if math.prod(value.shape) > _MAX_PIXELS:
            raise BSDSError(
                f"{where}: expected {field} of at most {_MAX_PIXELS:,} pixels, found shape "
                f"{value.shape}; {advice}"
            )
        value = value.toarray()
    value = np.asarray(value)
    if value.ndim != 2 or value.size == 0 or value.dtype.kind not in "buif":
        raise BSDSError(
            f"{where}: expected {field} as a matrix of numbers, found shape {value.shape} of "
            f"{value.dtype}; {advice}"
        )
    return value


def read_ground_truth(path: Path, shape: tuple[int, int] | None = None) -> GroundTruth:
    """Read the annotations of one image.

    Parameters
    ----------
    path
        A .mat file as described above. Nothing in it is executed or unpickled.
    shape
        The image's (H, W), which the annotations must have; not checked if None.

    Returns
    -------
    GroundTruth
        ``boundaries`` bool (A, H, W) and ``segmentations`` uint16 (A, H, W), A ≥ 1.

    Raises
    ------
    BSDSError
        If the file cannot be read, is no MATLAB 5 file (a web page, truncated), has no
        ``groundTruth`` or no annotator, or its matrices have other shapes or values than
        described. The message names the file.
    """
    return parse_ground_truth(read_bytes(path, _RESTORE), printable(path), shape, _RESTORE)


def parse_ground_truth(
    content: bytes, name: str, shape: tuple[int, int] | None, advice: str
) -> GroundTruth:
    """Read the annotations of one image from a file's content.

    Parameters
    ----------
    content
        The bytes of a .mat file as described above.
    name
        What to call the file in error messages.
    shape
        As for `read_ground_truth`.
    advice
        What to do if the file is not as described, for the end of the error message.

    Returns
    -------
    GroundTruth
        As from `read_ground_truth`.

    Raises
    ------
    BSDSError
        As from `read_ground_truth`.
    """
    cells = parse_variable(content, name, "groundTruth", advice)
    if not isinstance(cells, np.ndarray) or cells.dtype != object:
        raise BSDSError(f"{name}: expected groundTruth as a cell array; {advice}")
    if cells.size == 0:
        raise BSDSError(f"{name}: expected at least one annotator, found none; {advice}")
    boundaries: list[NDArray[np.bool_]] = []
    segmentations: list[NDArray[np.uint16]] = []
    for number, cell in enumerate(cells.flat, start=1):
        where = f"{name}: annotator {number} of {cells.size}"
        boundary, segmentation = (_field(cell, field, where, advice) for field in _FIELDS)
        for field, value in zip(_FIELDS, (boundary, segmentation), strict=True):
            expected = shape or (boundaries[0].shape if boundaries else boundary.shape)
            if value.shape != expected:
                reference = "the image's shape" if shape else "the first annotator's shape"
                raise BSDSError(
                    f"{where}: expected {field} of {reference} {expected}, found {value.shape}; "
                    f"{advice}"
                )
        if not np.isin(boundary, (0, 1)).all():
            raise BSDSError(f"{where}: expected Boundaries of 0 and 1 only; {advice}")
        with np.errstate(invalid="ignore"):
            labels = segmentation.astype(np.uint16)
        if not np.array_equal(labels, segmentation):
            raise BSDSError(f"{where}: expected Segmentation of whole numbers 0–65535; {advice}")
        boundaries.append(boundary.astype(bool))
        segmentations.append(labels)
    return GroundTruth(np.stack(boundaries), np.stack(segmentations))

"""Reading BSDS500's ground truth: one .mat file an image, one cell an annotator.

Format (MATLAB 5 files written by the data set's authors): a variable ``groundTruth``, a 1×A cell
array of 1×1 structs with the fields ``Segmentation`` (uint16 labels from 1) and ``Boundaries``
(0 or 1), both H×W.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bsds_utils.data.files import printable
from bsds_utils.data.matfile import read_variable
from bsds_utils.errors import BSDSError

__all__ = ["GroundTruth", "read_ground_truth"]

_RESTORE = "restore the file (`bsds data` checks all of them)"
_FIELDS = ("Boundaries", "Segmentation")


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


def _field(cell: Any, field: str, where: str) -> NDArray[Any]:
    names = getattr(getattr(cell, "dtype", None), "names", None) or ()
    if field not in names or cell.size != 1:
        raise BSDSError(f"{where}: expected a struct with {' and '.join(_FIELDS)}; {_RESTORE}")
    value = cell[field].flat[0]
    if hasattr(value, "toarray"):  # MATLAB writes a sparse logical matrix as well
        value = value.toarray()
    value = np.asarray(value)
    if value.ndim != 2 or value.size == 0 or value.dtype.kind not in "buif":
        raise BSDSError(
            f"{where}: expected {field} as a matrix of numbers, found shape {value.shape} of "
            f"{value.dtype}; {_RESTORE}"
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
    name = printable(path)
    cells = read_variable(path, "groundTruth", _RESTORE)
    if not isinstance(cells, np.ndarray) or cells.dtype != object:
        raise BSDSError(f"{name}: expected groundTruth as a cell array; {_RESTORE}")
    if cells.size == 0:
        raise BSDSError(f"{name}: expected at least one annotator, found none; {_RESTORE}")
    boundaries: list[NDArray[np.bool_]] = []
    segmentations: list[NDArray[np.uint16]] = []
    for number, cell in enumerate(cells.flat, start=1):
        where = f"{name}: annotator {number} of {cells.size}"
        boundary, segmentation = (_field(cell, field, where) for field in _FIELDS)
        for field, value in zip(_FIELDS, (boundary, segmentation), strict=True):
            expected = shape or (boundaries[0].shape if boundaries else boundary.shape)
            if value.shape != expected:
                reference = "the image's shape" if shape else "the first annotator's shape"
                raise BSDSError(
                    f"{where}: expected {field} of {reference} {expected}, found {value.shape}; "
                    f"{_RESTORE}"
                )
        if not np.isin(boundary, (0, 1)).all():
            raise BSDSError(f"{where}: expected Boundaries of 0 and 1 only; {_RESTORE}")
        with np.errstate(invalid="ignore"):
            labels = segmentation.astype(np.uint16)
        if not np.array_equal(labels, segmentation):
            raise BSDSError(f"{where}: expected Segmentation of whole numbers 0–65535; {_RESTORE}")
        boundaries.append(boundary.astype(bool))
        segmentations.append(labels)
    return GroundTruth(np.stack(boundaries), np.stack(segmentations))

"""Boundary maps, from memory and from files: PNG, NumPy and the ``ucm2`` of gPb-owt-ucm."""

import io
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.arguments import as_array, as_probability
from bsds_utils.data.files import printable, read_bytes
from bsds_utils.data.imagefile import open_image
from bsds_utils.data.matfile import read_variable
from bsds_utils.data.warningfilter import warnings_become
from bsds_utils.errors import BSDSError

__all__ = ["MapFolder", "as_map", "read_map"]

_MAX_PIXELS: Final = 1 << 24  # a map of 4096 × 4096; BSDS500's have 154,401 pixels
_ADVICE: Final = "save the map again as 8- or 16-bit grey PNG, as .npy or as .mat with ucm2"
_FULL_SCALE: Final = {"1": 1, "L": 255, "I;16": 65535, "I;16B": 65535, "I": 65535}
# `bsds predict` writes two pictures for each image.
_PROBABILITY, _MASK = "_probability", "_mask"


def as_map(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Check one boundary map.

    Parameters
    ----------
    name
        The map's name in the error message.
    value
        Shape (H, W), or with axes of length one around it; floats in [0, 1], or uint8 (255 is
        certain), uint16 (65535 is certain) or bool.

    Returns
    -------
    numpy.ndarray
        float64 in [0, 1], shape (H, W).

    Raises
    ------
    TypeError
        If it holds something else.
    ValueError
        If it is no single map, is empty, or holds NaN or values outside [0, 1].

    Examples
    --------
    >>> as_map("map", np.array([[0, 51, 255]], np.uint8)).tolist()
    [[0.0, 0.2, 1.0]]
    """
    array = as_array(name, value)
    while array.ndim > 2 and 1 in (array.shape[0], array.shape[-1]):
        array = array[..., 0] if array.shape[-1] == 1 else array[0]
    if array.ndim != 2:
        raise ValueError(f"{name}: expected one map of shape (H, W), found shape {array.shape}")
    if array.dtype.kind == "b":
        array = array.astype(np.float64)
    elif array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        array = array / np.float64(np.iinfo(array.dtype).max)
    return as_probability(name, array).astype(np.float64, copy=False)


def read_map(path: Path) -> NDArray[np.float64]:
    """Read a boundary map from a file.

    Parameters
    ----------
    path
        ``.png``: grey, 8 bits (255 is certain), 16 bits (65535) or 1 bit. ``.npy``: an array as
        `as_map` takes it. ``.mat``: a variable ``ucm2``, of which every second row and column is
        read from the third on (``ucm2(3:2:end, 3:2:end)``).

    Returns
    -------
    numpy.ndarray
        float64 in [0, 1], shape (H, W).

    Raises
    ------
    BSDSError
        If the file cannot be read as such a map. Nothing in it is executed or unpickled.
    """
    readers = {".png": _read_png, ".npy": _read_npy, ".mat": _read_ucm2}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise BSDSError(
            f"{printable(path)}: expected a name that ends in {', '.join(readers)}; {_ADVICE}"
        )
    array = reader(path)
    _require_size(path, array.shape)
    try:
        return as_map(printable(path), array)
    except (TypeError, ValueError) as error:
        raise BSDSError(f"{error}; {_ADVICE}") from error


def _require_size(path: Path, shape: tuple[int, ...]) -> None:
    if math.prod(shape) > _MAX_PIXELS:
        raise BSDSError(
            f"{printable(path)}: expected a map of at most {_MAX_PIXELS:,} pixels, found "
            f"{math.prod(shape):,}; predict at the image's own size"
        )


def _read_png(path: Path) -> NDArray[Any]:
    image = open_image(path, "PNG", _ADVICE)
    _require_size(path, image.size)
    if image.mode not in _FULL_SCALE:
        raise BSDSError(
            f"{printable(path)}: expected a grey PNG, found one of mode {image.mode}; {_ADVICE}"
        )
    try:
        return np.asarray(image) / np.float64(_FULL_SCALE[image.mode])
    except Exception as error:  # zlib's and Pillow's complaints come in many kinds
        raise BSDSError(f"{printable(path)}: truncated or corrupt PNG; {_ADVICE}") from error


def _read_npy(path: Path) -> NDArray[Any]:
    stream = io.BytesIO(read_bytes(path, _ADVICE))
    try:
        with warnings_become("ignore"):  # about headers that Python 2 wrote
            array = np.lib.format.read_array(stream, allow_pickle=False)
    except Exception as error:  # a broken header makes NumPy raise almost anything
        raise BSDSError(
            f"{printable(path)}: expected a NumPy array of numbers, found something else or a "
            f"truncated file; {_ADVICE}"
        ) from error
    return array


def _read_ucm2(path: Path) -> NDArray[Any]:
    doubled = read_variable(path, "ucm2", _ADVICE, max_elements=4 * _MAX_PIXELS)
    if hasattr(doubled, "toarray"):  # MATLAB's sparse matrices
        doubled = doubled.toarray()
    if not (
        isinstance(doubled, np.ndarray)
        and doubled.ndim == 2
        and doubled.dtype.kind in "buif"
        and min(doubled.shape) >= 3
        and doubled.shape[0] % 2 == doubled.shape[1] % 2 == 1
    ):
        found = f"{doubled.dtype} of shape {doubled.shape}"
        raise BSDSError(
            f"{printable(path)}: expected ucm2 as a matrix of numbers of shape (2·H + 1, "
            f"2·W + 1), found {found}; {_ADVICE}"
        )
    array: NDArray[Any] = doubled[2::2, 2::2]
    return array


class MapFolder(Mapping[str, NDArray[np.float64]]):
    """A folder of boundary maps, each read when it is asked for.

    Keys are image ids: a file ``<id>.png``, ``<id>.npy`` or ``<id>.mat``; also
    ``<id>_probability.png``, which ``bsds predict`` writes (its ``<id>_mask.png`` is left out).
    Other files and hidden ones are ignored.

    Parameters
    ----------
    folder
        The folder.

    Raises
    ------
    BSDSError
        If there is no such folder, it holds no map, or two for one image.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: dict[str, Path] = {}
        name = printable(folder)
        try:
            found = sorted(folder.iterdir())
        except OSError as error:
            raise BSDSError(
                f"{name}: expected a folder of boundary maps: {error.strerror}"
            ) from error
        for path in found:
            if path.suffix.lower() not in (".png", ".npy", ".mat") or path.name.startswith("."):
                continue
            if path.stem.endswith(_MASK):
                continue
            image_id = path.stem.removesuffix(_PROBABILITY)
            if image_id in self._paths:
                raise BSDSError(
                    f"{name}: expected one map for each image, found {printable(path.name)} and "
                    f"{printable(self._paths[image_id].name)}; remove one of them"
                )
            self._paths[image_id] = path
        if not self._paths:
            raise BSDSError(
                f"{name}: expected boundary maps <image id>.png, .npy or .mat, found none "
                "(masks do not count)"
            )

    def __getitem__(self, image_id: str) -> NDArray[np.float64]:
        return read_map(self._paths[image_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

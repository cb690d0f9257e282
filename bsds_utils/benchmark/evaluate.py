"""The benchmark over many images, several at a time, each result kept as soon as it is there."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.arguments import as_boundaries
from bsds_utils.benchmark.counts import count_levels
from bsds_utils.benchmark.engine import load_engine
from bsds_utils.benchmark.maps import as_map
from bsds_utils.benchmark.protocol import MAX_DIST, THRESHOLD_COUNT, levels_of, thresholds_of
from bsds_utils.benchmark.scores import Counts, Scores, summarize
from bsds_utils.data.cache import cached_arrays
from bsds_utils.data.files import printable
from bsds_utils.data.progress import bar
from bsds_utils.errors import BSDSError
from bsds_utils.nms import suppress_non_maxima

__all__ = ["evaluate", "require_maps", "require_size"]

_FORMAT: Final = 1  # raise it when the same maps give other counts
_SHOWN: Final = 5  # image ids in an error message


def require_maps(maps: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
    """Check that there is a map for every image; more do no harm.

    Raises
    ------
    BSDSError
        If maps are missing; the message names them, and what is there under other names.
    """
    missing = [image_id for image_id in truth if image_id not in maps]
    if missing:
        others = [image_id for image_id in maps if image_id not in truth]
        besides = f"; maps of other names: {_listed(others)}" if others else ""
        raise BSDSError(
            f"predictions: expected one map for each of {len(truth)} images, {len(missing)} "
            f"missing: {_listed(missing)}{besides}"
        )


def _listed(ids: list[str]) -> str:
    return ", ".join(map(printable, ids[:_SHOWN])) + (", …" if len(ids) > _SHOWN else "")


def require_size(image_id: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Check that a map has the size of its image.

    Raises
    ------
    BSDSError
        If not; the message names the image.
    """
    if shape != expected:
        raise BSDSError(
            f"map of {printable(image_id)}: expected the image's size, {_size(expected)}, found "
            f"{_size(shape)}; predict at the image's own size"
        )


def evaluate(
    maps: Mapping[str, ArrayLike],
    truth: Mapping[str, ArrayLike],
    *,
    nms: bool = False,
    jobs: int = 1,
    thresholds: int = THRESHOLD_COUNT,
    max_dist: float = MAX_DIST,
    keep: Path | None = None,
) -> Scores:
    """Compute ODS, OIS and AP of boundary maps.

    Parameters
    ----------
    maps
        One map for each image id, as `as_map` takes it, of the image's own size. Maps of
        images that are not in ``truth`` are left out.
    truth
        Boundaries for each image id: bool (A, H, W), a map for each annotator. For a data set
        ``dataset.truth("test")``.
    nms
        Thin soft maps to their ridges first (`suppress_non_maxima`).
    jobs
        Images to work on at a time, each in a thread of its own.
    thresholds
        Their number; they are k / (thresholds + 1).
    max_dist
        Largest distance of a match, as a share of the image's diagonal.
    keep
        A folder where each image's counts are kept under a name made from what they depend on.
        If the call is interrupted, the next one begins with what is there.

    Returns
    -------
    Scores
        ODS, OIS, AP, the curve, and each image's best point. They do not depend on ``jobs``.

    Raises
    ------
    BSDSError
        If a map is missing or cannot be read, there is no image, or numba is not installed.
    TypeError, ValueError
        If a map or boundaries are not as described; the message names the image.
    """
    if jobs < 1:
        raise BSDSError(f"jobs: expected at least 1, found {jobs}")
    require_maps(maps, truth)
    steps = thresholds_of(thresholds)
    load_engine()  # says what is missing before any work is done

    def count(image_id: str) -> Counts:
        boundaries = as_boundaries(f"truth of {image_id}", truth[image_id])
        values = as_map(f"map of {image_id}", maps[image_id])
        require_size(image_id, values.shape, boundaries.shape[1:])
        if nms:
            values = suppress_non_maxima(values)
        levels = levels_of(values, steps)

        def make() -> dict[str, NDArray[Any]]:
            return {"counts": np.stack(count_levels(levels, boundaries, thresholds, max_dist))}

        if keep is None:
            return Counts(*make()["counts"])
        key = _fingerprint(levels, boundaries, thresholds, max_dist)
        arrays = cached_arrays(keep / f"{key}.npz", make, lambda found: _fits(found, thresholds))
        return Counts(*arrays["counts"])

    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="benchmark") as pool:
        futures = {image_id: pool.submit(count, image_id) for image_id in truth}
        try:
            # In order, so that of several bad maps always the same one is reported.
            steps_done = bar(futures.items(), "matching", len(futures), unit="images")
            counts = {image_id: future.result() for image_id, future in steps_done}
        except BaseException:
            # Images in work are finished, and kept; those not begun are not.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return summarize(counts, steps)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}×{shape[1]} (height×width)"


def _fingerprint(
    levels: NDArray[np.int64], boundaries: NDArray[np.bool_], thresholds: int, max_dist: float
) -> str:
    facts = (_FORMAT, boundaries.shape, thresholds, float(max_dist))
    digest = hashlib.sha256(repr(facts).encode())
    digest.update(levels.tobytes())
    digest.update(np.packbits(boundaries).tobytes())
    return digest.hexdigest()[:32]


def _fits(arrays: Mapping[str, NDArray[Any]], thresholds: int) -> bool:
    return (
        set(arrays) == {"counts"}
        and arrays["counts"].shape == (4, thresholds)
        and arrays["counts"].dtype == np.int64
    )

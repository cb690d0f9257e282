"""Writing synthetic scenes as a data set in BSDS500's own layout."""

import io
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from PIL import Image

from bsds_utils.data.descriptor import DESCRIPTOR, FORMAT, Descriptor
from bsds_utils.data.folders import filled_atomically
from bsds_utils.data.manifest import SPLITS, sha256
from bsds_utils.data.progress import bar
from bsds_utils.synthetic.scenes import Scene, scene

__all__ = ["DEFAULT_COUNTS", "DEFAULT_SEED", "write_dataset"]

DEFAULT_COUNTS: Final[Mapping[str, int]] = MappingProxyType({"train": 100, "val": 40, "test": 40})
DEFAULT_SEED: Final = 500
_JPEG_QUALITY: Final = 95


def _jpeg(made: Scene) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(made.image).save(stream, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return stream.getvalue()


def _mat(made: Scene) -> bytes:
    from scipy.io import savemat

    cells = np.empty((1, len(made.boundaries)), object)
    for index, (segmentation, boundary) in enumerate(
        zip(made.segmentations, made.boundaries, strict=True)
    ):
        cells[0, index] = {"Segmentation": segmentation, "Boundaries": boundary}
    stream = io.BytesIO()
    savemat(stream, {"groundTruth": cells}, do_compression=True)  # type: ignore[arg-type]
    content = stream.getvalue()
    # scipy writes platform and date into the 116 bytes of free text at the start.
    text = b"MATLAB 5.0 MAT-file, synthetic ground truth"
    return text.ljust(116) + content[116:]


def _files(job: tuple[int, int, int]) -> tuple[bytes, bytes]:
    seed, *place = job
    made = scene(np.random.SeedSequence(seed, spawn_key=place))
    return _jpeg(made), _mat(made)


def _check(counts: Mapping[str, int], seed: int) -> None:
    if set(counts) != set(SPLITS) or any(
        isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in counts.values()
    ):
        raise ValueError(
            f"counts: expected a whole number from 0 for each of {', '.join(SPLITS)}, found "
            f"{dict(counts)!r}"
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed: expected a whole number from 0, found {seed!r}")


def _fill(folder: Path, counts: Mapping[str, int], seed: int) -> None:
    jobs = [
        (split, index, (seed, number, index))
        for number, split in enumerate(SPLITS)
        for index in range(counts[split])
    ]
    sums = {}
    for split in SPLITS:
        for kind in ("images", "groundTruth"):
            (folder / kind / split).mkdir(parents=True)
    # Threads, not processes: forking a notebook that has TensorFlow loaded is not safe, and
    # spawning runs a student's script again. numpy and scipy release the interpreter lock.
    pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
    try:
        results = pool.map(_files, (job for _, _, job in jobs))
        steps = bar(results, "making scenes", len(jobs), "scenes")
        for (split, index, _), (jpeg, mat) in zip(jobs, steps, strict=True):
            image_id = f"dl{SPLITS.index(split)}{index:04d}"  # no id is in two splits
            for path, content in (
                (f"images/{split}/{image_id}.jpg", jpeg),
                (f"groundTruth/{split}/{image_id}.mat", mat),
            ):
                (folder / path).write_bytes(content)
                sums[path] = sha256(content)
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C, the rest is not made
    descriptor = Descriptor(FORMAT, seed, {split: counts[split] for split in SPLITS}, sums)
    (folder / DESCRIPTOR).write_text(descriptor.to_json(), encoding="utf-8")


def write_dataset(
    root: str | os.PathLike[str],
    counts: Mapping[str, int] = DEFAULT_COUNTS,
    seed: int = DEFAULT_SEED,
    *,
    replace: bool = False,
) -> None:
    """Make scenes and write them in BSDS500's layout, with a descriptor ``deadleaves.json``.

    Scene number i of a split depends on the seed, the split and i alone, so a larger set begins
    with the smaller one's scenes. The folder appears whole or not at all.

    Parameters
    ----------
    root
        The folder to make; it must not exist, or be empty, unless replaced.
    counts
        Images by split: ``{"train": 100, "val": 40, "test": 40}`` by default.
    seed
        A whole number from 0.
    replace
        Replace what is at the root.

    Raises
    ------
    BSDSError
        If the folder is not empty or cannot be written.
    ValueError
        If counts or seed are not as described.
    """
    _check(counts, seed)
    target = Path(root)
    with filled_atomically(target, replace=replace) as folder:
        _fill(folder, counts, seed)

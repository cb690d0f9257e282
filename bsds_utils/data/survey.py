"""A data set in figures: how many images, how large, how many annotators."""

from collections import Counter
from dataclasses import dataclass

from bsds_utils.data.dataset import Dataset
from bsds_utils.data.groundtruth import read_ground_truth
from bsds_utils.data.imagefile import image_shape
from bsds_utils.data.manifest import SPLITS
from bsds_utils.data.progress import bar

__all__ = ["Survey", "survey"]


@dataclass(frozen=True)
class Survey:
    """Figures of a data set.

    Attributes
    ----------
    counts
        Images by split.
    shapes
        Images by (height, width) in pixels.
    annotators
        Images by number of annotators.
    n_bytes
        Size of all files.
    """

    counts: dict[str, int]
    shapes: Counter[tuple[int, int]]
    annotators: Counter[int]
    n_bytes: int


def survey(dataset: Dataset) -> Survey:
    """Read every file's shape and annotators.

    Parameters
    ----------
    dataset
        The data set.

    Raises
    ------
    BSDSError
        If a file is damaged.
    """
    shapes: Counter[tuple[int, int]] = Counter()
    annotators: Counter[int] = Counter()
    n_bytes = 0
    pairs = [pair for split in SPLITS for pair in dataset.pairs[split].values()]
    for image, truth in bar(pairs, "reading", unit="images"):
        shape = image_shape(image)
        shapes[shape] += 1
        annotators[len(read_ground_truth(truth, shape).boundaries)] += 1
        n_bytes += image.stat().st_size + truth.stat().st_size
    counts = {split: len(dataset.ids(split)) for split in SPLITS}
    return Survey(counts, shapes, annotators, n_bytes)

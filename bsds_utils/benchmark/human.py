"""How well people agree with one another, measured as methods are."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from bsds_utils.arguments import as_boundaries
from bsds_utils.benchmark.counts import count_matches
from bsds_utils.benchmark.protocol import MAX_DIST
from bsds_utils.benchmark.scores import Counts, Point, f_measure
from bsds_utils.errors import BSDSError

__all__ = ["HUMAN", "human_point"]

HUMAN: Final = Point(float("nan"), recall=0.7240, precision=0.9014, f=0.8030)
"""People on the test images of BSDS500: `human_point`, printed by ``benchmarks/human.py``."""


def human_point(truth: Mapping[str, ArrayLike], max_dist: float = MAX_DIST) -> Point:
    """Compare each annotator with the others, who are the ground truth then.

    Counts are summed over all annotators of all images.

    Parameters
    ----------
    truth
        Boundaries for each image id: bool (A, H, W). Images with one annotator are left out.
    max_dist
        Largest distance of a match, as a share of the image's diagonal.

    Returns
    -------
    Point
        Recall, precision and F; ``threshold`` is NaN.

    Raises
    ------
    BSDSError
        If no image has two annotators.
    TypeError, ValueError
        If boundaries are not as described; the message names the image.
    """
    total = Counts(*np.zeros((4, 1), np.int64))
    for image_id in truth:
        maps = as_boundaries(f"truth of {image_id}", truth[image_id])
        for number, own in enumerate(maps if len(maps) > 1 else ()):
            others = np.delete(maps, number, axis=0)
            one = count_matches(own, others, thresholds=1, max_dist=max_dist)
            total = Counts(*(a + b for a, b in zip(total, one, strict=True)))
    if not total.sumR[0]:
        raise BSDSError("people: expected an image with two annotators who drew, found none")
    recall, precision = float(total.recall[0]), float(total.precision[0])
    return Point(float("nan"), recall, precision, float(f_measure(recall, precision)))

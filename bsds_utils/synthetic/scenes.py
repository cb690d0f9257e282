"""A synthetic scene with its annotations, from a seed."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bsds_utils.synthetic.annotators import annotate
from bsds_utils.synthetic.leaves import draw_leaves
from bsds_utils.synthetic.outlines import outlines

__all__ = ["Scene", "scene"]

_SHORT: Final = 321  # BSDS500's images are 481×321 or 321×481 pixels
_LONG: Final = 481
_UPRIGHT_SHARE: Final = 0.3  # of BSDS500's images, about


class Scene(NamedTuple):
    """A synthetic photograph and what several annotators drew on it.

    Attributes
    ----------
    image
        uint8 (H, W, 3), RGB 0–255; 321×481 or 481×321 pixels.
    regions
        uint16 (H, W): what is really there, one number from 1 a leaf.
    boundaries
        bool (A, H, W): one-pixel lines, one map an annotator; A is 4 to 6.
    segmentations
        uint16 (A, H, W): each annotator's regions, numbered from 1.
    """

    image: NDArray[np.uint8]
    regions: NDArray[np.uint16]
    boundaries: NDArray[np.bool_]
    segmentations: NDArray[np.uint16]


def scene(seed: int | np.random.SeedSequence) -> Scene:
    """Make a scene; the same seed always gives the same one.

    Parameters
    ----------
    seed
        A whole number from 0, or a `numpy.random.SeedSequence`.

    Returns
    -------
    Scene
        Image, true regions, and the annotators' boundaries and segmentations.

    Examples
    --------
    >>> scene(7).image.dtype
    dtype('uint8')
    """
    rng = np.random.default_rng(seed)
    upright = rng.random() < _UPRIGHT_SHARE
    height, width = (_LONG, _SHORT) if upright else (_SHORT, _LONG)
    image, regions = draw_leaves(rng, height, width)
    segmentations = annotate(rng, image, regions)
    boundaries = np.stack([outlines(segmentation) for segmentation in segmentations])
    return Scene(image, regions, boundaries, segmentations)

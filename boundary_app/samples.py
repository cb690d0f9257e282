"""Pictures to begin with: synthetic scenes, each with what its simulated annotators drew."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from boundary_app.pictures import Picture, picture_of
from bsds_utils.synthetic import scene

__all__ = ["SEEDS", "Sample", "make_sample"]

SEEDS: Final[dict[str, int]] = {"Scene 1": 7, "Scene 2": 12, "Scene 3": 21, "Scene 4": 35}
"""Seed by name."""


class Sample(NamedTuple):
    """A scene.

    Attributes
    ----------
    picture
        The picture.
    boundaries
        bool, shape (A, H, W): one map an annotator.
    """

    picture: Picture
    boundaries: NDArray[np.bool_]


def make_sample(name: str) -> Sample:
    """Make one of the scenes; it is always the same.

    Parameters
    ----------
    name
        One of `SEEDS`.

    Returns
    -------
    Sample
        The scene.
    """
    made = scene(SEEDS[name])
    return Sample(picture_of(name, made.image)._replace(public=True), made.boundaries)

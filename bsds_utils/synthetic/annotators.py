"""Simulated annotators: they see the same scene, care about different things, and slip a little.

What the annotators of BSDS500 do, and what is imitated here: everybody marks strong boundaries
of large things; small things and weak contrasts are left out by some; nobody's line lies exactly
on the edge (Martin, Fowlkes & Malik 2004 allow for a few pixels).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["annotate"]

_FEWEST: Final = 4
_MOST: Final = 6
_SLIP_LENGTH: Final = 14  # pixels; over this distance a hand errs in one direction


def _borders(
    regions: NDArray[np.integer], count: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the neighbouring pairs a < b of the regions 0…count-1."""
    pairs = [
        np.stack([one.ravel(), other.ravel()])
        for one, other in (
            (regions[:, :-1], regions[:, 1:]),
            (regions[:-1], regions[1:]),
        )
    ]
    both = np.concatenate(pairs, axis=1).astype(np.intp)
    low, high = both.min(axis=0), both.max(axis=0)
    codes = np.unique((low * count + high)[low != high])
    return codes // count, codes % count


def _merge(
    rng: np.random.Generator,
    areas: NDArray[np.float64],
    looks: NDArray[np.float64],
    borders: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> NDArray[np.intp]:
    """Return for each region the one with which one annotator draws it as a whole.

    The two neighbours that look most alike are merged, again and again, as long as their
    contrast is below what this annotator cares for; then those too small to be drawn.
    """
    detail = rng.beta(1.3, 1.7)  # 0: only what strikes the eye, 1: everything
    smallest = 1200 * (1 - detail) ** 2 + 150  # pixels
    faintest = 46 * (1 - detail) + 6  # grey levels
    low, high = borders
    mood = np.exp(rng.normal(0, 0.4, low.size))  # attention differs from place to place
    areas, looks = areas.copy(), looks.copy()
    owner = np.arange(areas.size)
    while low.size:
        contrast = np.sqrt(((looks[low] - looks[high]) ** 2).mean(axis=1)) * mood
        small = np.minimum(areas[low], areas[high]) < smallest
        contrast[~small & (contrast >= faintest)] = np.inf
        pair = int(np.argmin(contrast))
        if np.isinf(contrast[pair]):
            break
        keep, drop = int(low[pair]), int(high[pair])
        whole = areas[keep] + areas[drop]
        looks[keep] = (looks[keep] * areas[keep] + looks[drop] * areas[drop]) / whole
        areas[keep] = whole
        owner[owner == drop] = keep
        low = np.where(low == drop, keep, low)
        high = np.where(high == drop, keep, high)
        low, high = np.minimum(low, high), np.maximum(low, high)
        _, first = np.unique(low * areas.size + high, return_index=True)
        first = first[low[first] != high[first]]
        low, high, mood = low[first], high[first], mood[first]
    return owner


def _stretched(knots: NDArray[np.float64], length: int, axis: int) -> NDArray[np.float64]:
    """Interpolate linearly between equidistant knots along an axis."""
    places = np.linspace(0, knots.shape[axis] - 1, length, endpoint=False)
    before = places.astype(np.intp)
    after_share = (places - before).reshape([-1 if a == axis else 1 for a in range(knots.ndim)])
    one, other = (np.take(knots, before + step, axis) for step in (0, 1))
    return np.asarray(one * (1 - after_share) + other * after_share, np.float64)


def _displace(rng: np.random.Generator, regions: NDArray[np.intp]) -> NDArray[np.intp]:
    """Shift the regions' edges by a smooth random field, about a pixel far."""
    height, width = regions.shape
    reach = rng.uniform(0.6, 1.5)
    knots = reach * rng.standard_normal((2, height // _SLIP_LENGTH + 2, width // _SLIP_LENGTH + 2))
    down, right = _stretched(_stretched(knots, height, axis=1), width, axis=2)
    rows = np.clip(np.rint(np.arange(height)[:, None] + down), 0, height - 1).astype(np.intp)
    columns = np.clip(np.rint(np.arange(width) + right), 0, width - 1).astype(np.intp)
    return np.asarray(regions[rows, columns])


def _renumbered(regions: NDArray[np.intp]) -> NDArray[np.uint16]:
    """Give the regions that occur new numbers, from 1 without gaps."""
    occurs = np.bincount(regions.ravel()) > 0
    return np.asarray(np.cumsum(occurs).astype(np.uint16)[regions])


def annotate(
    rng: np.random.Generator, image: NDArray[np.uint8], regions: NDArray[np.integer]
) -> NDArray[np.uint16]:
    """Return what several annotators draw on a scene.

    Parameters
    ----------
    rng
        The only source of chance.
    image
        uint8 (H, W, 3), RGB 0–255; contrasts are judged by it.
    regions
        Whole numbers from 1 without gaps, shape (H, W): what is really there.

    Returns
    -------
    ndarray of uint16, shape (A, H, W)
        Each annotator's regions, numbered from 1; A is 4 to 6.
    """
    labels = regions.astype(np.intp) - 1
    count = int(labels.max()) + 1
    areas = np.bincount(labels.ravel(), minlength=count).astype(np.float64)
    channels = [image[..., c].ravel().astype(np.float64) for c in range(3)]
    means = [np.bincount(labels.ravel(), c, count) / areas for c in channels]
    squares = [np.bincount(labels.ravel(), c * c, count) / areas for c in channels]
    # Texture separates things as well as colour does, so the deviation counts too.
    spread = [np.sqrt(np.maximum(s - m * m, 0)) for s, m in zip(squares, means, strict=True)]
    looks = np.stack([*means, *spread], axis=1)
    borders = _borders(labels, count)
    drawn = []
    for _ in range(int(rng.integers(_FEWEST, _MOST + 1))):
        merged = _merge(rng, areas, looks, borders)[labels]
        drawn.append(_renumbered(_displace(rng, merged)))
    return np.stack(drawn)

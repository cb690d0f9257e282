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


def _find(parents: list[int], region: int) -> int:
    while parents[region] != region:
        region = parents[region]
    return region


def _merge(
    rng: np.random.Generator,
    areas: NDArray[np.intp],
    colours: NDArray[np.float64],
    borders: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> NDArray[np.intp]:
    """Return for each region the one it is drawn together with by one annotator."""
    detail = rng.beta(2.0, 2.0)  # 0: only what matters, 1: everything
    smallest = 900 * (1 - detail) ** 2 + 120
    faintest = 34 * (1 - detail) + 8
    low, high = borders
    contrast = np.sqrt(((colours[low] - colours[high]) ** 2).mean(axis=1))
    contrast = contrast * np.exp(rng.normal(0, 0.25, contrast.size))  # moods differ by place

    parents = list(range(areas.size))
    size = areas.tolist()
    for index in np.argsort(contrast, kind="stable"):
        a, b = _find(parents, int(low[index])), _find(parents, int(high[index]))
        if a == b:
            continue
        overlooked = contrast[index] < faintest
        too_small = min(size[a], size[b]) < smallest
        if overlooked or too_small:
            keep, drop = (a, b) if size[a] >= size[b] else (b, a)
            parents[drop] = keep
            size[keep] += size[drop]
    return np.array([_find(parents, region) for region in range(areas.size)])


def _displace(rng: np.random.Generator, regions: NDArray[np.intp]) -> NDArray[np.intp]:
    """Shift the regions' edges by a smooth random field, about a pixel far."""
    from scipy.ndimage import zoom

    height, width = regions.shape
    reach = rng.uniform(0.5, 1.3)
    coarse = reach * rng.standard_normal(
        (2, height // _SLIP_LENGTH + 2, width // _SLIP_LENGTH + 2)
    )
    factors = (1, height / coarse.shape[1], width / coarse.shape[2])
    shift_y, shift_x = zoom(coarse, factors, order=1)
    rows = np.clip(np.rint(np.arange(height)[:, None] + shift_y), 0, height - 1).astype(np.intp)
    columns = np.clip(np.rint(np.arange(width)[None] + shift_x), 0, width - 1).astype(np.intp)
    return regions[rows, columns]


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
    areas = np.bincount(labels.ravel(), minlength=count)
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
        displaced = _displace(rng, merged)
        numbers = np.unique(displaced, return_inverse=True)[1]
        drawn.append(numbers.reshape(labels.shape).astype(np.uint16) + 1)
    return np.stack(drawn).astype(np.uint16)

"""Dead leaves: textured shapes with power-law sizes that hide one another.

The model of natural-image statistics goes back to Matheron; Lee, Mumford & Huang (2001,
"Occlusion models for natural images") show that radii with density ∝ r⁻³ give the scale
invariance of photographs.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Leaves", "draw_leaves"]

_RADII: Final = (30.0, 220.0)  # pixels; smaller leaves would give far more boundary than BSDS has
_BACKGROUND_SHARE: Final = 0.02  # below it the gaps between leaves are left to the background
_MOST_LEAVES: Final = 2000
_FIELDS: Final = 5  # noise fields a scene; each leaf takes its texture from one of them


class Leaves(NamedTuple):
    """A scene before any annotator saw it.

    Attributes
    ----------
    image
        uint8 (H, W, 3), RGB 0–255.
    regions
        uint16 (H, W), number of the visible leaf from 1; the last one is the background.
    """

    image: NDArray[np.uint8]
    regions: NDArray[np.uint16]


def _radius(rng: np.random.Generator) -> float:
    smallest, largest = _RADII
    u = rng.random()
    return float((smallest**-2 - u * (smallest**-2 - largest**-2)) ** -0.5)


class _Leaf(NamedTuple):
    rows: slice
    columns: slice
    inside: NDArray[np.bool_]


def _leaf(rng: np.random.Generator, height: int, width: int) -> _Leaf | None:
    """Draw one leaf's shape; None if all of it lies outside the image."""
    radius = _radius(rng)
    kind = rng.choice(3, p=(0.4, 0.35, 0.25))
    row = rng.uniform(-radius, height + radius)
    column = rng.uniform(-radius, width + radius)
    turn = rng.uniform(0, 2 * np.pi)
    aspect = rng.uniform(0.45, 1.0)
    harmonics = np.arange(2, 7)
    sizes = rng.normal(0, 0.28, harmonics.size) / harmonics
    phases = rng.uniform(0, 2 * np.pi, harmonics.size)

    reach = radius * 1.6
    top, bottom = max(0, int(row - reach)), min(height, int(row + reach) + 1)
    left, right = max(0, int(column - reach)), min(width, int(column + reach) + 1)
    if top >= bottom or left >= right:
        return None
    y = np.arange(top, bottom)[:, None] - row
    x = np.arange(left, right)[None, :] - column
    u = x * np.cos(turn) + y * np.sin(turn)
    v = (y * np.cos(turn) - x * np.sin(turn)) / aspect
    if kind == 0:
        inside = u**2 + v**2 < radius**2
    elif kind == 1:
        angle = np.arctan2(v, u)
        wave = np.ones_like(angle)
        for harmonic, size, phase in zip(harmonics, sizes, phases, strict=True):
            wave += size * np.cos(harmonic * angle + phase)
        inside = u**2 + v**2 < (radius * np.clip(wave, 0.3, 1.5)) ** 2
    else:
        inside = np.maximum(np.abs(u), np.abs(v)) < radius * 0.85
    return _Leaf(slice(top, bottom), slice(left, right), inside)


def _cover(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint16]:
    """Lay leaves from the nearest to the farthest until hardly a gap is left."""
    regions = np.zeros((height, width), np.uint16)
    number = 0
    for _ in range(_MOST_LEAVES):
        if np.count_nonzero(regions) > (1 - _BACKGROUND_SHARE) * regions.size:
            break
        leaf = _leaf(rng, height, width)
        if leaf is None:
            continue
        window = regions[leaf.rows, leaf.columns]
        visible = leaf.inside & (window == 0)
        if visible.any():
            number += 1
            window[visible] = number
    regions[regions == 0] = number + 1
    return regions


def _noise_fields(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float64]:
    """Make filtered noise of several grains, some of them stripy; mean 0, deviation 1."""
    from scipy.ndimage import gaussian_filter

    fields = np.empty((_FIELDS, height, width))
    for field in fields:
        grain = np.exp(rng.uniform(np.log(0.6), np.log(7.0)))
        stretch = rng.choice([1.0, 1.0, 4.0])
        sigma = (grain, grain * stretch) if rng.random() < 0.5 else (grain * stretch, grain)
        smooth = gaussian_filter(
            rng.standard_normal((height, width)), sigma, mode="wrap", truncate=2.5
        )
        field[...] = (smooth - smooth.mean()) / smooth.std()
    return fields


def _colour(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a leaf's mean RGB: lightness over the whole range, hue muted as in nature."""
    lightness = 255 * rng.beta(1.5, 1.7)
    chroma = 150 * (rng.beta(3.0, 3.0, 3) - 0.5)
    return np.asarray(lightness + chroma - chroma.mean() * 0.5, np.float64)


def _paint(rng: np.random.Generator, regions: NDArray[np.uint16]) -> NDArray[np.float64]:
    height, width = regions.shape
    fields = _noise_fields(rng, height, width).reshape(_FIELDS, -1)
    canvas = np.empty((height * width, 3))
    flat = regions.ravel()
    order = np.argsort(flat, kind="stable")
    ends = np.searchsorted(flat[order], np.arange(1, flat[order[-1]] + 2))
    for start, end in pairwise(ends):
        pixels = order[start:end]
        field = fields[rng.integers(_FIELDS)]
        shift = rng.integers(field.size)
        strength = 34 * rng.beta(1.2, 2.2)
        tint = 1 + 0.35 * rng.standard_normal(3)
        slope = rng.normal(0, 16, 2)
        texture = field[(pixels + shift) % field.size]
        rows, columns = pixels // width, pixels % width
        extent = max(np.ptp(rows), np.ptp(columns), 1) / 2
        shading = (
            slope[0] * (rows - rows.mean()) + slope[1] * (columns - columns.mean())
        ) / extent
        canvas[pixels] = _colour(rng) + (strength * texture)[:, None] * tint + shading[:, None]
    return canvas.reshape(height, width, 3)


def draw_leaves(rng: np.random.Generator, height: int, width: int) -> Leaves:
    """Draw a scene.

    Parameters
    ----------
    rng
        The only source of chance.
    height, width
        Size in pixels.

    Returns
    -------
    Leaves
        ``image`` uint8 (H, W, 3) and ``regions`` uint16 (H, W).
    """
    from scipy.ndimage import gaussian_filter

    regions = _cover(rng, height, width)
    canvas = _paint(rng, regions)
    blur = rng.uniform(0.5, 0.9)
    canvas = gaussian_filter(canvas, (blur, blur, 0), truncate=3.0)
    canvas += rng.uniform(1.5, 4.0) * rng.standard_normal(canvas.shape)
    image = np.rint(np.clip(canvas, 0, 255)).astype(np.uint8)
    return Leaves(image, regions)

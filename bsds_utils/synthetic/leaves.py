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
_BACKGROUND_SHARE: Final = 0.20  # below it the gaps between leaves are left to the background
_MOST_LEAVES: Final = 2000
_SMALLEST_PIECE: Final = 80  # pixels; smaller ones would be specks that nobody draws
_FARTHEST: Final = 1.5  # from a wavy leaf's centre to its edge, in radii
_FIELD_SHAPE: Final = (320, 320)  # pixels, then it repeats; quick to Fourier-transform
_FIELDS: Final = 4  # noise fields a scene; each leaf takes its texture from one of them


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


def _lay(rng: np.random.Generator, regions: NDArray[np.uint16], number: int) -> bool:
    """Draw one leaf behind those already there; say whether any of it is seen."""
    from scipy.ndimage import label

    height, width = regions.shape
    radius = _radius(rng)
    shape = rng.choice(["ellipse", "wavy", "square"], p=[0.4, 0.35, 0.25])
    row = rng.uniform(-radius, height + radius)
    column = rng.uniform(-radius, width + radius)
    turn = rng.uniform(0, 2 * np.pi)
    aspect = rng.uniform(0.45, 1.0)
    harmonics = np.arange(2, 7)
    sizes = rng.normal(0, 0.28, harmonics.size) / harmonics
    phases = rng.uniform(0, 2 * np.pi, harmonics.size)

    reach = radius * _FARTHEST
    top, bottom = max(0, int(row - reach)), min(height, int(row + reach) + 1)
    left, right = max(0, int(column - reach)), min(width, int(column + reach) + 1)
    window = regions[top : max(top, bottom), left : max(left, right)]
    free = window == 0
    if not free.any():
        return False
    rows, columns = np.nonzero(free)
    y, x = rows + (top - row), columns + (left - column)
    u = x * np.cos(turn) + y * np.sin(turn)
    v = (y * np.cos(turn) - x * np.sin(turn)) / aspect
    if shape == "square":
        inside = np.maximum(np.abs(u), np.abs(v)) < radius * 0.85
    else:
        distance = np.hypot(u, v)
        edge = 1.0
        if shape == "wavy":
            # Σ size·cos(harmonic·angle + phase) as a polynomial in exp(i·angle), by Horner's rule
            direction = (u + 1j * v) / np.maximum(distance, 1e-9)
            wave = np.zeros_like(direction)
            for size, phase in zip(sizes[::-1], phases[::-1], strict=True):
                wave = (wave + size * np.exp(1j * phase)) * direction
            edge = np.clip(1 + (wave * direction ** (harmonics[0] - 1)).real, 0.3, _FARTHEST)
        inside = distance < radius * edge
    if np.count_nonzero(inside) < _SMALLEST_PIECE:
        return False
    free[rows, columns] = inside
    pieces, _ = label(free)
    seen = np.bincount(pieces.ravel()) >= _SMALLEST_PIECE
    seen[0] = False
    window[seen[pieces]] = number
    return bool(seen.any())


def _cover(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint16]:
    """Lay leaves from the nearest to the farthest until hardly a gap is left."""
    regions = np.zeros((height, width), np.uint16)
    number = 0
    for _ in range(_MOST_LEAVES):
        if np.count_nonzero(regions) > (1 - _BACKGROUND_SHARE) * regions.size:
            break
        if _lay(rng, regions, number + 1):
            number += 1
    regions[regions == 0] = number + 1
    return regions


def _noise_fields(rng: np.random.Generator) -> NDArray[np.float64]:
    """Make filtered noise of several grains and directions; mean 0, deviation 1."""
    from scipy.fft import fftfreq, irfft2, rfft2, rfftfreq

    rows, columns = _FIELD_SHAPE
    fy, fx = fftfreq(rows)[:, None], rfftfreq(columns)[None]
    fields = np.empty((_FIELDS, rows, columns))
    for field in fields:
        grain = np.exp(rng.uniform(np.log(0.6), np.log(7.0)))  # pixels
        stretch = rng.choice([1.0, 1.0, 4.0])  # some are stripy
        turn = rng.uniform(0, np.pi)
        along = (fx * np.cos(turn) + fy * np.sin(turn)) * grain * stretch
        across = (fy * np.cos(turn) - fx * np.sin(turn)) * grain
        gaussian = np.exp(-2 * np.pi**2 * (along**2 + across**2))
        gaussian[0, 0] = 0
        smooth = irfft2(rfft2(rng.standard_normal(_FIELD_SHAPE)) * gaussian, _FIELD_SHAPE)
        np.divide(smooth, smooth.std(), out=field)
    return fields


def _colour(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a leaf's mean RGB: lightness over the whole range, hue muted as in nature."""
    lightness = 255 * rng.beta(1.5, 1.7)
    chroma = 130 * (rng.beta(3.0, 3.0, 3) - 0.5)
    return np.asarray(lightness + chroma - chroma.mean() * 0.5, np.float64)


def _paint(rng: np.random.Generator, regions: NDArray[np.uint16]) -> NDArray[np.float64]:
    height, width = regions.shape
    fields = _noise_fields(rng)
    canvas = np.empty((height * width, 3))
    flat = regions.ravel()
    order = np.argsort(flat, kind="stable")
    ends = np.searchsorted(flat[order], np.arange(1, flat[order[-1]] + 2))
    for start, end in pairwise(ends):
        pixels = order[start:end]
        field = fields[rng.integers(_FIELDS)]
        row, column = rng.integers(_FIELD_SHAPE)
        strength = 62 * rng.beta(1.2, 2.0)
        tint = 1 + 0.35 * rng.standard_normal(3)
        slope = rng.normal(0, 16, 2)
        rows, columns = pixels // width, pixels % width
        texture = field[(rows + row) % _FIELD_SHAPE[0], (columns + column) % _FIELD_SHAPE[1]]
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

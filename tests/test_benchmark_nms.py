"""Non-maximum suppression: ramps, rotations, and a loop over pixels as its oracle."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import gaussian_filter

from bsds_utils.benchmark import suppress_non_maxima


def mirrored(index, length):
    """Continue an axis by reflection at its border, the border pixel included."""
    index %= 2 * length
    return index if index < length else 2 * length - 1 - index


def triangle(image, radius):
    """Smooth by a triangle filter, pixel by pixel."""
    weights = [radius + 1 - abs(k) for k in range(-radius, radius + 1)]
    total = sum(weights)
    for _ in range(2):
        height, width = len(image), len(image[0])
        image = [
            [
                sum(w * image[mirrored(r + k - radius, height)][c] for k, w in enumerate(weights))
                / total
                for r in range(height)
            ]
            for c in range(width)
        ]  # transposed; twice makes both axes
    return image


def slope(image, r, c, axis):
    """Central difference, one-sided at the border."""
    at = [r, c]
    length = (len(image), len(image[0]))[axis]
    if length == 1:
        return 0.0
    before, after = max(at[axis] - 1, 0), min(at[axis] + 1, length - 1)
    first, second = list(at), list(at)
    first[axis], second[axis] = before, after
    return (image[second[0]][second[1]] - image[first[0]][first[1]]) / (after - before)


def slopes(image, axis):
    """Differences at every pixel."""
    return [[slope(image, r, c, axis) for c in range(len(image[0]))] for r in range(len(image))]


def between(image, y, x):
    """Interpolate bilinearly inside the image; beyond it the border goes on."""
    height, width = len(image), len(image[0])
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    r, c = min(int(y), max(height - 2, 0)), min(int(x), max(width - 2, 0))
    r1, c1 = min(r + 1, height - 1), min(c + 1, width - 1)
    dy, dx = y - r, x - c
    top = image[r][c] * (1 - dx) + image[r][c1] * dx
    bottom = image[r1][c] * (1 - dx) + image[r1][c1] * dx
    return top * (1 - dy) + bottom * dy


def by_hand(values):
    """Suppress with loops, following the toolbox' description; also tell each pixel's margin."""
    image = [list(map(float, row)) for row in values]
    strength, smooth = triangle(image, 1), triangle(image, 4)
    ox, oy = slopes(smooth, 1), slopes(smooth, 0)
    oxx, oxy, oyy = slopes(ox, 1), slopes(ox, 0), slopes(oy, 0)
    height, width = len(image), len(image[0])
    result, margin = np.zeros((height, width)), np.zeros((height, width))
    for r in range(height):
        for c in range(width):
            sign = -1 if oxy[r][c] > 0 else 1
            angle = math.atan(oyy[r][c] * sign / (oxx[r][c] + 1e-5)) % math.pi
            e = strength[r][c]
            beside = max(
                between(strength, r + d * math.sin(angle), c + d * math.cos(angle))
                for d in (-1, 1)
            )
            # Rounding decides where two values, or a derivative and 0, are equal but for it.
            margin[r, c] = min(abs(1.01 * e - beside), abs(oxy[r][c]), abs(oxx[r][c] + 1e-5))
            if 1.01 * e >= beside:
                fade = 1.0
                for at, length in ((r, height), (c, width)):
                    fade *= min(1, at / 5, (length - 1 - at) / 5)
                result[r, c] = e * fade
    return result, margin


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=14),
        elements=st.integers(0, 20).map(lambda k: k / 20),
    )
)
def test_every_pixel_is_judged_as_described(values):
    """Any small map becomes what loops over its pixels make of it, ties aside."""
    expected, margin = by_hand(values)
    sure = margin > 1e-12
    np.testing.assert_allclose(suppress_non_maxima(values)[sure], expected[sure], atol=1e-12)


def ridge(angle, width=3.0, size=61):
    """Make a straight ridge through the middle of an image; return it and the distance to it."""
    rows, columns = np.indices((size, size)) - (size - 1) / 2
    distance = np.abs(columns * np.cos(angle) + rows * np.sin(angle))
    return np.exp(-((distance / width) ** 2)), distance


@pytest.mark.parametrize("degrees", range(0, 180, 15))
def test_ridges_of_any_direction_become_thin(degrees):
    """A soft ridge keeps its crest, and what is two pixels off it goes, in every direction."""
    values, distance = ridge(np.radians(degrees))
    result = suppress_non_maxima(values)
    inner = np.zeros(values.shape, bool)
    inner[8:-8, 8:-8] = True
    assert result[inner & (distance > 1.5)].max() < 1e-9
    crest = inner & (distance < 0.5)
    assert np.mean(result[crest] > 0) > 0.9
    assert result[crest].max() > 0.9
    # About one pixel survives for each step along the ridge.
    assert 0.9 < np.count_nonzero(result[inner] > 1e-9) / np.count_nonzero(crest) < 2.2


def test_linear_ramps():
    """A roof keeps its ridge only; a plane that rises has no maximum to keep inside."""
    roof = np.tile(10 - np.abs(np.arange(21) - 10.0), (21, 1)) / 10
    kept = np.flatnonzero(suppress_non_maxima(roof)[10])
    assert kept.tolist() == [10]
    assert np.flatnonzero(suppress_non_maxima(roof.T)[:, 10]).tolist() == [10]
    plane = np.tile(np.arange(21.0), (21, 1)) / 20
    assert not suppress_non_maxima(plane)[10, 7:-7].any()


def test_quarter_turns_and_flips():
    """Turning and flipping the map turns and flips the result, but for exact ties."""
    values = gaussian_filter(np.random.default_rng(0).random((50, 50)), 2)
    values = (values - values.min()) / np.ptp(values)
    result = suppress_non_maxima(values)
    for change in (np.fliplr, np.flipud, np.transpose, np.rot90):
        same = np.isclose(suppress_non_maxima(change(values)), change(result), atol=1e-9)
        assert np.mean(same) > 0.97


def test_results_are_probabilities():
    """The result stays in [0, 1], whatever the layout, and the border fades to 0."""
    for values in (np.ones((30, 40)), np.zeros((30, 40)), np.ones((1, 1)), np.eye(9)):
        result = suppress_non_maxima(values)
        assert result.shape == values.shape
        assert result.dtype == np.float64
        assert result.min() >= 0
        assert result.max() <= 1
        assert not result[0].any()
        assert not result[:, -1].any()
    random = np.random.default_rng(1).random((30, 40))
    expected = suppress_non_maxima(random)
    for other in (np.asfortranarray(random), random[::-1, ::-1][::-1, ::-1]):
        np.testing.assert_array_equal(suppress_non_maxima(other), expected)


def test_wrong_arguments():
    """Numbers outside [0, 1], NaN, integers and stacks of maps are refused."""
    with pytest.raises(ValueError, match="in \\[0, 1\\]"):
        suppress_non_maxima(np.full((3, 3), np.nan))
    with pytest.raises(TypeError, match="float probabilities"):
        suppress_non_maxima(np.ones((3, 3), int))
    with pytest.raises(ValueError, match="one map"):
        suppress_non_maxima(np.ones((2, 3, 3)))

"""Thinning against scikit-image, which follows the same rule independently."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.morphology import thin

from bsds_utils.benchmark.engine import load_engine


def thinned(masks):
    """Thin nested masks, the smallest first; return them as arrays."""
    height, width = masks[0].shape
    order, ends, seen = [], [], np.zeros(masks[0].shape, bool)
    for mask in masks:
        order.append(np.flatnonzero(mask & ~seen))
        seen |= mask
        ends.append(np.count_nonzero(seen))
    pad, stride = 3, width + 6
    first = pad * stride + pad
    starts, pixels = load_engine().thin_masks(
        np.concatenate(order).astype(np.int32), np.array(ends), height, width, first, stride
    )
    results = []
    for begin, end in pairwise(starts):
        rows, columns = np.divmod(pixels[begin:end] - first, stride)
        result = np.zeros((height, width), bool)
        result[rows, columns] = True
        assert np.count_nonzero(result) == end - begin  # no pixel twice
        results.append(result)
    return results


def blobs(shape, seed, share):
    """Make a mask of smooth shapes, as thresholded maps are."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 2)
    return noise > np.quantile(noise, 1 - share)


@settings(max_examples=300, deadline=None)
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_thinning_is_scikit_images(mask):
    """Any small mask becomes what scikit-image's thinning makes of it."""
    (result,) = thinned([mask])
    np.testing.assert_array_equal(result, thin(mask))


@pytest.mark.parametrize("shape", [(40, 63), (40, 64), (40, 65), (33, 200), (1, 130), (130, 1)])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9, 1.0])
def test_thick_shapes_of_any_width(shape, share):
    """Shapes that cross the 64-pixel words, touch the border or fill the image come out right."""
    mask = blobs(shape, 1, share) if share < 1 else np.ones(shape, bool)
    np.testing.assert_array_equal(thinned([mask])[0], thin(mask))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_nested_masks_do_not_touch_one_another(seed, count):
    """Each stage of a growing mask is thinned from its own pixels."""
    random = np.random.default_rng(seed)
    values = random.integers(0, count + 1, (20, 70))
    masks = [values >= level for level in range(count, 0, -1)]
    for mask, result in zip(masks, thinned(masks), strict=True):
        np.testing.assert_array_equal(result, thin(mask))


def test_two_pixels_thick_lines_survive():
    """A line of two pixels becomes one of a single pixel and does not vanish."""
    mask = np.zeros((12, 90), bool)
    mask[5:7, 3:87] = True
    (result,) = thinned([mask])
    assert result[5:7, 4:86].sum(axis=0).tolist() == [1] * 82

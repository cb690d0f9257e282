"""Mask protocols against their definition, written out pixel by pixel, and against real data."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import bsds_utils
from bsds_utils import COURSE, THIN, BSDSError, MaskProtocol, agreement
from bsds_utils.masks import get_protocol

boundary_maps = hnp.arrays(bool, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=9))
sizes = st.tuples(st.integers(1, 12), st.integers(1, 12))


def course_by_hand(boundaries, height, width):
    """Return the course mask as DESIGN words it: mark covering pixels, then dilate 3×3."""
    marked = np.zeros((height, width), int)
    rows, columns = boundaries.shape[1:]
    for r in range(rows):
        for c in range(columns):
            if any(one[r, c] for one in boundaries):
                i = math.floor((r + 0.5) * height / rows)
                j = math.floor((c + 0.5) * width / columns)
                for y in range(max(0, i - 1), min(height, i + 2)):
                    for x in range(max(0, j - 1), min(width, j + 2)):
                        marked[y, x] = 1
    return marked


def thin_by_hand(boundaries, height, width):
    """Return the thin mask as DESIGN words it: nearest-neighbour sampling of the union."""
    rows, columns = boundaries.shape[1:]
    return np.array(
        [
            [
                int(boundaries[:, i * rows // height, j * columns // width].any())
                for j in range(width)
            ]
            for i in range(height)
        ]
    )


@settings(max_examples=150, deadline=None)
@given(boundary_maps, sizes)
def test_course_is_its_definition(boundaries, size):
    """The course protocol marks exactly the pixels that a literal loop marks."""
    np.testing.assert_array_equal(
        COURSE.apply(boundaries, size), course_by_hand(boundaries, *size)
    )


@settings(max_examples=150, deadline=None)
@given(boundary_maps, sizes)
def test_thin_is_its_definition(boundaries, size):
    """The thin protocol samples exactly the pixels that a literal loop samples."""
    np.testing.assert_array_equal(THIN.apply(boundaries, size), thin_by_hand(boundaries, *size))


@settings(max_examples=60, deadline=None)
@given(boundary_maps, sizes)
def test_cover_loses_no_boundary(boundaries, size):
    """With cover, an image with a boundary never gets an empty mask."""
    mask = MaskProtocol("cover", "union", "cover", 0).apply(boundaries, size)
    assert mask.any() == boundaries.any()


@settings(max_examples=60, deadline=None)
@given(boundary_maps, st.integers(0, 11))
def test_dilation_is_a_square(boundaries, radius):
    """Dilation by a radius equals SciPy's with a square of that radius."""
    from scipy import ndimage

    size = boundaries.shape[1:]
    square = np.ones((2 * radius + 1,) * 2, bool)
    expected = ndimage.binary_dilation(boundaries.any(axis=0), square)
    mask = MaskProtocol("wide", "union", "nearest", radius).apply(boundaries, size)
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(
    ("consensus", "expected"),
    [("union", [1, 1, 1, 1]), (0.5, [0, 1, 1, 1]), (0.75, [0, 0, 1, 1]), (1.0, [0, 0, 0, 1])],
)
def test_consensus_is_a_share_of_annotators(consensus, expected):
    """A pixel needs at least the given share of the annotators."""
    boundaries = np.array([[[1, 1, 1, 1]], [[0, 1, 1, 1]], [[0, 0, 1, 1]], [[0, 0, 0, 1]]])
    mask = MaskProtocol("some", consensus, "nearest", 0).apply(boundaries, (1, 4))
    assert mask.tolist() == [expected]


@pytest.mark.parametrize("count", range(1, 21))
def test_consensus_is_exact(count):
    """K of n annotators reach the consensus k/n, however it rounds; k-1 do not."""
    for k in range(1, count + 1):
        boundaries = np.zeros((count, 1, 2), bool)
        boundaries[:k, 0, 0] = True
        boundaries[: k - 1, 0, 1] = True
        mask = MaskProtocol("some", k / count, "nearest", 0).apply(boundaries, (1, 2))
        assert mask.tolist() == [[1, 0]]


def test_masks_are_small_integers_of_the_size_asked():
    """A mask is uint8 of 0 and 1, square for a number and h×w for a pair."""
    boundaries = np.eye(7, dtype=bool)[None]
    assert COURSE.apply(boundaries, 5).shape == (5, 5)
    assert COURSE.apply(boundaries, (3, 4)).shape == (3, 4)
    mask = COURSE.apply(boundaries, 5)
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) == {0, 1}


def test_agreement_is_the_share_of_annotators():
    """Agreement is the mean over annotators, as float32."""
    boundaries = np.array([[[1, 0, 1]], [[1, 0, 0]], [[1, 0, 0]]], bool)
    share = agreement(boundaries)
    assert share.dtype == np.float32
    np.testing.assert_allclose(share, [[1, 0, 1 / 3]], rtol=1e-6)


@pytest.mark.parametrize(
    ("boundaries", "error", "message"),
    [
        (np.zeros((4, 5), bool), ValueError, r"boundaries: .*\(A, H, W\).*\(4, 5\)"),
        (np.zeros((0, 4, 5), bool), ValueError, r"boundaries: .*at least one pixel.*\(0, 4, 5\)"),
        (np.full((1, 4, 5), 2), ValueError, r"boundaries: .*binary.*the value 2"),
        (np.full((1, 4, 5), np.nan), ValueError, r"boundaries: .*the value nan"),
        (np.full((1, 4, 5), "x"), TypeError, r"boundaries: .*<U1"),
    ],
)
def test_wrong_boundaries_are_named(boundaries, error, message):
    """Boundaries of the wrong shape, type or content raise an error that says so."""
    with pytest.raises(error, match=message):
        COURSE.apply(boundaries, 4)
    with pytest.raises(error, match=message):
        agreement(boundaries)


@pytest.mark.parametrize(
    ("size", "error"),
    [
        (0, ValueError),
        ((3, -1), ValueError),
        (1.5, TypeError),
        ((1, 2, 3), TypeError),
        (True, TypeError),
        ("ab", TypeError),
        (None, TypeError),
    ],
)
def test_wrong_sizes_are_named(size, error):
    """A size that is no number of pixels raises an error that names it."""
    with pytest.raises(error, match=r"^size: expected .*found"):
        COURSE.apply(np.zeros((1, 4, 4), bool), size)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("consensus", 0),
        ("consensus", 1.5),
        ("consensus", "most"),
        ("consensus", None),
        ("resize", "cubic"),
        ("dilate", -1),
        ("dilate", 1.5),
    ],
)
def test_wrong_protocols_are_refused(field, value):
    """A protocol with an unknown setting cannot be made."""
    with pytest.raises(ValueError, match=f"^{field}: expected .*found"):
        MaskProtocol("wrong", **{field: value})


def test_protocols_have_names():
    """Protocols are found by name; an unknown name is a user's mistake that lists the known."""
    assert get_protocol("course") is COURSE
    assert get_protocol("thin") is THIN
    assert get_protocol(THIN) is THIN
    with pytest.raises(BSDSError, match="course, thin, found 'thick'"):
        get_protocol("thick")


@pytest.fixture(scope="module")
def bsds500_test(bsds500_root: Path):
    """Return all annotators' maps and the resized images of the 200 test images."""
    dataset = bsds_utils.open_dataset("bsds500", bsds500_root)
    return [
        (dataset.boundaries("test", one), dataset.image("test", one))
        for one in dataset.ids("test")
    ]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("protocol", "size", "share"),
    [(THIN, 168, 0.066), (COURSE, 168, 0.279), (THIN, 224, 0.066), (COURSE, 224, 0.231)],
)
def test_share_of_boundary_pixels_on_bsds500(bsds500_test, protocol, size, share):
    """On BSDS500's test images the masks have the share of boundary measured before."""
    masks = np.stack([protocol.apply(boundaries, size) for boundaries, _ in bsds500_test])
    assert masks.mean() == pytest.approx(share, abs=0.001)
    if size == 168:
        nothing = {"thin": 0.467, "course": 0.361}[protocol.name]
        found = bsds_utils.mean_iou(masks, np.zeros_like(masks))
        assert found == pytest.approx(nothing, abs=0.001)


@pytest.mark.real_data
@pytest.mark.parametrize(("protocol", "expected"), [(THIN, 0.155), (COURSE, 0.488)])
def test_one_human_against_the_others_on_bsds500(bsds500_test, protocol, expected):
    """The mean IoU of each annotator with the union of the others is as measured before."""
    ious = [
        bsds_utils.foreground_iou(
            protocol.apply(np.delete(boundaries, one, axis=0), 168),
            protocol.apply(boundaries[one : one + 1], 168),
        )
        for boundaries, _ in bsds500_test
        for one in range(len(boundaries))
        if len(boundaries) > 1
    ]
    assert np.mean(ious) == pytest.approx(expected, abs=0.001)


@pytest.mark.real_data
@pytest.mark.parametrize(("protocol", "expected"), [(THIN, 0.163), (COURSE, 0.389)])
def test_sobel_on_bsds500(bsds500_test, protocol, expected):
    """The Sobel baseline reaches what was measured before, and the trivial ones their shares."""
    masks = np.stack([protocol.apply(boundaries, 168) for boundaries, _ in bsds500_test])
    images = np.stack([bsds_utils.resize_image(image, 168) for _, image in bsds500_test])
    found = bsds_utils.baselines(masks, images)
    assert found["Sobel"] == pytest.approx(expected, abs=0.001)
    assert found["all background"] == 0
    assert found["all boundary"] == pytest.approx(masks.mean())

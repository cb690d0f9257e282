"""Random views show an image and the mask that belongs to exactly this view."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from bsds_utils import COURSE, THIN, Arrays, BSDSError, open_dataset, resize_image
from bsds_utils.synthetic import write_dataset
from bsds_utils.views import (
    RandomViews,
    _mask,
    _pasted,
    _random_view,
    _scene,
    _show,
    _Shown,
    _View,
)

HEIGHT, WIDTH = 160, 240
DOTS = [(30, 40), (30, 200), (80, 120), (120, 60), (130, 190), (60, 150)]


def _dots() -> Any:
    """Give one image with round white dots, whose centres are its boundary pixels."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    bright = np.zeros((HEIGHT, WIDTH))
    marked = np.zeros((2, HEIGHT, WIDTH), dtype=bool)
    for row, column in DOTS:
        bright = np.maximum(bright, np.hypot(rows - row, columns - column) < 6)
        marked[0, row, column] = True
    image = np.repeat((255 * bright).astype(np.uint8)[..., None], 3, axis=-1)
    return SimpleNamespace(
        ids=lambda split: ("dots",),
        image=lambda split, name: image,
        boundaries=lambda split, name: marked,
    )


def _centres(marked: NDArray[np.bool_]) -> NDArray[np.float64]:
    labels, count = ndimage.label(marked)
    found = np.array(ndimage.center_of_mass(marked, labels, range(1, count + 1)))
    return found.reshape(-1, 2)


@settings(deadline=None, max_examples=40)
@given(
    centre=st.tuples(st.floats(0.46, 0.54), st.floats(0.46, 0.54)),
    zoom=st.floats(0.95, 1.7),
    angle=st.floats(-0.35, 0.35),
    flip=st.booleans(),
    quarters=st.integers(0, 3),
)
def test_mask_follows_image(
    centre: tuple[float, float], zoom: float, angle: float, flip: bool, quarters: int
) -> None:
    """Wherever the view puts a dot, the mask marks the middle of the dot."""
    scene = _scene(_dots(), "train", "dots", COURSE)
    middle = (
        scene.corner[0] + centre[0] * WIDTH,
        scene.corner[1] + centre[1] * HEIGHT,
    )
    view = _View(middle, (WIDTH / zoom, HEIGHT / zoom), angle, flip, quarters)
    size = 120
    image, mask = _show(scene.picture, view, size), _mask(scene, view, size, COURSE)
    dots, marked = _centres(image[..., 0] > 127), _centres(mask.astype(bool))
    for ours, theirs in ((dots, marked), (marked, dots)):
        whole = [c for c in ours if (c > 8).all() and (c < size - 9).all()]
        assert whole
        for centre_ in whole:
            assert np.min(np.hypot(*(theirs - centre_).T)) < 1.2


def test_plain_view_is_what_load_gives(tmp_path: Path) -> None:
    """The view of a whole image, neither turned nor zoomed, is the squashed image and mask."""
    write_dataset(tmp_path, {"train": 1, "val": 1, "test": 1}, seed=3)
    dataset = open_dataset(root=tmp_path)
    [name] = dataset.ids("train")
    image, boundaries = dataset.image("train", name), dataset.boundaries("train", name)
    height, width = image.shape[:2]
    scene = _scene(dataset, "train", name, COURSE)
    middle = (scene.corner[0] + width / 2, scene.corner[1] + height / 2)
    view = _View(middle, (width, height), 0.0, flip=False, quarters=0)
    shown = _show(scene.picture, view, 168)
    # At the rim the filter sees what lies beyond it.
    assert np.abs(shown.astype(int) - resize_image(image, 168))[2:-2, 2:-2].max() <= 1
    found = _mask(scene, view, 168, COURSE)
    assert np.array_equal(found[1:-1, 1:-1], COURSE.apply(boundaries, 168)[1:-1, 1:-1])


@pytest.mark.parametrize("native", [0.0, 1.0])
def test_batches(native: float) -> None:
    """Batches are float32, images in 0–255, masks of 0 and 1, and change with the epoch alone."""
    views = RandomViews(_dots(), ["train", "val"], size=64, batch_size=3, native=native)
    assert len(views) == 1
    views.on_epoch_begin()
    images, masks = views[0]
    assert images.shape == (2, 64, 64, 3)
    assert masks.shape == (2, 64, 64, 1)
    assert images.dtype == masks.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 255
    assert set(np.unique(masks)) <= {0.0, 1.0}
    same, _ = views[0]
    assert np.array_equal(images, same)
    views.on_epoch_begin()
    assert not np.array_equal(images, views[0][0])
    with pytest.raises(IndexError):
        views[1]


def test_views_of_loaded_arrays(tiny_deadleaves: Path) -> None:
    """What was loaded gives views of its own size, and still unpacks into three arrays."""
    loaded = open_dataset(root=tiny_deadleaves).load("train", size=64)
    images, masks, ids = loaded
    views = loaded.views(batch_size=3, seed=4)
    assert len(views) == 2
    assert views[0][0].shape == (3, 64, 64, 3)
    assert len(images) == len(masks) == len(ids) == 4
    with pytest.raises(BSDSError, match=r"expected what dataset\.load gives"):
        Arrays(images, masks, ids).views()


@pytest.mark.parametrize("native", [False, True])
def test_spread(native: bool) -> None:
    """Without spread every view shows as much as is seen in use, with it less or more."""
    scene = _scene(_dots(), "train", _dots().ids("train")[0], COURSE)
    width, height = scene.extent
    in_use = 16 * 16 if native else width * height

    def shown(spread: float) -> list[float]:
        random = np.random.default_rng(5)
        views = [_random_view(random, scene, 16, native, spread) for _ in range(50)]
        return [view.extent[0] * view.extent[1] / in_use for view in views]

    assert np.allclose(shown(0), 1)
    assert np.ptp(shown(0.25)) < 0.5 < np.ptp(shown(1))


def test_native_boundaries_are_thickened_as_squashed_ones() -> None:
    """At native resolution boundaries are thickened by as large a part of the image."""
    scene = _scene(_dots(), "train", _dots().ids("train")[0], COURSE)
    size, (width, height) = 40, scene.extent
    view = _random_view(np.random.default_rng(0), scene, size, native=True, spread=0.0)
    middle = (scene.corner[0] + DOTS[0][1] + 0.5, scene.corner[1] + DOTS[0][0] + 0.5)
    straight = replace(view, centre=middle, extent=(size, size), angle=0.0)
    added = (math.sqrt(_mask(scene, straight, size, COURSE).sum()) - 1) / 2
    assert added / math.sqrt(width * height) == pytest.approx(COURSE.dilate / size, rel=0.1)
    assert _mask(scene, straight, size, THIN).sum() == 1


def _halves() -> Any:
    """Give a blue and a red image, in both of which the left third and the rest are regions."""
    colours = {"blue": (0, 0, 200), "red": (200, 0, 0)}
    regions = np.ones((1, 90, 90), dtype=np.uint16)
    regions[..., :30] = 2
    marked = np.zeros((1, 90, 90), dtype=bool)
    marked[..., 29] = True
    return SimpleNamespace(
        ids=lambda split: tuple(colours),
        image=lambda split, name: np.full((90, 90, 3), colours[name], dtype=np.uint8),
        boundaries=lambda split, name: marked,
        segmentations=lambda split, name: regions,
    )


def test_there_is_a_boundary_around_what_is_pasted() -> None:
    """Where colours of two images meet, the mask marks a boundary."""
    mixed = 0
    for seed in range(12):
        views = RandomViews(_halves(), size=60, batch_size=2, spread=0.0, paste=1.0, seed=seed)
        for image, mask in zip(*views[0], strict=True):
            red = image[..., 0] > image[..., 2]
            meeting = ndimage.maximum_filter(red, 3) != ndimage.minimum_filter(red, 3)
            if meeting.any():
                mixed += 1
                assert mask[meeting].mean() > 0.95
    assert mixed >= 8


def test_what_is_pasted_hides_what_is_below() -> None:
    """In a pasted region there are its own boundaries alone, around it the other image's."""
    size, inside = 40, np.s_[10:30, 10:30]
    regions = np.zeros((size, size), dtype=np.uint8)
    regions[inside] = 7
    crossed = np.zeros((size, size), dtype=np.uint8)
    crossed[20] = 1
    pictures = [np.full((size, size, 3), grey, dtype=np.float32) for grey in (10, 200)]
    below = _Shown(pictures[0], np.ones_like(crossed), regions, THIN)
    above = _Shown(pictures[1], crossed, regions, THIN)
    image, mask = _pasted(np.random.default_rng(0), below, above)
    expected = np.ones_like(mask)
    expected[11:29, 11:29] = crossed[11:29, 11:29]
    assert np.array_equal(mask, expected)
    assert np.allclose(image[13:27, 13:27], 200)
    assert np.allclose(image[:7], 10)
    assert image.dtype == np.float32


def test_nothing_is_pasted_unless_asked_for() -> None:
    """A share of 0 leaves views as they are, a share of 1 does not."""
    plain, none, all_ = (
        RandomViews(_halves(), size=60, seed=2, **arguments)[0][0]
        for arguments in ({}, {"paste": 0.0}, {"paste": 1.0})
    )
    assert np.array_equal(plain, none)
    assert not np.array_equal(plain, all_)


def test_seed() -> None:
    """The same seed gives the same views, another one others."""
    first, same, other = (RandomViews(_dots(), seed=seed)[0][0] for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_thin_masks_are_not_thickened() -> None:
    """The protocol says how thick boundaries are."""
    thin = RandomViews(_dots(), size=100, protocol=THIN)[0][1]
    thick = RandomViews(_dots(), size=100, protocol=COURSE)[0][1]
    assert 0 < thin.sum() <= len(DOTS)
    assert thick.sum() > 4 * thin.sum()


def test_bad_arguments(tmp_path: Path) -> None:
    """What is out of range is named."""
    with pytest.raises(ValueError, match="native: expected a share"):
        RandomViews(_dots(), native=1.5)
    with pytest.raises(ValueError, match="paste: expected a share"):
        RandomViews(_dots(), paste=-0.5)
    with pytest.raises(ValueError, match="spread: expected a number"):
        RandomViews(_dots(), spread=-0.1)
    with pytest.raises(ValueError, match="batch_size: expected at least 1"):
        RandomViews(_dots(), batch_size=0)
    write_dataset(tmp_path, {"train": 1, "val": 1, "test": 1}, seed=3)
    with pytest.raises(BSDSError, match="split: expected one of"):
        RandomViews(open_dataset(root=tmp_path), "training")

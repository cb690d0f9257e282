"""Hidden images: made from the secret alone, unlike anything public, and kept private."""

import stat
from pathlib import Path

import numpy as np
import pytest

from bsds_utils import Dataset, open_dataset
from grader.course import hidden_data
from grader.course.hidden_data import hidden_set

SIZE = 48


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make three hidden images instead of all."""
    monkeypatch.setattr(hidden_data, "COUNT", 3)


@pytest.fixture(params=["deadleaves", "bsds500"])
def dataset(request: pytest.FixtureRequest) -> Dataset:
    """Return a small data set of each source."""
    if request.param == "deadleaves":
        return open_dataset("deadleaves", request.getfixturevalue("tiny_deadleaves"))
    return open_dataset("bsds500", request.getfixturevalue("tiny_bsds500"))


def test_shapes_and_values(dataset: Dataset) -> None:
    """Images are uint8 RGB and masks binary, of the size asked for, with plausible boundaries."""
    hidden = hidden_set(dataset, "secret", SIZE)
    assert hidden.images.shape == (3, SIZE, SIZE, 3)
    assert hidden.images.dtype == np.uint8
    assert hidden.masks.shape == (3, SIZE, SIZE, 1)
    assert hidden.masks.dtype == np.uint8
    assert set(np.unique(hidden.masks)) == {0, 1}
    assert 0.05 < hidden.masks.mean() < 0.95
    assert hidden.images.std() > 5


def test_depends_on_the_secret_alone(dataset: Dataset) -> None:
    """The same secret gives the same images every time, another secret others."""
    first, again = (hidden_set(dataset, "secret", SIZE) for _ in range(2))
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.masks, again.masks)
    other = hidden_set(dataset, "another", SIZE)
    assert not np.array_equal(first.images, other.images)


def test_unlike_public_images(dataset: Dataset) -> None:
    """No hidden image or mask equals a public one, mirrored or not."""
    hidden = hidden_set(dataset, "secret", SIZE)
    for split in ("train", "val", "test"):
        public = dataset.load(split, size=SIZE)
        for image, mask in zip(hidden.images, hidden.masks, strict=True):
            for images, masks in (
                (public.images, public.masks),
                (public.images[:, :, ::-1], public.masks[:, :, ::-1]),
            ):
                assert not (images == image).all(axis=(1, 2, 3)).any()
                assert not (masks == mask).all(axis=(1, 2, 3)).any()


def test_masks_belong_to_their_images(tiny_bsds500: Path) -> None:
    """Crop and flip are the same for image and mask: strong edges lie on boundaries."""
    hidden = hidden_set(open_dataset("bsds500", tiny_bsds500), "secret", 96)
    grey = hidden.images.mean(axis=-1)
    gradient = np.abs(np.gradient(grey, axis=1)) + np.abs(np.gradient(grey, axis=2))
    on = hidden.masks[..., 0].astype(bool)
    assert gradient[on].mean() > 1.5 * gradient[~on].mean()


def test_cache_is_used_and_private(
    tiny_deadleaves: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second call reads the file, which nobody else may, and gives the same."""
    dataset = open_dataset("deadleaves", tiny_deadleaves)
    cache = tmp_path / "cache"
    made = hidden_set(dataset, "secret", SIZE, cache)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert [path.suffix for path in cache.iterdir()] == [".npz"]
    monkeypatch.setattr(hidden_data, "scene", None)
    read = hidden_set(dataset, "secret", SIZE, cache)
    assert np.array_equal(made.images, read.images)
    assert np.array_equal(made.masks, read.masks)


def test_one_in_four_was_never_public(tiny_bsds500: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among the hidden images of BSDS500 are scenes that are made from the secret alone."""
    made = []
    real = hidden_data.scene

    def counted(seed: int) -> object:
        made.append(seed)
        return real(seed)

    monkeypatch.setattr(hidden_data, "scene", counted)
    monkeypatch.setattr(hidden_data, "COUNT", 8)
    dataset = open_dataset("bsds500", tiny_bsds500)
    hidden_set(dataset, "secret", SIZE)
    assert len(set(made)) == 2
    hidden_set(dataset, "another", SIZE)
    assert len(set(made)) == 4

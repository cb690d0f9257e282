"""Synthetic scenes: BSDS500's conventions, people-like annotators, the same on every machine."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy.ndimage import label

from bsds_utils import BSDSError, agreement, baselines, open_dataset, resize_image
from bsds_utils.data.descriptor import FORMAT
from bsds_utils.data.manifest import sha256
from bsds_utils.masks import COURSE
from bsds_utils.synthetic import Scene, scene, write_dataset
from bsds_utils.synthetic.outlines import outlines

BSDS_SHARE = 0.279  # of boundary pixels in BSDS500's course masks at 168
EIGHT = np.ones((3, 3))


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """Return scenes to take averages over."""
    return [scene(seed) for seed in range(24)]


def test_scene_is_described_by_its_arrays(scenes: list[Scene]) -> None:
    """Shapes, dtypes and label ranges are as documented, in both orientations."""
    for made in scenes:
        shape = made.image.shape[:2]
        assert sorted(shape) == [321, 481]
        assert made.image.dtype == np.uint8
        assert made.regions.shape == shape
        assert 4 <= len(made.boundaries) <= 6
        assert made.boundaries.shape == made.segmentations.shape == (len(made.boundaries), *shape)
        assert made.boundaries.dtype == np.bool_
        assert made.segmentations.dtype == made.regions.dtype == np.uint16
        for regions in (made.regions, *made.segmentations):
            np.testing.assert_array_equal(np.unique(regions), np.arange(1, regions.max() + 1))
    assert len({made.image.shape for made in scenes}) == 2


def test_scene_depends_on_its_seed_only() -> None:
    """The same seed gives the same scene, another seed another one."""
    one, again, other = scene(11), scene(11), scene(12)
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.image.shape != other.image.shape or (one.image != other.image).any()
    same = scene(np.random.SeedSequence(11))
    np.testing.assert_array_equal(one.image, same.image)


def test_scene_is_the_same_on_every_machine() -> None:
    """A known seed gives a known scene; if it is meant to change, FORMAT must be raised too."""
    made = scene(0)
    known = "66324ce513d62658b36bd621f1001f016e150ad16f5b41d24cfd205c371e0148"
    assert sha256(made.image.tobytes() + made.segmentations.tobytes()) == known
    assert FORMAT == 1


def test_boundary_share_is_that_of_photographs(scenes: list[Scene]) -> None:
    """Masks hold about as many boundary pixels as BSDS500's, so that scores mean the same."""
    shares = [COURSE.apply(made.boundaries, 168).mean() for made in scenes]
    assert abs(np.mean(shares) - BSDS_SHARE) < 0.03
    assert 0.02 < np.std(shares) < 0.12


def test_scenes_cannot_be_solved_by_edge_detection(scenes: list[Scene]) -> None:
    """Sobel does better than nothing and much worse than perfect: textures are in its way."""
    masks = np.stack([COURSE.apply(made.boundaries, 168) for made in scenes])
    images = np.stack([resize_image(made.image, 168) for made in scenes])
    found = baselines(masks, images)
    assert found["all boundary"] + 0.05 < found["Sobel"] < 0.6


def test_annotators_disagree_as_people_do(scenes: list[Scene]) -> None:
    """Some boundaries are drawn by all and some by few; nobody draws everything the same."""
    overlaps, fewest, most = [], [], []
    for made in scenes:
        one, rest = (
            COURSE.apply(part, 168) for part in (made.boundaries[:1], made.boundaries[1:])
        )
        overlaps.append((one & rest).sum() / max((one | rest).sum(), 1))
        counts = made.segmentations.reshape(len(made.segmentations), -1).max(axis=1)
        fewest.append(counts.min())
        most.append(counts.max())
        assert agreement(made.boundaries).max() > 0.5
    # People on BSDS500: 0.49 in the mean.
    assert 0.4 < np.mean(overlaps) < 0.75
    assert np.mean(most) > 1.5 * np.mean(fewest)


def test_annotators_lines_lie_near_real_edges(scenes: list[Scene]) -> None:
    """Nobody invents a boundary: every line is within a few pixels of a leaf's edge."""
    from scipy.ndimage import distance_transform_edt

    for made in scenes[:6]:
        distance = distance_transform_edt(~outlines(made.regions))
        drawn = distance[made.boundaries.any(axis=0)]
        assert np.quantile(drawn, 0.99) < 5
        assert drawn.mean() > 0.2


@settings(max_examples=100, deadline=None)
@given(
    arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(1, 3))
)
def test_outlines_lie_on_borders(regions: np.ndarray) -> None:
    """A marked pixel differs from one to its right or below; every pair of regions is marked."""
    lines = outlines(regions)
    padded = np.pad(regions, ((0, 1), (0, 1)), mode="edge")
    differs = np.zeros(regions.shape, bool)
    for shifted in (padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]):
        differs |= shifted != regions
    assert not (lines & ~differs).any()
    assert lines.any() == (regions != regions[0, 0]).any()
    # Thinning neither breaks lines nor removes one.
    assert label(lines, EIGHT)[1] == label(differs, EIGHT)[1]


@pytest.mark.real_data
def test_outlines_are_those_of_bsds500(bsds500_root: Path) -> None:
    """The boundaries of real segmentations come out as the data set's authors stored them."""
    dataset = open_dataset(root=bsds500_root)
    for image_id in dataset.ids("val")[:10]:
        boundaries = dataset.boundaries("val", image_id)
        for drawn, regions in zip(boundaries, dataset.segmentations("val", image_id), strict=True):
            np.testing.assert_array_equal(outlines(regions), drawn)


def _content(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_written_set_is_reproducible(
    tiny_deadleaves: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same seed writes the same bytes, on one worker as on several."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    write_dataset(tmp_path / "a", {"train": 4, "val": 2, "test": 2}, seed=3)
    assert _content(tmp_path / "a") == _content(tiny_deadleaves)
    # A smaller set is the beginning of the larger one; another seed is another set.
    write_dataset(tmp_path / "b", {"train": 1, "val": 1, "test": 0}, seed=3)
    assert set(_content(tmp_path / "b").values()) < {
        *_content(tiny_deadleaves).values(),
        (tmp_path / "b/deadleaves.json").read_bytes(),
    }
    write_dataset(tmp_path / "c", {"train": 1, "val": 0, "test": 0}, seed=4)
    image = "images/train/dl00000.jpg"
    assert _content(tmp_path / "c")[image] != _content(tmp_path / "b")[image]


def test_written_set_has_bsds500s_structure(tiny_deadleaves: Path) -> None:
    """Files, cells, fields and types are those of the real ground truth."""
    cells = scipy.io.loadmat(tiny_deadleaves / "groundTruth/train/dl00002.mat")["groundTruth"]
    assert cells.dtype == object
    assert cells.shape[0] == 1
    for cell in cells[0]:
        assert cell.shape == (1, 1)
        assert cell.dtype.names == ("Segmentation", "Boundaries")
        assert cell["Segmentation"][0, 0].dtype == np.uint16
        assert cell["Boundaries"][0, 0].dtype == np.uint8
    with Image.open(tiny_deadleaves / "images/train/dl00002.jpg") as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
    descriptor = json.loads((tiny_deadleaves / "deadleaves.json").read_text())
    assert descriptor["seed"] == 3
    assert descriptor["counts"] == {"train": 4, "val": 2, "test": 2}
    ids = [path.stem for path in tiny_deadleaves.glob("images/*/*")]
    assert len(ids) == len(set(ids)) == 8


def test_loader_gives_back_the_scene(tiny_deadleaves: Path) -> None:
    """What the loader reads is the scene that was made, but for the JPEG's loss."""
    made = scene(np.random.SeedSequence(3, spawn_key=(1, 1)))
    dataset = open_dataset(root=tiny_deadleaves)
    image_id = dataset.ids("val")[1]
    np.testing.assert_array_equal(dataset.boundaries("val", image_id), made.boundaries)
    np.testing.assert_array_equal(dataset.segmentations("val", image_id), made.segmentations)
    loss = dataset.image("val", image_id).astype(int) - made.image
    assert np.abs(loss).mean() < 3


@pytest.mark.parametrize(
    "counts",
    [{}, {"train": 1}, {"train": 1, "val": 1, "test": -1}, {"train": 1, "val": 1, "test": 1.0},
     {"train": True, "val": 1, "test": 1}, {"train": 1, "val": 1, "test": 1, "more": 1}],
)  # fmt: skip
def test_wrong_counts(tmp_path: Path, counts: dict[str, int]) -> None:
    """Counts must be whole numbers for exactly the three splits."""
    with pytest.raises(ValueError, match="counts"):
        write_dataset(tmp_path / "a", counts)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1"])
def test_wrong_seed(tmp_path: Path, seed: int) -> None:
    """A seed must be a whole number from 0."""
    with pytest.raises(ValueError, match="seed"):
        write_dataset(tmp_path / "a", {"train": 0, "val": 0, "test": 0}, seed)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder with something in it is left alone."""
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(BSDSError, match="empty"):
        write_dataset(tmp_path, {"train": 1, "val": 0, "test": 0})
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]

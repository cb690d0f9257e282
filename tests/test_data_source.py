"""Which data set is opened, and what is said when half of it is missing."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import bsds_utils
from bsds_utils import BSDSError, open_dataset
from bsds_utils.data import source
from bsds_utils.data.manifest import SPLITS, Manifest


@pytest.fixture
def no_making(monkeypatch: pytest.MonkeyPatch) -> list[source.Place]:
    """Record what would be made or downloaded instead of doing so."""
    asked: list[source.Place] = []
    monkeypatch.setattr(source, "obtain", asked.append)
    return asked


def test_manifest_has_the_official_splits() -> None:
    """BSDS500 has 200 + 100 + 200 images, each with ground truth, and no image in two splits."""
    manifest = source.bsds500_manifest()
    assert [len(manifest.ids(split)) for split in SPLITS] == [200, 100, 200]
    assert len(manifest) == 1000
    assert len({i for split in SPLITS for i in manifest.ids(split)}) == 500


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "images/train/../a.jpg", "images/x/a.jpg", "images/train/a.mat", "a.jpg",
     "images/train/.jpg", "images/train/b/a.jpg", "groundTruth/train/a\\b.mat"],
)  # fmt: skip
def test_manifest_refuses_other_paths(path: str) -> None:
    """A path in a manifest is always kind/split/name with the right suffix."""
    with pytest.raises(BSDSError, match="manifest"):
        Manifest({path: "0" * 64})


def test_opens_a_synthetic_set_by_its_descriptor(tiny_deadleaves: Path) -> None:
    """A root with deadleaves.json is a synthetic set, with ids sorted by split."""
    dataset = open_dataset(root=tiny_deadleaves)
    assert dataset.name == "deadleaves"
    assert [len(dataset.ids(split)) for split in SPLITS] == [4, 2, 2]
    assert dataset.ids("train") == tuple(sorted(dataset.ids("train")))
    assert "train 4, val 2, test 2" in repr(dataset)


@pytest.mark.parametrize(
    "inside", ["", "BSDS500/data", "BSR/BSDS500/data", "data", "BSDS500", "BSDS500/BSDS500/data"]
)
def test_finds_the_data_in_an_unpacked_archive(
    tiny_bsds500: Path, tmp_path: Path, inside: str
) -> None:
    """The folder an archive was unpacked in, and those it unpacks to, are all accepted."""
    top = tmp_path / "downloads"
    (top / inside).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(tiny_bsds500, top / inside)
    dataset = open_dataset(root=top)
    assert dataset.name == "bsds500"
    assert dataset.root == top / inside


def test_accepts_kaggle_names_strays_and_uppercase(tiny_bsds500: Path) -> None:
    """`ground_truth`, Thumbs.db, hidden copies and .JPG change nothing."""
    (tiny_bsds500 / "groundTruth").rename(tiny_bsds500 / "ground_truth")
    (tiny_bsds500 / "images/train/Thumbs.db").write_bytes(b"x")
    (tiny_bsds500 / "images/train/._dl00000.jpg").write_bytes(b"x")
    (tiny_bsds500 / ".DS_Store").write_bytes(b"x")
    image = tiny_bsds500 / "images/train/dl00000.jpg"
    image.rename(image.with_suffix(".JPG"))
    dataset = open_dataset(root=tiny_bsds500)
    assert len(dataset.ids("train")) == 4
    height, width, _ = dataset.image("train", "dl00000").shape
    assert dataset.boundaries("train", "dl00000").shape[1:] == (height, width)


def test_environment_decides_when_nothing_is_given(
    tiny_bsds500: Path, tiny_deadleaves: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """$BSDS500_ROOT is used unless $BSDS_SOURCE asks for the other source."""
    monkeypatch.setenv("BSDS500_ROOT", str(tiny_bsds500))
    assert open_dataset().name == "bsds500"
    assert open_dataset(root=tiny_deadleaves).name == "deadleaves"
    monkeypatch.setenv("BSDS_SOURCE", "deadleaves")
    assert source.choose().ours
    assert source.choose().source == "deadleaves"
    assert source.choose("bsds500").root == tiny_bsds500
    monkeypatch.setenv("BSDS500_ROOT", str(tiny_deadleaves))
    assert source.choose("deadleaves").root == tiny_deadleaves


def test_cache_is_filled_on_first_use(no_making: list[source.Place]) -> None:
    """Without any data the synthetic set is made; BSDS500 is downloaded only if asked for."""
    with pytest.raises(BSDSError):
        open_dataset()
    with pytest.raises(BSDSError):
        open_dataset("bsds500")
    assert [place.source for place in no_making] == ["deadleaves", "bsds500"]
    assert all(place.root.parent == source.cache_folder() for place in no_making)


def test_a_given_root_is_never_filled(tmp_path: Path, no_making: list[source.Place]) -> None:
    """An empty or missing folder that the user names is an error, not a place to write."""
    for root in (tmp_path, tmp_path / "missing"):
        with pytest.raises(BSDSError):
            open_dataset("deadleaves" if root == tmp_path else None, root=root)
    assert no_making == []


def test_downloaded_set_is_preferred(
    tiny_bsds500: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Once BSDS500 is in the cache, it is what opens without arguments."""
    monkeypatch.setenv("BSDS_CACHE", str(tmp_path / "c"))
    shutil.copytree(tiny_bsds500, tmp_path / "c" / "bsds500")
    assert open_dataset().name == "bsds500"


@pytest.mark.parametrize(("given", "root"), [("bsds500", "synthetic"), ("deadleaves", "real")])
def test_source_and_root_must_agree(
    tiny_bsds500: Path, tiny_deadleaves: Path, given: str, root: str
) -> None:
    """Asking for one source in a folder that holds the other is an error."""
    with pytest.raises(BSDSError, match=f"expected the source {given}"):
        open_dataset(given, root=tiny_deadleaves if root == "synthetic" else tiny_bsds500)


def test_unknown_source_and_split(tiny_deadleaves: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Misspelt names are answered with the right ones."""
    with pytest.raises(BSDSError, match="expected bsds500 or deadleaves, found 'bsds'"):
        open_dataset("bsds")
    monkeypatch.setenv("BSDS_SOURCE", "real")
    with pytest.raises(BSDSError, match="BSDS_SOURCE"):
        open_dataset()
    dataset = open_dataset(root=tiny_deadleaves)
    with pytest.raises(BSDSError, match="train, val, test"):
        dataset.ids("validation")
    with pytest.raises(BSDSError, match="it is in 'val'"):
        dataset.image("train", dataset.ids("val")[0])
    with pytest.raises(BSDSError, match=r"ids\(split\)"):
        dataset.image("train", "8049")


def _one_line(root: Path) -> str:
    with pytest.raises(BSDSError) as caught:
        open_dataset(root=root)
    text = str(caught.value)
    assert "\n" not in text
    assert "bsds data" in text or "give" in text or "permissions" in text
    return text


def test_half_a_data_set_is_refused(tiny_bsds500: Path) -> None:
    """Missing files are counted and named, whole missing splits as such."""
    (tiny_bsds500 / "images/train/dl00001.jpg").unlink()
    (tiny_bsds500 / "groundTruth/train/dl00002.mat").unlink()
    (tiny_bsds500 / "groundTruth/val/dl10000.mat").unlink()
    text = _one_line(tiny_bsds500)
    assert "1 of 8 images missing: images/train/dl00001.jpg" in text
    assert "2 of 8 ground truths missing" in text
    shutil.rmtree(tiny_bsds500 / "groundTruth/train")
    assert "all 4 of groundTruth/train" in _one_line(tiny_bsds500)


@pytest.mark.parametrize("lost", ["images", "groundTruth"])
def test_missing_half_is_named(tiny_bsds500: Path, lost: str) -> None:
    """A root without images/ or without groundTruth/ is told which it lacks."""
    shutil.rmtree(tiny_bsds500 / lost)
    assert f"no folder {lost}/" in _one_line(tiny_bsds500)
    (tiny_bsds500 / lost).write_text("a file")
    assert f"no folder {lost}/" in _one_line(tiny_bsds500)


def test_root_that_is_no_data_set(tmp_path: Path) -> None:
    """A file, a missing folder, a dangling link and an empty folder each get their own line."""
    file = tmp_path / "BSR.tgz"
    file.write_bytes(b"x")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "found a file" in _one_line(file)
    assert "no such folder" in _one_line(tmp_path / "gone")
    assert "leads nowhere" in _one_line(link)
    assert "cannot be read" in _one_line(loop)
    assert "found neither" in _one_line(empty)
    assert "cannot be read" in _one_line(file / "x")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"format": 99, "seed": 0, "counts": {}, "sha256": {}}',
                '{"format": 1, "seed": 0, "counts": {"train": 1}, "sha256": {}}',
                '{"format": 1, "seed": 0, "counts": {}, "sha256": {"../x": "0"}}', "\udcff"],
)  # fmt: skip
def test_damaged_descriptor(tiny_deadleaves: Path, tmp_path: Path, content: str) -> None:
    """A descriptor that says nothing usable is one clear line."""
    root = tmp_path / "copy"
    shutil.copytree(tiny_deadleaves, root)
    (root / "deadleaves.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(BSDSError, match=r"deadleaves\.json") as caught:
        open_dataset(root=root)
    assert "\n" not in str(caught.value)


@pytest.mark.real_data
def test_real_data(bsds500_root: Path) -> None:
    """The real set has the official splits, 481×321 images and at least four annotators."""
    dataset = open_dataset(root=bsds500_root)
    assert dataset.name == "bsds500"
    assert [len(dataset.ids(split)) for split in SPLITS] == [200, 100, 200]
    for split in SPLITS:
        image_id = dataset.ids(split)[0]
        image = dataset.image(split, image_id)
        boundaries = dataset.boundaries(split, image_id)
        segmentations = dataset.segmentations(split, image_id)
        assert sorted(image.shape[:2]) == [321, 481]
        assert boundaries.shape == segmentations.shape == (len(boundaries), *image.shape[:2])
        assert len(boundaries) >= 4
        assert (boundaries.dtype, segmentations.dtype) == (np.bool_, np.uint16)


def test_package_offers_the_interface() -> None:
    """The names in the package's front are those of the data package."""
    assert bsds_utils.open_dataset is open_dataset

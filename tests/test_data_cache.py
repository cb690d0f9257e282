"""Arrays: made once, kept on disk, and never lost or mixed up with the disk's help."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bsds_utils import BSDSError, MaskProtocol, open_dataset, resize_image
from bsds_utils.data import dataset as dataset_module
from bsds_utils.data.dataset import Arrays


def cached_files() -> list[Path]:
    """Return what is in the array cache."""
    return sorted((Path(os.environ["BSDS_CACHE"]) / "arrays").glob("*"))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Record which images are decoded."""
    done: list[Path] = []
    original = dataset_module.read_image

    def recorded(path: Path) -> np.ndarray:
        done.append(path)
        return original(path)

    monkeypatch.setattr(dataset_module, "read_image", recorded)
    return done


def same(one: Arrays, other: Arrays) -> bool:
    """Say whether two loads gave the same."""
    return (
        np.array_equal(one.images, other.images)
        and np.array_equal(one.masks, other.masks)
        and one.ids == other.ids
    )


def test_arrays_are_the_resized_images_and_masks(tiny_deadleaves: Path) -> None:
    """Row n of the arrays is the n-th id's image and mask."""
    data = open_dataset(root=tiny_deadleaves)
    arrays = data.load("train", 40)
    assert arrays.images.shape == (4, 40, 40, 3)
    assert arrays.masks.shape == (4, 40, 40, 1)
    assert arrays.images.dtype == arrays.masks.dtype == np.uint8
    assert set(np.unique(arrays.masks)) == {0, 1}
    assert arrays.ids == data.ids("train")
    for n, image_id in enumerate(arrays.ids):
        image = data.image("train", image_id)
        np.testing.assert_array_equal(arrays.images[n], resize_image(image, 40))
        # Every boundary pixel is under the mask: nothing is lost on the way.
        _, rows, columns = np.nonzero(data.boundaries("train", image_id))
        height, width = image.shape[:2]
        cells = (2 * rows + 1) * 40 // (2 * height), (2 * columns + 1) * 40 // (2 * width)
        assert arrays.masks[n, ..., 0][cells].all()


def test_second_load_reads_the_cache(tiny_deadleaves: Path, reads: list[Path]) -> None:
    """Images are decoded once for each split, size and protocol."""
    data = open_dataset(root=tiny_deadleaves)
    first = data.load("train", 32)
    assert len(reads) == 4
    assert same(first, data.load("train", 32))
    assert len(reads) == 4
    thin = data.load("train", 32, "thin")
    data.load("val", 32)
    data.load("train", 33)
    own = data.load("train", 32, MaskProtocol("course", dilate=0))
    assert len(reads) == 4 + 4 + 2 + 4 + 4
    assert thin.masks.sum() < own.masks.sum() < first.masks.sum()


def test_moved_data_is_recognised(
    tiny_deadleaves: Path, tmp_path: Path, reads: list[Path]
) -> None:
    """The same files mounted elsewhere are not decoded again."""
    open_dataset(root=tiny_deadleaves).load("val", 32)
    link = tmp_path / "elsewhere"
    link.symlink_to(tiny_deadleaves)
    open_dataset(root=link).load("val", 32)
    assert len(reads) == 2


def test_changed_file_is_noticed(tiny_bsds500: Path, reads: list[Path]) -> None:
    """A file with another time or size makes new arrays."""
    data = open_dataset(root=tiny_bsds500)
    before = data.load("val", 32)
    one, other = (tiny_bsds500 / f"groundTruth/val/{i}.mat" for i in data.ids("val"))
    shutil.copyfile(one, other)
    shutil.copyfile(
        tiny_bsds500 / f"images/val/{one.stem}.jpg", tiny_bsds500 / f"images/val/{other.stem}.jpg"
    )
    after = data.load("val", 32)
    assert len(reads) == 4
    assert not same(before, after)
    np.testing.assert_array_equal(after.masks[0], after.masks[1])


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "folder", "other arrays"])
def test_damaged_cache_file_is_remade(
    tiny_deadleaves: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever became of a cache file, the arrays are right."""
    data = open_dataset(root=tiny_deadleaves)
    first = data.load("val", 32)
    (path,) = cached_files()
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        np.savez(path, images=first.images[:1], masks=first.masks, ids=np.array(first.ids))
    assert same(first, data.load("val", 32))
    assert same(first, data.load("val", 32))
    warned = "not cached" in capsys.readouterr().err
    assert warned == (damage == "folder")
    assert len(cached_files()) == 1


def test_cache_that_cannot_be_written(
    tiny_deadleaves: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A file in place of the cache folder costs a line on stderr and nothing else."""
    (tmp_path / "cache").write_text("in the way")
    monkeypatch.setenv("BSDS_CACHE", str(tmp_path / "cache"))
    arrays = open_dataset(root=tiny_deadleaves).load("val", 32)
    assert arrays.images.shape == (2, 32, 32, 3)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "not cached" in lines[0]


def test_full_disk(tiny_deadleaves: Path) -> None:
    """When the disk is full, the arrays are returned, a line says so, and no part is left."""
    pytest.importorskip("resource")
    program = (
        "import resource, signal, sys, bsds_utils\n"
        "data = bsds_utils.open_dataset(root=sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "print(data.load('val', 64).images.shape)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tiny_deadleaves)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "(2, 64, 64, 3)"
    assert len(done.stderr.splitlines()) == 1
    assert "File too large" in done.stderr
    assert cached_files() == []


def test_interrupted_load_leaves_nothing(
    tiny_deadleaves: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the cache is written leaves no file behind."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupt)
    with pytest.raises(KeyboardInterrupt):
        open_dataset(root=tiny_deadleaves).load("val", 32)
    assert cached_files() == []


@pytest.mark.parametrize(
    ("size", "error"), [(0, ValueError), (-3, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_wrong_size(tiny_deadleaves: Path, size: int, error: type[Exception]) -> None:
    """A size that is no positive whole number is named as such."""
    with pytest.raises(error, match="size"):
        open_dataset(root=tiny_deadleaves).load("val", size)


def test_file_lost_after_opening(tiny_bsds500: Path) -> None:
    """A file that vanishes between opening and loading is named."""
    data = open_dataset(root=tiny_bsds500)
    lost = tiny_bsds500 / f"images/val/{data.ids('val')[1]}.jpg"
    lost.unlink()
    with pytest.raises(BSDSError, match=lost.name):
        data.load("val", 32)

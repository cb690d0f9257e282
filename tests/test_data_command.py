"""`bsds data`: what it prints of a whole data set, and of damaged ones."""

import argparse
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from bsds_utils import BSDSError
from bsds_utils.cli import data as command
from bsds_utils.data import source
from bsds_utils.synthetic import writer


def bsds_data(*arguments: str | Path) -> int:
    """Run the command; a BSDSError is printed as the `bsds` command does."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    try:
        return command.run(parser.parse_args([str(argument) for argument in arguments]))
    except BSDSError as error:
        print(f"bsds data: {error}", file=command.sys.stderr)
        return 1


def complaints(root: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run the command on a damaged folder; return its lines on stderr."""
    assert bsds_data("--root", root) == 1
    output, errors = capsys.readouterr()
    lines = errors.splitlines()
    assert output == ""
    assert all(line.startswith("bsds data: ") for line in lines)
    assert 1 <= len(lines) <= 8
    assert "Traceback" not in errors
    return lines


@pytest.fixture
def small_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the synthetic set that is made by default a small one."""
    counts = {"train": 2, "val": 1, "test": 1}
    monkeypatch.setattr("bsds_utils.synthetic.DEFAULT_COUNTS", counts)


def test_prints_what_is_there(tiny_bsds500: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Source, root, counts, sizes, annotators, disk and checksums are printed."""
    assert bsds_data("--root", tiny_bsds500) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    for part in ("bsds500", str(tiny_bsds500), "train 4, val 2, test 2", "481×321", "annotators",
                 "MB", "all 16 files"):  # fmt: skip
        assert part in output


@pytest.mark.real_data
def test_real_set_is_whole(bsds500_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The real set's figures are those its authors give."""
    assert bsds_data("--root", bsds500_root) == 0
    output = capsys.readouterr().out
    for part in ("train 200, val 100, test 200", "481×321 (348), 321×481 (152)", "4 to 9",
                 "all 1000 files"):  # fmt: skip
        assert part in output


def test_makes_the_synthetic_set_once(
    small_default: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without arguments the embedded set is made; the second time it is found."""
    assert bsds_data() == 0
    output, errors = capsys.readouterr()
    assert "train 2, val 1, test 1" in output
    assert len(errors.splitlines()) == 1
    assert bsds_data() == 0
    assert capsys.readouterr() == (output, "")
    assert bsds_data("--source", "deadleaves", "--root", tmp_path / "new") == 0
    assert "all 8 files" in capsys.readouterr().out


def test_mends_what_is_in_the_cache(
    small_default: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Our own copy is replaced if it is damaged, and the damage is told."""
    assert bsds_data() == 0
    whole = capsys.readouterr().out
    root = source.choose().root
    (root / "images/train/dl00000.jpg").write_bytes(b"")
    (root / "groundTruth/test/dl20000.mat").unlink()
    assert bsds_data() == 0
    output, errors = capsys.readouterr()
    assert output == whole
    assert "empty" in errors
    assert "missing" in errors
    (root / "deadleaves.json").write_bytes(b"{")
    assert bsds_data("--source", "deadleaves") == 0
    assert capsys.readouterr().out == whole


def test_download_goes_to_a_new_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing root is filled only if the source is said; without network, one line."""
    monkeypatch.setattr("bsds_utils.data.download.ADDRESSES", ("http://127.0.0.1:9/a.tgz",))
    (line,) = complaints(tmp_path / "new", capsys)
    assert "no such folder" in line
    (tmp_path / "other").mkdir()
    assert bsds_data("--source", "bsds500", "--root", tmp_path / "other") == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert "downloading" in errors[0]
    assert "--source deadleaves" in errors[1]
    assert list((tmp_path / "other").iterdir()) == []


def test_every_kind_of_damage_has_a_line(
    tiny_bsds500: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Damage of many kinds at once is told in a handful of lines that name files and counts."""
    images, truths = tiny_bsds500 / "images", tiny_bsds500 / "groundTruth"
    (images / "train/dl00000.jpg").unlink()
    (images / "train/dl00001.jpg").write_bytes(b"")
    (truths / "train/dl00002.mat").write_bytes(b"<html>")
    (truths / "val/dl10000.mat").unlink()
    one, other = truths / "test/dl20000.mat", truths / "test/dl20001.mat"
    one.rename(one.with_suffix(".x"))
    other.rename(one)
    one.with_suffix(".x").rename(other)
    shutil.copy(images / "val/dl10001.jpg", images / "test/dl10001.jpg")
    with Image.open(images / "val/dl10000.jpg") as image:
        image.save(images / "val/dl10000.jpg", quality=30)
    text = "\n".join(complaints(tiny_bsds500, capsys))
    for part in (
        "1 of 8 images missing: images/train/dl00000.jpg",
        "1 of 8 ground truths missing: groundTruth/val/dl10000.mat",
        "damaged, 2 files: ",
        "dl00001.jpg: the file is empty (0 bytes)",
        "(and 1 more)",
        "swapped, 2 files: groundTruth/test/dl20000.mat is groundTruth/test/dl20001.mat",
        "changed, 1 file",
        "images/test/dl10001.jpg belongs to val",
        "--root NEW_FOLDER",
    ):
        assert part in text


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _rotated(path: Path) -> None:
    with Image.open(path) as image:
        image.rotate(90, expand=True).save(path, "JPEG")


def _bitmap(path: Path) -> None:
    with Image.open(path) as image:
        image.save(path, "PNG")


def _flipped_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (_folder, "found a folder"),
        (_dangling, "leads nowhere"),
        (_pipe, "not a regular file"),
        (_rotated, "changed, 1 file"),
        (_bitmap, "found PNG"),
        (_flipped_byte, "1 file"),
        (lambda path: path.rename(path.with_name("dl99999.jpg")), "1 of 8 images missing"),
        (lambda path: path.write_bytes(b"\0" * 50_000), "no image"),
        (lambda path: os.truncate(path, 20_000), "truncated"),
    ],
)
def test_one_damaged_image(
    tiny_bsds500: Path, capsys: pytest.CaptureFixture[str], damage: object, expected: str
) -> None:
    """Any damage to a single image is one line that names it, and the way out."""
    assert callable(damage)
    damage(tiny_bsds500 / "images/test/dl20001.jpg")
    line, way_out = complaints(tiny_bsds500, capsys)
    assert expected in line
    assert "dl20001.jpg" in line
    assert "bsds data --source bsds500" in way_out


def test_surplus_files_are_only_noted(
    tiny_bsds500: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files that are not of the data set are ignored, and said to be, whatever their name."""
    (tiny_bsds500 / "images/train/Thumbs.db").write_bytes(b"x")
    shutil.copy(
        tiny_bsds500 / "images/train/dl00000.jpg", tiny_bsds500 / "images/train/DL00000.JPG"
    )
    Path(os.fsdecode(os.fsencode(tiny_bsds500) + b"/images/val/caf\xe9\n.jpg")).write_bytes(b"x")
    assert bsds_data("--root", tiny_bsds500) == 0
    (note,) = (line for line in capsys.readouterr().out.splitlines() if "note" in line)
    assert "2 files not of the data set" in note
    assert "caf\\udce9\\n.jpg" in note


def test_whole_folders_lost(tiny_bsds500: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lost split, a file in its place, and lost halves are told as such."""
    shutil.rmtree(tiny_bsds500 / "images/train")
    (tiny_bsds500 / "images/train").write_text("x")
    assert "4 of 8 images missing: all 4 of images/train" in complaints(tiny_bsds500, capsys)[0]
    shutil.rmtree(tiny_bsds500 / "groundTruth")
    assert "no folder groundTruth/" in complaints(tiny_bsds500, capsys)[0]
    shutil.rmtree(tiny_bsds500 / "images")
    assert "found neither" in complaints(tiny_bsds500, capsys)[0]


def test_interrupted_making_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the synthetic set is made leaves the disk as it was."""

    def interrupt(_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(writer, "_mat", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bsds_data("--source", "deadleaves", "--root", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []

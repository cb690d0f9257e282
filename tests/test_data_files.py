"""Reading images and ground truth: what is read, and what is said of damaged files."""

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bsds_utils import BSDSError, open_dataset
from bsds_utils.data.files import printable, read_bytes
from bsds_utils.data.groundtruth import read_ground_truth
from bsds_utils.data.imagefile import image_shape, read_image

SHAPE = (6, 9)


def annotator(shape: tuple[int, int] = SHAPE, **changes: Any) -> dict[str, Any]:
    """Return a cell of `groundTruth` as scipy writes it."""
    boundaries = np.zeros(shape, np.uint8)
    boundaries[2] = 1
    return {"Boundaries": boundaries, "Segmentation": np.ones(shape, np.uint16), **changes}


def write_mat(path: Path, cells: list[Any], name: str = "groundTruth") -> Path:
    """Write a .mat file with the given annotators."""
    array = np.empty((1, len(cells)), object)
    for index, cell in enumerate(cells):
        array[0, index] = cell
    scipy.io.savemat(path, {name: array})
    return path


def message(path: Path, shape: tuple[int, int] | None = None) -> str:
    """Return the one-line message that reading the ground truth ends with."""
    with pytest.raises(BSDSError) as caught:
        read_ground_truth(path, shape)
    text = str(caught.value)
    assert printable(path) in text
    assert "\n" not in text
    return text


def test_reads_what_was_written(tmp_path: Path) -> None:
    """Annotators come in order, boundaries as bool and segmentations as uint16."""
    second = annotator()
    second["Boundaries"] = np.eye(*SHAPE, dtype=np.uint8)
    second["Segmentation"] = np.arange(54, dtype=np.uint16).reshape(SHAPE)
    truth = read_ground_truth(write_mat(tmp_path / "a.mat", [annotator(), second]), SHAPE)
    assert truth.boundaries.dtype == np.bool_
    assert truth.segmentations.dtype == np.uint16
    np.testing.assert_array_equal(truth.boundaries[0].sum(axis=1), [0, 0, 9, 0, 0, 0])
    np.testing.assert_array_equal(truth.boundaries[1], np.eye(*SHAPE, dtype=bool))
    np.testing.assert_array_equal(truth.segmentations[1], second["Segmentation"])


def test_accepts_other_number_types_and_sparse_matrices(tmp_path: Path) -> None:
    """MATLAB users save double and sparse matrices; the values count."""
    from scipy.sparse import csc_matrix

    cell = annotator(Boundaries=csc_matrix(np.eye(*SHAPE)), Segmentation=np.full(SHAPE, 3.0))
    truth = read_ground_truth(write_mat(tmp_path / "a.mat", [cell]))
    np.testing.assert_array_equal(truth.boundaries[0], np.eye(*SHAPE, dtype=bool))
    assert (truth.segmentations == 3).all()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], "at least one annotator, found none"),
        ([annotator(), annotator((6, 8))], "annotator 2 of 2: expected Boundaries of the first"),
        ([annotator(Segmentation=np.ones((5, 9)))], "expected Segmentation of the first"),
        ([annotator(Boundaries=np.full(SHAPE, 2))], "0 and 1 only"),
        ([annotator(Boundaries=np.full(SHAPE, 0.5))], "0 and 1 only"),
        ([annotator(Boundaries=np.full(SHAPE, np.nan))], "0 and 1 only"),
        ([annotator(Segmentation=np.full(SHAPE, -1))], "whole numbers 0–65535"),
        ([annotator(Segmentation=np.full(SHAPE, 70000))], "whole numbers 0–65535"),
        ([annotator(Segmentation=np.full(SHAPE, np.nan))], "whole numbers 0–65535"),
        ([annotator(Boundaries="none")], "matrix of numbers"),
        ([annotator(Boundaries=np.zeros((0, 0)))], "matrix of numbers"),
        ([{"Boundaries": np.zeros(SHAPE)}], "a struct with Boundaries and Segmentation"),
        ([np.zeros(SHAPE)], "a struct with Boundaries and Segmentation"),
    ],
)
def test_wrong_content(tmp_path: Path, cells: list[Any], expected: str) -> None:
    """Each way in which the matrices can be wrong has its own words."""
    assert expected in message(write_mat(tmp_path / "a.mat", cells))


def test_shape_of_the_image_counts(tmp_path: Path) -> None:
    """Annotations of another shape than the image's are refused, with both shapes."""
    path = write_mat(tmp_path / "a.mat", [annotator()])
    text = message(path, (9, 6))
    assert "(9, 6)" in text
    assert "(6, 9)" in text


def test_not_the_right_variable(tmp_path: Path) -> None:
    """A .mat file without groundTruth, or with a plain matrix of that name, is refused."""
    assert "variable groundTruth" in message(write_mat(tmp_path / "a.mat", [annotator()], "gt"))
    scipy.io.savemat(tmp_path / "b.mat", {"groundTruth": np.zeros(SHAPE)})
    assert "as a cell array" in message(tmp_path / "b.mat")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b"\n <HTML>", "a web page"),
        (b"MATLAB 7.3 MAT-file" + bytes(105) + b"\x00\x02IM" + b"\x89HDF", "not a MATLAB 5 file"),
        (b"\x00" * 200, "not a MATLAB 5 file"),
        (b"hello", "not a MATLAB 5 file"),
    ],
)
def test_not_a_mat_file(tmp_path: Path, content: bytes, expected: str) -> None:
    """Whatever else is named .mat is told from a damaged one."""
    (tmp_path / "a.mat").write_bytes(content)
    assert expected in message(tmp_path / "a.mat")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damage_never_escapes_as_another_error(
    tiny_deadleaves: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """Truncated or overwritten files give arrays or a BSDSError, and nothing else."""
    kind = data.draw(st.sampled_from(["groundTruth", "images"]))
    whole = next((tiny_deadleaves / kind / "val").iterdir())
    content = bytearray(whole.read_bytes())
    del content[data.draw(st.integers(1, len(content))) :]
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / whole.name
    path.write_bytes(content)
    with suppress(BSDSError):
        if kind == "images":
            assert read_image(path).dtype == np.uint8
        else:
            assert read_ground_truth(path).boundaries.dtype == np.bool_


def jpeg(mode: str = "RGB", kind: str = "JPEG") -> bytes:
    """Return an image file of 40×30 pixels."""
    stream = io.BytesIO()
    Image.new(mode, (40, 30), 77 if mode in ("L", "I;16") else None).save(stream, kind)
    return stream.getvalue()


def test_reads_an_image(tmp_path: Path) -> None:
    """An image comes as RGB with rows first; its shape is known from the header."""
    path = tmp_path / "a.jpg"
    Image.new("RGB", (40, 30), (255, 0, 0)).save(path)
    assert image_shape(path) == (30, 40)
    pixels = read_image(path)
    assert pixels.shape == (30, 40, 3)
    assert abs(pixels.reshape(-1, 3).mean(axis=0) - [254, 0, 0]).max() < 3


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (jpeg()[:300], "no image|truncated"),
        (jpeg()[:-20], "truncated or corrupt"),
        (jpeg("L"), "mode 'L'"),
        (jpeg("CMYK"), "mode 'CMYK'"),
        (jpeg(kind="PNG"), "found PNG"),
        (jpeg("I;16", "PNG"), "found PNG"),
        (jpeg(kind="GIF"), "found GIF"),
        (b"<html>not found</html>", "a web page"),
        (os.urandom(500), "no image"),
    ],
)
def test_damaged_image(tmp_path: Path, content: bytes, expected: str) -> None:
    """Each kind of damaged image is one line that names the file."""
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(BSDSError, match=expected) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_things_that_are_no_files(tmp_path: Path) -> None:
    """Folders, dangling links, pipes, gigantic and missing files do not block or crash."""
    folder = tmp_path / "a.jpg"
    folder.mkdir()
    link = tmp_path / "b.jpg"
    link.symlink_to("nowhere")
    pipe = tmp_path / "c.jpg"
    os.mkfifo(pipe)
    large = tmp_path / "d.jpg"
    with large.open("wb") as stream:
        stream.truncate(2**40)
    for path, expected in (
        (folder, "found a folder"),
        (link, "leads nowhere"),
        (pipe, "not a regular file"),
        (large, "MiB"),
        (tmp_path / "e.jpg", "found none"),
    ):
        with pytest.raises(BSDSError, match=expected):
            read_bytes(path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission(tmp_path: Path) -> None:
    """A file that must not be read is named."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(BSDSError, match="permission"):
        read_bytes(path)


@given(st.text())
def test_printable_is_one_line_of_utf8(text: str) -> None:
    """Any file name can be printed within a line."""
    shown = printable(text)
    assert shown.isprintable()
    shown.encode("utf-8")


def test_dataset_checks_truth_against_image(tiny_bsds500: Path) -> None:
    """A rotated image or a swapped ground truth shows as soon as the pair is read."""
    dataset = open_dataset(root=tiny_bsds500)
    image_id = dataset.ids("test")[0]
    path = tiny_bsds500 / f"images/test/{image_id}.jpg"
    with Image.open(path) as image:
        image.rotate(90, expand=True).save(path)
    with pytest.raises(BSDSError, match="the image's shape"):
        dataset.boundaries("test", image_id)
    with pytest.raises(BSDSError, match="the image's shape"):
        dataset.load("test", 32)

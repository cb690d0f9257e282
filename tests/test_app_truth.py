"""Ground truth that visitors hand in, and how a prediction is compared with it."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from boundary_app.pictures import Picture, picture_of
from boundary_app.truth import compare, curve, drawings, read_truth
from bsds_utils import COURSE, BSDSError, baselines, foreground_iou, resize_image
from bsds_utils.images import resize_probability

SHAPE = (60, 90)


def mat(cells: list[Any], name: str = "groundTruth", **options: Any) -> bytes:
    """Return a .mat file with such annotators."""
    array = np.empty((1, len(cells)), object)
    for index, cell in enumerate(cells):
        array[0, index] = cell
    stream = io.BytesIO()
    savemat(stream, {name: array}, **options)
    return stream.getvalue()


def annotator(shape: tuple[int, int] = SHAPE, row: int = 20) -> dict[str, Any]:
    """Return an annotator who drew one line."""
    boundaries = np.zeros(shape, np.uint8)
    boundaries[row] = 1
    return {"Boundaries": boundaries, "Segmentation": np.ones(shape, np.uint16)}


@pytest.fixture
def picture() -> Picture:
    """Return a picture of two areas."""
    image = np.full((*SHAPE, 3), 60, np.uint8)
    image[20:] = 200
    return picture_of("areas", image)


@pytest.mark.parametrize("compress", [False, True])
def test_reads_bsds_ground_truth(picture: Picture, compress: bool) -> None:
    """Each annotator's boundaries come in order, from plain and compressed files."""
    content = mat([annotator(), annotator(row=30)], do_compression=compress)
    truth = read_truth(content, "1.mat", picture)
    assert truth.dtype == np.bool_
    np.testing.assert_array_equal(np.flatnonzero(truth[:, :, 5]), [20, SHAPE[0] + 30])


def nested(levels: int) -> bytes:
    """Return a file whose cell arrays hold each other."""
    inner: Any = np.zeros((1, 1))
    for _ in range(levels):
        outer = np.empty((1, 1), object)
        outer[0, 0] = inner
        inner = outer
    return mat([inner])


def compressed(zeros: int) -> bytes:
    """Return a file of one compressed element that unpacks to so many zeros."""
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    packed = zlib.compress(bytes(zeros), 9)
    return head + struct.pack("<II", 15, len(packed)) + packed


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "found an empty one"),
        (b"not a mat", "not a MATLAB 5 file"),
        (b"<!DOCTYPE html><p>404", "found a web page"),
        (mat([annotator()])[:-500], "truncated or corrupt"),
        (mat([annotator()], name="other"), "expected a variable groundTruth"),
        (mat([annotator((60, 91))]), "a picture of 90×60 pixels, found one of 91×60"),
        (mat([]), "at least one annotator, found none"),
        (mat([np.eye(3)]), "expected a struct"),
        (bytes(6 << 20), "at most 5 MiB, found 6.0 MiB"),
        (nested(40), "nested deeper"),
        (compressed(200 << 20), "at most 128 MiB when unpacked"),
        (b"\x89HDF\r\n\x1a\n".ljust(600), "not a MATLAB 5 file"),
    ],
)
def test_refused(picture: Picture, content: bytes, expected: str) -> None:
    """What is not this picture's ground truth is refused in one line with advice."""
    with pytest.raises(BSDSError) as caught:
        read_truth(content, "1.mat", picture)
    message = str(caught.value)
    assert message.startswith("1.mat")
    assert expected in message
    assert "choose the .mat file that came with this very picture" in message
    assert "\n" not in message


def test_a_huge_sparse_matrix_is_refused(picture: Picture) -> None:
    """A matrix of few entries that claims a huge size takes no memory."""
    from scipy.sparse import csc_matrix

    cell = annotator()
    cell["Boundaries"] = csc_matrix((100_000, 100_000))
    with pytest.raises(BSDSError, match="expected Boundaries of at most"):
        read_truth(mat([cell]), "1.mat", picture)


def test_any_damage_is_one_sentence(picture: Picture) -> None:
    """Wherever a file is damaged, it is read or refused, and nothing else happens."""
    random = np.random.default_rng(2)
    whole = mat([annotator()], do_compression=True)
    told = []
    for _ in range(100):
        content = bytearray(whole)
        for place in random.integers(120, len(content), 3):
            content[place] = random.integers(256)
        try:
            read_truth(bytes(content), "1.mat", picture)
        except BSDSError as error:
            told.append(str(error))
    assert told
    assert not [message for message in told if "\n" in message]


@pytest.fixture
def boundaries() -> np.ndarray:
    """Return what two annotators drew."""
    return np.stack([annotator(row=row)["Boundaries"] for row in (20, 22)]).astype(bool)


def test_iou_is_the_courses(picture: Picture, boundaries: np.ndarray) -> None:
    """IoU is measured under the card's protocol at the size of the model's input."""
    random = np.random.default_rng(3)
    probability = random.random(SHAPE, dtype=np.float32)
    card = {"input_size": 32, "mask_protocol": "course"}
    compared = compare(picture, probability, boundaries, card)
    mask = COURSE.apply(boundaries, 32)
    resized = resize_probability(probability, 32)
    assert compared.iou(0.37) == foreground_iou(mask, resized >= 0.37)
    assert compared.sweep.iou_at(0.5) == compared.iou(0.5)
    assert compared.baselines == baselines(mask[None], resize_image(picture.pixels, 32)[None])


def test_the_curve_shows_the_point_and_the_baselines(
    picture: Picture, boundaries: np.ndarray
) -> None:
    """The diagram has the curve, the point at the threshold and the trivial answers."""
    probability = np.full(SHAPE, 0.4, np.float32)
    compared = compare(
        picture, probability, boundaries, {"input_size": 32, "mask_protocol": "course"}
    )
    lines, point = curve(compared, 0.25)["layer"]
    answers = {row["answer"] for row in lines["data"]["values"]}
    assert answers == {"this model", "Sobel", "all boundary"}
    assert point["data"]["values"] == [
        {"threshold": 0.25, "IoU": pytest.approx(compared.iou(0.25), abs=1e-4)}
    ]
    assert f"{compared.iou(0.25):.3f} at 0.25" in curve(compared, 0.25)["description"]


def test_every_annotator_is_drawn(boundaries: np.ndarray) -> None:
    """Each drawing is widened to be seen, and its share is that of the lines as they are."""
    (first, drawn), (second, _) = drawings(boundaries)
    assert first == f"Annotator 1: {1 / 60:.1%} marked"
    assert second.startswith("Annotator 2")
    assert drawn.shape == SHAPE
    assert np.flatnonzero(drawn[:, 0]).tolist() == [19, 20, 21]

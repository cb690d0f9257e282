"""Reading and resizing pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from bsds_utils import BSDSError, resize_image, resize_probability
from bsds_utils.images import read_image


@pytest.fixture
def picture():
    """Return a picture without symmetry, 6×9."""
    return np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def test_resize_image_is_pillows_bilinear(picture):
    """Images are resized by Pillow's antialiased bilinear filter, to a number or a pair."""
    expected = np.asarray(Image.fromarray(picture).resize((4, 5), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resize_image(picture, (5, 4)), expected)
    assert resize_image(picture, 3).shape == (3, 3, 3)
    np.testing.assert_array_equal(resize_image(picture, (6, 9)), picture)


def test_reducing_is_antialiased():
    """A fine chequerboard becomes grey, not black or white."""
    board = np.indices((64, 64)).sum(axis=0) % 2
    image = np.repeat(board[..., None] * 255, 3, axis=-1).astype(np.uint8)
    inside = resize_image(image, 16)[2:-2, 2:-2]
    assert np.all(abs(inside.astype(int) - 127) < 8)
    np.testing.assert_allclose(
        resize_probability(board.astype(float), 16)[2:-2, 2:-2], 0.5, atol=0.03
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_resize_probability_stays_a_probability(dtype):
    """Probabilities stay float32 in [0, 1], with or without a channel axis."""
    values = np.random.default_rng(1).random((20, 30)).round().astype(dtype)
    resized = resize_probability(values, (50, 7))
    assert resized.dtype == np.float32
    assert resized.shape == (50, 7)
    assert 0 <= resized.min() <= resized.max() <= 1
    np.testing.assert_array_equal(resize_probability(values[..., None], (50, 7)), resized)


def test_resize_probability_is_not_quantised():
    """A constant that 8 bits cannot hold survives."""
    resized = resize_probability(np.full((9, 9), 0.12345), 4)
    np.testing.assert_allclose(resized, 0.12345, rtol=1e-6)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((4, 4)), ValueError, r"image: .*\(H, W, 3\), found float64 of shape \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), ValueError, r"image: .*\(4, 4, 4\)"),
        (np.zeros((4, 4, 3)), TypeError, "image: expected uint8 in 0 to 255, found float64"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, "image: expected at least one pixel"),
        ([[1, 2], [3]], ValueError, "image: expected an array, found list"),
        (None, TypeError, "image: expected an array of numbers, found NoneType"),
    ],
)
def test_wrong_images_are_named(image, error, message):
    """An image of the wrong shape or type raises an error that says so."""
    with pytest.raises(error, match=message):
        resize_image(image, 4)


@pytest.mark.parametrize(
    ("probability", "error", "message"),
    [
        (np.zeros((4, 4), int), TypeError, "probability: expected float .*found int64"),
        (np.full((4, 4), 1.5), ValueError, r"probability: .*\[0, 1\], found the value 1.5"),
        (np.full((4, 4), np.nan), ValueError, "probability: .*the value nan"),
        (np.zeros((2, 4, 4)), ValueError, r"probability: expected one map .*\(2, 4, 4\)"),
        (np.zeros(4), ValueError, r"probability: .*found float64 of shape \(4,\)"),
    ],
)
def test_wrong_probabilities_are_named(probability, error, message):
    """A map of the wrong shape, type or range raises an error that says so."""
    with pytest.raises(error, match=message):
        resize_probability(probability, 4)


def test_png_is_read_as_it_is(picture, tmp_path):
    """An RGB picture comes back unchanged, from a path or an open file."""
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture)
    with (tmp_path / "a.png").open("rb") as file:
        np.testing.assert_array_equal(read_image(file), picture)


def test_camera_orientation_is_applied(picture, tmp_path):
    """EXIF orientation 6 (camera turned) gives an upright picture of swapped sides."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.rot90(picture, -1))


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"]
)
def test_every_mode_becomes_rgb(mode, tmp_path):
    """A black picture with a white stripe looks the same whatever mode it is stored in."""
    grey = np.zeros((8, 8), np.uint8)
    grey[:, 3:5] = 255
    if mode == "I;16":
        stored = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "I":
        stored = Image.fromarray(grey.astype(np.int32) * 257)
    else:
        stored = Image.fromarray(grey).convert("RGB" if mode in ("CMYK", "YCbCr") else "L")
        stored = stored.convert(mode)
    stored.save(tmp_path / "a.tif")
    found = read_image(tmp_path / "a.tif")
    assert found.shape == (8, 8, 3)
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found, np.repeat(grey[..., None], 3, -1), atol=3)


def test_floats_of_a_probability_map_are_scaled(tmp_path):
    """A picture of floats in [0, 1] is not taken for a black one."""
    path = tmp_path / "map.tif"
    Image.fromarray(np.array([[0.0, 0.5, 1.0, np.nan]], np.float32)).save(path)
    assert read_image(path)[0, :, 0].tolist() == [0, 128, 255, 0]


def test_transparent_is_white():
    """What a transparent pixel hides does not show."""
    buffer = io.BytesIO()
    Image.new("RGBA", (2, 2), (200, 0, 0, 0)).save(buffer, "PNG")
    buffer.seek(0)
    assert np.all(read_image(buffer) == 255)


def test_a_missing_picture_is_one_line(tmp_path):
    """A path without a file is named."""
    with pytest.raises(BSDSError, match=r"a\.jpg: expected a picture, found no file") as caught:
        read_image(tmp_path / "a.jpg")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["html", "empty", "cut", "folder", "bomb"])
def test_damaged_pictures_are_one_line(kind, picture, tmp_path, monkeypatch):
    """Whatever is wrong with a file, the error is one line that names it."""
    path = tmp_path / "a.png"
    if kind == "folder":
        path.mkdir()
    else:
        Image.fromarray(np.tile(picture, (20, 20, 1))).save(path)
        content = path.read_bytes()
        path.write_bytes(
            {"html": b"<html>404</html>", "empty": b"", "cut": content[: len(content) // 2]}.get(
                kind, content
            )
        )
    if kind == "bomb":
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(BSDSError, match=r"a\.png: expected a picture") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)

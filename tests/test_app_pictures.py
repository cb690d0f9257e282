"""What visitors hand in as a picture: read as a viewer shows it, or refused in one sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from boundary_app.pictures import picture_of, read_picture
from bsds_utils import BSDSError
from bsds_utils.images import read_image
from bsds_utils.models.predict import LONG_SIDE


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    """Return a picture's file."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def photo() -> Image.Image:
    """Return a picture without symmetry, 40×60."""
    small = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((60, 40), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(
    ("kind", "tolerance"), [("PNG", 0), ("TIFF", 0), ("JPEG", 60), ("WEBP", 60), ("MPO", 60)]
)
def test_formats(photo: Image.Image, kind: str, tolerance: int) -> None:
    """JPEG, PNG, WebP, TIFF and telephones' MPO are read, whatever their names say."""
    found = read_picture(saved(photo, kind), "holiday.dat")
    assert found.size == (40, 60)
    assert not found.reduced
    difference = np.abs(found.pixels.astype(int) - np.asarray(photo))
    assert difference.max() <= tolerance


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "1"])
def test_modes(photo: Image.Image, mode: str) -> None:
    """Grey, alpha, palette, CMYK and 16 bits become the RGB that `bsds predict` sees."""
    if mode == "I;16":
        deep = np.asarray(photo.convert("L")).astype(np.uint16) * 257
        stored = Image.fromarray(deep)
    else:
        stored = photo.convert(mode)
    content = saved(stored, "TIFF")
    found = read_picture(content, "a.tif")
    np.testing.assert_array_equal(found.pixels, read_image(io.BytesIO(content)))
    expected = np.asarray(photo.convert("L" if mode in ("L", "LA", "I;16") else "RGB"))
    if mode not in ("P", "1", "CMYK"):
        shown = found.pixels[..., 0] if expected.ndim == 2 else found.pixels
        np.testing.assert_allclose(shown, expected, atol=1)


def test_a_turned_camera(photo: Image.Image) -> None:
    """The camera's orientation is applied: an upright picture is shown upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    found = read_picture(saved(photo, "PNG", exif=exif), "a.png")
    assert found.size == (60, 40)
    np.testing.assert_array_equal(found.pixels, np.rot90(np.asarray(photo), -1))


def test_large_pictures_are_kept_reduced() -> None:
    """Of a photograph a session keeps what the model sees, not its 12 megapixels."""
    found = read_picture(saved(Image.new("RGB", (4000, 3000), "teal"), "JPEG"), "a.jpg")
    assert found.size == (3000, 4000)
    assert found.pixels.shape == (768, LONG_SIDE, 3)
    assert found.reduced


def test_a_key_tells_pictures_apart(photo: Image.Image) -> None:
    """The key follows pixels and size, not the name."""
    pixels = np.asarray(photo)
    assert picture_of("a", pixels).key == picture_of("b", pixels).key
    assert picture_of("a", pixels).key != picture_of("a", pixels[::-1]).key
    blank = np.zeros((20, 30, 3), np.uint8)
    assert picture_of("a", blank).key != picture_of("a", blank.swapaxes(0, 1)).key


def bomb(width: int, height: int) -> bytes:
    """Return a PNG file of a few bytes that claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "an empty file"),
        (b"hello, this is a letter", "another kind of file"),
        (b"<html>404</html>", "another kind of file"),
        (b"%PDF-1.7", "another kind of file"),
        (saved(Image.effect_noise((64, 64), 50), "JPEG")[:-900], "damaged or incomplete"),
        (saved(Image.effect_noise((64, 64), 50), "PNG")[:-900], "damaged or incomplete"),
        (bomb(40_000, 40_000), "at most 50 megapixels, found a far larger one"),
        (bomb(10_000, 5_001), "at most 50 megapixels, found 10000×5001"),
        (bomb(10_000, 12_000), "at most 50 megapixels"),
        (saved(Image.new("RGB", (1, 1)), "PNG"), "at least 16×16 pixels, found 1×1"),
        (saved(Image.new("RGB", (64, 64)), "BMP"), "found BMP; save it as a PNG"),
        (
            saved(
                Image.new("L", (32, 32)), "GIF", save_all=True,
                append_images=[Image.new("L", (32, 32), 255)],
            ),
            "found GIF; save it as a PNG",
        ),
        (
            saved(
                Image.new("RGB", (32, 32)), "WEBP", save_all=True,
                append_images=[Image.new("RGB", (32, 32), "red")],
            ),
            "a still picture, found an animation of 2 frames",
        ),
        (
            saved(
                Image.new("RGB", (32, 32)), "PNG", save_all=True,
                append_images=[Image.new("RGB", (32, 32), "red")],
            ),
            "a still picture, found an animation of 2 frames",
        ),
    ],
)  # fmt: skip
def test_refused(content: bytes, expected: str) -> None:
    """What is no picture, or too small or large a one, is refused in one line with advice."""
    with pytest.raises(BSDSError) as caught:
        read_picture(content, "photo.jpg")
    message = str(caught.value)
    assert message.startswith("photo.jpg: expected a")
    assert expected in message
    assert "; " in message
    assert message.endswith(".")
    assert "\n" not in message


def test_odd_names_stay_one_short_line() -> None:
    """A name of many or unprintable characters does not spoil the sentence."""
    with pytest.raises(BSDSError) as caught:
        read_picture(b"", "a\nb" + "x" * 5000 + ".png")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_any_damage_is_one_sentence(photo: Image.Image) -> None:
    """Wherever a file is damaged, it is read or refused, and nothing else happens."""
    random = np.random.default_rng(1)
    told = []
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        whole = saved(photo, kind)
        for _ in range(60):
            content = bytearray(whole)
            for place in random.integers(0, len(content), random.integers(1, 8)):
                content[place] = random.integers(256)
            try:
                read_picture(bytes(content), "a")
            except BSDSError as error:
                told.append(str(error))
    assert 20 < len(told) < 240
    assert not [message for message in told if "\n" in message]

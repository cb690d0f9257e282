"""Masks, lines and image files of the demos."""

import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from boundary_app import drawing
from bsds_utils.images import probability_of_size, resize_probability


@pytest.fixture
def probability() -> np.ndarray:
    """Return a soft vertical line in the middle, 30×41."""
    across = np.exp(-((np.arange(41) - 20.0) ** 2) / 8)
    return np.tile(across, (30, 1)).astype(np.float32)


def test_a_mask_is_what_reaches_the_threshold(probability: np.ndarray) -> None:
    """A float32 that equals the threshold counts, as for `bsds predict`."""
    mask = drawing.mask_of(probability, float(probability[0, 18]))
    assert mask.sum(axis=1).tolist() == [5] * 30
    assert drawing.mask_of(np.array([[0.7]], np.float32), 0.7).all()


def test_thin_lines_are_inside_thick_ones(probability: np.ndarray) -> None:
    """Thin lines are the middle of thick ones, wherever the threshold is."""
    ridges = drawing.ridges_of(probability)
    for threshold in (0.1, 0.5, 0.9):
        mask = drawing.mask_of(probability, threshold)
        thin = drawing.lines_of(mask, "thin", ridges)
        assert not (thin & ~mask).any()
        assert 0 < thin[10:20].sum(axis=1).max() <= 2
        assert thin[15, 20]
    np.testing.assert_array_equal(drawing.lines_of(mask, "thick", None), mask)


@pytest.mark.parametrize(("opacity", "red"), [(1.0, 200), (0.5, 150), (0.0, 100)])
def test_lines_are_mixed_into_the_picture(opacity: float, red: int) -> None:
    """Where lines are, colour is mixed in by its opacity; elsewhere nothing changes."""
    image = np.full((4, 5, 3), 100, np.uint8)
    lines = np.zeros((4, 5), bool)
    lines[1, 2] = True
    mixed = drawing.overlay(image, drawing.painted(lines, "#C80064", opacity))
    assert mixed[1, 2, 0] == pytest.approx(red, abs=1)
    mixed[1, 2] = 100
    np.testing.assert_array_equal(mixed, image)


def test_a_browser_mixes_as_the_download_does() -> None:
    """The layer is an image with the opacity inside, so that a browser shows the same colours."""
    layer = drawing.painted(np.eye(3, dtype=bool), "#0072B2", 0.6)
    with Image.open(io.BytesIO(drawing.png(layer))) as picture:
        assert picture.mode == "RGBA"
        assert picture.getpixel((1, 1)) == (0, 0x72, 0xB2, 153)
        assert picture.getpixel((0, 1))[3] == 0


def test_masks_are_saved_without_loss(probability: np.ndarray) -> None:
    """A mask's file holds 0 and 255 and has the mask's size."""
    mask = drawing.mask_of(probability, 0.5)
    with Image.open(io.BytesIO(drawing.png(mask))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), mask * np.uint8(255))


def test_maps_are_enlarged_as_predict_does(probability: np.ndarray) -> None:
    """A map of its picture's size stays as it is; a smaller one is resized bilinearly."""
    assert probability_of_size(probability, (30, 41)) is probability
    np.testing.assert_array_equal(
        probability_of_size(probability, (90, 123)),
        resize_probability(probability, (90, 123)),
    )


def test_the_scale_of_probabilities_grows_lighter() -> None:
    """More likely is lighter, so that the map reads without colour."""
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    coloured = drawing.heat(ramp)[0] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(coloured) > -0.5).all()
    assert coloured[-1] - coloured[0] > 200


def contrast(one: str, other: str) -> float:
    """Return WCAG's contrast ratio of two colours."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_line_colours_show_on_dark_pictures() -> None:
    """Every colour stands out from a dark picture by at least 3 to 1."""
    for colour in drawing.COLOURS.values():
        assert contrast(colour, "#202020") >= 3


def test_addresses_hold_the_file(probability: np.ndarray) -> None:
    """An image's address is its file in base 64."""
    content = drawing.jpeg(np.zeros((4, 4, 3), np.uint8))
    head, _, tail = drawing.data_url(content, "jpeg").partition(",")
    assert head == "data:image/jpeg;base64"
    assert b64decode(tail) == content

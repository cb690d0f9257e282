"""Prediction at a picture's own size, and the command that does it."""

import argparse
import importlib

import keras
import numpy as np
import pytest
from PIL import Image

from bsds_utils import BSDSError, save_model
from bsds_utils.images import to_grey
from bsds_utils.models.predict import predict_probability

command = importlib.import_module("bsds_utils.cli.predict")


def brightness_model(**last):
    """Return a model whose probability is the red channel over 255."""
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(1, 1, use_bias=False, **last),
        ]
    )
    model.layers[-1].set_weights([np.array([1, 0, 0], np.float32).reshape(1, 1, 3, 1)])
    return model


def strided_model():
    """Return a model that downsamples by 32 and adds its input back, as a U-Net does."""
    image = keras.Input((None, None, 3))
    x = keras.layers.AveragePooling2D(32)(keras.layers.Rescaling(1 / 510)(image))
    x = keras.layers.UpSampling2D(32)(x)
    x = keras.layers.Add()([x, keras.layers.Rescaling(1 / 510)(image)])
    return keras.Model(image, keras.layers.Conv2D(1, 1, activation="sigmoid")(x))


class Watched:
    """A model whose probability is the red channel over 255, which tells the shapes it saw."""

    name, input_shape = "watched", (None, None, None, 3)

    def __init__(self):
        self.seen = []

    def __call__(self, batch, training):
        """Answer, and keep the shape."""
        self.seen.append(batch.shape)
        return batch[..., :1] / 255


@pytest.fixture
def picture():
    """Return a function that makes a picture of a size."""

    def make(height, width):
        random = np.random.default_rng(height * 1000 + width)
        return random.integers(0, 256, (height, width, 3), dtype=np.uint8)

    return make


@pytest.mark.parametrize("size", [(64, 64), (321, 481), (1, 1), (5, 40), (33, 31)])
def test_any_size_gives_a_map_of_that_size(picture, size):
    """A map has its picture's size, whatever the model's stride, and float32 in [0, 1]."""
    found = predict_probability(strided_model(), picture(*size))
    assert found.shape == size
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1


def test_padding_does_not_move_the_map(picture):
    """Each pixel's probability is that pixel's, however the picture was padded."""
    image = picture(37, 50)
    np.testing.assert_allclose(
        predict_probability(brightness_model(), image), image[..., 0] / 255, atol=1e-6
    )


def test_a_fitting_size_is_not_padded(picture):
    """Where the size is a multiple of the stride, the result is the model's own."""
    image, model = picture(64, 96), strided_model()
    expected = model(image[None].astype(np.float32)).numpy()[0, ..., 0]
    np.testing.assert_allclose(predict_probability(model, image), expected, atol=1e-6)


@pytest.mark.parametrize("size", [(700, 90), (90, 1400), (900, 1000)])
def test_parts_join_without_a_seam(picture, size):
    """A large picture is done in parts, and no pixel is lost, doubled or moved at the seams."""
    image = picture(*size)
    found = predict_probability(brightness_model(), image, long_side=None)
    np.testing.assert_allclose(found, image[..., 0] / 255, atol=1e-6)


@pytest.mark.parametrize("size", [(672, 64), (1312, 32), (32, 1024)])
def test_parts_pool_the_same_pixels(picture, size):
    """A model that pools gives in parts what it gives for the whole picture."""
    image, model = picture(*size), strided_model()
    expected = model(image[None].astype(np.float32)).numpy()[0, ..., 0]
    found = predict_probability(model, image, long_side=None)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_parts_see_far_enough(picture):
    """Where a pixel depends on what is up to 80 pixels away, the parts show it all of that."""
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(1, 1, use_bias=False),
            keras.layers.DepthwiseConv2D((161, 1), padding="same", use_bias=False),
        ]
    )
    model.layers[-2].set_weights([np.array([1, 0, 0], np.float32).reshape(1, 1, 3, 1)])
    model.layers[-1].set_weights([np.full((161, 1, 1, 1), 1 / 161, np.float32)])
    image = picture(1312, 32)
    expected = model(image[None].astype(np.float32)).numpy()[0, ..., 0]
    found = predict_probability(model, image, long_side=None)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_large_pictures_are_reduced(picture):
    """The model sees at most the long side, and the map has the picture's size all the same."""
    model = Watched()
    found = predict_probability(model, picture(300, 400), long_side=100)
    assert found.shape == (300, 400)
    assert model.seen == [(1, 96, 128, 3)]  # 75 × 100, continued to multiples of 32


def test_a_model_sees_pictures_at_its_scales(picture):
    """Every picture is resized by each scale, large ones reduced before; the map has its size."""
    model = Watched()
    for long_side in (None, 200):
        found = predict_probability(
            model, picture(300, 400), stride=1, long_side=long_side, scales=(0.25, 1.5)
        )
        assert found.shape == (300, 400)
    assert model.seen == [(1, 75, 100, 3), (1, 450, 600, 3), (1, 38, 50, 3), (1, 225, 300, 3)]


def test_of_several_scales_the_mean_counts(picture):
    """The map is the mean of those of each scale, and stays within [0, 1]."""
    image, scales = picture(90, 70), (0.5, 0.8, 1.25)
    each = [predict_probability(brightness_model(), image, scales=[scale]) for scale in scales]
    found = predict_probability(brightness_model(), image, scales=scales)
    np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-6)
    white = np.full((64, 64, 3), 255, np.uint8)
    assert predict_probability(brightness_model(), white, scales=[1] * 7).max() <= 1


def test_a_scale_does_not_move_the_map():
    """What is bright in a picture has the same centre in the map of a reduced one."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[40:60, 100:130] = 255
    found = predict_probability(brightness_model(), image, scales=[0.5])
    centre = [np.average(places, weights=found) for places in np.indices(found.shape)]
    np.testing.assert_allclose(centre, [49.5, 114.5], atol=0.01)


def test_models_that_break_the_contract_are_named(picture):
    """A fixed input size, a missing sigmoid or another output is told in one line."""
    fixed = keras.Sequential([keras.Input((168, 168, 3)), keras.layers.Conv2D(1, 1)])
    with pytest.raises(BSDSError, match=r"fully convolutional .*fixed size \(168, 168\)"):
        predict_probability(fixed, picture(20, 20))
    small = keras.Sequential([keras.Input((None, None, 3)), keras.layers.MaxPooling2D(2)])
    with pytest.raises(BSDSError, match=r"output of shape \(1, 32, 32, 1\), found \(1, 16, 16, 3"):
        predict_probability(small, picture(20, 20))
    logits = brightness_model()
    logits.layers[-1].set_weights([np.full((1, 1, 3, 1), 5, np.float32)])
    with pytest.raises(BSDSError, match=r"probabilities in \[0, 1\], .*does it end in a sigmoid"):
        predict_probability(logits, picture(20, 20))
    logits.layers[-1].set_weights([np.full((1, 1, 3, 1), np.nan, np.float32)])
    with pytest.raises(BSDSError, match=r"probabilities in \[0, 1\], found nan"):
        predict_probability(logits, picture(20, 20))


def test_wrong_images_are_named():
    """Floats instead of uint8 are refused, and so is a stride of 0."""
    with pytest.raises(TypeError, match="image: expected uint8"):
        predict_probability(brightness_model(), np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match="stride: expected a divisor"):
        predict_probability(brightness_model(), np.zeros((4, 4, 3), np.uint8), stride=0)
    for scales in ([0], [1, 2.5], [float("nan")], [], 1, "1", [True]):
        with pytest.raises(ValueError, match="scales: expected one or more numbers in"):
            predict_probability(brightness_model(), np.zeros((4, 4, 3), np.uint8), scales=scales)
    with pytest.raises(ValueError, match="long_side: expected at least 1"):
        predict_probability(brightness_model(), np.zeros((4, 4, 3), np.uint8), long_side=0)


@pytest.fixture
def model_file(tmp_path):
    """Return a saved model whose threshold is 0.5."""
    return save_model(
        brightness_model(),
        tmp_path / "model.keras",
        threshold=0.5,
        input_size=168,
        mask_protocol="course",
    )


def run(*arguments):
    """Run the command as the command line would."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(argument) for argument in arguments]))


def test_the_command_writes_map_and_mask(model_file, picture, tmp_path, capsys):
    """Each picture gets a probability map and a mask at the card's threshold, of its size."""
    image = picture(30, 41)
    Image.fromarray(image).save(tmp_path / "a.png")
    assert run(model_file, tmp_path / "a.png", "-o", tmp_path / "deep" / "out") == 0
    out = tmp_path / "deep" / "out"
    assert sorted(path.name for path in out.iterdir()) == ["a_mask.png", "a_probability.png"]
    with Image.open(out / "a_probability.png") as probability:
        assert probability.mode == "L"
        np.testing.assert_array_equal(np.asarray(probability), image[..., 0])
    with Image.open(out / "a_mask.png") as mask:
        np.testing.assert_array_equal(np.asarray(mask), (image[..., 0] >= 127.5) * 255)
    assert "[1/1]" in capsys.readouterr().out


def test_the_command_shows_pictures_at_the_scales_on_the_card(picture, tmp_path):
    """A model whose card says a scale gets pictures resized by it, unless one says another."""
    half = save_model(
        brightness_model(), tmp_path / "half.keras",
        threshold=0.5, input_size=168, mask_protocol="course", scales=[0.5],
    )  # fmt: skip
    image = picture(30, 40)
    Image.fromarray(image).save(tmp_path / "a.png")
    assert run(half, tmp_path / "a.png", "-o", tmp_path / "out") == 0
    with Image.open(tmp_path / "out" / "a_probability.png") as written:
        found = np.asarray(written)
    expected = to_grey(predict_probability(brightness_model(), image, scales=[0.5]))
    np.testing.assert_array_equal(found, expected)
    assert (found != image[..., 0]).any()
    assert run(half, tmp_path / "a.png", "--scales", "1", "-o", tmp_path / "own") == 0
    with Image.open(tmp_path / "own" / "a_probability.png") as written:
        np.testing.assert_array_equal(np.asarray(written), image[..., 0])


def test_a_turned_photograph_gets_a_turned_map(model_file, picture, tmp_path):
    """A photograph's EXIF orientation is applied: the map is upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture(20, 30)).save(tmp_path / "a.png", exif=exif)
    run(model_file, tmp_path / "a.png", "-o", tmp_path / "out")
    with Image.open(tmp_path / "out" / "a_mask.png") as mask:
        assert mask.size == (20, 30)


def test_one_bad_picture_does_not_stop_the_others(model_file, picture, tmp_path, capsys):
    """Bad pictures are named, one line each; the rest is done; the exit code is 1."""
    Image.fromarray(picture(8, 8)).save(tmp_path / "good.png")
    (tmp_path / "bad.jpg").write_text("<html>404</html>")
    paths = [tmp_path / name for name in ("bad.jpg", "missing.png", "good.png")]
    assert run(model_file, *paths, "-o", tmp_path / "out") == 1
    printed = capsys.readouterr()
    errors = printed.err.strip().splitlines()
    assert len(errors) == 2
    assert "bad.jpg: expected a picture" in errors[0]
    assert "missing.png: expected a picture, found no file" in errors[1]
    assert "1 of 3 pictures done" in printed.out
    assert (tmp_path / "out" / "good_mask.png").exists()


def test_pictures_given_are_never_overwritten(model_file, picture, tmp_path, capsys):
    """A result that would replace a picture given, or another result, is refused."""
    (tmp_path / "other").mkdir()
    for name in ("a.png", "a_mask.png", "other/a.jpg", "b.png", "other/b.png"):
        Image.fromarray(picture(8, 8)).save(tmp_path / name)
    before = (tmp_path / "a_mask.png").read_bytes()
    assert run(model_file, tmp_path / "a.png", tmp_path / "a_mask.png", "-o", tmp_path) == 1
    assert (tmp_path / "a_mask.png").read_bytes() == before
    assert not (tmp_path / "a_probability.png").exists()
    assert "is one of the pictures given" in capsys.readouterr().err
    twice = [tmp_path / "b.png", tmp_path / "other" / "b.png"]
    assert run(model_file, *twice, "-o", tmp_path / "out") == 1
    assert "is the result of" in capsys.readouterr().err


def test_an_output_that_is_a_file_is_refused(model_file, picture, tmp_path):
    """A file where the folder should be is told in one line."""
    Image.fromarray(picture(8, 8)).save(tmp_path / "a.png")
    with pytest.raises(BSDSError, match=r"model\.json: expected a folder to write to"):
        run(model_file, tmp_path / "a.png", "-o", tmp_path / "model.json")


def test_a_full_disk_leaves_no_half_picture(model_file, picture, tmp_path, monkeypatch, capsys):
    """When a result cannot be written, it is told in one line and nothing half-done stays."""
    Image.fromarray(picture(8, 8)).save(tmp_path / "a.png")

    def fail(self, path, *_, **__):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    assert run(model_file, tmp_path / "a.png", "-o", tmp_path / "out") == 1
    assert "a_probability.png: cannot be written: No space left" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []

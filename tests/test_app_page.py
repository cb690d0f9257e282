"""The demos' page, run by Streamlit without a browser."""

import gc
import io
import json
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from streamlit.testing.v1 import AppTest

from boundary_app import prediction as prediction_module
from boundary_app.demos import DEMOS, load
from boundary_app.pictures import read_picture
from boundary_app.prediction import Predictor
from bsds_utils import load_model
from bsds_utils.models.predict import predict_probability
from grader.assignment import COURSE_ROOT
from tests.demo_models import save_demo_models

THRESHOLD = 0.3


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of two small models."""
    return save_demo_models(tmp_path_factory.mktemp("models"), THRESHOLD)


@pytest.fixture(scope="module", autouse=True)
def _give_back() -> Iterator[None]:
    """Give back what the page has frozen in this process, and the main module it has replaced."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _use_models(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSDS_MODELS", str(models))


@pytest.fixture
def open_app() -> Any:
    """Return a function that opens a demo in a session of its own."""

    def start(key: str = "cnn") -> AppTest:
        return AppTest.from_file(COURSE_ROOT / f"{key}_app" / "app.py", default_timeout=60).run()

    return start


def png(seed: int, size: tuple[int, int] = (64, 96)) -> bytes:
    """Return a picture's file, another one for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize(size[::-1], Image.Resampling.NEAREST).save(stream, "PNG")
    return stream.getvalue()


def upload(app: AppTest, content: bytes, name: str = "holiday.png") -> AppTest:
    """Upload a picture as a visitor does."""
    app.segmented_control(key="source").set_value("Upload").run()
    app.file_uploader[0].set_value((name, content, "image/png")).run()
    assert not app.exception
    return app


def shown(app: AppTest) -> dict[str, Any]:
    """Return what the viewer was given."""
    found = [json.loads(one.proto.json) for one in app.get("bidi_component")]
    return next(one for one in found if "views" in one)


def layer(app: AppTest, view: str) -> np.ndarray:
    """Return the uppermost layer of a view."""
    layers = next(one["layers"] for one in shown(app)["views"] if one["id"] == view)
    return np.asarray(Image.open(io.BytesIO(b64decode(layers[-1].partition(",")[2]))))


def slider(app: AppTest) -> Any:
    """Return the threshold's slider."""
    return next(one for one in app.slider if "hreshold" in one.label)


@pytest.mark.parametrize("key", ["cnn", "resnet"])
def test_opens_with_a_sample_and_the_best_threshold(open_app: Any, key: str) -> None:
    """At once there is a picture with its map, mask and overlay, at the card's threshold."""
    app = open_app(key)
    assert not app.exception
    assert not app.error
    assert slider(app).value == THRESHOLD
    assert f"best is {THRESHOLD:.2f}" in slider(app).label
    views = shown(app)["views"]
    assert [view["label"] for view in views] == ["Picture", "Probability", "Mask", "Overlay"]
    assert all(view["alt"] for view in views)
    assert DEMOS[key].name in app.title[0].value
    text = " ".join(one.value for one in app.markdown)
    assert "Where it fails" in text
    assert "Other answers" in text


def test_app_predict_and_notebook_agree(models: Path) -> None:
    """The app's probabilities are to the last bit `bsds predict`'s and the notebook's model's."""
    content = png(1, (64, 96))
    model, card = load_model(models / "cnn_model.keras")
    picture = read_picture(content, "a.png")
    found = Predictor(*load(DEMOS["cnn"]))(picture).probability
    np.testing.assert_array_equal(found, predict_probability(model, picture.pixels))
    # Of a size that needs no padding, as the notebook predicts it.
    direct = model.predict(picture.pixels[None].astype(np.float32), verbose=0)[0, ..., 0]
    np.testing.assert_allclose(found, direct, atol=1e-6)
    assert card["threshold"] == THRESHOLD


def test_the_app_shows_pictures_at_the_middle_scale_on_the_card(models: Path) -> None:
    """Of the scales on a card the app takes the middle one, so that visitors need not wait."""
    model, card = load_model(models / "cnn_model.keras")
    picture = read_picture(png(1), "a.png")
    found = Predictor(model, card | {"scales": [0.25, 0.5, 1.0]})(picture).probability
    np.testing.assert_array_equal(found, predict_probability(model, picture.pixels, scales=[0.5]))


def test_an_uploaded_picture_is_predicted(open_app: Any, models: Path) -> None:
    """The shown mask is the threshold of that picture's probabilities, pixel for pixel."""
    app = upload(open_app(), png(2))
    model, _ = load_model(models / "cnn_model.keras")
    expected = predict_probability(model, read_picture(png(2), "a").pixels)
    np.testing.assert_array_equal(layer(app, "mask") > 0, expected >= THRESHOLD)
    assert any("holiday" in one.value and "96×64" in one.value for one in app.caption)
    # Streamlit does not keep the file: the page holds what it needs.
    assert app.file_uploader[0].value is None


def test_the_threshold_moves_without_the_model(
    open_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another threshold gives another mask, and the model is not asked again."""
    asked = []

    def counted(*args: Any, **options: Any) -> np.ndarray:
        asked.append(args)
        return predict_probability(*args, **options)

    monkeypatch.setattr(prediction_module, "predict_probability", counted)
    app = upload(open_app(), png(3))
    assert len(asked) == 1
    before = layer(app, "mask") > 0
    slider(app).set_value(0.8).run()
    after = layer(app, "mask") > 0
    assert len(asked) == 1
    assert 0 < after.sum() < before.sum()
    assert not (after & ~before).any()


def test_lines_follow_colour_opacity_and_width(open_app: Any) -> None:
    """Lines have the colour, the opacity and the width that were chosen."""
    app = open_app()
    app.pills(key="look_colour").set_value("Blue").run()
    app.slider(key="look_opacity").set_value(60).run()
    thick = layer(app, "overlay")
    assert {tuple(pixel) for pixel in thick[thick[..., 3] > 0]} == {(0x56, 0xB4, 0xE9, 153)}
    app.segmented_control(key="look_width").set_value("Thin").run()
    thin = layer(app, "overlay")[..., 3] > 0
    assert 0 < thin.sum() < (thick[..., 3] > 0).sum() / 1.5
    assert not (thin & (thick[..., 3] == 0)).any()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "an empty file"),
        (b"Dear all,", "another kind of file"),
        (png(4)[:100], "damaged or incomplete"),
        (png(4, (1, 1)), "at least 16×16"),
        (png(4, (16, 400)), "at most 20 times as long as wide"),
    ],
)
def test_a_bad_picture_is_one_sentence(open_app: Any, content: bytes, expected: str) -> None:
    """What is no picture is told, the last picture stays, and the next one makes it forgotten."""
    app = upload(open_app(), png(5))
    before = shown(app)["key"]
    upload(app, content, "bad_[x](http://a.b).png")
    assert len(app.error) == 1
    assert expected in app.error[0].value
    assert "](" not in app.error[0].value
    assert shown(app)["key"] == before
    upload(app, png(6))
    assert not app.error
    assert shown(app)["key"] != before


def mat(shape: tuple[int, int], count: int = 3) -> bytes:
    """Return a ground-truth file of so many annotators."""
    cells = np.empty((1, count), object)
    for index in range(count):
        boundaries = np.zeros(shape, np.uint8)
        boundaries[:, shape[1] // 2 + index] = 1
        cells[0, index] = {"Boundaries": boundaries, "Segmentation": np.ones(shape, np.uint16)}
    stream = io.BytesIO()
    savemat(stream, {"groundTruth": cells})
    return stream.getvalue()


def test_ground_truth(open_app: Any) -> None:
    """With ground truth come IoU, baselines, the curve and the drawings; a wrong file is told."""
    app = upload(open_app(), png(7))
    assert not app.metric
    truth = next(one for one in app.file_uploader if "ground truth" in one.label)
    truth.set_value(("7.mat", mat((64, 97)), "application/octet-stream")).run()
    assert "96×64 pixels, found one of 97×64" in app.error[0].value
    truth = next(one for one in app.file_uploader if "ground truth" in one.label)
    truth.set_value(("7.mat", mat((64, 96)), "application/octet-stream")).run()
    assert not app.error
    assert app.metric[0].label == f"IoU at {THRESHOLD:.2f}"
    assert 0 < float(app.metric[0].value) < 1
    text = " ".join(one.value for one in app.markdown)
    assert all(name in text for name in ("all background", "all boundary", "Sobel"))
    assert any("drawing (3)" in one.label for one in app.expander)
    next(one for one in app.button if "Take another" in one.label).click().run()
    assert not app.metric
    truth = next(one for one in app.file_uploader if "ground truth" in one.label)
    truth.set_value(("7.mat", mat((64, 96), 2), "application/octet-stream")).run()
    assert any("drawing (2)" in one.label for one in app.expander)
    # Another picture has another truth.
    upload(app, png(8))
    assert not app.metric


def test_sessions_do_not_see_each_other(open_app: Any) -> None:
    """What one session uploads does not change another one's page."""
    first, second = open_app(), open_app()
    before = shown(second)["key"]
    upload(first, png(9), "secret.png")
    second.run()
    assert shown(second)["key"] == before != shown(first)["key"]
    texts = (*second.markdown, *second.caption)
    assert not any("secret" in one.value for one in texts)


def test_a_missing_model_says_what_makes_it(
    open_app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a model file the page names the command that makes it."""
    monkeypatch.setenv("BSDS_MODELS", str(tmp_path))
    app = open_app()
    assert not app.exception
    (error,) = app.error
    assert "make model-cnn" in plain(error.value)
    assert str(tmp_path) not in plain(error.value)


@pytest.mark.parametrize("damage", ["cut", "text", "no card", "bad card"])
def test_a_damaged_model_says_what_makes_it(
    open_app: Any, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """A damaged model or card is told in a sentence with the command."""
    for path in models.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    model, card = tmp_path / "resnet50_model.keras", tmp_path / "resnet50_model.json"
    if damage == "cut":
        model.write_bytes(model.read_bytes()[:2000])
    elif damage == "text":
        model.write_text("version https://git-lfs.github.com/spec/v1")
    elif damage == "no card":
        card.unlink()
    else:
        card.write_text('{"threshold": "high"}')
    monkeypatch.setenv("BSDS_MODELS", str(tmp_path))
    app = open_app("resnet")
    assert not app.exception
    assert app.error
    assert all("make model-resnet" in plain(one.value) for one in app.error)


def plain(markdown: str) -> str:
    """Return the text of escaped Markdown."""
    return markdown.replace("\\", "")


def test_both_models_side_by_side() -> None:
    """One page shows both models' results on the same picture, with a threshold for each."""
    script = "from boundary_app.comparing import show_both\nshow_both()\n"
    app = AppTest.from_string(script, default_timeout=60).run()
    assert not app.exception
    assert not app.error
    assert len([one for one in app.slider if "hreshold" in one.label]) == 2
    cnn, resnet = (layer(app, f"{name}_overlay")[..., 3] > 0 for name in ("cnn", "resnet"))
    assert 0 < cnn.sum() != resnet.sum() > 0


def test_a_large_photo(open_app: Any) -> None:
    """A photo of 12 megapixels is shown reduced and said to be."""
    stream = io.BytesIO()
    Image.fromarray(np.tile(np.eye(3, dtype=np.uint8)[None] * 255, (1000, 1334, 1))).resize(
        (4000, 3000)
    ).save(stream, "JPEG")
    app = upload(open_app(), stream.getvalue())
    assert any("4000×3000" in one.value and "1024×768" in one.value for one in app.caption)
    assert layer(app, "mask").shape == (768, 1024)

"""Models on disk: small, complete, loadable by others, with errors a user understands."""

import json
import zipfile

import keras
import numpy as np
import pytest

from bsds_utils import BSDSError, load_model, save_model

IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype(np.float32)


def nested_model():
    """Return a compiled model with an encoder inside, partly frozen, batch norm included."""
    keras.utils.set_random_seed(0)
    inner = keras.Input((None, None, 8))
    encoder = keras.Model(
        inner,
        keras.layers.BatchNormalization(name="upper")(
            keras.layers.Conv2D(8, 3, padding="same", name="lower")(inner)
        ),
        name="encoder",
    )
    encoder.get_layer("lower").trainable = False
    image = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(8, 3, padding="same", name="stem")(x)
    x = keras.layers.Dropout(0.3)(encoder(x))
    model = keras.Model(image, keras.layers.Conv2D(1, 1, activation="sigmoid")(x), name="net")
    model.get_layer("stem").trainable = False
    model.compile("adam", "binary_crossentropy")
    model.fit(IMAGES, np.round(IMAGES[..., :1] / 255), epochs=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def model():
    """Return a trained model."""
    return nested_model()


CARD = {"threshold": 0.42, "input_size": 168, "mask_protocol": "course"}


@pytest.fixture
def saved(model, tmp_path):
    """Return the path of a saved model."""
    return save_model(model, tmp_path / "net.keras", **CARD)


def test_a_saved_model_predicts_the_same(model, saved):
    """Loaded again, the model gives the same probabilities and is not compiled."""
    loaded, _ = load_model(saved)
    np.testing.assert_allclose(loaded(IMAGES), model(IMAGES), atol=1e-6)
    assert not loaded.compiled
    assert model.compiled


def test_what_was_frozen_stays_frozen(model, saved):
    """The loaded model has the same trainable layers, inside its encoder, too."""
    loaded, _ = load_model(saved)

    def flags(one):
        inside = one.get_layer("encoder").layers
        return [(layer.name, layer.trainable) for layer in (*one.layers, *inside)]

    assert flags(loaded) == flags(model)
    assert ("lower", False) in flags(loaded)
    assert ("upper", True) in flags(loaded)
    assert len(loaded.trainable_weights) == len(model.trainable_weights)


def test_the_optimiser_is_not_saved(model, saved, tmp_path):
    """The file holds no optimiser, which Keras' own save of a compiled model does."""
    model.save(tmp_path / "compiled.keras")
    assert saved.stat().st_size < (tmp_path / "compiled.keras").stat().st_size
    with zipfile.ZipFile(saved) as archive:
        assert not json.loads(archive.read("config.json")).get("compile_config")


def test_the_card_is_complete(model, tmp_path):
    """The card holds everything that apps read, whatever kind of number it was."""
    path = save_model(
        model,
        tmp_path / "deep" / "net.keras",
        **CARD,
        metrics={"iou": np.float32(0.5), "sweep": np.array([0.25, 0.5])},
        training_data="BSDS500 train",
        encoder_initialisation="random",
        limits="Only photographs.",
        command="bsds train cnn",
        commit="abc",
        seconds=3,
    )
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert card == load_model(path)[1]
    assert card == {
        "name": "net",
        **CARD,
        "scales": [1.0],
        "metrics": {"iou": 0.5, "sweep": [0.25, 0.5]},
        "training_data": "BSDS500 train",
        "parameters": model.count_params(),
        "encoder_initialisation": "random",
        "limits": "Only photographs.",
        "command": "bsds train cnn",
        "commit": "abc",
        "keras": keras.__version__,
        "seconds": 3,
    }


def test_a_card_without_scales(saved):
    """A card that was written before cards told scales means 1."""
    card = saved.with_suffix(".json")
    entries = json.loads(card.read_text(encoding="utf-8"))
    del entries["scales"]
    card.write_text(json.dumps(entries), encoding="utf-8")
    assert load_model(saved)[1]["scales"] == [1]


def test_outside_a_repository_there_is_no_commit(model, tmp_path, monkeypatch):
    """A notebook in a plain folder gets a card without a commit."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    path = save_model(model, "net.keras", **CARD)
    assert load_model(path)[1]["commit"] is None
    monkeypatch.setenv("PATH", "")
    assert load_model(save_model(model, "net.keras", **CARD))[1]["commit"] is None


@pytest.mark.parametrize("kind", ["sequential", "uncompiled"])
def test_other_models_are_saved_too(kind, tmp_path):
    """A Sequential model and one that was never compiled are saved alike."""
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(1, 1)])
    if kind == "sequential":
        model.compile("adam", "mse")
    loaded, _ = load_model(save_model(model, tmp_path / "net.keras", **CARD))
    np.testing.assert_allclose(loaded(IMAGES), model(IMAGES), rtol=1e-6)


def test_a_subclass_is_refused(tmp_path):
    """A subclassed model, which nobody else could load, is refused in one line."""

    class Mine(keras.Model):
        def call(self, inputs):
            return inputs

    model = Mine()
    model.compile("adam", "mse")
    with pytest.raises(BSDSError, match="expected a Sequential or functional model"):
        save_model(model, tmp_path / "net.keras", **CARD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"threshold": 1.2}, ValueError, r"^threshold: expected a number in \[0, 1\], found 1.2"),
        ({"threshold": float("nan")}, ValueError, "^threshold: expected"),
        ({"input_size": 0}, ValueError, "^input_size: expected"),
        ({"scales": [0]}, ValueError, r"^scales: expected one .* in \(0, 2\], found \[0\]"),
        ({"scales": []}, ValueError, "^scales: expected"),
        ({"mask_protocol": "fat"}, BSDSError, "mask protocol: expected one of course, thin"),
        ({"metrics": {"iou": float("nan")}}, ValueError, "^card: expected JSON values"),
        ({"note": object()}, ValueError, "^card: expected JSON values, found object"),
    ],
)
def test_wrong_entries_are_named(model, tmp_path, change, error, message):
    """An entry that makes no sense is refused before anything is written."""
    with pytest.raises(error, match=message):
        save_model(model, tmp_path / "net.keras", **(CARD | change))
    assert list(tmp_path.iterdir()) == []


def test_saving_needs_the_right_name_and_place(model, tmp_path):
    """Another ending, or a place that cannot be written, is told in one line."""
    with pytest.raises(BSDSError, match=r"net\.h5: expected a name that ends in \.keras"):
        save_model(model, tmp_path / "net.h5", **CARD)
    (tmp_path / "file").write_text("")
    with pytest.raises(BSDSError, match=r"cannot be written: .+"):
        save_model(model, tmp_path / "file" / "net.keras", **CARD)


def test_a_full_disk_keeps_the_old_model(model, saved, monkeypatch):
    """When saving fails half-way, the previous file and card are as they were."""
    before = saved.read_bytes(), saved.with_suffix(".json").read_text()

    def fail(self, path, **_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", fail)
    with pytest.raises(BSDSError, match="No space left on device"):
        save_model(model, saved, **(CARD | {"threshold": 0.1}))
    assert (saved.read_bytes(), saved.with_suffix(".json").read_text()) == before
    assert sorted(path.name for path in saved.parent.iterdir()) == ["net.json", "net.keras"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("no model", r"net\.keras: expected a \.keras file, found none"),
        ("no card", r"net\.json: expected beside the model, found none"),
        ("no json", r"net\.json: cannot be read as JSON"),
        ("a list", r"net\.json: expected a JSON object, found list"),
        ("no threshold", r"net\.json: threshold: expected a number .*found 'none'"),
        ("scale of nothing", r"net\.json: scales: expected one or more .*, found \[0\]"),
        ("threshold text", r"threshold: expected a number in \[0, 1\], found '0.5'"),
        ("html", r"net\.keras: expected a \.keras file \(a zip archive\)"),
        ("cut", r"net\.keras: expected a \.keras file \(a zip archive\)"),
        ("another zip", r"net\.keras: cannot be loaded by Keras"),
        ("newer keras", r"net\.keras: cannot be loaded by Keras .*its card says"),
    ],
)
def test_damaged_files_are_one_line(saved, damage, message):
    """Whatever is wrong with model or card, the error is one line that names the file."""
    card = saved.with_suffix(".json")
    entries = json.loads(card.read_text())
    match damage:
        case "no model":
            saved.unlink()
        case "no card":
            card.unlink()
        case "no json":
            card.write_text("{")
        case "a list":
            card.write_text("[]")
        case "no threshold":
            del entries["threshold"]
            card.write_text(json.dumps(entries))
        case "scale of nothing":
            card.write_text(json.dumps(entries | {"scales": [0]}))
        case "threshold text":
            card.write_text(json.dumps(entries | {"threshold": "0.5"}))
        case "html":
            saved.write_text("<html>404</html>")
        case "cut":
            saved.write_bytes(saved.read_bytes()[:2000])
        case "another zip":
            with zipfile.ZipFile(saved, "w") as archive:
                archive.writestr("hello.txt", "hello")
        case "newer keras":
            with zipfile.ZipFile(saved) as archive:
                files = {name: archive.read(name) for name in archive.namelist()}
            files["config.json"] = files["config.json"].replace(b'"Conv2D"', b'"Conv2DTurbo"')
            with zipfile.ZipFile(saved, "w") as archive:
                for name, content in files.items():
                    archive.writestr(name, content)
    with pytest.raises(BSDSError, match=message) as caught:
        load_model(saved)
    assert "\n" not in str(caught.value)


def test_code_in_a_model_is_not_run(tmp_path):
    """A Lambda layer, which is code, is refused when saving, and when others saved it."""
    model = keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.Lambda(lambda x: x[..., :1])]
    )
    path = tmp_path / "net.keras"
    with pytest.raises(BSDSError, match="expected a Sequential or functional model of built-in"):
        save_model(model, path, **CARD)
    model.save(path)
    path.with_suffix(".json").write_text(json.dumps(CARD))
    with pytest.raises(BSDSError, match=r"net\.keras: cannot be loaded") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_a_loss_of_ones_own_does_not_matter(tmp_path):
    """A model compiled with the student's own loss is saved and loaded without that function."""

    def my_loss(truth, prediction):
        return keras.ops.mean(keras.ops.abs(truth - prediction))

    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(1, 1)])
    model.compile("adam", my_loss)
    loaded, _ = load_model(save_model(model, tmp_path / "net.keras", **CARD))
    np.testing.assert_allclose(loaded(IMAGES), model(IMAGES), rtol=1e-6)


def test_half_precision(tmp_path):
    """Stored in 16 bits, kernels take half the room and come back as float32, nearly the same."""
    inside = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(64, 3),
            keras.layers.Conv2D(64, 3),
            keras.layers.BatchNormalization(),
            keras.layers.Conv2D(1, 1, activation="sigmoid"),
        ]
    )
    whole = save_model(inside, tmp_path / "whole.keras", **CARD)
    half = save_model(inside, tmp_path / "half.keras", half_precision=True, **CARD)
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    loaded, _ = load_model(half)
    assert {str(weight.dtype) for weight in loaded.weights} == {"float32"}
    np.testing.assert_allclose(loaded(IMAGES / 255), inside(IMAGES / 255), atol=2e-3)
    for ours, theirs in zip(loaded.get_weights(), inside.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)

"""What a submission's model is and predicts, asked of the sandbox in which it is open."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from opened_models import LIMIT, OpenModel, model_sandbox, open_model, saved
from sandboxed import SANDBOXED

from grader.checking.artifacts import ArtifactError
from grader.course.machine_speed import library_sandbox
from grader.keras_models import opened
from grader.keras_models.opened import Lent, ModelSandbox
from grader.sandbox.bubblewrap import Sandbox
from grader.settings import Limits

__all__ = ["model_sandbox", "open_model"]

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)


def _model(*last: Any, inner: Any = None) -> Any:
    image = keras.Input((None, None, 3))
    x = inner(image) if inner is not None else layers.Conv2D(4, 3, padding="same")(image)
    for layer in last or (layers.Conv2D(1, 1, activation="sigmoid"),):
        x = layer(x)
    return keras.Model(image, x)


def test_facts_of_nested_models(open_model: OpenModel) -> None:
    """Layers inside others are listed, and which weights learn, which are frozen, which never."""
    inner = keras.Sequential(
        [layers.Conv2D(4, 3, padding="same", name="c"), layers.BatchNormalization(name="b")]
    )
    inner.trainable = False
    model = _model(layers.Dropout(0.2, name="d"), layers.Conv2D(1, 1, name="e"), inner=inner)
    found = open_model(model)
    assert found.parameters == model.count_params()
    kinds = {layer.name: (layer.kind, layer.rate) for layer in found.layers}
    assert kinds["d"] == ("Dropout", pytest.approx(0.2))
    assert kinds["b"][0] == "BatchNormalization"
    weights = {(w.layer.name, w.name): (w.learned, w.trainable) for w in found.weights}
    assert weights["c", "kernel"] == (True, False)
    assert weights["b", "moving_mean"] == (False, False)
    assert weights["e", "kernel"] == (True, True)
    assert [w.shape for w in found.weights if w.layer.name == "c"] == [(3, 3, 3, 4), (4,)]


def test_compiled_models_are_taken(open_model: OpenModel) -> None:
    """A compiled copy, whatever its loss, is opened like any other, without its compilation."""
    model = _model()
    expected = np.asarray(model(IMAGES.astype("float32")))
    for loss in ("mse", keras.losses.BinaryCrossentropy(), _own_loss):
        model.compile(keras.optimizers.AdamW(), loss=loss, metrics=["accuracy"])
        found = open_model(model).predict(IMAGES)
        np.testing.assert_allclose(found, expected[..., 0], rtol=1e-5)


def _own_loss(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y_true - y_pred))


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ([layers.Conv2D(1, 1, activation=None, bias_initializer="ones")], "outside 0–1"),
        ([layers.Conv2D(2, 1, activation="sigmoid")], "outputs of shape"),
        ([layers.GlobalAveragePooling2D()], "outputs of shape"),
        ([layers.Rescaling(float("nan"))], "outputs"),
        ([lambda x: [x, x]], "has 2 outputs"),
        ([layers.Reshape((7, 7, 1))], "fails on images of shape"),
    ],
    ids=["linear", "two channels", "no image", "nan", "two", "fixed size"],
)
def test_outputs_that_are_no_probabilities(
    last: list[Any], reason: str, open_model: OpenModel
) -> None:
    """Predictions of another kind are refused with what was expected."""
    with pytest.raises(ArtifactError, match=reason):
        open_model(_model(*last)).predict(IMAGES + 1)


def test_reasons_of_failures_are_told(open_model: OpenModel) -> None:
    """What Keras says is wrong is told, not only in which layer it happened."""
    with pytest.raises(ArtifactError, match="fails on images") as failure:
        open_model(_model(layers.Reshape((7, 7, 1)))).predict(IMAGES)
    assert "Exception encountered" not in str(failure.value)


def test_weights_are_lent_for_once(open_model: OpenModel) -> None:
    """A model runs with another's weights, and has its own again afterwards."""
    models = [_model(), _model()]
    first, second = map(open_model, models)
    expected = [np.asarray(model(IMAGES.astype("float32")))[..., 0] for model in models]
    np.testing.assert_allclose(first.predict(IMAGES, weights_of=second), expected[1], rtol=1e-5)
    np.testing.assert_allclose(first.predict(IMAGES), expected[0], rtol=1e-5)
    pairs = list(zip(first.weights, second.weights, strict=True))
    lent = first.run(IMAGES, lent=Lent(second, pairs)).outputs
    np.testing.assert_allclose(lent[..., 0], expected[1], rtol=1e-5)
    assert [weight.name for weight in first.unlike(second, pairs)] == ["kernel", "kernel"]
    assert first.unlike(first, [(weight, weight) for weight in first.weights]) == []


def test_layers_are_watched_and_changed_wherever_they_are(open_model: OpenModel) -> None:
    """What enters and leaves a nested layer is told; another output of it has its effect."""
    inner = keras.Sequential(
        [layers.Conv2D(4, 3, padding="same", name="c"), layers.ReLU(name="r")]
    )
    model = _model(inner=inner)
    found = open_model(model)
    ran = found.run(IMAGES, watched=["c", "r"])
    np.testing.assert_array_equal(ran.entered["c"], IMAGES.astype("float32"))
    np.testing.assert_allclose(ran.left["r"], np.maximum(ran.left["c"], 0))
    changed = found.run(IMAGES, changes={"r": 0.0}).outputs
    np.testing.assert_allclose(changed, 0.5, atol=1e-6)
    np.testing.assert_allclose(found.run(IMAGES).outputs, ran.outputs)


def test_a_late_model_costs_itself_alone(
    open_model: OpenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer in time ends the process, also within one batch; other models are asked on."""
    late, other = open_model(_model()), open_model(_model())
    expected = other.predict(IMAGES)
    with monkeypatch.context() as patch:
        patch.setattr(opened, "_PREDICT_SECONDS", 0.0)
        with pytest.raises(ArtifactError, match="took more than 0 seconds for 3 of 3 images"):
            late.predict(IMAGES)
    with pytest.raises(ArtifactError, match="make the model smaller"):
        late.predict(IMAGES)
    np.testing.assert_array_equal(other.predict(IMAGES), expected)


def test_a_model_that_ends_its_process_is_told_why(
    open_model: OpenModel, model_sandbox: ModelSandbox
) -> None:
    """The limit that ended the process is named; other models are opened again."""
    bad, other = open_model(_model()), open_model(_model())
    expected = other.predict(IMAGES)
    assert model_sandbox._running is not None
    model_sandbox._running.stop("it used more than 8 GB of memory")
    with pytest.raises(ArtifactError, match="stopped because it used more than 8 GB of memory"):
        bad.predict(IMAGES)
    np.testing.assert_array_equal(other.predict(IMAGES), expected)
    with pytest.raises(ArtifactError, match="8 GB"):
        bad.values(bad.weights)


@pytest.mark.parametrize(
    "answer", ["[]", "{}", "{'value': 3}", "{'value': {'parameters': 'x'}}", "b'x'"]
)
def test_nonsense_from_inside_costs_the_model_alone(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the program inside has become, its answers break nothing here."""
    program = tmp_path / "nonsense.py"
    program.write_text(
        "import sys\nfrom frames import receive, send\nsend(sys.stdout.buffer, {})\n"
        f"while True:\n    receive(sys.stdin.buffer)\n    send(sys.stdout.buffer, {answer})\n"
    )
    monkeypatch.setattr(opened, "_PROGRAM", program)
    models = ModelSandbox(Sandbox(tmp_path, environment={}, isolated=False), LIMIT)
    try:
        with pytest.raises(ArtifactError, match=r"^m\.keras was open"):
            models.open(saved(_model(), tmp_path), "m.keras")
    finally:
        models.close()


def test_the_checking_process_has_no_keras() -> None:
    """Nothing in the process that checks and gives points can open a model at all."""
    code = (
        "import sys, grader.checking.preload; "
        "sys.exit(bool({'keras', 'tensorflow', 'h5py'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestInASandbox:
    """The same, isolated as in grading."""

    pytestmark = SANDBOXED

    def test_predicts_and_sees_no_data(self, tmp_path: Path) -> None:
        """A model is opened and run where nothing but libraries is mounted."""
        (tmp_path / "work").mkdir()
        sandbox = library_sandbox(tmp_path / "work", Limits(), isolated=True)
        assert not sandbox.read_only
        assert not any(name.startswith("BSDS") for name in sandbox.environment)
        model = _model()
        models = ModelSandbox(sandbox, LIMIT)
        try:
            found = models.open(saved(model, tmp_path), "m.keras").predict(IMAGES)
        finally:
            models.close()
        expected = np.asarray(model(IMAGES.astype("float32")))[..., 0]
        np.testing.assert_allclose(found, expected, rtol=1e-4)

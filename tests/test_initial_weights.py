"""Freshly built models: honest ones are never accused, trained or copied weights are."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from opened_models import OpenModel, model_sandbox, open_model

from grader.keras_models.initial_weights import explain_shared, explain_unlike_initializers

__all__ = ["model_sandbox", "open_model"]


def _build(*stack: Any) -> Any:
    return keras.Sequential([keras.Input((None, None, 3)), *stack])


def _honest() -> Any:
    return _build(
        layers.Rescaling(1 / 255),
        layers.Normalization(mean=[100.0, 110.0, 120.0], variance=[1.0, 2.0, 3.0]),
        layers.Conv2D(16, 5, kernel_initializer="he_normal", bias_initializer="random_normal"),
        layers.BatchNormalization(),
        layers.Dropout(0.1),
        layers.SeparableConv2D(24, 3, pointwise_initializer="lecun_uniform"),
        layers.GroupNormalization(8),
        layers.DepthwiseConv2D(3, depthwise_initializer="truncated_normal"),
        layers.LayerNormalization(),
        layers.PReLU(shared_axes=[1, 2]),
        layers.Conv2DTranspose(16, 2, strides=2, kernel_initializer="orthogonal"),
        layers.Conv2D(8, 1, kernel_initializer=keras.initializers.RandomUniform(-0.2, 0.2)),
        layers.Dense(8, bias_initializer=keras.initializers.Constant(-2.0)),
        layers.Conv2D(1, 1, kernel_initializer="zeros", activation="sigmoid"),
    )


def _seeded(build: Callable[[], Any], seed: int) -> Any:
    keras.utils.set_random_seed(seed)
    return build()


def test_honest_models_pass(open_model: OpenModel) -> None:
    """Many kinds of layers and initialisers under different seeds give no reason to complain."""
    for seed in range(4):
        first, second = _seeded(_honest, 2 * seed), _seeded(_honest, 2 * seed + 1)
        assert explain_shared(open_model(first), open_model(second)) is None
        assert explain_unlike_initializers(open_model(first)) is None


def test_nested_models_are_looked_into(open_model: OpenModel) -> None:
    """Weights inside a nested model count, too."""
    inner = _build(layers.Conv2D(16, 3))
    outer = _build(inner)
    assert explain_unlike_initializers(open_model(outer)) is None
    inner.layers[0].kernel.assign(np.ones(inner.layers[0].kernel.shape))
    assert "kernel" in str(explain_unlike_initializers(open_model(outer)))


def _plain() -> Any:
    return _build(layers.Conv2D(32, 3), layers.BatchNormalization(), layers.Conv2D(32, 3))


PATTERN = np.random.default_rng(0).normal(0, 0.1, (3, 3, 32, 32)).astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
def test_shared_weights_are_found_below_noise(noise: float, open_model: OpenModel) -> None:
    """The same kernel in both builds is found even with as much noise as signal."""
    models = [_plain(), _plain()]
    for number, model in enumerate(models):
        extra = np.random.default_rng(number + 1).normal(0, noise, PATTERN.shape)
        model.layers[2].kernel.assign(PATTERN + extra)
    assert f"layer {models[0].layers[2].name}" in str(explain_shared(*map(open_model, models)))


def test_negated_weights_are_shared_too(open_model: OpenModel) -> None:
    """Flipping the sign does not hide a kernel."""
    first, second = _plain(), _plain()
    first.layers[2].kernel.assign(PATTERN)
    second.layers[2].kernel.assign(-PATTERN)
    assert explain_shared(open_model(first), open_model(second)) is not None


def test_fixed_seeds_are_shared_weights(open_model: OpenModel) -> None:
    """An initialiser with a seed of its own gives every build the same kernel."""

    def build() -> Any:
        return _build(layers.Conv2D(32, 3, kernel_initializer=keras.initializers.HeNormal(seed=1)))

    assert explain_shared(*(open_model(_seeded(build, seed)) for seed in (1, 2))) is not None


def test_models_of_other_shape_are_named(open_model: OpenModel) -> None:
    """A building function whose models differ from call to call is told so."""
    other = _build(layers.Conv2D(16, 3), layers.BatchNormalization(), layers.Conv2D(32, 3))
    assert "different shapes" in str(explain_shared(open_model(_plain()), open_model(other)))
    other = _build(layers.Conv2D(32, 3))
    assert "different shapes" in str(explain_shared(open_model(_plain()), open_model(other)))


@pytest.mark.parametrize(
    "change",
    [
        lambda kernel: 3 * kernel,
        lambda kernel: 0.5 * kernel,
        lambda kernel: kernel + 0.05,
        np.zeros_like,
        np.sign,
        lambda kernel: np.random.default_rng(0).normal(0, kernel.std(), kernel.shape),
        lambda kernel: np.random.default_rng(0).laplace(0, 0.03, kernel.shape),
    ],
    ids=["larger", "smaller", "shifted", "zero", "signs", "normal", "laplace"],
)
def test_other_distributions_are_found(
    change: Callable[[Any], Any], open_model: OpenModel
) -> None:
    """Weights that are no sample of the declared initialiser are found and named."""
    model = _plain()
    kernel = model.layers[2].kernel
    kernel.assign(change(np.asarray(kernel)))
    found = str(explain_unlike_initializers(open_model(model)))
    assert model.layers[2].name in found
    assert "GlorotUniform" in found


@pytest.mark.parametrize("name", ["gamma", "beta", "moving_mean", "moving_variance"])
def test_used_batch_normalisation_is_found(name: str, open_model: OpenModel) -> None:
    """Normalisation that has seen data does not look like a new one."""
    model = _plain()
    variable = getattr(model.layers[1], name)
    variable.assign(np.asarray(variable) + 0.1)
    assert name in str(explain_unlike_initializers(open_model(model)))


def test_trained_models_are_found(open_model: OpenModel) -> None:
    """A model after some training no longer looks freshly built."""
    model = _seeded(_plain, 0)
    model.compile(keras.optimizers.Adam(0.01), loss="mse")
    generator = np.random.default_rng(0)
    images = generator.random((16, 8, 8, 3))
    model.fit(images, generator.random((16, 4, 4, 32)), epochs=3, verbose=0)
    assert explain_unlike_initializers(open_model(model)) is not None


def test_small_weights_must_have_the_right_scale(open_model: OpenModel) -> None:
    """Weights too small for a statistical test are compared by their size."""
    model = _build(layers.Conv2D(2, 1))
    assert explain_unlike_initializers(open_model(model)) is None
    model.layers[0].kernel.assign(np.full(model.layers[0].kernel.shape, 50.0))
    assert explain_unlike_initializers(open_model(model)) is not None


def test_unknown_weights_are_named(open_model: OpenModel) -> None:
    """A layer whose way to start is not known is named, with what to use instead."""
    attention = layers.MultiHeadAttention(2, 2)
    image = keras.Input((4, 3))
    model = keras.Model(image, attention(image, image))
    found = explain_unlike_initializers(open_model(model))
    assert found is None or "cannot be checked" in found

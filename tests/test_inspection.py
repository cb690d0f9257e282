"""Looking into models: foreign parts, what training would change, what flows through layers."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

import bsds_utils as bsds


def twice(values: Any) -> Any:
    """Double a tensor: a function that only this file knows."""
    return values * 2.0


class Twice(layers.Layer):  # type: ignore[misc]
    """A layer that only this file knows."""

    def call(self, values: Any) -> Any:
        """Double a tensor."""
        return twice(values)


class Subclass(keras.Model):  # type: ignore[misc]
    """A model that is code."""

    def call(self, values: Any) -> Any:
        """Double a tensor."""
        return twice(values)


def nested() -> keras.Model:
    """Return a model with a model inside, of built-in parts and operations."""
    given = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(given)
    inner = keras.Model(given, layers.BatchNormalization(name="second")(x), name="inner")
    image = keras.Input((None, None, 3))
    x = inner(layers.Rescaling(1 / 255)(image))
    x = layers.Dropout(0.1, name="deep")(ops.relu(x) + x)
    last = layers.Conv2D(1, 1, activation=keras.activations.sigmoid, name="last")
    return keras.Model(image, last(x))


def with_layer(layer: Any) -> keras.Model:
    """Return a model with one more layer."""
    image = keras.Input((None, None, 3))
    return keras.Model(image, layer(layers.Conv2D(1, 1)(image)))


@pytest.fixture
def model() -> keras.Model:
    """Return a nested model."""
    return nested()


def test_layers_of_inner_models_are_listed(model: keras.Model) -> None:
    """Layers of a model inside are listed, the model itself is not."""
    found = bsds.all_layers(model)
    assert {"first", "second", "inner", "deep", "last"} <= {layer.name for layer in found}
    assert model not in found


def test_built_in_parts_are_not_foreign(model: keras.Model) -> None:
    """Layers, operations, initialisers and activations of Keras are nothing foreign."""
    assert bsds.foreign_parts(model) == []


def test_compiled_model_is_not_foreign(model: keras.Model) -> None:
    """Being compiled with a loss of one's own needs nothing to load the model."""
    model.compile("adam", loss=lambda truth, found: ops.mean((truth - found) ** 2))
    assert bsds.foreign_parts(model) == []


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
@pytest.mark.parametrize(
    ("made", "name"),
    [
        (lambda: with_layer(Twice()), "Twice"),
        (lambda: with_layer(layers.Lambda(twice, output_shape=(None, None, 1))), "Lambda"),
        (lambda: with_layer(layers.Conv2D(1, 1, activation=twice)), "twice"),
        (lambda: with_layer(layers.Conv2D(1, 1, activation=lambda values: values)), "lambda"),
        (lambda: with_layer(keras.Model(k := keras.Input((None, None, 1)), Twice()(k))), "Twice"),
        (lambda: Subclass(), "Subclass"),
    ],
    ids=["layer", "Lambda", "activation", "lambda", "nested", "subclass"],
)
def test_own_code_is_foreign(made: Any, name: str) -> None:
    """What needs code that is not Keras' is named, wherever it stands."""
    assert name in bsds.foreign_parts(made())


def test_trainable_layers_follow_the_flags(model: keras.Model) -> None:
    """Layers with something to learn are told apart by whether training would change them."""
    assert bsds.trainable_layers(model) == {"first": True, "second": True, "last": True}
    model.get_layer("inner").trainable = False
    assert bsds.trainable_layers(model) == {"first": False, "second": False, "last": True}


def test_watching_sees_nested_layers_and_changes_nothing(model: keras.Model) -> None:
    """Inputs and outputs of nested layers are seen, and the model gives what it gave before."""
    images = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3)).astype(np.float32)
    before = np.asarray(model(images, training=False))
    seen = bsds.watch(model, images)
    assert np.allclose(seen.inputs["first"], images / 255)
    assert seen.outputs["first"].shape == (1, 8, 8, 4)
    assert np.array_equal(np.asarray(seen.output), before)
    silent = bsds.watch(model, images, silent=["last"])
    assert not np.asarray(silent.output).any()
    assert np.array_equal(np.asarray(model(images, training=False)), before)

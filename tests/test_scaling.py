"""Scaling a network's probabilities: scikit-learn is the oracle for the best slope and offset."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.linear_model import LogisticRegression

from bsds_utils import Arrays
from grader.course.training.callbacks import predict
from grader.course.training.scaling import scale_last_layer


def _model(slope: float, offset: float) -> keras.Model:
    """Make a network whose logits are slope * (r + g + b) / 255 + offset."""
    image = keras.Input((None, None, 3))
    sums = layers.Rescaling(1 / 255)(image)
    model = keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(sums))
    model.layers[-1].set_weights([np.full((1, 1, 3, 1), slope), np.array([offset])])
    return model


def _arrays(slope: float, offset: float) -> Arrays:
    """Draw images and masks, of which the given logits are the truth."""
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (4, 40, 40, 3), dtype=np.uint8)
    logits = slope * images.sum(axis=-1, keepdims=True) / 255 + offset
    masks = (random.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(np.uint8)
    return Arrays(images, masks, ("a", "b", "c", "d"))


def test_as_logistic_regression() -> None:
    """Slope and offset are those of an unpenalised logistic regression on the logits."""
    arrays, model = _arrays(2.0, -3.0), _model(9.0, -6.0)
    logits = 9 * arrays.images.sum(axis=-1).reshape(-1, 1) / 255 - 6
    oracle = LogisticRegression(C=np.inf, tol=1e-8).fit(logits, arrays.masks.reshape(-1))
    slope, offset = scale_last_layer(model, arrays)
    assert slope == pytest.approx(oracle.coef_[0, 0], rel=1e-3)
    assert offset == pytest.approx(oracle.intercept_[0], abs=1e-3)


def test_probabilities_become_frequencies() -> None:
    """An overconfident network is as often right as it says; the order of pixels stays."""
    arrays, model = _arrays(2.0, -3.0), _model(9.0, -6.0)
    scale_last_layer(model, arrays)
    after = predict(model, arrays.images)
    for low in (0.1, 0.3, 0.5, 0.7):
        chosen = (after >= low) & (after < low + 0.2)
        assert arrays.masks[chosen].mean() == pytest.approx(after[chosen].mean(), abs=0.05)
    order = np.argsort(arrays.images.sum(axis=-1).reshape(-1))
    assert (np.diff(after.reshape(-1)[order]) >= -1e-6).all()


def test_worse_than_chance_is_left_alone() -> None:
    """A network that has it the wrong way round is not turned by scaling."""
    model = _model(-9.0, 6.0)
    weights = model.get_weights()
    assert scale_last_layer(model, _arrays(2.0, -3.0)) == (1.0, 0.0)
    for one, other in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_masks_of_one_kind() -> None:
    """Without any boundary the probabilities go to 0 and stay numbers."""
    arrays, model = _arrays(2.0, -30.0), _model(9.0, -6.0)
    assert not arrays.masks.any()
    scale_last_layer(model, arrays)
    found = predict(model, arrays.images)
    assert np.isfinite(found).all()
    assert found.mean() < 0.01

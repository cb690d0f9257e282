"""Platt scaling: the last layer is changed so that a network's probabilities are frequencies.

A loss with Dice drives probabilities to 0 and 1, whatever the network knows. Which mask comes out
at the best threshold does not change by scaling; but precision, which average precision is made
of, can be chosen again, and a threshold of 0.3 means nearly the same in every model.

References
----------
J. Platt, Probabilistic Outputs for Support Vector Machines, 1999; C. Guo et al., On Calibration of
Modern Neural Networks, ICML 2017.
"""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from bsds_utils import Arrays
from grader.course.training.callbacks import predict

__all__ = ["scale_last_layer"]


def scale_last_layer(model: Any, arrays: Arrays) -> tuple[float, float]:
    """Change weights of the last layer so that the binary cross-entropy is least.

    Parameters
    ----------
    model
        Keras model that ends in a convolution with a sigmoid.
    arrays
        Images and masks to fit to.

    Returns
    -------
    tuple of float
        Slope and offset that the logits got; 1 and 0 where nothing was changed because larger
        logits do not mean more boundary.
    """
    last = model.layers[-1]
    linear = type(last).from_config({**last.get_config(), "activation": "linear"})
    logits = keras.Model(model.input, linear(last.input))
    linear.set_weights(last.get_weights())
    slope, offset = _fit(predict(logits, arrays.images), arrays.masks)
    if slope <= 0:
        return 1.0, 0.0
    kernel, bias = last.get_weights()
    last.set_weights([slope * kernel, slope * bias + offset])
    return slope, offset


def _fit(logits: NDArray[np.float32], masks: NDArray[np.uint8]) -> tuple[float, float]:
    x, true = logits.reshape(-1).astype(np.float64), masks.reshape(-1).astype(np.float64)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, offset = parameters
        scaled = slope * x + offset
        too_much = expit(scaled) - true
        value = np.mean(np.logaddexp(0, scaled) - true * scaled)
        return float(value), np.array([np.mean(too_much * x), np.mean(too_much)])

    slope, offset = minimize(loss, [1.0, 0.0], jac=True, method="BFGS").x
    return float(slope), float(offset)

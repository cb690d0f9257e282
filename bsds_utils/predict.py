"""Boundary probabilities for a picture of any size."""

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.checks import as_image
from bsds_utils.errors import BSDSError

__all__ = ["predict_probability"]


def predict_probability(model: Any, image: ArrayLike, stride: int = 32) -> NDArray[np.float32]:
    """Apply a fully convolutional model at the picture's own size.

    The picture is continued by reflection, right and below, to a multiple of ``stride``, so that
    skip connections fit; the result is cut back.

    Parameters
    ----------
    model
        Keras model: float32 (1, H, W, 3) in 0–255 to probabilities (1, H, W, 1).
    image
        uint8, shape (H, W, 3).
    stride
        Multiple that the model's downsampling needs, in pixels.

    Returns
    -------
    numpy.ndarray
        float32 in [0, 1], shape (H, W).

    Raises
    ------
    BSDSError
        If the model does not take pictures of any size or does not give such probabilities.
    TypeError, ValueError
        If ``image`` or ``stride`` is not as described.
    """
    pixels = as_image("image", image)
    if stride < 1:
        raise ValueError(f"stride: expected at least 1, found {stride!r}")
    fixed = tuple(model.input_shape[1:3])
    if fixed != (None, None):
        raise BSDSError(
            f"model {model.name}: expected a fully convolutional one with input shape "
            f"(None, None, 3), found the fixed size {fixed}"
        )
    height, width = pixels.shape[:2]
    below, right = -height % stride, -width % stride
    padded = np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="reflect")
    # Called, not model.predict(): that would compile anew for every size of picture.
    output = keras.ops.convert_to_numpy(model(padded[None].astype(np.float32), training=False))
    expected = (1, *padded.shape[:2], 1)
    if output.shape != expected:
        raise BSDSError(
            f"model {model.name}: expected output of shape {expected}, found {output.shape}"
        )
    probability: NDArray[np.float32] = output[0, :height, :width, 0].astype(np.float32)
    # Written so that NaN is caught, too.
    if not (probability.min() >= 0 and probability.max() <= 1):
        raise BSDSError(
            f"model {model.name}: expected probabilities in [0, 1], found "
            f"{probability.min():.3g} to {probability.max():.3g}; does it end in a sigmoid?"
        )
    return probability

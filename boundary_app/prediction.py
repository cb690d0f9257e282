"""A model that several visitors use at the same time."""

import threading
import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from boundary_app.pictures import Picture
from bsds_utils.models.predict import predict_probability
from bsds_utils.models.scales import quick_scale

__all__ = ["Prediction", "Predictor"]


class Prediction(NamedTuple):
    """What a model found.

    Attributes
    ----------
    probability
        float32 in [0, 1], of the shape of the picture's pixels.
    seconds
        How long it took.
    """

    probability: NDArray[np.float32]
    seconds: float


# Of all models: one picture at a time takes bounded memory, and two would not be done sooner.
_TURN = threading.Lock()


class Predictor:
    """A loaded model, with its card.

    Parameters
    ----------
    model
        Keras model, as `bsds_utils.load_model` gives it.
    card
        Its card.
    """

    def __init__(self, model: Any, card: dict[str, Any]) -> None:
        self.model = model
        self.card = card

    def __call__(self, picture: Picture) -> Prediction:
        """Predict at one scale; visitors wait for their turn, which is not counted."""
        with _TURN:
            began = time.perf_counter()
            scales = [quick_scale(self.card["scales"])]
            probability = predict_probability(self.model, picture.pixels, scales=scales)
            return Prediction(probability, time.perf_counter() - began)

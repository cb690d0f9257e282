"""What is computed once: models, samples, predictions and what follows from them.

All of it is bounded. What follows from a visitor's picture is kept for that visitor's session, and
is gone with it.
"""

import gc
import threading
from collections.abc import Callable
from typing import Concatenate, Final, Literal, ParamSpec, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from boundary_app import truth
from boundary_app.demos import Demo, load, stamp
from boundary_app.drawing import data_url, heat, jpeg, png, ridges_of
from boundary_app.pictures import Picture
from boundary_app.prediction import Prediction, Predictor
from boundary_app.samples import Sample, make_sample
from bsds_utils.images import resize_image
from bsds_utils.startup import quiet_start

__all__ = [
    "comparison",
    "picture_address",
    "prediction",
    "predictor",
    "probability_address",
    "ridges",
    "sample",
    "start_loading",
    "thumbnail_address",
]

_SAMPLES: Final = 16
_OWN: Final = 4  # pictures of a session: each takes up to ten megabytes
_THUMBNAIL: Final = 120  # short side in pixels
Stamp = tuple[str, int, int]
P = ParamSpec("P")
R = TypeVar("R")


@st.cache_resource(show_spinner=False)
def start_loading() -> None:
    """Import TensorFlow beside everything else, once: that takes longer than all of the page."""
    threading.Thread(target=_start, daemon=True).start()


def _start() -> None:
    # What the import makes stays: looking for garbage meanwhile takes a tenth of its time.
    gc.disable()
    try:
        quiet_start()
    finally:
        gc.enable()
    _freeze()


def _freeze() -> None:
    """Leave what is loaded for good out of the search for garbage.

    Streamlit searches after every run. Among TensorFlow's objects that takes longer than all else
    that a new threshold needs.
    """
    gc.collect()
    gc.freeze()


@st.cache_resource(max_entries=4, show_spinner="Loading the model …")
def _predictor(demo: Demo, stamped: Stamp) -> Predictor:
    loaded = Predictor(*load(demo))
    _freeze()
    return loaded


def predictor(demo: Demo) -> Predictor:
    """Load a demo's model, or take the loaded one while its files stay the same.

    Raises
    ------
    BSDSError
        If it cannot be loaded.
    """
    return _predictor(demo, stamp(demo))


@st.cache_resource(max_entries=8, show_spinner=False)
def sample(name: str) -> Sample:
    """Make a synthetic scene."""
    return make_sample(name)


@st.cache_data(max_entries=8, show_spinner=False)
def thumbnail_address(name: str) -> str:
    """Write a small version of a sample as an address."""
    pixels = sample(name).picture.pixels
    height, width = pixels.shape[:2]
    scale = _THUMBNAIL / min(height, width)
    return data_url(
        jpeg(resize_image(pixels, (round(height * scale), round(width * scale)))), "jpeg"
    )


def _cached(
    spinner: str | bool = False,
) -> Callable[[Callable[Concatenate[Picture, P], R]], Callable[Concatenate[Picture, P], R]]:
    """Cache what follows from a picture: a sample's for all, a visitor's for the session alone.

    The decorated function's first argument is the picture. Streamlit hashes all arguments but
    those whose names begin with an underscore, and forgets a session's results when it ends.
    """

    def decorate(
        work: Callable[Concatenate[Picture, P], R],
    ) -> Callable[Concatenate[Picture, P], R]:
        def keyed(key: str, _picture: Picture, *args: P.args, **options: P.kwargs) -> R:
            return work(_picture, *args, **options)

        # Streamlit tells functions apart by their names.
        keyed.__qualname__ = work.__qualname__
        shared = st.cache_data(max_entries=_SAMPLES, show_spinner=spinner)(keyed)
        own = st.cache_data(max_entries=_OWN, scope="session", show_spinner=spinner)(keyed)

        def cached(picture: Picture, /, *args: P.args, **options: P.kwargs) -> R:
            return (shared if picture.public else own)(picture.key, picture, *args, **options)

        return cached

    return decorate


@_cached("Looking for boundaries …")
def _prediction(picture: Picture, demo: Demo, stamped: Stamp) -> Prediction:
    return predictor(demo)(picture)


def prediction(demo: Demo, picture: Picture) -> Prediction:
    """Predict a picture.

    Raises
    ------
    BSDSError
        If the model cannot be loaded or does not keep to its contract.
    """
    return _prediction(picture, demo, stamp(demo))


@_cached()
def _ridges(picture: Picture, demo: Demo, stamped: Stamp) -> NDArray[np.bool_]:
    return ridges_of(prediction(demo, picture).probability)


def ridges(
    demo: Demo, picture: Picture, width: Literal["thin", "thick"]
) -> NDArray[np.bool_] | None:
    """Return the middles of the lines, bool (h, w), if thin ones are to be drawn, else None."""
    if width == "thick":
        return None
    return _ridges(picture, demo, stamp(demo))


@_cached()
def picture_address(picture: Picture) -> str:
    """Write a picture as an address."""
    return data_url(jpeg(picture.pixels), "jpeg")


@_cached()
def _probability_address(picture: Picture, demo: Demo, stamped: Stamp) -> str:
    probability = prediction(demo, picture).probability
    return data_url(png(heat(probability), compress=6), "png")


def probability_address(demo: Demo, picture: Picture) -> str:
    """Write a picture's coloured probability map as an address."""
    return _probability_address(picture, demo, stamp(demo))


@_cached()
def _comparison(
    picture: Picture, demo: Demo, stamped: Stamp, boundaries: NDArray[np.bool_]
) -> truth.Comparison:
    probability = prediction(demo, picture).probability
    return truth.compare(picture, probability, boundaries, predictor(demo).card)


def comparison(demo: Demo, picture: Picture, boundaries: NDArray[np.bool_]) -> truth.Comparison:
    """Compare a prediction with what people drew.

    Raises
    ------
    BSDSError
        As `prediction`; or if the model's card names an unknown mask protocol.
    """
    return _comparison(picture, demo, stamp(demo), boundaries)

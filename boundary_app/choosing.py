"""The part of the page where a visitor chooses a picture, and what the session remembers of it."""

from typing import Final, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from boundary_app import caches
from boundary_app.components import gallery, paste
from boundary_app.describe import plain
from boundary_app.keeping import kept
from boundary_app.pictures import MAX_MEGAPIXELS, SUFFIXES, Picture, read_picture
from boundary_app.samples import SEEDS
from boundary_app.truth import MAX_MEGABYTES, read_truth
from boundary_app.uploads import forget, most_bytes, most_pasted_bytes
from bsds_utils.errors import BSDSError

__all__ = ["Choice", "choice", "offer_pictures", "offer_truth"]

_SOURCES: Final = ("Samples", "Upload", "Camera")


class Choice(NamedTuple):
    """What a session looks at.

    Attributes
    ----------
    picture
        The picture.
    boundaries
        bool, shape (A, H, W): what people drew on it, if that is known.
    sample
        Its name if it is a sample, else empty.
    """

    picture: Picture
    boundaries: NDArray[np.bool_] | None = None
    sample: str = ""


def choice() -> Choice:
    """Return what this session chose last, at first a sample."""
    if "choice" not in st.session_state:
        _choose_sample(next(iter(SEEDS)))
    chosen: Choice = st.session_state.choice
    return chosen


def _remember(chosen: Choice) -> None:
    st.session_state.choice = chosen
    for message in ("refused", "refused_truth"):
        st.session_state.pop(message, None)


def _choose_sample(name: str) -> None:
    picture, boundaries = caches.sample(name)
    _remember(Choice(picture, boundaries, name))


def _choose(content: bytes, name: str) -> None:
    """Take a visitor's picture, or remember why not; the last one then stays."""
    try:
        _remember(Choice(read_picture(content, name)))
    except BSDSError as error:
        st.session_state.refused = str(error)


def _widget(name: str) -> str:
    """Return a widget's key, which changes when it is emptied.

    Each has a count of its own: a fragment runs without those widgets that are not part of it.
    """
    return f"{name}_{st.session_state.get(f'emptied_{name}', 0)}"


def _taken(name: str) -> tuple[bytes, str] | None:
    """Take content and name of the file out of a widget, which is empty then."""
    file = st.session_state.get(_widget(name))
    if not file:
        return None
    emptied = f"emptied_{name}"
    st.session_state[emptied] = st.session_state.get(emptied, 0) + 1
    content = file.getvalue()
    forget(file)
    return content, file.name


def _on_picture(name: str) -> None:
    file = _taken(name)
    if file is not None:
        content, own_name = file
        _choose(content, "Photo" if name == "camera" else own_name)


def offer_pictures() -> None:
    """Let the visitor choose a picture."""
    source = st.segmented_control(
        "Choose a picture",
        _SOURCES,
        required=True,
        **kept("source", "Samples"),
        width="stretch",
    )
    if source == "Upload":
        st.file_uploader(
            "JPEG, PNG, WebP or TIFF",
            type=list(SUFFIXES),
            key=_widget("upload"),
            on_change=_on_picture,
            args=("upload",),
        )
        st.caption(
            f"At most {most_bytes() >> 20} MB and {MAX_MEGAPIXELS} megapixels, so that the "
            "server’s memory is enough for everybody. Your picture stays in memory, is shown to "
            "nobody else and is forgotten when you leave."
        )
    elif source == "Camera":
        st.camera_input(
            "Take a photo", key=_widget("camera"), on_change=_on_picture, args=("camera",)
        )
    else:
        pictures = [(name, caches.thumbnail_address(name)) for name in SEEDS]
        gallery("gallery", pictures, choice().sample, _choose_sample)
    paste(
        "paste",
        most_pasted_bytes(),
        lambda content: _choose(content, "Pasted picture"),
        button=source == "Upload",
    )
    if "refused" in st.session_state:
        st.error(plain(st.session_state.refused), icon=":material/broken_image:")
    picture, _, sample = choice()
    height, width = picture.size
    text = f"**{plain(picture.name)}**, {width}×{height} pixels"
    if sample:
        text += ", synthetic, with the drawings of simulated annotators"
    if picture.reduced:
        seen_height, seen_width = picture.pixels.shape[:2]
        text += f"; the model sees {seen_width}×{seen_height}"
    st.caption(text)


def _on_truth() -> None:
    file = _taken("truth")
    if file is None:
        return
    chosen = choice()
    try:
        boundaries = read_truth(*file, chosen.picture)
    except BSDSError as error:
        st.session_state.refused_truth = str(error)
    else:
        _remember(chosen._replace(boundaries=boundaries))


def _forget_truth() -> None:
    _remember(choice()._replace(boundaries=None))


def offer_truth() -> None:
    """Let the visitor add what people drew on the picture, or replace what they added."""
    chosen = choice()
    if chosen.boundaries is not None:
        if not chosen.sample:
            st.button("Take another ground truth", on_click=_forget_truth, icon=":material/undo:")
        return
    st.markdown(
        "With BSDS500’s ground truth of this picture you see how well the prediction fits it."
    )
    st.file_uploader(
        "BSDS ground truth of this picture (.mat)",
        type=["mat"],
        max_upload_size=MAX_MEGABYTES,
        key=_widget("truth"),
        on_change=_on_truth,
    )
    if "refused_truth" in st.session_state:
        st.error(plain(st.session_state.refused_truth), icon=":material/error:")

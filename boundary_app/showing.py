"""The part of the page that shows what a model found."""

from collections.abc import Callable
from pathlib import PurePath
from typing import Literal, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from boundary_app import caches, drawing
from boundary_app.choosing import Choice, choice, offer_truth
from boundary_app.components import View, viewer
from boundary_app.demos import Demo
from boundary_app.describe import describe
from boundary_app.keeping import kept
from boundary_app.pictures import Picture
from boundary_app.telling import telling
from boundary_app.truth import Comparison, curve, drawings
from bsds_utils.images import probability_of_size, to_grey

__all__ = [
    "Look",
    "found_views",
    "offer_look",
    "offer_threshold",
    "show_card",
    "show_fit",
    "show_result",
]


class Look(NamedTuple):
    """How lines are drawn: colour ``"#RRGGBB"``, opacity in [0, 1], width."""

    colour: str
    opacity: float
    width: Literal["thin", "thick"]


def offer_threshold(demo: Demo, label: str = "Threshold") -> float:
    """Show a slider that begins at the model card's best threshold; return where it is.

    Parameters
    ----------
    demo
        Whose model.
    label
        Of the slider.
    """
    best = float(caches.predictor(demo).card["threshold"])
    threshold: float = st.slider(
        f"{label} – the model’s best is {best:.2f}",
        min_value=0.0,
        max_value=1.0,
        step=0.01,
        **kept(f"threshold_{demo.key}", best),
        help="A pixel is marked where the model’s probability of a boundary is at least this.",
    )
    return threshold


def offer_look() -> Look:
    """Show the controls of the lines' colour, opacity and width; return what they say."""
    with st.container(horizontal=True, gap="medium"):
        # These are narrow enough for a telephone, where a segmented control would be cut off.
        colour = st.pills(
            "Colour", list(drawing.COLOURS), required=True,
            **kept("look_colour", "Orange"), width="content",
        )  # fmt: skip
        percent = st.slider(
            "Opacity", 10, 100, step=5, format="%d %%", **kept("look_opacity", 90), width=180
        )
        width = st.segmented_control(
            "Lines", ["Thick", "Thin"], required=True,
            **kept("look_width", "Thick"), width="content",
        )  # fmt: skip
    return Look(
        drawing.COLOURS[colour or "Orange"],
        percent / 100,
        "thin" if width == "Thin" else "thick",
    )


def found_views(
    demo: Demo, picture: Picture, mask: NDArray[np.bool_], threshold: float, look: Look
) -> tuple[dict[str, View], drawing.Layer]:
    """Make what the viewer shows of one model's result.

    Parameters
    ----------
    demo
        Whose model.
    picture
        The picture.
    mask
        bool, of the shape of the picture's pixels.
    threshold
        Whose mask it is.
    look
        How lines are drawn.

    Returns
    -------
    views : dict
        By id: ``picture``, ``probability``, ``mask``, ``overlay``.
    layer : numpy.ndarray
        The painted lines, uint8 (h, w, 4).
    """
    lines = drawing.lines_of(mask, look.width, caches.ridges(demo, picture, look.width))
    layer = drawing.painted(lines, look.colour, look.opacity)
    below = caches.picture_address(picture)
    views = (
        View("picture", "Picture", "The picture as it is", (below,)),
        View(
            "probability",
            "Probability",
            f"How likely the {demo.name} thinks a boundary is: dark is unlikely, light is certain",
            (caches.probability_address(demo, picture),),
            drawing.HEAT,
        ),
        View(
            "mask",
            "Mask",
            f"White where the probability is at least {threshold:.2f}: {mask.mean():.1%} of the "
            "pixels",
            (drawing.data_url(drawing.png(mask), "png"),),
        ),
        View(
            "overlay",
            "Overlay",
            f"The picture with the boundaries that the {demo.name} found",
            (below, drawing.data_url(drawing.png(layer), "png")),
        ),
    )
    return {view.id: view for view in views}, layer


@st.fragment
@telling()
def show_result(demo: Demo) -> None:
    """Show a model's result on the chosen picture with all controls.

    A fragment: moving the threshold runs only this again, and the model not at all. What was
    chosen is asked here, because a fragment's arguments stay those of the last whole run.

    Parameters
    ----------
    demo
        Whose model.
    """
    chosen = choice()
    picture = chosen.picture
    probability, seconds = caches.prediction(demo, picture)
    threshold = offer_threshold(demo)
    mask = drawing.mask_of(probability, threshold)
    # Above these controls on the page, but made after they were asked.
    above = st.container()
    look = offer_look()
    views, layer = found_views(demo, picture, mask, threshold, look)
    with above:
        viewer(
            f"viewer_{demo.key}", picture.key, mask.shape, list(views.values()),
            left="picture", right="overlay",
        )  # fmt: skip
    st.markdown(
        f"**{mask.mean():.1%}** of the pixels are boundary. "
        f"The {demo.name} took **{seconds * 1000:.0f} ms**."
    )
    _offer_downloads(picture, probability, threshold, layer)
    st.divider()
    _show_truth(demo, chosen, threshold)


def _offer_downloads(
    picture: Picture, probability: NDArray[np.float32], threshold: float, layer: drawing.Layer
) -> None:
    """Offer files, which are made when they are asked for: large ones take time and memory."""

    def full() -> NDArray[np.float32]:
        return probability_of_size(probability, picture.size)

    def mask() -> bytes:
        return drawing.png(drawing.mask_of(full(), threshold), compress=6)

    def grey() -> bytes:
        return drawing.png(to_grey(full()), compress=6)

    def overlay() -> bytes:
        return drawing.png(drawing.overlay(picture.pixels, layer), compress=6)

    stem = PurePath(picture.name).stem or "picture"
    makers: dict[str, tuple[str, Callable[[], bytes]]] = {
        "mask": ("Mask", mask),
        "probability": ("Probability", grey),
        "overlay": ("Overlay", overlay),
    }
    for column, (kind, (label, make)) in zip(st.columns(3), makers.items(), strict=True):
        column.download_button(
            f"{label} (PNG)",
            make,
            file_name=f"{stem}_{kind}.png",
            mime="image/png",
            icon=":material/download:",
            on_click="ignore",
            key=f"download_{kind}",
            width="stretch",
        )


def _show_truth(demo: Demo, chosen: Choice, threshold: float) -> None:
    st.header("What people drew")
    if chosen.boundaries is None:
        offer_truth()
        return
    compared = caches.comparison(demo, chosen.picture, chosen.boundaries)
    left, right = st.columns([1, 2], gap="large")
    with left:
        show_fit(demo, compared, threshold)
    with right:
        chart = curve(compared, threshold)
        st.vega_lite_chart(spec=chart, key=f"curve_{demo.key}")
    with st.expander(
        f"Each annotator’s drawing ({len(chosen.boundaries)})", icon=":material/edit:"
    ):
        maps = drawings(chosen.boundaries)
        for start in range(0, len(maps), 3):
            columns = st.columns(3)
            for column, (caption, drawn) in zip(columns, maps[start : start + 3], strict=False):
                column.image(to_grey(drawn), caption=caption, width="stretch")
    offer_truth()


def show_fit(demo: Demo, compared: Comparison, threshold: float) -> None:
    """Show the IoU at a threshold beside answers that need no training.

    Parameters
    ----------
    demo
        Whose model.
    compared
        The comparison (`boundary_app.truth.Comparison`).
    threshold
        In [0, 1].
    """
    best = compared.sweep
    st.metric(f"IoU at {threshold:.2f}", f"{compared.iou(threshold):.3f}")
    trivial = "\n".join(f"| {name} | {value:.3f} |" for name, value in compared.baselines.items())
    st.markdown(
        f"| Other answers | IoU |\n|---|---|\n"
        f"| the {demo.name} at {best.best_threshold:.2f}, its best here | {best.best_iou:.3f} |\n"
        f"{trivial}"
    )
    st.caption(
        f"Measured at {len(compared.mask)}×{len(compared.mask)} pixels, as in the course. Sobel "
        "is taken at its best threshold for this very picture."
    )


def show_card(demo: Demo) -> None:
    """Show the model card in plain words.

    Parameters
    ----------
    demo
        Whose model.

    Raises
    ------
    BSDSError
        If there is no sound model.
    """
    sections = describe(caches.predictor(demo).card)
    st.divider()
    st.header(f"About the {demo.name}")
    for start in range(0, len(sections), 2):
        for column, section in zip(st.columns(2, gap="large"), sections[start : start + 2],
                                   strict=False):  # fmt: skip
            column.markdown(f"**{section.heading}**\n\n{section.text}")

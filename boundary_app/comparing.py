"""The page that runs both models on the same picture, side by side."""

import streamlit as st

from boundary_app import caches, drawing
from boundary_app.choosing import choice
from boundary_app.components import View, viewer
from boundary_app.demos import DEMOS
from boundary_app.showing import found_views, offer_look, offer_threshold, show_fit
from boundary_app.telling import telling

__all__ = ["show_both"]


@st.fragment
@telling()
def show_both() -> None:
    """Show both models' results on the chosen picture, one left and one right of a divider."""
    chosen = choice()
    picture = chosen.picture
    columns = st.columns(2, gap="large")
    # Above these controls on the page, but made after they were asked.
    above = st.container()
    look = offer_look()
    facts = st.columns(2, gap="large")
    views: list[View] = []
    for demo, slider, column in zip(DEMOS.values(), columns, facts, strict=True):
        probability, seconds = caches.prediction(demo, picture)
        with slider:
            threshold = offer_threshold(demo, f"{demo.name} threshold")
        mask = drawing.mask_of(probability, threshold)
        found, _ = found_views(demo, picture, mask, threshold, look)
        views += [
            found[kind]._replace(id=f"{demo.key}_{kind}", label=label)
            for kind, label in (
                ("overlay", demo.name),
                ("probability", f"{demo.name}, probability"),
            )
        ]
        with column:
            st.markdown(
                f"**{demo.name}:** {mask.mean():.1%} boundary, found in {seconds * 1000:.0f} ms"
            )
            if chosen.boundaries is not None:
                show_fit(demo, caches.comparison(demo, picture, chosen.boundaries), threshold)
    with above:
        viewer(
            "viewer_both", picture.key, picture.pixels.shape[:2], views,
            left="cnn_overlay", right="resnet_overlay",
        )  # fmt: skip

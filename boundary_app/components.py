"""What Streamlit itself has not: a before/after viewer with zoom, a gallery, pasting."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import streamlit as st

__all__ = ["View", "asset", "gallery", "paste", "viewer"]


@cache
def asset(name: str) -> str:
    """Read a file that belongs to the page.

    Parameters
    ----------
    name
        The file's name.

    Returns
    -------
    str
        Its text.
    """
    return (files("boundary_app") / "assets" / name).read_text(encoding="utf-8")


def _mount(name: str, **options: Any) -> Any:
    """Register and mount: each Streamlit server has a registry of its own."""
    component = st.components.v2.component(
        f"bsds_{name}",
        html=asset(f"{name}.html"),
        css=asset(f"{name}.css"),
        js=asset(f"{name}.js"),
    )
    return component(**options)


class View(NamedTuple):
    """Something that the viewer shows.

    Attributes
    ----------
    id
        Its short name.
    label
        Its name on the page.
    alt
        What a screen reader says.
    layers
        Addresses of images of the picture's proportions, the lowest first.
    colours
        Of the scale from 0 to 1, if it has one.
    """

    id: str
    label: str
    alt: str
    layers: tuple[str, ...]
    colours: tuple[str, ...] = ()


def viewer(
    key: str, picture: str, shape: tuple[int, int], views: Sequence[View], left: str, right: str
) -> None:
    """Show views of a picture: one left of a divider, another one, to be chosen, right of it.

    Parameters
    ----------
    key
        Of the widget.
    picture
        Another one for another picture, which is shown whole again.
    shape
        Height and width of the images in pixels.
    views
        In the order of the row below.
    left, right
        Which of the views are shown at first.
    """
    shown = [
        {
            "id": view.id,
            "label": view.label,
            "alt": view.alt,
            "layers": list(view.layers),
            "legend": {"low": "0", "high": "1", "colours": list(view.colours)}
            if view.colours
            else None,
        }
        for view in views
    ]
    data = {
        "key": picture, "height": shape[0], "width": shape[1],
        "views": shown, "left": left, "right": right,
    }  # fmt: skip
    _mount("viewer", key=key, data=data)


def gallery(
    key: str, pictures: Sequence[tuple[str, str]], chosen: str, on_pick: Callable[[str], None]
) -> None:
    """Show pictures to choose from.

    Parameters
    ----------
    key
        Of the widget.
    pictures
        Name and address of each.
    chosen
        The chosen one's name, or none.
    on_pick
        Called with the name of what was picked.
    """

    def picked() -> None:
        name = st.session_state[key].get("picked")
        if name in dict(pictures):
            on_pick(name)

    data = {
        "chosen": chosen,
        "pictures": [{"name": name, "address": address, "alt": ""} for name, address in pictures],
    }
    _mount("gallery", key=key, data=data, on_picked_change=picked)


def paste(key: str, most: int, on_paste: Callable[[bytes], None], button: bool = True) -> None:
    """Take a picture from the clipboard, by a button or by Ctrl+V.

    Parameters
    ----------
    key
        Of the widget.
    most
        Largest picture in bytes.
    on_paste
        Called with the picture file's content.
    button
        Whether the button is shown; without it only Ctrl+V works.
    """

    def pasted() -> None:
        value = st.session_state[key].get("pasted")
        content = value.get("content") if isinstance(value, dict) else None
        if isinstance(content, str) and len(content) <= most // 3 * 4 + 4:
            try:
                on_paste(b64decode(content, validate=True))
            except Base64Error:
                on_paste(b"")

    _mount("paste", key=key, data={"most": most, "button": button}, on_pasted_change=pasted)

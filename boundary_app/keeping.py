"""What a visitor set stays set on the other pages, where Streamlit would forget it."""

from typing import Any

import streamlit as st

__all__ = ["kept", "on_page"]

_SETTINGS = "settings"
_PAGE = "page"


def kept(key: str, value: Any) -> dict[str, Any]:
    """Keep what a visitor sets in a widget.

    Parameters
    ----------
    key
        Of the widget.
    value
        What it shows at first.

    Returns
    -------
    dict
        Further arguments for the widget, which gets no default of its own.
    """
    settings = st.session_state.setdefault(_SETTINGS, {})
    if key not in settings:
        settings[key] = st.session_state[key] = value
    return {"key": key, "on_change": _remember, "args": (key,)}


def on_page(page: str) -> None:
    """Set the widgets as they were before, if this is another page than the last one.

    Parameters
    ----------
    page
        Tells it from others.
    """
    if st.session_state.get(_PAGE, page) != page:
        for key, value in st.session_state.get(_SETTINGS, {}).items():
            st.session_state[key] = value
    st.session_state[_PAGE] = page


def _remember(key: str) -> None:
    st.session_state[_SETTINGS][key] = st.session_state[key]

"""The demos' pages: this one's model, the other's, and both side by side."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import streamlit as st
from streamlit.navigation.page import Page

from boundary_app import caches
from boundary_app.choosing import offer_pictures
from boundary_app.comparing import show_both
from boundary_app.components import asset
from boundary_app.demos import DEMOS, Demo
from boundary_app.keeping import on_page
from boundary_app.memory import give_memory_back
from boundary_app.showing import show_card, show_result
from boundary_app.uploads import keep_off_disk
from bsds_utils.errors import BSDSError

__all__ = ["run"]

_BOTH: Final = "Side by side"
Pages = dict[str, Page | str]


def run(key: str) -> None:
    """Show the page that the visitor asked for.

    Parameters
    ----------
    key
        Whose demo this is, one of `boundary_app.demos.DEMOS`.
    """
    st.set_page_config(
        page_title=f"{DEMOS[key].name}: boundaries in pictures",
        # Not one of Material's symbols, which browsers would fetch from the internet.
        page_icon=asset("icon.svg"),
        layout="wide",
    )
    st.html(f"<style>{asset('page.css')}</style>")
    keep_off_disk()
    give_memory_back()
    caches.start_loading()
    pages: Pages = {}
    for demo in sorted(DEMOS.values(), key=lambda demo: demo.key != key):
        pages[demo.key] = (demo.key != key and _address(demo)) or st.Page(
            _page_of(demo, pages), title=demo.name, icon=demo.icon, url_path=demo.key,
            default=demo.key == key,
        )  # fmt: skip
    pages["both"] = st.Page(
        _page_of_both(pages), title=_BOTH, icon=":material/compare:", url_path="side-by-side"
    )
    here = [page for page in pages.values() if not isinstance(page, str)]
    page = st.navigation(here, position="top")
    on_page(page.url_path)
    page.run()


def _address(demo: Demo) -> str:
    """Find where the other demo is, if it is deployed on its own; else it is a page of this one.

    Streamlit makes secrets of that name environment variables.
    """
    return os.environ.get(f"BSDS_{demo.key.upper()}_URL", "")


def _page_of(demo: Demo, pages: Pages) -> Callable[[], None]:
    other = next(one for one in DEMOS.values() if one is not demo)

    def show() -> None:
        _frame(
            f"Boundaries, as a {demo.name} sees them",
            demo.summary,
            {
                f"With the {other.name}": pages[other.key],
                _BOTH: pages["both"],
            },
            lambda: show_result(demo),
        )
        # Without a model there is no card either, and why has been said above.
        with suppress(BSDSError):
            show_card(demo)

    return show


def _page_of_both(pages: Pages) -> Callable[[], None]:
    def show() -> None:
        _frame(
            "Two networks, one picture",
            "Left of the divider the CNN, trained from scratch; right of it the ResNet50, which "
            "has seen ImageNet first.",
            {f"Only the {demo.name}": pages[demo.key] for demo in DEMOS.values()},
            show_both,
        )

    return show


def _frame(title: str, summary: str, links: Pages, show_found: Callable[[], None]) -> None:
    """Show a heading, pictures to choose from, and beside them what is found in the chosen one."""
    st.title(title)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(summary, width="content")
        for label, page in links.items():
            st.page_link(page, label=label, icon=":material/arrow_forward:")
    left, right = st.container(key="frame").columns([1, 2.4], gap="medium")
    with left:
        offer_pictures()
    with right:
        show_found()

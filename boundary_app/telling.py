"""Telling a visitor what went wrong, in one sentence and without a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from boundary_app.describe import plain
from bsds_utils.errors import BSDSError

__all__ = ["telling"]


@contextmanager
def telling() -> Iterator[None]:
    """Show the message of a `BSDSError` that the block or function raises in its place."""
    try:
        yield
    except BSDSError as error:
        st.error(plain(error), icon=":material/error:")

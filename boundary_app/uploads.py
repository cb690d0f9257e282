"""Uploaded files stay off the disk, and in memory no longer than it takes to read them."""

import streamlit as st
from starlette.formparsers import MultiPartParser
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

__all__ = ["forget", "keep_off_disk", "most_bytes", "most_pasted_bytes"]

_REST_OF_MESSAGE = 100_000


def most_bytes() -> int:
    """Return the size in bytes of the largest file that may be uploaded."""
    return int(st.get_option("server.maxUploadSize")) << 20


def most_pasted_bytes() -> int:
    """Return the size in bytes of the largest picture that may be pasted.

    It arrives in one message of the page's connection, in base 64, and Streamlit bounds those.
    """
    message = int(st.get_option("server.maxWidgetStateSize")) * 1_000_000
    return min(most_bytes(), (message - _REST_OF_MESSAGE) // 4 * 3)


def keep_off_disk() -> None:
    """Let the server hold uploads in memory: by default those over 1 MB pass through a file."""
    MultiPartParser.spool_max_size = 2 * most_bytes()


def forget(file: UploadedFile) -> None:
    """Remove a file from Streamlit's memory, where it would stay as long as its visitor.

    Parameters
    ----------
    file
        What a widget gave.
    """
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)

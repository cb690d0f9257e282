"""Trusted helper processes: forked from a server that has imported what checking needs."""

import contextlib
import multiprocessing
import threading
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

from grader.sandbox.launch import warm_address

__all__ = ["head_start", "trusted_processes"]


def trusted_processes() -> ForkServerContext:
    """Return the context whose processes start with slow imports done, once for all of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["grader.checking.preload"])
    return context


def head_start(sandbox: bool) -> None:
    """Let the processes that import what takes long do so while data are prepared.

    Parameters
    ----------
    sandbox
        Whether submissions run in sandboxes, which are entered from a warm process.
    """
    trusted_processes()  # says what the server imports
    # Whoever needs it next finds out what is wrong, and says so.
    with contextlib.suppress(OSError):
        forkserver.ensure_running()
    if sandbox:
        threading.Thread(target=warm_address, name="head start", daemon=True).start()

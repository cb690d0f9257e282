"""Starting early what takes long to start and is needed in any case."""

import contextlib
import threading
from multiprocessing import forkserver

from grader.sandbox.launch import warm_address
from grader.trusted import trusted_processes

__all__ = ["head_start"]


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

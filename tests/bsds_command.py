"""Starting the `bsds` command as a terminal does."""

import signal
import subprocess
import sys
from typing import Any

__all__ = ["PROGRAM", "start"]

PROGRAM = [sys.executable, "-c", "import sys; from grader.cli import main; sys.exit(main())"]


def start(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """Start it in a session of its own, which Ctrl-C can be sent to.

    That it is not ignored must be said: whoever runs the tests in the background ignores it.
    """
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **options,
    )

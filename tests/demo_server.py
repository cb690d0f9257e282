"""Starting a demo as a terminal does."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from grader.assignment import COURSE_ROOT

__all__ = ["Server", "demo_server"]


class Server(NamedTuple):
    """A running demo."""

    address: str
    process: "subprocess.Popen[bytes]"
    log: Path


@contextmanager
def demo_server(
    script: str | Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    seconds: float = 60,
) -> Iterator[Server]:
    """Run ``streamlit run`` in a folder until it answers, and end it, and no other, afterwards.

    Parameters
    ----------
    script
        The script, in the repository if relative.
    folder
        Where to start it; the log is written there.
    environment
        Variables beside this process's.
    seconds
        Until it must answer.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / f"server-{port}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(COURSE_ROOT / script),
             "--server.port", str(port), "--server.address", "127.0.0.1",
             "--server.headless", "true"],
            cwd=folder, env=os.environ | (environment or {}), stdin=subprocess.DEVNULL,
            stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        server = Server(f"http://127.0.0.1:{port}", process, log)
        _wait(server, seconds)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait(server: Server, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.address}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the demo did not start:\n{server.log.read_text(errors='replace')}")

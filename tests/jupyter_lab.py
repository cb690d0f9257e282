"""A real ``jupyter lab`` in a course's folder, as an instructor starts it there."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["jupyter_lab"]


@contextmanager
def jupyter_lab(start: Path, folder: Path, seconds: float = 300) -> Iterator[str]:
    """Start it with folders of its own, and end it, and no other, afterwards.

    Parameters
    ----------
    start
        Where it is started.
    folder
        For Jupyter's own files and its log.
    seconds
        Until it must answer.

    Yields
    ------
    str
        Its address with ``{}`` where the path goes, and a token.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex()
    own = {
        f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")
    }
    log = folder / "jupyter.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
             "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
             f"--IdentityProvider.token={token}"],
            cwd=start, env=os.environ | own | {"HOME": str(folder)}, stdin=subprocess.DEVNULL,
            stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}{{}}?token={token}"
    try:
        _wait(address.format("/api/status"), process, log, seconds)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(f"expected an answer from {url}, found {log.read_text()[-3000:]}")

"""The program that runs a notebook in its sandbox: nbclient here, the kernel in a child process.

What a cell showed and what it saved goes out as frames as soon as it is there, so that nothing of
it is lost when the sandbox is ended later. Runs as a script beside ``frames.py``.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

from frames import FrameError, own_streams, receive, send  # type: ignore[import-not-found]
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import write_connection_file
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from traitlets import Instance, Integer

_LOOK_SECONDS = 0.2
_SETTLED_SECONDS = 1.0
"""A file that has not changed for so long is complete, also while its cell goes on."""
_AGAIN_SECONDS = 10.0
_KEPT = ("text/plain", "image/png", "image/jpeg")
_PR_SET_DUMPABLE = 4


class Kernel:
    """The kernel's process, as nbclient wants its kernel manager."""

    def __init__(self, connection_file: str, pid: int) -> None:
        self.connection_file = connection_file
        self.pid = pid
        self._ended = False

    def client(self) -> "Client":
        """Make a client of the kernel."""
        client = Client(connection_file=self.connection_file)
        client.kernel = self
        client.load_connection_file()
        return client

    def alive(self) -> bool:
        """Whether the process has not ended yet."""
        if not self._ended:
            pid, _ = os.waitpid(self.pid, os.WNOHANG)
            self._ended = pid != 0
        return not self._ended

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running cell."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """End the process at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def shutdown_kernel(self, now: bool = False) -> None:
        """End it; nbclient does so where it cannot reach the kernel."""
        self.kill()


class Client(AsyncKernelClient):
    """Knows that its kernel died."""

    kernel = Instance(Kernel)

    async def _async_is_alive(self) -> bool:
        return bool(self.kernel.alive())

    is_alive = _async_is_alive


class Notebook(NotebookClient):
    """Stops a notebook that prints without end."""

    limit = Integer()
    shown = Integer(0)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Count what a cell prints and shows, then keep it as usual."""
        self.shown += len(repr(msg["content"]))
        if self.shown > self.limit:
            cast(Kernel, self.km).kill()
            return None
        try:
            return super().process_message(msg, cell, cell_index)
        except (CellControlSignal, DeadKernelError):
            raise
        except Exception:
            # Not what kernels send: one output is lost, as it would be in Jupyter's own pages.
            return None


class Stop:
    """Interrupts the running cell when the grader says so."""

    def __init__(self, kernel: Kernel, requests: BinaryIO) -> None:
        self._kernel = kernel
        self._requests = requests
        self.index: int | None = None
        self.reason: str | None = None

    def heed(self) -> None:
        """Read what the grader says; a cell that has ended meanwhile needs no interrupt."""
        try:
            request = receive(self._requests)
        except FrameError:
            asyncio.get_running_loop().remove_reader(self._requests)
            return
        if request["interrupt"] == self.index:
            self.reason = request["reason"]
            self._kernel.interrupt()


class Files:
    """Sends the files that were asked for, whenever they have changed."""

    def __init__(self, names: list[str], max_bytes: int, answers: BinaryIO) -> None:
        self._names = names
        self._max_bytes = max_bytes
        self._answers = answers
        self._home = Path.cwd()
        self._sent: dict[str, tuple[int, ...]] = {}
        self._next = 0.0

    def send_settled(self) -> None:
        """Send those that are complete although their cell still runs, from time to time."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _AGAIN_SECONDS
            self.send(time.time() - _SETTLED_SECONDS)

    def send(self, changed_before: float = float("inf")) -> None:
        """Send plain files alone, following no link and waiting for no pipe."""
        for name in self._names:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with contextlib.suppress(OSError):
                descriptor = os.open(self._home / name, flags)
                try:
                    self._send_changed(name, descriptor, changed_before)
                finally:
                    os.close(descriptor)

    def _send_changed(self, name: str, descriptor: int, changed_before: float) -> None:
        about = os.fstat(descriptor)
        mark = (about.st_ino, about.st_mtime_ns, about.st_size)
        if (
            stat.S_ISREG(about.st_mode)
            and about.st_size <= self._max_bytes
            and self._sent.get(name) != mark
            and about.st_mtime < changed_before
        ):
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                data = stream.read(self._max_bytes)
            send(self._answers, {"file": name, "data": data})
            self._sent[name] = mark


def main() -> None:
    """Run the notebook that the one request holds."""
    requests, answers = own_streams()
    request = receive(requests)
    folder = tempfile.mkdtemp()
    file, _ = write_connection_file(
        str(Path(folder, "kernel.json")), transport="ipc", ip=str(Path(folder, "k"))
    )
    pid = os.fork()
    if pid == 0:
        requests.close()
        answers.close()
        _become_kernel(file, request["first"])
    # From here on the student's code, which runs as the same user, cannot reach into this process.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    problem = asyncio.run(_run(Kernel(file, pid), request, requests, answers))
    send(answers, {"end": problem})
    requests.read()  # until the grader has measured what is used, and ends all


def _become_kernel(connection_file: str, modules: list[str]) -> None:
    """Turn this process into an IPython kernel, in which nothing of this program is left."""
    os.setsid()
    sys.path.pop(0)
    sys.modules.pop("frames")
    for name in modules:
        with contextlib.suppress(ImportError):
            import_module(name)
    try:
        # Nobody reads its history, which a thread writes into the home folder.
        IPKernelApp.launch_instance(argv=["-f", connection_file, "--HistoryManager.enabled=False"])
    finally:
        os._exit(0)


async def _run(
    kernel: Kernel, request: dict[str, Any], requests: BinaryIO, answers: BinaryIO
) -> str | None:
    """Run the cells; return why the notebook did not reach its end, None if it did."""
    limits = request["limits"]
    files = Files(request["files"], limits["file_bytes"], answers)
    notebook = new_notebook(cells=[_cell(one) for one in request["cells"]])
    client = Notebook(
        notebook,
        km=cast(Any, kernel),  # has all that nbclient asks of one
        limit=limits["output_bytes"],
        timeout=None,
        startup_timeout=limits["start_seconds"],
        allow_errors=True,
        # What a cell prints must not be able to stop the run.
        raise_on_iopub_timeout=False,
        iopub_timeout=10,
    )
    stop = Stop(kernel, requests)
    asyncio.get_running_loop().add_reader(requests, stop.heed)
    try:
        await client.async_start_new_kernel_client()
    except Exception:
        return "start"
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        send(answers, {"begin": index})
        stop.index, stop.reason = index, None
        watch = asyncio.ensure_future(_send_settled(files))
        problem = None
        try:
            await client.async_execute_cell(cell, index)
        except DeadKernelError:
            problem = "output" if client.shown > client.limit else "died"
        except Exception:
            problem = "messages"
        watch.cancel()
        if stop.reason is not None:
            cell.outputs.append(_error(stop.reason))
        send(answers, {"cell": index, **_shown(cell)})
        files.send()
        if problem is not None:
            return problem
    return None


def _cell(cell: Mapping[str, str]) -> NotebookNode:
    new = new_code_cell if cell["type"] == "code" else new_markdown_cell
    made: NotebookNode = new(cell["source"])  # type: ignore[no-untyped-call]
    return made


async def _send_settled(files: Files) -> None:
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        files.send_settled()


def _error(reason: str) -> NotebookNode:
    made: NotebookNode = new_output("error", ename="Stopped", evalue=reason, traceback=[reason])
    return made


def _shown(cell: NotebookNode) -> dict[str, Any]:
    """Return a cell's outputs, reduced to what is kept of them anyway."""
    outputs = []
    for output in cell.outputs:
        shown = {
            name: output[name]
            for name in ("output_type", "name", "text", "ename", "evalue", "traceback")
            if name in output
        }
        data = output.get("data", {})
        if data:
            shown["data"] = {kind: data[kind] for kind in _KEPT if kind in data}
        outputs.append(shown)
    return {"outputs": outputs, "count": cell.execution_count}


if __name__ == "__main__":
    main()

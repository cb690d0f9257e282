"""Executing a whole notebook in an isolated kernel."""

import asyncio
import contextlib
import copy
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from traitlets import Any as AnyTrait
from traitlets import Instance

from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.live import LIVE

__all__ = ["Execution", "SandboxKernelManager", "execute"]

OUT_OF_TIME = "the notebook was stopped because it ran longer than {seconds:.0f} seconds in all"
KERNEL_DIED = (
    "the kernel died while the notebook ran (a crash, or more memory or processes than allowed)"
)
CELL_TIMEOUT = "this cell was stopped because it ran longer than {seconds:.0f} seconds"
START_FAILED = "the kernel did not start: {reason}"


@dataclass(frozen=True)
class Execution:
    """What came of executing a notebook.

    Attributes
    ----------
    notebook
        The notebook with its outputs, as far as it got.
    seconds
        Wall-clock seconds from the kernel's start to its end.
    problem
        Why the notebook did not reach its end, in words for the student; None if it did.
    """

    notebook: NotebookNode
    seconds: float
    problem: str | None = None


class SandboxKernelManager(AsyncKernelManager):
    """Starts the Python kernel through the sandboxing provisioner, over ipc sockets."""

    sandbox = Instance(Sandbox)
    log_file = AnyTrait(help="Open file that takes what the kernel's process itself prints.")

    @property
    def kernel_spec(self) -> KernelSpec:
        """The one kernel that submissions run in, whatever their metadata ask for."""
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
            # The kernel is not our child but bubblewrap's, so a signal would not reach it.
            interrupt_mode="message",
            metadata={"kernel_provisioner": {"provisioner_name": "bsds-sandbox"}},
        )


def execute(
    notebook: NotebookNode, sandbox: Sandbox, cell_seconds: float, total_seconds: float
) -> Execution:
    """Execute every code cell in order, going on after errors.

    Parameters
    ----------
    notebook
        The sanitised notebook; it is not changed.
    sandbox
        Where to run it.
    cell_seconds, total_seconds
        Wall-clock limits for one cell and for all.

    Returns
    -------
    Execution
        Never raises for what the notebook does.
    """
    notebook = copy.deepcopy(notebook)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bsds-k-") as folder:
        # A Unix socket's path has at most 107 characters, so this folder is a short one.
        connection = Path(folder)
        inside = replace(sandbox, writable={**sandbox.writable, connection: connection})
        manager = SandboxKernelManager(
            sandbox=inside,
            transport="ipc",
            ip=str(connection / "k"),
            connection_file=str(connection / "connection.json"),
        )
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=round(cell_seconds),
            startup_timeout=round(max(60.0, sandbox.limits.probe_seconds)),
            allow_errors=True,
            interrupt_on_timeout=True,
            error_on_timeout=_timeout_error(cell_seconds),
            # What a cell prints must not be able to stop the run.
            raise_on_iopub_timeout=False,
            iopub_timeout=10,
            on_cell_error=_show_timeout,
        )
        with (connection / "stderr.log").open("wb") as log:
            manager.log_file = log
            # A loop of its own, closed afterwards, whichever thread this is.
            problem = asyncio.run(_run(client, manager, total_seconds))
    return Execution(notebook, time.monotonic() - started, problem)


async def _run(
    client: NotebookClient, manager: SandboxKernelManager, total_seconds: float
) -> str | None:
    with _deadline(manager, total_seconds) as expired:
        try:
            # Not async_setup_kernel, which takes over the grader's own signal handlers.
            await client.async_start_new_kernel()
            await client.async_start_new_kernel_client()
            for index, cell in enumerate(client.nb.cells):
                await client.async_execute_cell(cell, index)
        except DeadKernelError:
            return OUT_OF_TIME.format(seconds=total_seconds) if expired.is_set() else KERNEL_DIED
        except RuntimeError as error:
            if expired.is_set():
                return OUT_OF_TIME.format(seconds=total_seconds)
            return START_FAILED.format(reason=_last_line(manager) or str(error).splitlines()[0])
        finally:
            # A client that could not connect has already shut its kernel down.
            if client.kc is not None:
                client.kc.stop_channels()
                await manager.shutdown_kernel(now=True)
    return None


@contextlib.contextmanager
def _deadline(manager: SandboxKernelManager, seconds: float) -> Iterator[threading.Event]:
    """Kill the sandbox after `seconds`, and at the latest when the block is left."""
    expired = threading.Event()

    def kill() -> None:
        process = getattr(manager.provisioner, "process", None)
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()

    def expire() -> None:
        expired.set()
        kill()

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    with LIVE.register(kill):
        try:
            yield expired
        finally:
            timer.cancel()
            kill()


def _last_line(manager: SandboxKernelManager) -> str:
    lines = Path(manager.log_file.name).read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _show_timeout(cell: NotebookNode, execute_reply: Mapping[str, Any], **_: object) -> None:
    """Add the timeout to the cell's outputs: the kernel knows only of an interrupt."""
    content = execute_reply["content"]
    if content["ename"] == "CellTimeoutError":
        cell.outputs.append(
            new_output(
                "error",
                ename=content["ename"],
                evalue=content["evalue"],
                traceback=content["traceback"],
            )
        )


def _timeout_error(seconds: float) -> Mapping[str, object]:
    message = CELL_TIMEOUT.format(seconds=seconds)
    return {"ename": "CellTimeoutError", "evalue": message, "traceback": [message]}

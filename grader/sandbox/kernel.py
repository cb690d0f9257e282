"""Executing a whole notebook in an isolated kernel."""

import asyncio
import contextlib
import copy
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from traitlets import Any as AnyTrait
from traitlets import Instance, Integer

from grader.sandbox.bubblewrap import HOME, Sandbox
from grader.sandbox.live import LIVE
from grader.sandbox.outbox import collect
from grader.sandbox.relay import Relay
from grader.sandbox.usage import open_inside
from grader.sandbox.watchdog import Watchdog
from grader.scratch import scratch

__all__ = ["Execution", "SandboxKernelManager", "execute"]

OUT_OF_TIME = "it ran longer than {seconds:.0f} seconds in all"
KERNEL_DIED = "the kernel died while the notebook ran: it crashed, or ended itself"
STOPPED = "the notebook was stopped because {reason}"
OUTPUT = "it printed, showed or sent more than {limit:.3g} MB"
CELL_TIMEOUT = "this cell was stopped because it ran longer than {seconds:.0f} seconds"
NO_MESSAGES = "the notebook was stopped because it sent messages that no kernel sends"
START_FAILED = "the kernel did not start: {reason}"

_log = logging.getLogger(__name__)
_SOCKETS = range(1, 6)
"""Shell, iopub, stdin, control, heartbeat."""
_SENT_FOR_SHOWN = 4
"""Bytes that a kernel may send for each byte that a notebook may show."""


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
    relayed = AnyTrait(help="Beginning of the paths by which clients reach the kernel.")
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

    def client(self, **kwargs: Any) -> Any:
        """Make a client that reaches the kernel through the relay."""
        return super().client(**{"ip": str(self.relayed), **kwargs})


class _Stop:
    """Ends the sandbox before its time, and keeps the first reason for it."""

    def __init__(self, manager: SandboxKernelManager) -> None:
        self._manager = manager
        self.reason: str | None = None

    def __call__(self, reason: str) -> None:
        """Kill the sandbox; `reason` goes after "because"."""
        self.reason = self.reason or reason
        self.kill()

    def kill(self) -> None:
        """Kill the sandbox without a reason of its own."""
        process = getattr(self._manager.provisioner, "process", None)
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()


class _BoundedClient(NotebookClient):
    """Stops a notebook that prints without end, before the grader has to hold it all."""

    stop = Instance(_Stop)
    limit = Integer()
    shown = Integer(0)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Count what a cell prints and shows, then keep it as usual."""
        self.shown += len(repr(msg["content"]))
        if self.shown > self.limit:
            self.stop(OUTPUT.format(limit=self.limit / 1024**2))
            return None
        try:
            return super().process_message(msg, cell, cell_index)
        except (CellControlSignal, DeadKernelError):
            raise
        except Exception as error:
            # Not what kernels send: one output is lost, as it would be in Jupyter's own pages.
            _log.debug("a message of the notebook was dropped: %r", error)
            return None


def execute(
    notebook: NotebookNode,
    sandbox: Sandbox,
    cell_seconds: float,
    total_seconds: float,
    take: Sequence[str] = (),
    to: Path | None = None,
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
    take, to
        Files in the notebook's folder that are copied out in the end, and the folder for them.

    Returns
    -------
    Execution
        Never raises for what the notebook does.
    """
    notebook = copy.deepcopy(notebook)
    started = time.monotonic()
    with scratch("k") as folder, scratch("r") as ours:
        # A Unix socket's path has at most 107 characters, so these folders are short ones.
        connection = Path(folder)
        inside = replace(sandbox, writable={**sandbox.writable, connection: connection})
        manager = SandboxKernelManager(
            sandbox=inside,
            transport="ipc",
            ip=str(connection / "k"),
            connection_file=str(connection / "connection.json"),
            relayed=Path(ours, "r"),
        )
        manager.context.setsockopt(zmq.MAXMSGSIZE, 2 * sandbox.limits.output_bytes)
        stop = _Stop(manager)
        shown = sandbox.limits.output_bytes
        relay = Relay(
            connection / "k",
            manager.relayed,
            _SENT_FOR_SHOWN * shown,
            lambda: stop(OUTPUT.format(limit=shown / 1024**2)),
        )
        client = _BoundedClient(
            notebook,
            km=manager,
            stop=stop,
            limit=sandbox.limits.output_bytes,
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
        with (
            (connection / "stderr.log").open("wb") as log,
            contextlib.ExitStack() as cleanup,
            _deadline(stop, total_seconds),
        ):
            manager.log_file = log
            # A loop of its own, closed afterwards, whichever thread this is.
            problem, home = asyncio.run(_run(client, manager, relay, stop, cleanup))
            if to is not None and home is not None:
                collect(home, take, sandbox.limits.artifact_bytes, to)
    return Execution(notebook, time.monotonic() - started, problem)


async def _run(
    client: NotebookClient,
    manager: SandboxKernelManager,
    relay: Relay,
    stop: _Stop,
    cleanup: contextlib.ExitStack,
) -> tuple[str | None, int | None]:
    """Run the cells; return the problem, and a descriptor of the folder they ran in."""
    home = None
    try:
        # Not async_setup_kernel, which takes over the grader's own signal handlers.
        await client.async_start_new_kernel()
        await relay.open(_SOCKETS)
        await client.async_start_new_kernel_client()
        home = _open_home(manager, cleanup)
        if manager.sandbox.isolated:
            cleanup.enter_context(Watchdog(_outermost(manager), manager.sandbox.limits, stop))
        for index, cell in enumerate(client.nb.cells):
            await client.async_execute_cell(cell, index)
    except DeadKernelError:
        return _stopped(stop) or KERNEL_DIED, home
    except RuntimeError as error:
        reason = _last_line(manager) or str(error).splitlines()[0]
        return _stopped(stop) or START_FAILED.format(reason=reason), home
    except Exception as error:
        _log.debug("the notebook's messages ended the client: %r", error)
        return _stopped(stop) or NO_MESSAGES, home
    finally:
        # A client that could not connect has already shut its kernel down.
        if client.kc is not None:
            client.kc.stop_channels()
            await manager.shutdown_kernel(now=True)
        await relay.close()
    return _stopped(stop), home


def _stopped(stop: _Stop) -> str | None:
    return None if stop.reason is None else STOPPED.format(reason=stop.reason)


def _outermost(manager: SandboxKernelManager) -> tuple[int, ...]:
    provisioner: Any = manager.provisioner
    outermost: tuple[int, ...] = provisioner.outermost
    return outermost


def _open_home(manager: SandboxKernelManager, cleanup: contextlib.ExitStack) -> int | None:
    """Open the kernel's folder before a line of the submission runs."""
    if manager.sandbox.isolated:
        home = open_inside(_outermost(manager), HOME)
    else:
        home = os.open(manager.sandbox.work, os.O_RDONLY | os.O_DIRECTORY)
    if home is not None:
        cleanup.callback(os.close, home)
    return home


@contextlib.contextmanager
def _deadline(stop: _Stop, seconds: float) -> Iterator[None]:
    """End the sandbox after `seconds`, and at the latest when the block is left."""
    timer = threading.Timer(seconds, stop, [OUT_OF_TIME.format(seconds=seconds)])
    timer.daemon = True
    timer.start()
    with LIVE.register(stop.kill):
        try:
            yield
        finally:
            timer.cancel()
            stop.kill()


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

"""Starting a Python program in a sandbox: warm where that works, else from scratch."""

import contextlib
import json
import logging
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from grader.sandbox.bubblewrap import (
    HOME,
    Sandbox,
    command,
    new_uid,
    process_limits,
    variables,
)
from grader.sandbox.cgroup import ControlGroup
from grader.sandbox.zygote import Program, WarmError, WarmProcess, become
from grader.settings import variable

__all__ = ["Started", "share_warm", "start", "warm_address"]

_log = logging.getLogger(__name__)
_WARM = WarmProcess()
_OFF = "NO_WARM_START"
_SET_UP_SECONDS = 30.0
# Says that the sandbox is complete, then waits until nothing holds its input open any more.
_KEEPER = ["sh", "-c", "echo; exec cat"]


@dataclass(frozen=True)
class Started:
    """A program that runs in a sandbox.

    Attributes
    ----------
    process
        The sandbox's outermost process: ends with the program, and kills all when killed.
    outermost
        Processes whose descendants are all that runs inside.
    group
        The control group that they are in, if there is one; to be removed in the end.
    """

    process: "subprocess.Popen[bytes]"
    outermost: tuple[int, ...]
    group: ControlGroup | None = None


def start(
    sandbox: Sandbox,
    arguments: Sequence[str],
    stdin: int | IO[bytes],
    stdout: int | IO[bytes],
    stderr: int | IO[bytes],
) -> Started:
    """Start ``python arguments`` in a sandbox.

    Parameters
    ----------
    sandbox
        Where. One program a sandbox.
    arguments
        ``-m`` and a module, or a script, then its arguments.
    stdin, stdout, stderr
        Open files or their descriptors, ``subprocess.DEVNULL`` for none.

    Returns
    -------
    Started
        ``…_NO_WARM_START=1`` in the environment starts it from scratch.
    """
    group = ControlGroup.make(sandbox.limits) if sandbox.isolated else None
    try:
        if sandbox.isolated and os.environ.get(variable(_OFF)) != "1":
            try:
                return _start_warm(sandbox, arguments, (stdin, stdout, stderr), group)
            except WarmError as error:
                _log.warning("grading goes on, but slower: no warm start (%s)", error)
        line, environment = command(sandbox, [sys.executable, *arguments], groups=_files(group))
        process = subprocess.Popen(
            line, env=environment, cwd=sandbox.work, start_new_session=True,
            stdin=stdin, stdout=stdout, stderr=stderr,
        )  # fmt: skip
    except BaseException:
        if group is not None:
            group.remove()
        raise
    return Started(process, (process.pid,), group)


def _files(group: ControlGroup | None) -> list[Path]:
    return [] if group is None else group.files


def warm_address() -> str | None:
    """Return where other processes of the grader find its warm process; None if it has none."""
    if os.environ.get(variable(_OFF)) == "1":
        return None
    with contextlib.suppress(WarmError):
        return _WARM.address()
    return None


def share_warm(address: str) -> None:
    """Use the warm process of another process of the grader."""
    _WARM.use(address)


def _start_warm(
    sandbox: Sandbox,
    arguments: Sequence[str],
    streams: Sequence[int | IO[bytes]],
    group: ControlGroup | None,
) -> Started:
    uid = new_uid()
    address = _WARM.address()
    with contextlib.ExitStack() as ours:
        about, tell_about = _pipe(ours)
        keep, alive = _pipe(ours)
        null = ours.enter_context(open(os.devnull, "r+b"))  # noqa: PTH123 - has a descriptor only
        files = [null if stream == subprocess.DEVNULL else stream for stream in streams]
        line, environment = command(sandbox, _KEEPER, uid, tell_about.fileno(), _files(group))
        process = subprocess.Popen(
            line, env=environment, cwd=sandbox.work, start_new_session=True,
            stdin=keep, stdout=subprocess.PIPE, stderr=files[2], pass_fds=[tell_about.fileno()],
        )  # fmt: skip
        try:
            tell_about.close()
            with cast(IO[bytes], process.stdout) as said:
                _await(said)
            inside = int(json.load(about)["child-pid"])
            limits = process_limits(sandbox.limits)
            program = Program(arguments, variables(sandbox), HOME, uid, limits)
            descriptors = [file if isinstance(file, int) else file.fileno() for file in files]
            joined = [ours.enter_context(file.open("wb", buffering=0)) for file in _files(group)]
            descriptors += [file.fileno() for file in joined]
            parent = become(address, program, inside, alive.fileno(), descriptors)
        except BaseException:
            process.kill()
            process.wait()
            raise
    return Started(process, (process.pid, parent), group)


def _pipe(closed_by: contextlib.ExitStack) -> tuple[BinaryIO, BinaryIO]:
    reading, writing = os.pipe()
    return (
        closed_by.enter_context(os.fdopen(reading, "rb")),
        closed_by.enter_context(os.fdopen(writing, "wb")),
    )


def _await(said: IO[bytes]) -> None:
    """Wait until the sandbox is complete."""
    ready, _, _ = select.select([said], [], [], _SET_UP_SECONDS)
    if not ready or not said.readline():
        raise WarmError("the sandbox was not set up")

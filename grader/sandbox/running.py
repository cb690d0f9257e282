"""A program of ours in a sandbox: frames go in over one pipe and come out over another.

Nothing else connects a sandbox with the grader. What comes out is bounded here, in size, number
and time, whatever the program has become.
"""

import contextlib
import os
import queue
import select
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from grader.sandbox import frames
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.frames import FrameError
from grader.sandbox.launch import start
from grader.sandbox.resources import Usage
from grader.sandbox.stopping import LIVE
from grader.sandbox.watchdog import Watchdog

__all__ = ["PROGRAMS", "Bounds", "Ended", "Running", "Silent"]

PROGRAMS = Path(__file__).with_name("programs")

_FRAMES = Path(frames.__file__)
_INSIDE = Path("/opt/bsds")
_WAITING = 4
"""Frames that may wait to be looked at; then the sandbox has to wait."""
_SEND_SECONDS = 60.0
_ROOM_SECONDS = 0.5


class Ended(Exception):
    """The sandbox has ended; the message says why, in words that go after "because"."""


class Silent(Exception):
    """No frame came in time; the sandbox still runs."""


@dataclass(frozen=True)
class Bounds:
    """What may come out of one sandbox.

    Attributes
    ----------
    frame_bytes, total_bytes
        Size of one frame, and of all together.
    frames
        How many frames.
    """

    frame_bytes: int = 1 << 30
    total_bytes: int = 16 << 30
    frames: int = 100_000


class Running:
    """A started program.

    Parameters
    ----------
    sandbox
        Where. One program a sandbox.
    program
        A Python file that imports nothing of the grader but ``frames``; requests come on its
        standard input, and what it answers goes to its standard output.
    bounds
        What may come out.
    arguments
        Of the program; a path is that of a file of ours, which it finds inside.

    Attributes
    ----------
    exceeded
        Which limit ended it, if one did, in words that go after "because".
    """

    def __init__(
        self,
        sandbox: Sandbox,
        program: Path,
        bounds: Bounds,
        arguments: Sequence[str | Path] = (),
    ) -> None:
        self._bounds = bounds
        self.exceeded: str | None = None
        self._frames: queue.Queue[Any] = queue.Queue(_WAITING)
        self._closed = threading.Event()
        self._cleanup = contextlib.ExitStack()
        ours = [_FRAMES, program, *(one for one in arguments if isinstance(one, Path))]
        files = {file: _INSIDE / file.name for file in ours}
        sandbox = replace(sandbox, read_only={**sandbox.read_only, **files})
        if not sandbox.isolated:
            found = os.pathsep.join([str(_FRAMES.parent), os.environ.get("PYTHONPATH", "")])
            sandbox = replace(sandbox, environment={**sandbox.environment, "PYTHONPATH": found})
        reading, self._requests = _pipe()
        answers, writing = _pipe()
        self._cleanup.callback(self._requests.close)
        os.set_blocking(self._requests.fileno(), False)
        with reading, writing:
            line = [
                str(sandbox.path_inside(one)) if isinstance(one, Path) else one
                for one in (program, *arguments)
            ]
            started = start(sandbox, line, reading, writing, subprocess.DEVNULL)
        self._process = started.process
        if started.group is not None:
            # When all of its processes have ended, which nobody has to wait for.
            removal = threading.Thread(target=started.group.remove)
            self._cleanup.callback(removal.start)
        self._reader = threading.Thread(target=self._read, args=(answers,), daemon=True)
        self._reader.start()
        self._cleanup.callback(self._end)
        self._watchdog = Watchdog(started.outermost, sandbox.limits, self.stop, started.group)
        self._isolated = sandbox.isolated
        if sandbox.isolated:
            self._cleanup.enter_context(self._watchdog)
        self._cleanup.enter_context(LIVE.register(self._process.kill))

    @property
    def usage(self) -> Usage:
        """What everything in the sandbox used, as last measured."""
        return self._watchdog.usage

    @property
    def waited_seconds(self) -> float:
        """How long it had to wait for a processor, as last measured."""
        return self._watchdog.waited_seconds

    def send(self, value: Any) -> None:
        """Send one value in.

        Raises
        ------
        Ended
            If nobody takes it.
        """
        data = memoryview(frames.pack(value))
        until = time.monotonic() + _SEND_SECONDS
        try:
            while data:
                _, ready, _ = select.select([], [self._requests], [], until - time.monotonic())
                if not ready:
                    self.stop(f"it took no question for {_SEND_SECONDS:.0f} seconds")
                    raise self._ended()
                data = data[os.write(self._requests.fileno(), data) :]
        except (OSError, ValueError) as error:
            raise self._ended() from error

    def receive(self, seconds: float) -> Any:
        """Wait for the next frame.

        Raises
        ------
        Silent
            If none comes in time.
        Ended
            If none will come any more, or what came was not one.
        """
        try:
            answer = self._frames.get(timeout=max(0.0, seconds))
        except queue.Empty:
            raise Silent from None
        if isinstance(answer, FrameError):
            self._frames.put(answer)  # the next one who asks hears the same
            raise self._ended() from answer
        return answer

    def kept_limits(self) -> bool:
        """Look once more, as much can happen between two looks; the program must still be there.

        False ends the sandbox.
        """
        return not self._isolated or self._watchdog.look()

    def stop(self, reason: str) -> None:
        """End the sandbox; the first reason counts."""
        self.exceeded = self.exceeded or reason
        self._process.kill()

    def close(self) -> None:
        """End the sandbox and everything in it."""
        self._cleanup.close()

    def _ended(self) -> Ended:
        self.exceeded = self.exceeded or self._watchdog.out_of_memory()
        return Ended(self.exceeded or "it ended unexpectedly")

    def _end(self) -> None:
        """End it, without waiting until its memory is free: that takes a tenth of a second."""
        self._closed.set()
        self._process.kill()
        self._process.wait()

    def _read(self, stream: BinaryIO) -> None:
        count, size = 0, 0
        with stream:
            while True:
                try:
                    body = frames.receive_bytes(stream, self._bounds.frame_bytes)
                    count, size = count + 1, size + len(body)
                    if count > self._bounds.frames or size > self._bounds.total_bytes:
                        raise FrameError("too many frames")
                    value = frames.unpack(body)
                except (FrameError, OSError, ValueError) as error:
                    # Whoever sends anything else is ended: nothing after it would mean anything.
                    self._process.kill()
                    self._put(FrameError(str(error)))
                    return
                self._put(value)

    def _put(self, value: Any) -> None:
        """Wait for room, or until nobody wants it any more."""
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._frames.put(value, timeout=_ROOM_SECONDS)
                return


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    """Return the reading and the writing end of a new pipe."""
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb"), os.fdopen(writing, "wb", buffering=0)

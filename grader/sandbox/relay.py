"""Between a kernel and the grader: passes bytes on and counts them.

ZeroMQ bounds one frame of a message, but neither how many frames a message has nor what waits to
be read. All of that lies in the grader's memory, so the bytes themselves are counted.
"""

import asyncio
import contextlib
import stat
from collections.abc import Callable
from pathlib import Path

__all__ = ["Relay"]

_CHUNK = 1 << 16
_LOOK_SECONDS = 0.01
_PATIENCE_SECONDS = 60.0


class Relay:
    """Listens beside a kernel's sockets, and connects whoever comes with the kernel's own.

    Parameters
    ----------
    kernel, ours
        Beginnings of the paths of the kernel's sockets, and of those made here; ``-`` and the
        socket's number follow. The kernel can reach its own folder, and must not reach ours.
    limit
        Bytes that the kernel may send in all.
    on_excess
        Called, once, when it sends more; nothing of it is passed on then.
    """

    def __init__(
        self, kernel: Path, ours: Path, limit: int, on_excess: Callable[[], None]
    ) -> None:
        self._kernel = kernel
        self._ours = ours
        self._left = limit
        self._on_excess = on_excess
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, numbers: range) -> None:
        """Listen, for each of the kernel's sockets."""
        for number in numbers:

            async def accept(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int = number
            ) -> None:
                task = asyncio.current_task()
                if task is not None:
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                # Ended by `close`. asyncio would print a traceback of a cancelled task.
                with contextlib.suppress(asyncio.CancelledError):
                    await self._serve(number, reader, writer)

            path = f"{self._ours}-{number}"
            self._servers.append(await asyncio.start_unix_server(accept, path, limit=_CHUNK))

    async def close(self) -> None:
        """Listen no longer, and end what is open."""
        for server in self._servers:
            server.close()
        await asyncio.sleep(0)  # lets begin, and so be ended, what was accepted just now
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writers = [writer]
        both: list[asyncio.Future[None]] = []
        try:
            path = Path(f"{self._kernel}-{number}")
            await _appeared(path)
            from_kernel, to_kernel = await asyncio.open_unix_connection(path, limit=_CHUNK)
            writers.append(to_kernel)
            both.append(asyncio.ensure_future(self._pass_on(reader, to_kernel, counted=False)))
            both.append(asyncio.ensure_future(self._pass_on(from_kernel, writer, counted=True)))
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass  # whoever came hears of it by the end of the connection
        finally:
            for one in both:
                one.cancel()
            for one_writer in writers:
                one_writer.transport.abort()

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, counted: bool
    ) -> None:
        while data := await source.read(_CHUNK):
            if counted:
                exceeded_before = self._left < 0
                self._left -= len(data)
                if self._left < 0:
                    if not exceeded_before:
                        self._on_excess()
                    return
            target.write(data)
            await target.drain()


async def _appeared(path: Path) -> None:
    """Wait for the kernel to listen; a link in place of its socket could lead anywhere."""
    for _ in range(round(_PATIENCE_SECONDS / _LOOK_SECONDS)):
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(path.lstat().st_mode):
                return
            raise ConnectionRefusedError(f"{path} is no socket")
        await asyncio.sleep(_LOOK_SECONDS)
    raise ConnectionRefusedError(f"no {path}")

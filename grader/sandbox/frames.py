"""How values travel between the grader and a sandbox: frames over a pipe, one value each.

Nothing here can run code, and nothing that arrives is parsed by recursion: a value is a flat row
of items, read with a stack of bounded depth. The sandbox runs this very file, so it imports
nothing of the grader.
"""

import math
import os
import re
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

__all__ = [
    "FrameError", "own_streams", "pack", "receive", "receive_bytes", "send", "send_bytes",
    "unpack",
]  # fmt: skip

_LENGTH = struct.Struct(">Q")
_WHOLE = struct.Struct(">q")
_FLOAT = struct.Struct(">d")
_MAX_DEPTH = 12
_MAX_ITEMS = 1_000_000
"""Items take many times as much memory as bytes: large data travel as one array."""
_MAX_DIGITS = 4000
_MAX_DIMENSIONS = 32
# Numbers, bools and text; nothing structured, and no Python objects.
_DTYPE = re.compile(r"[<>|=]?[biufcU]\d{1,6}")
_KINDS = "biufcU"


class FrameError(Exception):
    """The other side ended, or sent something that is not a frame."""


def own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep standard input and output for frames: whatever else runs here reads and prints nothing.

    Returns
    -------
    tuple
        Where requests come from, unbuffered, so that what is not read yet can be waited for; and
        where answers go.
    """
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    return requests, answers


def send(stream: BinaryIO, value: Any) -> None:
    """Write one value: None, bool, numbers, str, bytes, arrays, and lists and dicts of them.

    Tensors and other array-likes are converted with :func:`numpy.asarray`, tuples become lists.

    Raises
    ------
    TypeError
        If a part of it is none of those.
    """
    stream.write(pack(value))
    stream.flush()


def receive(stream: BinaryIO, max_bytes: int = 1 << 30) -> Any:
    """Read one value that :func:`send` wrote.

    Raises
    ------
    FrameError
        If the stream ended, the frame is longer than `max_bytes`, or it is malformed.
    """
    return unpack(receive_bytes(stream, max_bytes))


def receive_bytes(stream: BinaryIO, max_bytes: int) -> bytes:
    """Read one frame without looking into it, for :func:`unpack`."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > max_bytes:
        raise FrameError(f"a frame of {length} bytes, {max_bytes} allowed")
    return _exactly(stream, length)


def send_bytes(stream: BinaryIO, body: bytes) -> None:
    """Pass on a frame that :func:`receive_bytes` read."""
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def pack(value: Any) -> bytes:
    """Return the frame of a value, as :func:`send` writes it."""
    parts = list(_items(value))
    return b"".join([_LENGTH.pack(sum(map(len, parts))), *parts])


def unpack(body: bytes) -> Any:
    """Return the value in a frame, whose length is not part of `body`."""
    try:
        return _Reader(body).value()
    except FrameError:
        raise
    except Exception as error:  # the other side may send anything, and any error means the same
        raise FrameError(f"a malformed frame: {type(error).__name__}") from error


def _exactly(stream: BinaryIO, length: int) -> bytes:
    parts = []
    while length:
        part = stream.read(min(length, 1 << 20))
        if not part:
            raise FrameError("the stream ended")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _items(value: Any) -> Iterator[bytes]:
    """Yield a value's items: a letter, a length where there is one, the content."""
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack:
        part, depth = stack.pop()
        if depth > _MAX_DEPTH:
            raise TypeError("nested too deeply")
        if isinstance(part, list | tuple):
            yield b"l" + _LENGTH.pack(len(part))
            stack += [(one, depth + 1) for one in reversed(part)]
        elif isinstance(part, dict):
            if not all(isinstance(key, str) for key in part):
                raise TypeError("a dict with keys that are not strings")
            yield b"d" + _LENGTH.pack(len(part))
            for key, one in reversed(part.items()):
                stack += [(one, depth + 1), (key, depth + 1)]
        else:
            yield from _item(part)


def _item(value: Any) -> Iterator[bytes]:
    if value is None or isinstance(value, bool):
        yield {None: b"n", False: b"f", True: b"t"}[value]
    elif isinstance(value, int):
        yield b"i"
        yield from _sized(str(value).encode())
    elif isinstance(value, float):
        yield b"r" + _FLOAT.pack(value)
    elif isinstance(value, str):
        yield b"s"
        yield from _sized(value.encode(errors="surrogatepass"))
    elif isinstance(value, bytes):
        yield b"b"
        yield from _sized(value)
    else:
        yield from _array(np.asarray(value), type(value).__name__)


def _array(array: np.ndarray, name: str) -> Iterator[bytes]:
    if array.dtype.hasobject or array.dtype.kind not in _KINDS:
        raise TypeError(f"a {name}, which is neither a number nor an array")
    yield b"a"
    yield from _sized(array.dtype.str.encode())
    yield _LENGTH.pack(array.ndim)
    yield from (_WHOLE.pack(side) for side in array.shape)
    yield from _sized(array.tobytes())


def _sized(data: bytes) -> Iterator[bytes]:
    yield _LENGTH.pack(len(data))
    yield data


class _Reader:
    """Reads the items of one frame."""

    def __init__(self, body: bytes) -> None:
        self._body = memoryview(body)
        self._at = 0
        self._count = 0

    def value(self) -> Any:
        """Return the one value that the frame holds."""
        root: list[Any] = []
        # Containers that are not full yet, each with how many parts it lacks.
        open_parts: list[list[Any]] = [[root, 1]]
        while open_parts:
            container, lacking = open_parts[-1]
            if not lacking:
                open_parts.pop()
                continue
            open_parts[-1][1] -= 1
            key = self._key() if isinstance(container, dict) else None
            part, count = self._next()
            if key is None:
                container.append(part)
            else:
                container[key] = part
            if count:
                if len(open_parts) > _MAX_DEPTH:
                    raise FrameError("a frame that is nested too deeply")
                open_parts.append([part, count])
        if self._at < len(self._body):
            raise FrameError("a frame with bytes after its end")
        return root[0]

    def _next(self) -> tuple[Any, int]:
        """Read an item; return it, and how many parts of it follow."""
        self._count += 1
        if self._count > _MAX_ITEMS:
            raise FrameError(f"a frame of more than {_MAX_ITEMS} items")
        match kind := bytes(self._view(1)):
            case b"n" | b"f" | b"t":
                return {b"n": None, b"f": False, b"t": True}[kind], 0
            case b"i":
                return int(self._short(self._sized())), 0
            case b"r":
                return _FLOAT.unpack(self._view(_FLOAT.size))[0], 0
            case b"s":
                return bytes(self._sized()).decode(errors="surrogatepass"), 0
            case b"b":
                return bytes(self._sized()), 0
            case b"a":
                return self._array(), 0
            case b"l":
                return [], self._length()
            case b"d":
                return {}, self._length()
        raise FrameError("a frame with an unknown item")

    def _key(self) -> str:
        key, _ = self._next()
        if not isinstance(key, str):
            raise FrameError("a dict with a key that is not a string")
        return key

    def _array(self) -> np.ndarray:
        dtype = self._short(self._sized()).decode("ascii")
        if not _DTYPE.fullmatch(dtype):
            raise FrameError("an array of an unknown type")
        dimensions = self._length()
        if dimensions > _MAX_DIMENSIONS:
            raise FrameError("an array of too many dimensions")
        shape = [_WHOLE.unpack(self._view(_WHOLE.size))[0] for _ in range(dimensions)]
        data = self._sized()
        if min(shape, default=0) < 0 or math.prod(shape) * np.dtype(dtype).itemsize != len(data):
            raise FrameError("an array whose shape does not fit its data")
        return np.frombuffer(data, np.dtype(dtype)).reshape(shape).copy()

    def _short(self, text: memoryview) -> bytes:
        if len(text) > _MAX_DIGITS:
            raise FrameError("a number of too many digits")
        return bytes(text)

    def _sized(self) -> memoryview:
        return self._view(self._length())

    def _length(self) -> int:
        length: int = _LENGTH.unpack(self._view(_LENGTH.size))[0]
        return length

    def _view(self, length: int) -> memoryview:
        if length > len(self._body) - self._at:
            raise FrameError("a frame that ends too early")
        view = self._body[self._at : self._at + length]
        self._at += length
        return view

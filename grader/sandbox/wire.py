"""How values travel between the grader and a sandbox: JSON for structure, ``.npy`` for arrays.

Nothing here can run code: arrays with Python objects are refused on both sides. The sandbox runs
this very file, so it imports nothing of the grader.
"""

import io
import json
import struct
from typing import Any, BinaryIO

import numpy as np

__all__ = ["WireError", "receive", "send"]

_HEADER = struct.Struct(">QQ")
_MAX_DEPTH = 8
_MAX_TEXT = 16 << 20
"""Bytes of JSON, which takes many times as much memory as text: arrays travel beside it."""


class WireError(Exception):
    """The other side ended, or sent what is no message."""


def send(stream: BinaryIO, value: Any) -> None:
    """Write one value: None, bool, numbers, str, bytes, arrays, and lists and dicts of them.

    Tensors and other array-likes are converted with :func:`numpy.asarray`.

    Raises
    ------
    TypeError
        If a part of it is none of those.
    """
    arrays: list[np.ndarray] = []
    text = json.dumps(_flatten(value, arrays, 0)).encode()
    body = io.BytesIO()
    for array in arrays:
        np.lib.format.write_array(body, array, allow_pickle=False)
    data = body.getvalue()
    stream.write(_HEADER.pack(len(text), len(data)))
    stream.write(text)
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO, max_bytes: int = 1 << 30) -> Any:
    """Read one value that :func:`send` wrote.

    Raises
    ------
    WireError
        If the stream ended, the message is longer than `max_bytes`, or it is malformed.
    """
    text_length, data_length = _HEADER.unpack(_exactly(stream, _HEADER.size))
    if text_length + data_length > max_bytes or text_length > _MAX_TEXT:
        raise WireError(f"a message of {text_length + data_length} bytes, {max_bytes} allowed")
    text = _exactly(stream, text_length)
    body = io.BytesIO(_exactly(stream, data_length))
    try:
        tree = json.loads(text)
        arrays = []
        while body.tell() < data_length:
            arrays.append(np.lib.format.read_array(body, allow_pickle=False))
        return _restore(tree, arrays, 0)
    except Exception as error:  # the other side may send anything, and any error means the same
        raise WireError(f"a malformed message: {type(error).__name__}") from error


def _exactly(stream: BinaryIO, length: int) -> bytes:
    parts = []
    while length:
        part = stream.read(min(length, 1 << 20))
        if not part:
            raise WireError("the stream ended")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _flatten(value: Any, arrays: list[np.ndarray], depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise TypeError("nested too deeply")
    if value is None or isinstance(value, bool | int | float | str):
        return {"v": value}
    if isinstance(value, bytes):
        arrays.append(np.frombuffer(value, np.uint8))
        return {"b": len(arrays) - 1}
    if isinstance(value, list | tuple):
        return {"l": [_flatten(part, arrays, depth + 1) for part in value]}
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a dict with keys that are not strings")
        return {"d": {key: _flatten(part, arrays, depth + 1) for key, part in value.items()}}
    array = np.asarray(value)
    if array.dtype.hasobject or array.dtype.kind not in "biufcU":
        raise TypeError(f"a {type(value).__name__}, which is neither a number nor an array")
    arrays.append(np.ascontiguousarray(array) if array.ndim else array)
    return {"a": len(arrays) - 1}


def _restore(tree: Any, arrays: list[np.ndarray], depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    ((kind, value),) = tree.items()
    match kind:
        case "v":
            return value
        case "a":
            return arrays[value]
        case "b":
            return arrays[value].tobytes()
        case "l":
            return [_restore(part, arrays, depth + 1) for part in value]
        case "d":
            return {key: _restore(part, arrays, depth + 1) for key, part in value.items()}
    raise ValueError(kind)

"""Values between grader and sandbox: everything meant to travel does, nothing else gets in."""

import contextlib
import io
import pickle
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from grader.sandbox.wire import WireError, receive, send

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text()
)
DTYPES = st.one_of(
    npst.integer_dtypes(),
    npst.unsigned_integer_dtypes(),
    npst.floating_dtypes(),
    npst.boolean_dtypes(),
)
ARRAYS = npst.arrays(DTYPES, npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
VALUES = st.recursive(
    SCALARS | st.binary(max_size=20) | ARRAYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def _sent(value: Any) -> bytes:
    stream = io.BytesIO()
    send(stream, value)
    return stream.getvalue()


def _message(text: bytes, data: bytes = b"") -> io.BytesIO:
    return io.BytesIO(struct.pack(">QQ", len(text), len(data)) + text + data)


def _assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            _assert_same(found[key], value)
    elif isinstance(expected, list):
        assert isinstance(found, list)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            _assert_same(one, other)
    else:
        assert type(found) is type(expected)
        assert found == expected


@given(VALUES)
def test_values_come_back(value: Any) -> None:
    """Scalars, bytes, arrays of any shape, lists and dicts arrive as they left."""
    _assert_same(receive(io.BytesIO(_sent(value))), value)


def test_messages_follow_each_other() -> None:
    """Several messages on one stream do not run into each other."""
    stream = io.BytesIO(_sent({"a": np.arange(3)}) + _sent(None) + _sent([1, "two"]))
    assert receive(stream)["a"].tolist() == [0, 1, 2]
    assert receive(stream) is None
    assert receive(stream) == [1, "two"]


@pytest.mark.parametrize(
    "value",
    [object(), np.array([{}], dtype=object), {1: "key"}, lambda: 0, [np.array(["x", None])]],
    ids=["object", "object array", "int key", "function", "nested object array"],
)
def test_other_values_are_refused(value: Any) -> None:
    """What would need pickle to travel is a TypeError on the sending side."""
    with pytest.raises(TypeError):
        _sent(value)


def test_nesting_is_bounded() -> None:
    """A value that is nested very deeply is refused on both sides."""
    value: Any = 0
    for _ in range(50):
        value = [value]
    with pytest.raises(TypeError):
        _sent(value)
    with pytest.raises(WireError):
        receive(_message(b'{"l":[' * 50 + b'{"v":0}' + b"]}" * 50))


class _Bomb:
    """Would be noticed when unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("a pickle was loaded",)


def test_pickled_arrays_are_refused() -> None:
    """An .npy body that holds pickled objects is never unpickled."""
    body = io.BytesIO()
    np.lib.format.write_array(body, np.array([_Bomb()], dtype=object), allow_pickle=True)
    for data in (body.getvalue(), pickle.dumps(_Bomb())):
        with pytest.raises(WireError):
            receive(_message(b'{"a": 0}', data))


def _npy(header: str) -> bytes:
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"", b""),
        (b"not json", b""),
        (b"\xff\xfe", b""),
        (b"[]", b""),
        (b"3", b""),
        (b"{}", b""),
        (b'{"v": 1, "a": 2}', b""),
        (b'{"z": 1}', b""),
        (b'{"a": 0}', b""),
        (b'{"a": "x"}', b""),
        (b'{"b": 7}', b""),
        (b'{"l": 5}', b""),
        (b'{"d": []}', b""),
        (b"[" * 100_000, b""),
        (b'{"a": 0}', b"no npy at all"),
        (b'{"a": 0}', _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9,)}")),
        (b'{"a": 0}', _npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({1 << 50},)}}")),
        (b'{"a": 0}', _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}")),
        (b'{"a": 0}', _npy("__import__('os').getpid()")),
        (b'{"a": 0}', _npy("((((")),
    ],
)
def test_malformed_messages_are_wire_errors(text: bytes, data: bytes) -> None:
    """Whatever a hostile process sends is a WireError and nothing else."""
    with pytest.raises(WireError):
        receive(_message(text, data))


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_garbage_never_escapes(text: bytes, data: bytes) -> None:
    """Random messages either are values or raise WireError."""
    with contextlib.suppress(WireError):
        receive(_message(text, data))


@given(st.data())
def test_broken_off_streams(data: st.DataObject) -> None:
    """A stream that ends within a message is a WireError."""
    whole = _sent({"a": np.ones((2, 2)), "b": b"xyz"})
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(WireError):
        receive(io.BytesIO(part))


def test_size_is_bounded_before_it_is_read() -> None:
    """A message that announces more than is allowed is refused before any of it is read."""
    stream = io.BytesIO(struct.pack(">QQ", 1 << 62, 0) + b"x" * 100)
    with pytest.raises(WireError, match="allowed"):
        receive(stream)
    with pytest.raises(WireError, match="allowed"):
        receive(io.BytesIO(_sent(np.zeros(1000))), max_bytes=500)


def test_long_text_is_refused_before_it_is_read() -> None:
    """JSON grows manyfold in memory, so its length is bounded apart from that of arrays."""
    stream = io.BytesIO(struct.pack(">QQ", 17 << 20, 0))
    with pytest.raises(WireError, match="a message of"):
        receive(stream)

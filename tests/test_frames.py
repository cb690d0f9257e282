"""Values between grader and sandbox: everything meant to travel does, nothing else gets in."""

import contextlib
import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from grader.sandbox.frames import FrameError, pack, receive, send, unpack

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
DTYPES = st.one_of(
    npst.integer_dtypes(),
    npst.unsigned_integer_dtypes(),
    npst.floating_dtypes(),
    npst.boolean_dtypes(),
    npst.unicode_string_dtypes(),
)
ARRAYS = npst.arrays(DTYPES, npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
VALUES = st.recursive(
    SCALARS | st.binary(max_size=20) | ARRAYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def _assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            _assert_same(found[key], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            _assert_same(one, other)
    else:
        assert found == expected


def _length(count: int) -> bytes:
    return struct.pack(">Q", count)


@given(VALUES)
def test_values_come_back(value: Any) -> None:
    """Scalars, bytes, arrays of any shape, lists and dicts arrive as they left."""
    _assert_same(receive(io.BytesIO(pack(value))), value)


def test_half_characters_come_back() -> None:
    """Text that cannot be encoded, which JSON and notebooks can hold, arrives as well."""
    assert receive(io.BytesIO(pack("\ud800"))) == "\ud800"


def test_frames_follow_each_other() -> None:
    """Several frames on one stream do not run into each other."""
    stream = io.BytesIO()
    for value in ({"a": np.arange(3)}, None, [1, "two"]):
        send(stream, value)
    stream.seek(0)
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
        pack(value)


def test_nesting_is_bounded() -> None:
    """A value that is nested very deeply, or holds itself, is refused on both sides."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(TypeError, match="nested"):
        pack(value)
    with pytest.raises(FrameError, match="nested"):
        unpack((b"l" + _length(1)) * 100_000 + b"n")


TEXT = b"s" + _length(1) + b"x"
FLOATS = b"a" + _length(3) + b"<f8"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"z",
        b"nn",
        b"i" + _length(1) + b"x",
        b"i" + _length(5000) + b"1" * 5000,
        b"r123",
        b"s" + _length(2) + b"\xff\xfe",
        b"s" + _length(1 << 60),
        b"l" + _length(2) + b"n",
        b"l" + _length(1 << 60),
        b"d" + _length(1) + b"n" + b"n",
        b"d" + _length(1) + TEXT,
        b"a" + _length(2) + b"|O" + _length(1) + _length(1) + _length(8) + bytes(8),
        b"a" + _length(11) + b"(99999,99)f4" + _length(1) + _length(1) + _length(8) + bytes(8),
        FLOATS + _length(1) + _length(9) + _length(8) + bytes(8),
        FLOATS + _length(1) + _length(1 << 50) + _length(8) + bytes(8),
        FLOATS + _length(2) + struct.pack(">qq", -1, -1) + _length(8) + bytes(8),
        FLOATS + _length(1 << 40),
    ],
)
def test_malformed_frames_are_frame_errors(body: bytes) -> None:
    """Whatever a hostile process sends is a FrameError and nothing else."""
    with pytest.raises(FrameError):
        unpack(body)


def test_many_items_are_refused() -> None:
    """Small items grow manyfold in memory, so their number is bounded, too."""
    with pytest.raises(FrameError, match="items"):
        unpack(b"l" + _length(2_000_000) + b"n" * 2_000_000)


@given(st.lists(st.sampled_from([b"l", b"d", b"s", b"a", b"i", b"n", _length(1), _length(2)])))
def test_garbage_never_escapes(parts: list[bytes]) -> None:
    """Random items either are a value or raise FrameError."""
    with contextlib.suppress(FrameError):
        unpack(b"".join(parts))


@given(st.data())
def test_broken_off_streams(data: st.DataObject) -> None:
    """A stream that ends within a frame is a FrameError."""
    whole = pack({"a": np.ones((2, 2)), "b": b"xyz"})
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(FrameError):
        receive(io.BytesIO(part))


def test_size_is_bounded_before_it_is_read() -> None:
    """A frame that announces more than is allowed is refused before any of it is read."""
    with pytest.raises(FrameError, match="allowed"):
        receive(io.BytesIO(_length(1 << 62) + b"x" * 100))
    with pytest.raises(FrameError, match="allowed"):
        receive(io.BytesIO(pack(np.zeros(1000))), max_bytes=500)

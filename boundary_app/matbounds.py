"""Looking over a MATLAB file from a stranger before anything is unpacked from it.

A MATLAB 5 file is a header of 128 bytes and then elements: a tag (type and length, four bytes
each) and so many bytes. An element may hold a compressed one, and a matrix holds elements, so a
small file may unpack to gigabytes, or be nested so deeply that reading it ends the process.
"""

import zlib
from typing import Final, Literal

from bsds_utils.errors import BSDSError

__all__ = ["require_bounded"]

Order = Literal["little", "big"]

_HEADER: Final = 128
_ORDERS: Final[dict[bytes, Order]] = {b"IM": "little", b"MI": "big"}
_MATRIX: Final = 14
_COMPRESSED: Final = 15
_MOST_LEVELS: Final = 8  # a struct in a cell of a cell array has three
_MOST_ELEMENTS: Final = 20_000


def require_bounded(content: bytes, name: str, advice: str, max_bytes: int) -> None:
    """Refuse a MATLAB 5 file that would take much memory or stack to read.

    Parameters
    ----------
    content
        The file's bytes. What is no such file at all passes: the reader will say so.
    name
        What to call the file in error messages.
    advice
        What to do, for the end of the error message.
    max_bytes
        Most bytes that it may unpack to.

    Raises
    ------
    BSDSError
        If it unpacks to more, or is nested deeper or has more parts than ground truth has.
    """
    order = _ORDERS.get(content[126:_HEADER])
    if order is None:
        return
    left = max_bytes
    place = _HEADER
    while place + 8 <= len(content):
        kind, length = _tag(content, place, order)
        body = content[place + 8 : place + 8 + length]
        if kind == _COMPRESSED:
            body = _unpacked(body, left)
        left -= len(body)
        if left <= 0:
            raise BSDSError(
                f"{name}: expected at most {max_bytes >> 20} MiB when unpacked, found more; "
                f"{advice}"
            )
        if kind in (_MATRIX, _COMPRESSED) and not _flat(body, order):
            raise BSDSError(
                f"{name}: expected a cell array of structs, found one that is nested deeper or "
                f"has more parts than ground truth has; {advice}"
            )
        place += 8 + length


def _tag(content: bytes, place: int, order: Order) -> tuple[int, int]:
    kind = int.from_bytes(content[place : place + 4], order)
    length = int.from_bytes(content[place + 4 : place + 8], order)
    return kind, length


def _unpacked(packed: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""  # damaged: the reader will say so


def _flat(content: bytes, order: Order) -> bool:
    """Say whether elements are nested and as many as in ground truth at most."""
    ends: list[int] = []
    place = 0
    for _ in range(_MOST_ELEMENTS):
        while ends and place >= ends[-1]:
            ends.pop()
        if place + 8 > len(content):
            return True
        kind, length = _tag(content, place, order)
        if kind >> 16:  # up to four bytes, in the tag itself
            place += 8
        elif kind == _MATRIX and length:
            ends.append(place + 8 + length)
            if len(ends) > _MOST_LEVELS:
                return False
            place += 8
        else:
            place += 8 + length + -length % 8
    return False

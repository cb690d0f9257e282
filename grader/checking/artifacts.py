"""Reading the small files that a submission left behind without trusting them."""

import json
from typing import Any

from grader.checking.verdict import Kind

__all__ = ["NOT_JSON", "ArtifactError", "read_json"]

NOT_JSON = "{name} is not the JSON file that {writer} writes"

_MAX_JSON = 1 << 20
_MAX_DIGITS = 18


class ArtifactError(Exception):
    """An artifact that is missing or not what it must be; the message is for the student.

    Attributes
    ----------
    kind
        ``"refused"`` if it could do harm when opened, ``"missing"`` if there is none.
    """

    def __init__(self, message: str, kind: Kind = "wrong") -> None:
        super().__init__(message)
        self.kind: Kind = kind


def read_json(data: bytes | None, name: str, writer: str = "your notebook") -> dict[str, Any]:
    """Read a small JSON object from the contents of a file, None where it is missing.

    Raises
    ------
    ArtifactError
        If it is missing, too large or no JSON object.
    """
    if data is None:
        raise ArtifactError(
            f"your notebook did not write {name}: the cell that saves it did not run to its end",
            "missing",
        )
    try:
        value = json.loads(data, parse_int=_whole_number) if len(data) <= _MAX_JSON else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ArtifactError(NOT_JSON.format(name=name, writer=writer))
    return value


def _whole_number(digits: str) -> int:
    """Read a number that arithmetic with floats can take."""
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number of too many digits")
    return int(digits)

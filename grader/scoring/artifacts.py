"""Reading the small files that a submission left behind without trusting them."""

import json
from pathlib import Path
from typing import Any

from grader.scoring.verdict import Kind

__all__ = ["ArtifactError", "read_json"]

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


def read_json(path: Path) -> dict[str, Any]:
    """Read a small JSON object.

    Raises
    ------
    ArtifactError
        If it is missing, too large or no JSON object.
    """
    if not path.is_file():
        raise ArtifactError(
            f"your notebook did not write {path.name}: the cell that saves it did not run "
            "to its end"
        )
    data = path.read_bytes()
    try:
        value = json.loads(data, parse_int=_whole_number) if len(data) <= _MAX_JSON else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not _has_tables_of_metrics(value):
        raise ArtifactError(f"{path.name} is not the JSON file that bsds.save_model writes")
    return value


def _whole_number(digits: str) -> int:
    """Read a number that arithmetic with floats can take."""
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number of too many digits")
    return int(digits)


def _has_tables_of_metrics(card: dict[str, Any]) -> bool:
    metrics = card.get("metrics", {})
    return isinstance(metrics, dict) and all(isinstance(one, dict) for one in metrics.values())

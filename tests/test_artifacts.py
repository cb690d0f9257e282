"""Reading what a submission left behind: model cards."""

from pathlib import Path

import pytest

from grader.scoring.artifacts import ArtifactError, read_json


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no json", b"[1]", b"3", b"\xff", b"[" * 90_000, b'{"a": "' + bytes(2 << 20) + b'"}',
        b'{"a": 1' + b"0" * 400 + b"}", b'{"metrics": 3}', b'{"metrics": {"test": [0.5]}}',
    ],
    ids=[
        "empty", "text", "list", "number", "binary", "deep", "large", "huge number", "no metrics",
        "no table",
    ],
)  # fmt: skip
def test_broken_cards(data: bytes, tmp_path: Path) -> None:
    """A card that is no small JSON object is an artifact error with its name."""
    path = tmp_path / "card.json"
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=r"card\.json"):
        read_json(path)


def test_cards(tmp_path: Path) -> None:
    """A JSON object is read; a missing file says what the student has to do."""
    path = tmp_path / "card.json"
    with pytest.raises(ArtifactError, match="did not write"):
        read_json(path)
    path.write_text('{"threshold": 0.5}')
    assert read_json(path) == {"threshold": 0.5}

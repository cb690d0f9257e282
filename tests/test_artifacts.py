"""Reading what a submission left behind: model cards."""

import pytest

from grader.checking.artifacts import ArtifactError, read_json


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
def test_broken_cards(data: bytes) -> None:
    """A card that is no small JSON object is an artifact error with its name."""
    with pytest.raises(ArtifactError, match=r"card\.json"):
        read_json(data, "card.json")


def test_cards() -> None:
    """A JSON object is read; a missing file says what the student has to do."""
    with pytest.raises(ArtifactError, match="did not write"):
        read_json(None, "card.json")
    assert read_json(b'{"threshold": 0.5}', "card.json") == {"threshold": 0.5}

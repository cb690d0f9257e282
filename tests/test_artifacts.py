"""Reading what a submission left behind: small JSON files, such as model cards."""

import pytest

from grader.checking.artifacts import ArtifactError, read_json
from grader.course.submission import NetworkSubmission


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no json", b"[1]", b"3", b"\xff", b"[" * 90_000, b'{"a": "' + bytes(2 << 20) + b'"}',
        b'{"a": 1' + b"0" * 400 + b"}",
    ],
    ids=["empty", "text", "list", "number", "binary", "deep", "large", "huge number"],
)  # fmt: skip
def test_broken_files(data: bytes) -> None:
    """A file that is no small JSON object is an artifact error with its name."""
    with pytest.raises(ArtifactError, match=r"card\.json"):
        read_json(data, "card.json")


@pytest.mark.parametrize("data", [b'{"metrics": 3}', b'{"metrics": {"test": [0.5]}}'])
def test_broken_cards(data: bytes) -> None:
    """A model card has tables of metrics, if it has any."""
    submission = NetworkSubmission.__new__(NetworkSubmission)
    submission.artifacts = {"card.json": data}
    with pytest.raises(ArtifactError, match=r"card\.json is not .* bsds\.save_model writes"):
        submission.json("card.json")


def test_files() -> None:
    """A JSON object is read; a missing file says what the student has to do."""
    with pytest.raises(ArtifactError, match="did not write"):
        read_json(None, "card.json")
    assert read_json(b'{"threshold": 0.5}', "card.json") == {"threshold": 0.5}

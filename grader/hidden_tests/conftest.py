"""Fixtures of the hidden checks."""

import pytest

from grader.scoring.evidence import Evidence
from grader.scoring.plugin import CREDIT, EVIDENCE
from grader.scoring.verdict import Credit


@pytest.fixture(scope="session")
def submission(request: pytest.FixtureRequest) -> Evidence:
    """Give the submission under test."""
    return request.config.stash[EVIDENCE]


@pytest.fixture
def credit(request: pytest.FixtureRequest) -> Credit:
    """Give the partial credit and remarks of the current test."""
    credit = Credit()
    request.node.stash[CREDIT] = credit
    return credit

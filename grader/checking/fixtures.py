"""What hidden checks may ask for as arguments: pytest's fixtures."""

import numpy as np
import pytest

from grader.checking.plugin import CREDIT, SUBMISSION
from grader.checking.submission import Submission
from grader.checking.verdict import Credit


@pytest.fixture(scope="session")
def submission(request: pytest.FixtureRequest) -> Submission:
    """Give the submission under test."""
    return request.config.stash[SUBMISSION]


@pytest.fixture
def generator(submission: Submission, request: pytest.FixtureRequest) -> np.random.Generator:
    """Give random numbers that nobody can foresee, and that are the same when graded again."""
    return submission.generator(request.node.name)


@pytest.fixture
def credit(request: pytest.FixtureRequest) -> Credit:
    """Give the partial credit and remarks of the current test."""
    credit = Credit()
    request.node.stash[CREDIT] = credit
    return credit

"""The pytest plugin that turns hidden tests into verdicts."""

import traceback
from collections.abc import Iterator, Mapping

import pytest

from grader.checking.artifacts import ArtifactError
from grader.checking.submission import Submission
from grader.checking.verdict import BROKEN, CheckFailed, Credit, Kind, Verdict
from grader.notebooks.text import harmless_line
from grader.sandbox.probe import ProbeError

__all__ = ["CREDIT", "PASSED", "SUBMISSION", "VerdictPlugin", "grade_id_of"]

SUBMISSION = pytest.StashKey[Submission]()
CREDIT = pytest.StashKey[Credit]()

PASSED = "passed"

_PREFIX = "test_"


def grade_id_of(test_name: str) -> str:
    """Grade id of the cell that a hidden test belongs to."""
    return test_name.removeprefix(_PREFIX)


class VerdictPlugin:
    """Records one verdict for each hidden test.

    Parameters
    ----------
    submission
        What is known of the submission.
    points
        Points by grade id.
    """

    def __init__(self, submission: Submission, points: Mapping[str, float]) -> None:
        self._submission = submission
        self._points = points
        self.verdicts: dict[str, Verdict] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        """Hand the submission to the fixtures."""
        config.stash[SUBMISSION] = self._submission

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Turn the test's outcome into a verdict."""
        grade_id = grade_id_of(item.name)
        maximum = self._points[grade_id]
        credit = item.stash.get(CREDIT, Credit())
        fraction, internal = 0.0, None
        kind: Kind = "wrong"
        try:
            yield
        except (CheckFailed, ProbeError, ArtifactError) as failure:
            message = str(failure)
            if isinstance(failure, ArtifactError):
                kind = failure.kind
        except Exception:
            message, internal = BROKEN, traceback.format_exc()
        else:
            fraction = credit.fraction
            message = " ".join(credit.notes) or PASSED
        self.verdicts[grade_id] = Verdict(
            grade_id, round(fraction * maximum, 2), maximum, harmless_line(message), internal, kind
        )

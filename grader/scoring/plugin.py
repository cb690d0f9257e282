"""The pytest plugin that turns hidden tests into verdicts."""

import traceback
from collections.abc import Iterator, Mapping

import pytest

from grader.sandbox.probe import ProbeError
from grader.scoring.artifacts import ArtifactError
from grader.scoring.evidence import Evidence
from grader.scoring.verdict import CheckFailed, Credit, Verdict

__all__ = ["PASSED", "VerdictPlugin", "grade_id_of"]

PASSED = "passed"
BROKEN = "this check could not be completed; your instructor has been told why"

_PREFIX = "test_"


def grade_id_of(test_name: str) -> str:
    """Grade id of the cell that a hidden test belongs to."""
    return test_name.removeprefix(_PREFIX)


class VerdictPlugin:
    """Gives hidden tests their fixtures and records one verdict each.

    Parameters
    ----------
    evidence
        What is known of the submission.
    points
        Points by grade id.
    """

    def __init__(self, evidence: Evidence, points: Mapping[str, float]) -> None:
        self._evidence = evidence
        self._points = points
        self._credit = Credit()
        self.verdicts: dict[str, Verdict] = {}

    @pytest.fixture(scope="session")
    def submission(self) -> Evidence:
        """Give the submission under test."""
        return self._evidence

    @pytest.fixture
    def credit(self) -> Credit:
        """Give partial credit and remarks of the current test."""
        return self._credit

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Turn the test's outcome into a verdict."""
        grade_id = grade_id_of(item.name)
        maximum = self._points[grade_id]
        self._credit = Credit()
        item.funcargs["credit"] = self._credit  # type: ignore[attr-defined]
        fraction, internal = 0.0, None
        try:
            yield
        except (CheckFailed, ProbeError, ArtifactError) as failure:
            message = str(failure)
        except Exception:
            message, internal = BROKEN, traceback.format_exc()
        else:
            fraction = self._credit.fraction
            message = " ".join(self._credit.notes) or PASSED
        self.verdicts[grade_id] = Verdict(
            grade_id, round(fraction * maximum, 2), maximum, message, internal
        )

"""A class of correct submissions, in as many styles as there are, has nobody to look at."""

from pathlib import Path

import pytest

from grader.course import ASSIGNMENTS
from grader.folders import Workplace
from grader.samples import cases
from grader.suspicion import investigate
from tests.graded_class import refused

WHEAT = [case for case in cases() if case.kind == "wheat"]


def test_there_are_many_styles() -> None:
    """The sample class is large enough to stand for a real one."""
    assert len(WHEAT) >= 30


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_nobody_is_suspicious(name: str, tmp_path: Path) -> None:
    """No sign, and no two alike, in files, metadata and code of the whole class."""
    students = [case.name for case in WHEAT if case.assignment == name]
    for case in WHEAT:
        if case.assignment == name:
            case.write(tmp_path)
    graded = [refused(student, "not run here") for student in students]
    found = investigate(ASSIGNMENTS[name], graded, Workplace(tmp_path))
    signs = {
        student: [finding for finding in findings if finding.weight == "sign"]
        for student, findings in found.findings.items()
    }
    assert {student: signs[student] for student in students if signs[student]} == {}
    assert found.suspicious == []

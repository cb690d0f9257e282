"""A verdict says of what kind its failure is, so that nobody has to read its sentence."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from grader.checking.artifacts import ArtifactError
from grader.checking.plugin import VerdictPlugin
from grader.checking.verdict import CheckFailed
from grader.sandbox.probe import ProbeError


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (ArtifactError("unsafe", "refused"), "refused"),
        (ArtifactError("not there", "missing"), "missing"),
        (ArtifactError("another shape"), "wrong"),
        (CheckFailed("too low"), "wrong"),
        (ProbeError("no answer"), "wrong"),
        (ValueError("the check itself broke"), "wrong"),
    ],
)
def test_kind_of_a_failed_check(failure: Exception, kind: str) -> None:
    """What was raised decides; a check that passes or breaks accuses nobody."""
    plugin = VerdictPlugin(cast(Any, None), {"iou": 6.0})
    item = cast(Any, SimpleNamespace(name="test_iou", stash=pytest.Stash()))
    running = cast(Any, plugin.pytest_runtest_call(item))
    next(running)
    with pytest.raises(StopIteration):
        running.throw(failure)
    verdict = plugin.verdicts["iou"]
    assert (verdict.points, verdict.kind) == (0.0, kind)

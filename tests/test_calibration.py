"""Targets: between the trivial baseline and what the reference reaches, for every case."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsds_utils.errors import BSDSError
from grader import calibration
from grader.calibration import (
    CALIBRATION_FILE,
    FULL_CREDIT_SHARE,
    Target,
    case_name,
    load_target,
)

CASE = {
    "baseline": 0.3,
    "runs": [
        {"seconds": 10, "seed": 0, "iou": 0.5}, {"seconds": 10, "seed": 1, "iou": 0.4},
        {"seconds": 1000, "seed": 0, "iou": 0.6}, {"seconds": 1000, "seed": 1, "iou": 0.7},
    ],
}  # fmt: skip


@pytest.fixture
def _made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a calibration in place whose targets can be worked out by hand."""
    cases = {"cnn": {"deadleaves/random": CASE}}
    monkeypatch.setattr(calibration, "_read", lambda: cases)


def _target(seconds: float) -> Target:
    return load_target("cnn", "deadleaves", seconds, imagenet=False)


@given(st.floats(0, 1), st.floats(0, 1))
def test_share_grows_with_iou(first: float, second: float) -> None:
    """More IoU never earns less; the share is 0 at the baseline and 1 at the target."""
    target = Target(0.3, 0.5)
    low, high = sorted((first, second))
    assert 0 <= target.share(low) <= target.share(high) <= 1
    assert (target.share(0.3), target.share(0.5)) == (0, 1)
    assert target.share(0.4) == pytest.approx(0.5)


@pytest.mark.usefixtures("_made_up")
def test_worst_seed_counts() -> None:
    """At a calibrated budget the target follows from the worst of the seeds."""
    assert _target(10).baseline == 0.3
    assert _target(10).full == pytest.approx(0.3 + FULL_CREDIT_SHARE * 0.1)
    assert _target(1000).full == pytest.approx(0.3 + FULL_CREDIT_SHARE * 0.3)


@pytest.mark.usefixtures("_made_up")
def test_gain_counts_from_the_images_at_hand() -> None:
    """Hidden images with more boundary move baseline and target by the same step."""
    usual = _target(1000)
    moved = load_target("cnn", "deadleaves", 1000, imagenet=False, baseline=0.35)
    assert moved.baseline == 0.35
    assert moved.full - usual.full == pytest.approx(0.05)


@pytest.mark.usefixtures("_made_up")
def test_interpolation_is_logarithmic() -> None:
    """Half-way between 10 and 1000 seconds is 100; beyond the longest nothing is added."""
    assert _target(100).full == pytest.approx(0.3 + FULL_CREDIT_SHARE * 0.2)
    assert _target(90_000) == _target(1000)


@pytest.mark.usefixtures("_made_up")
@given(st.floats(0.01, 1e5), st.floats(0.01, 1e5))
def test_more_time_never_lowers_the_target(first: float, second: float) -> None:
    """A longer budget asks for no less, and full credit is always above the baseline."""
    low, high = sorted((first, second))
    assert _target(low).baseline < _target(low).full <= _target(high).full + 1e-12


@pytest.mark.usefixtures("_made_up")
def test_encoder_matters_for_resnet_alone() -> None:
    """The scratch CNN has one target, with or without encoder weights at hand."""
    assert load_target("cnn", "deadleaves", 60, imagenet=True) == _target(60)
    assert case_name("bsds500", imagenet=True) == "bsds500/imagenet"
    with pytest.raises(BSDSError, match=r"deadleaves/imagenet.*grader\.calibrate resnet"):
        load_target("resnet", "deadleaves", 60, imagenet=True)


@pytest.mark.parametrize("assignment", ["cnn", "resnet"])
@pytest.mark.parametrize("source", ["deadleaves", "bsds500"])
@pytest.mark.parametrize("imagenet", [False, True])
def test_committed_calibration_is_complete(assignment: str, source: str, imagenet: bool) -> None:
    """Every case that can be graded has a sensible target at usual budgets."""
    for seconds in (5, 60, 600):
        target = load_target(assignment, source, seconds, imagenet=imagenet)
        assert 0.1 < target.baseline < target.full < 1
        assert not math.isnan(target.full)


def test_committed_runs_are_measurements() -> None:
    """Every calibrated case has runs with a budget, a seed and an IoU in range."""
    for cases in json.loads(CALIBRATION_FILE.read_text(encoding="utf-8")).values():
        for case in cases.values():
            assert case["runs"]
            for run in case["runs"]:
                assert run["seconds"] > 0
                assert run["seed"] >= 0
                assert 0 <= run["iou"] <= 1


def test_explanation_names_all_figures() -> None:
    """The student reads the own IoU, the threshold, the baseline and what earns all points."""
    text = Target(0.3, 0.5).explain(0.4, 0.36)
    assert all(figure in text for figure in ("0.400", "0.36", "0.300", "0.500"))

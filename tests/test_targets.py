"""Targets: between the best untrained answer and what the reference reaches, for every case."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsds_utils.errors import BSDSError
from grader.cli import grade
from grader.course import ASSIGNMENTS, calibrate, targets
from grader.course.network import network_assignment
from grader.course.settings import BoundarySettings
from grader.course.targets import (
    CALIBRATION_FILE,
    Target,
    case_name,
    load_target,
)
from grader.folders import Workplace

CNN, RESNET = network_assignment("cnn"), network_assignment("resnet")
UNTRAINED = {"all background": 0.0, "all boundary": 0.2, "Sobel": 0.3}
RUNS = [
    {"seconds": 10, "seed": 0, "iou": 0.5}, {"seconds": 10, "seed": 1, "iou": 0.4},
    {"seconds": 1000, "seed": 0, "iou": 0.6}, {"seconds": 1000, "seed": 1, "iou": 0.7},
]  # fmt: skip
IMAGENET = BoundarySettings(encoder_weights=CALIBRATION_FILE)

Measured = Callable[..., Callable[[float], Target]]


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Return a maker of targets from runs that can be worked out by hand."""

    def make(runs: Iterable[dict[str, float]] = RUNS) -> Callable[[float], Target]:
        path = tmp_path_factory.mktemp("calibration") / "made_up.json"
        case = {"untrained": UNTRAINED, "runs": list(runs)}
        path.write_text(json.dumps({"cnn": {"deadleaves/random": case}}), encoding="utf-8")
        settings = BoundarySettings(calibration=path)
        return lambda seconds: load_target(
            CNN, "deadleaves", replace(settings, train_seconds=seconds)
        )

    return make


@given(st.floats(0, 1), st.floats(0, 1))
def test_share_grows_with_iou(first: float, second: float) -> None:
    """More IoU never earns less; the share is 0 at the baseline and 1 at the target."""
    target = Target(0.3, "Sobel", 0.5, 0.6, 60, 60)
    low, high = sorted((first, second))
    assert 0 <= target.share(low) <= target.share(high) <= 1
    assert (target.share(0.3), target.share(0.5)) == (0, 1)
    assert target.share(0.4) == pytest.approx(0.5)


def test_points_begin_above_the_best_untrained_answer(measured: Measured) -> None:
    """The best answer that needs no training earns nothing, and is named."""
    target = measured()(10)
    assert (target.baseline, target.method) == (0.3, "Sobel")
    assert target.share(0.3) == 0


def test_worst_seed_counts(measured: Measured) -> None:
    """At a calibrated budget the target follows from the worst of the seeds."""
    target = measured()
    assert target(10).full == pytest.approx(0.3 + CNN.full_credit_share * 0.1)
    assert target(1000).full == pytest.approx(0.3 + CNN.full_credit_share * 0.3)


def test_between_short_budgets_counts_what_was_measured(measured: Measured) -> None:
    """Where a shorter budget than ten seconds was measured, nothing else is assumed there."""
    runs = [{"seconds": 4, "seed": 0, "iou": 0.5}, {"seconds": 40, "seed": 0, "iou": 0.6}]
    assert measured(runs)(10).reference >= 0.5


def test_gain_counts_from_the_images_at_hand(measured: Measured) -> None:
    """Where untrained answers have more, on other hidden images, so must the trained ones."""
    usual = measured()(1000)
    settings = BoundarySettings(train_seconds=1000)
    there = {**UNTRAINED, "all boundary": 0.35}
    with pytest.MonkeyPatch.context() as patch:
        case = {"untrained": UNTRAINED, "runs": RUNS}
        patch.setattr(targets, "_read", lambda *_: {"cnn": {"deadleaves/random": case}})
        moved = load_target(CNN, "deadleaves", settings, there)
    assert (moved.baseline, moved.method) == (0.35, "all boundary")
    assert moved.full - usual.full == pytest.approx(0.05)


def test_interpolation_is_logarithmic(measured: Measured) -> None:
    """Half-way between 10 and 1000 seconds is 100; beyond the longest nothing is added."""
    target = measured()
    assert target(100).full == pytest.approx(0.3 + CNN.full_credit_share * 0.2)
    assert target(90_000).full == target(1000).full


@given(
    st.lists(st.tuples(st.sampled_from([15, 60, 120]), st.floats(0, 1)), min_size=1),
    st.floats(0.01, 1e5),
    st.floats(0.01, 1e5),
)
def test_more_time_never_lowers_the_target(
    measured: Measured, runs: list[tuple[float, float]], first: float, second: float
) -> None:
    """A longer budget asks for no less, and full credit is always well above the baseline."""
    target = measured({"seconds": s, "seed": i, "iou": iou} for i, (s, iou) in enumerate(runs))
    low, high = sorted((first, second))
    assert target(low).baseline + 0.029 < target(low).full <= target(high).full + 1e-12


def test_a_budget_that_is_too_short_is_told(measured: Measured) -> None:
    """Where the reference does not beat Sobel, grading says so, and names a budget that does."""
    runs = [{"seconds": s, "seed": 0, "iou": iou} for s, iou in ((15, 0.28), (60, 0.4))]
    target = measured(runs)
    assert target(60).problem is None
    problem = target(15).problem
    assert problem is not None
    for part in ("15 s is not enough", "reaches 0.280", "'Sobel'", "0.300", "60 s are enough"):
        assert part in problem
    assert problem in target(15).explain(0.29, 0.5)
    assert problem not in target(15).explain(0.9, 0.5)
    assert "none of those measured is enough" in str(measured(runs[:1])(15).problem)


def test_grading_warns_of_a_short_budget(
    tiny_deadleaves: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line before grading says so, and nothing where the budget is long enough."""
    settings = BoundarySettings(data_root=tiny_deadleaves)
    grade._warn_of_budget(CNN, settings)
    assert capsys.readouterr().err == ""
    grade._warn_of_budget(CNN, replace(settings, train_seconds=12.0))
    (line,) = capsys.readouterr().err.splitlines()
    assert "12 s is not enough" in line


def test_encoder_matters_for_resnet_alone() -> None:
    """The scratch CNN has one target, with or without encoder weights at hand."""
    assert case_name(CNN, "bsds500", IMAGENET) == "bsds500/random"
    assert case_name(RESNET, "bsds500", IMAGENET) == "bsds500/imagenet"
    assert case_name(RESNET, "bsds500", BoundarySettings()) == "bsds500/random"


def test_a_case_that_was_never_measured_is_told(measured: Measured, tmp_path: Path) -> None:
    """Grading without a calibration ends with the command that makes one."""
    empty = tmp_path / "empty.json"
    empty.write_text("{}", encoding="utf-8")
    with pytest.raises(BSDSError, match=r"deadleaves/imagenet.*grader\.course\.calibrate resnet"):
        load_target(RESNET, "deadleaves", replace(IMAGENET, calibration=empty))


@pytest.mark.parametrize("assignment", ASSIGNMENTS.values(), ids=lambda one: one.name)
@pytest.mark.parametrize("source", ["deadleaves", "bsds500"])
@pytest.mark.parametrize("settings", [BoundarySettings(), IMAGENET], ids=["random", "imagenet"])
def test_the_default_budget_is_enough(assignment, source: str, settings: BoundarySettings) -> None:
    """By default the reference is well above every untrained answer; or grading says it is not.

    A random encoder stands in where a course has no weights, and need not learn photographs.
    """
    target = load_target(assignment, source, settings)
    assert 0.2 < target.baseline < target.full < 1
    if case_name(assignment, source, settings) != "bsds500/random" or not assignment.encoder:
        assert target.problem is None, target.problem
        assert target.full <= target.reference


def test_committed_runs_are_measurements() -> None:
    """Every calibrated case has untrained answers, and runs with budget, seed and IoU in range."""
    for cases in json.loads(CALIBRATION_FILE.read_text(encoding="utf-8")).values():
        for case in cases.values():
            assert set(case["untrained"]) == set(UNTRAINED)
            assert case["runs"]
            for run in case["runs"]:
                assert run["seconds"] > 0
                assert run["seed"] >= 0
                assert 0 <= run["iou"] <= 1


def test_explanation_names_all_figures() -> None:
    """The student reads the own IoU, the threshold, the baseline and what earns all points."""
    text = Target(0.3, "Sobel", 0.5, 0.6, 60, 60).explain(0.4, 0.36)
    assert all(figure in text for figure in ("0.400", "0.36", "0.300", "'Sobel'", "0.500"))


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int]]:
    """Have calibration runs invented; return the budgets and seeds asked for. The third fails."""
    asked: list[tuple[float, int]] = []

    def measure(
        case: object, settings: BoundarySettings, workplace: object, seed: int
    ) -> dict[str, float]:
        asked.append((settings.budget(CNN), seed))
        if len(asked) == 3:
            raise BSDSError("interrupted")
        return {"seconds": settings.budget(CNN), "seed": seed, "iou": 0.6 + seed / 100}

    monkeypatch.setattr(calibrate, "_measure", measure)
    return asked


def test_an_interrupted_calibration_goes_on(
    graded: list[tuple[float, int]], tiny_deadleaves: Path, tmp_path: Path
) -> None:
    """Every run is kept when it is done and not made again; other cases stay as they are."""
    path = tmp_path / "targets.json"
    path.write_text('{"resnet": {"deadleaves/random": {"runs": []}}}', encoding="utf-8")
    settings, workplace = BoundarySettings(data_root=tiny_deadleaves), Workplace(tmp_path)

    def run() -> None:
        calibrate.calibrate(CNN, settings, workplace, path, [5.0, 7.0], range(2), jobs=1)

    with pytest.raises(BSDSError, match="interrupted"):
        run()
    run()
    assert sorted(graded) == [(5, 0), (5, 1), (7, 0), (7, 0), (7, 1)]
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["resnet"] == {"deadleaves/random": {"runs": []}}
    runs = kept["cnn"]["deadleaves/random"]["runs"]
    assert [(run["seconds"], run["seed"]) for run in runs] == [(5, 0), (5, 1), (7, 0), (7, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate, "_measure", lambda *_: 1 / 0)
        run()

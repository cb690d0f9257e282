"""Every sample submission, graded as a class is: correct ones get all points, wrong ones less.

Training is short, and longer for those whose network did not learn enough in that time. On a slow
machine the class is stopped after some time; who is left differs from commit to commit.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from red_lines import CALIBRATION, TRAIN_SECONDS, hide_red_scenes
from stock_nbgrader import nbgrader

from bsds_utils.models.revision import current_commit
from grader.assignment import COURSE_ROOT, get_assignment
from grader.classroom.run import grade_class
from grader.course.settings import BoundarySettings
from grader.folders import Workplace
from grader.gradebook.book import CourseGradebook
from grader.grading.result import Result
from grader.samples import Case, cases
from grader.sandbox.bubblewrap import sandbox_problem

# The first test of an assignment grades its whole class.
pytestmark = [pytest.mark.alone, pytest.mark.slow, pytest.mark.sandbox, pytest.mark.timeout(3600)]

OTHER_SETTINGS = (
    "BSDS_SOURCE", "BSDS_COURSE_SECRET", "BSDS_COURSE_SECRET_FILE", "BSDS_ENCODER_WEIGHTS",
    "BSDS_UNSAFE_NO_SANDBOX",
)  # fmt: skip
# After which no further submissions are graded.
MINUTES = {"cnn": 9, "resnet": 3}
AT_A_TIME = 6
JOBS = 2
# Long enough for every correct submission, short enough to wait for those that never end.
LIMITS = {
    "cnn": {"submission_seconds": 100.0, "cell_seconds": 40.0, "processes": 256},
    "resnet": {"submission_seconds": 110.0, "cell_seconds": 60.0},
}

ALL = cases()
WHEAT = [case for case in ALL if case.kind == "wheat"]
CHAFF = [case for case in ALL if case.kind == "chaff" and case.status == "graded"]
UNGRADED = [case for case in ALL if case.status != "graded"]
STOCK = [case for case in ALL if case.name in ("cnn_blank", "cnn_all_ones", "cnn_dilated")]

each = pytest.mark.parametrize


@dataclass(frozen=True)
class GradedClass:
    """What came of grading the sample submissions of one assignment side by side.

    Attributes
    ----------
    root
        The course's folder.
    results
        By the case's name.
    unrecorded
        Why the gradebook did not take a result.
    seconds
        Each case's training budget.
    environment
        How they were graded, in the variables that also reach stock nbgrader.
    """

    root: Path
    results: dict[str, Result]
    unrecorded: dict[str, str | None]
    seconds: dict[str, float]
    environment: dict[str, str]

    def result(self, case: Case) -> Result:
        """Return what came of a case, or skip the test if its turn did not come."""
        if case.name not in self.results:
            pytest.skip(f"the class took {MINUTES[case.assignment]} minutes before its turn came")
        return self.results[case.name]


GradeClass = Callable[[str], GradedClass]


@pytest.fixture(scope="module")
def graded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, few_scenes: Path
) -> GradeClass:
    """Grade the selected cases of an assignment, once."""
    problem = sandbox_problem()
    if problem is not None:
        pytest.skip(problem)
    folder = tmp_path_factory.mktemp("course")
    selected = {
        item.callspec.params["case"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "case" in getattr(item, "fixturenames", ())
    }
    finished: dict[str, GradedClass] = {}

    def grade(name: str) -> GradedClass:
        if name not in finished:
            environment = {
                "BSDS_CACHE": str(folder / "cache"),
                "BSDS500_ROOT": str(few_scenes),
                "BSDS_CALIBRATION": str(CALIBRATION),
            }
            root = folder / name
            chosen = _in_order(case for case in selected if case.assignment == name)
            for case in chosen:
                case.write(root)
            course = GradedClass(root, {}, {}, {}, environment)
            with pytest.MonkeyPatch.context() as patch:
                for variable in OTHER_SETTINGS:
                    patch.delenv(variable, raising=False)
                for variable, value in environment.items():
                    patch.setenv(variable, value)
                settings = BoundarySettings.from_environment()
                hide_red_scenes(few_scenes, settings, Workplace(root))
                settings = replace(settings, limits=replace(settings.limits, **LIMITS[name]))
                until = time.monotonic() + 60 * MINUTES[name]
                for first in range(0, len(chosen), AT_A_TIME):
                    if time.monotonic() > until:
                        break
                    part = chosen[first : first + AT_A_TIME]
                    for seconds in TRAIN_SECONDS[name]:
                        _grade(course, part, settings, seconds)
                        part = [case for case in part if _learned_little(case, course)]
            finished[name] = course
        return finished[name]

    return grade


def _grade(
    course: GradedClass, part: Sequence[Case], settings: BoundarySettings, seconds: float
) -> None:
    if part:
        settings = replace(settings, train_seconds=seconds)
        students = [case.name for case in part]
        assignment, workplace = get_assignment(part[0].assignment), Workplace(course.root)
        for one in grade_class(assignment, students, settings, workplace, JOBS):
            course.results[one.student] = one.result
            course.unrecorded[one.student] = None if one.recordable else one.result.problem
            course.seconds[one.student] = seconds


def _learned_little(case: Case, course: GradedClass) -> bool:
    """Whether a submission lost points of the IoU alone that it was not expected to lose."""
    return _missed(course.results[case.name]) - case.fails == {"iou"}


def _in_order(selected: Iterable[Case]) -> list[Case]:
    """Put correct submissions first, and the others as the commit shuffles them."""
    ordered = sorted(selected, key=lambda case: case.name)
    random.Random(current_commit(COURSE_ROOT) or "").shuffle(ordered)
    return sorted(ordered, key=lambda case: case.kind != "wheat")


def _missed(result: Result) -> set[str]:
    """Grade ids of the checks that did not get all their points."""
    return set(result.missed)


@each("case", WHEAT, ids=lambda case: case.name)
def test_correct_submission_gets_all_points(case: Case, graded: GradeClass) -> None:
    """A correct solution, however it is written, gets all points of every check."""
    result = graded(case.assignment).result(case)
    missed = {name: result.verdicts[name].message for name in _missed(result)}
    assert result.status == "graded", result.problem
    assert not missed


@each("case", CHAFF, ids=lambda case: case.name)
def test_wrong_submission_fails_what_it_declares(case: Case, graded: GradeClass) -> None:
    """A wrong solution loses points in exactly the checks that its file declares."""
    result = graded(case.assignment).result(case)
    messages = {name: verdict.message for name, verdict in result.verdicts.items()}
    assert result.status == "graded", result.problem
    assert _missed(result) == case.fails, messages


@each("case", UNGRADED, ids=lambda case: case.name)
def test_ungraded_submission_is_told_why(case: Case, graded: GradeClass) -> None:
    """A submission that is rejected or had to be stopped gets no points and the reason."""
    result = graded(case.assignment).result(case)
    assert result.status == case.status
    assert result.score == 0
    assert case.reason in str(result.problem)
    assert all(verdict.message == result.problem for verdict in result.verdicts.values())


@each("case", ALL, ids=lambda case: case.name)
def test_messages_help(case: Case, graded: GradeClass) -> None:
    """Messages are one line without a traceback or the grader's paths; no check itself broke."""
    for verdict in graded(case.assignment).result(case).verdicts.values():
        assert verdict.internal is None, verdict.internal
        assert verdict.message.strip()
        assert "\n" not in verdict.message
        for leak in ("Traceback", 'File "', str(COURSE_ROOT), "checks.py", "/tmp/"):
            assert leak not in verdict.message


@each("case", ALL, ids=lambda case: case.name)
def test_gradebook_holds_the_score(case: Case, graded: GradeClass) -> None:
    """The gradebook has every student's points of every check, and nothing of the rejected."""
    course = graded(case.assignment)
    verdicts = course.result(case).verdicts
    if case.status == "rejected":
        assert not (course.root / "autograded" / case.name).exists()
        return
    assert course.unrecorded.get(case.name) is None
    with CourseGradebook(course.root).gradebook() as gradebook:
        notebook = gradebook.find_submission_notebook(case.assignment, case.assignment, case.name)
        recorded = {grade.name: grade.auto_score for grade in notebook.grades}
    assert {name: recorded[name] for name in verdicts} == pytest.approx(
        {name: verdict.points for name, verdict in verdicts.items()}
    )


@each("case", STOCK, ids=lambda case: case.name)
def test_stock_nbgrader_gives_the_same(
    case: Case,
    graded: GradeClass,
    few_scenes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``nbgrader autograde`` by hand records the same points as ``bsds grade``."""
    course = graded(case.assignment)
    score = course.result(case).score
    case.write(tmp_path)
    CourseGradebook(tmp_path).ensure_assignment(get_assignment(case.assignment))
    for variable in OTHER_SETTINGS:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in course.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("BSDS_GRADE_SECONDS", str(course.seconds[case.name]))
    hide_red_scenes(few_scenes, BoundarySettings.from_environment(), Workplace(tmp_path))
    done = nbgrader(tmp_path, "autograde", case.assignment, "--create")
    assert done.returncode == 0, done.stderr
    with CourseGradebook(tmp_path).gradebook() as gradebook:
        submission = gradebook.find_submission(case.assignment, case.name)
        assert submission.score == pytest.approx(score)
        assert submission.max_score >= course.result(case).max_score

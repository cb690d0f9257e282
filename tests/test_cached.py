"""What is executed and checked again, and what is taken from the store."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.assignment import COURSE_ROOT, get_assignment
from grader.checking.process import Findings
from grader.checking.verdict import BROKEN, Verdict
from grader.course.inputs import BoundaryInputs
from grader.course.settings import BoundarySettings
from grader.folders import Workplace
from grader.grading import cache_keys, cached
from grader.grading.cache_keys import checking_key, execution_key
from grader.grading.cached import Outcome, Renew
from grader.grading.result_cache import ResultStore
from grader.sandbox.notebook import Executed
from grader.settings import Limits

CNN = get_assignment("cnn")
INPUTS = BoundaryInputs("identity", Path("/data"), Path("/arrays"))


class Played:
    """Steps of grading that only note that they were taken."""

    def __init__(self) -> None:
        self.executed = 0
        self.checked = 0
        self.problem: str | None = None
        self.starved_times = 0
        self.broken: set[str] = set()
        self.lock = threading.Lock()

    def execute(self, notebook: nbformat.NotebookNode, *_: object) -> Executed:
        """Leave one artifact."""
        with self.lock:
            self.executed += 1
            starved = self.executed <= self.starved_times
        return Executed(
            notebook, 2.0, self.problem, {"cnn_model.keras": b"weights"}, starved=starved
        )

    def check(self, executed: Executed, *_: Any) -> tuple[Findings, float]:
        """Give all points."""
        self.checked += 1
        assert executed.artifacts == {"cnn_model.keras": b"weights"}
        verdicts = {
            name: Verdict(name, 1.0, 1.0, "passed") if name not in self.broken
            else Verdict(name, 0.0, 1.0, BROKEN, "a traceback")
            for name in CNN.points()
        }  # fmt: skip
        return Findings(verdicts), 0.5


Grade = Callable[..., Outcome]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    """Play both steps."""
    played = Played()
    monkeypatch.setattr(cached, "execute_notebook", played.execute)
    monkeypatch.setattr(cached, "check_executed", played.check)
    monkeypatch.setattr(cached, "prepare", lambda *_: INPUTS)
    return played


@pytest.fixture
def grade(played: Played, tmp_path: Path) -> Grade:
    """Grade a notebook of one cell."""

    def grade(
        source: str = "1", settings: BoundarySettings | None = None, renew: Renew = "nothing"
    ) -> Outcome:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="one")])
        return cached.grade(
            notebook, CNN, settings or BoundarySettings(), Workplace(tmp_path), renew
        )

    return grade


def test_unchanged_submission_needs_nothing(grade: Grade, played: Played) -> None:
    """The second time, the stored result is given as it was."""
    first, second = grade(), grade()
    assert (first.reused, second.reused) == (False, True)
    assert second.result == first.result
    assert (played.executed, played.checked) == (1, 1)


def test_changed_submission_is_graded(grade: Grade, played: Played) -> None:
    """Another source is another submission."""
    grade("1")
    assert not grade("2").reused
    assert played.executed == 2


@pytest.mark.parametrize(
    "change",
    [
        {"train_seconds": 9.0},
        {"limits": replace(Limits(), memory=1)},
        {"sandbox": False},
    ],
)
def test_other_conditions_execute_again(
    change: dict[str, Any], grade: Grade, played: Played
) -> None:
    """Another budget or limit may give another outcome."""
    grade()
    grade(settings=replace(BoundarySettings(), **change))
    assert played.executed == 2


def test_another_secret_only_checks_again(grade: Grade, played: Played) -> None:
    """What was executed does not depend on the hidden images, so it stays."""
    grade()
    outcome = grade(settings=replace(BoundarySettings(), secret="another"))
    assert not outcome.reused
    assert played.executed == 1
    assert played.checked == 2


def test_changed_checks_are_made_again(
    grade: Grade, played: Played, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After an edit of the hidden checks they are made again, and nothing is executed."""
    grade()
    edited = tmp_path / "checks.py"
    edited.write_text(CNN.hidden_checks.read_text(encoding="utf-8") + "\n# edited\n")
    monkeypatch.setattr(type(CNN), "hidden_checks", property(lambda _: edited))
    assert set(grade().result.verdicts) == set(CNN.points())
    assert (played.executed, played.checked) == (1, 2)


@pytest.mark.parametrize(
    ("changed", "executes"),
    [
        ("grader/sandbox/programs/run_notebook.py", True),
        ("grader/notebooks/outputs.py", True),
        ("grader/course/inputs.py", True),
        ("grader/course/machine_speed/measure_speed.py", True),
        ("bsds_utils/training.py", True),
        ("grader/checking/answers.py", False),
        ("grader/course/submission.py", False),
        ("grader/course/resnet/checks.py", False),
        ("grader/course/targets.json", False),
        ("grader/keras_models/allowlist.py", False),
    ],
)
def test_what_results_depend_on(
    changed: str, executes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code of a folder that runs submissions makes another execution, all others another check."""
    settings = BoundarySettings()
    notebook = nbformat.v4.new_notebook()

    def keys() -> tuple[str, str]:
        cache_keys._code.cache_clear()
        return execution_key(notebook, CNN, settings, INPUTS), checking_key(CNN, settings)

    before = keys()
    read = Path.read_bytes
    path = COURSE_ROOT / changed

    def edited(self: Path) -> bytes:
        return read(self) + (b"# edited" if self == path else b"")

    monkeypatch.setattr(Path, "read_bytes", edited)
    after = keys()
    monkeypatch.undo()
    cache_keys._code.cache_clear()
    assert (after[0] != before[0]) == executes
    assert after[0] != before[0] or after[1] != before[1]


def test_failed_check_of_ours_is_tried_again(grade: Grade, played: Played) -> None:
    """A check that broke by itself says nothing about the submission and is not kept."""
    played.broken = {"loss"}
    assert grade().result.verdicts["loss"].internal
    played.broken = set()
    assert grade().result.verdicts["loss"].points == 1
    assert played.checked == 2


@pytest.mark.parametrize(
    ("renew", "problem", "times"),
    [("nothing", "slow", 1), ("failed", "slow", 2), ("failed", None, 1), ("all", None, 2)],
)
def test_renewing(
    renew: Renew, problem: str | None, times: int, grade: Grade, played: Played
) -> None:
    """Failed submissions, or all, are executed again when that is asked for."""
    played.problem = problem
    grade()
    grade(renew=renew)
    assert played.executed == times


def test_not_run_is_not_checked(grade: Grade, played: Played) -> None:
    """A submission without an end has its reason, no points and no check."""
    played.problem = "it took all memory"
    result = grade().result
    assert (result.status, result.score, result.problem) == ("not_run", 0, "it took all memory")
    assert played.checked == 0


def test_equal_submissions_side_by_side_are_executed_once(grade: Grade, played: Played) -> None:
    """Copies wait for the first one and share its result."""
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: grade(), range(8)))
    assert played.executed == 1
    assert len({str(outcome.result) for outcome in outcomes}) == 1


@pytest.mark.parametrize("name", ["executed.json", "checked.json", "artifacts/cnn_model.keras"])
@pytest.mark.parametrize("damage", [None, b"", b"{", b"[]", b'{"notebook": 1}'])
def test_damaged_store_is_made_anew(
    name: str, damage: bytes | None, grade: Grade, played: Played, tmp_path: Path
) -> None:
    """Files that were cut off, emptied or deleted cost a second execution or check, no more."""
    first = grade().result
    (path,) = Workplace(tmp_path).results.glob(f"*/{name}")
    if damage is None:
        path.unlink()
    elif name.endswith("json"):
        path.write_bytes(damage)
    assert grade().result == first


def test_parts_of_a_killed_run_do_not_matter(tmp_path: Path) -> None:
    """What a writer left that was killed is neither read nor in the way."""
    store = ResultStore(tmp_path / "results")
    executed = Executed(nbformat.v4.new_notebook(), 1.0, None, {"a.keras": b"x"})
    store.keep_executed("key", executed)
    (tmp_path / "results" / "half.part").mkdir()
    (tmp_path / "results" / "key" / "checked.part").write_text("{")
    assert store.executed("key") == executed
    assert store.executed("half") is None
    store.keep_executed("key", replace(executed, seconds=3.0))
    assert store.executed("key") == replace(executed, seconds=3.0)


def test_execution_does_not_depend_on_metadata(tmp_path: Path) -> None:
    """Cell ids and other metadata do not make another submission; grade ids and sources do."""
    cell = nbformat.v4.new_code_cell("1", metadata={"nbgrader": {"grade_id": "a"}})
    first = nbformat.v4.new_notebook(cells=[cell])
    other = nbformat.from_dict({**first, "cells": [{**cell, "id": "else", "execution_count": 3}]})
    renamed = nbformat.from_dict(
        {**first, "cells": [{**cell, "metadata": {"nbgrader": {"grade_id": "b"}}}]}
    )
    digests = [execution_key(n, CNN, BoundarySettings(), INPUTS) for n in (first, other, renamed)]
    assert digests[0] == digests[1] != digests[2]


def test_starved_once_is_run_again(played: Played, grade: Grade) -> None:
    """A notebook for which the machine had no time is run again, and what that gives counts."""
    played.starved_times = 1
    assert grade().result.status == "graded"
    assert played.executed == 2


def test_starved_twice_is_nobodys_grade(played: Played, grade: Grade) -> None:
    """It is said, nothing is stored, and the next run tries again."""
    played.starved_times, played.problem = 2, "the machine was too busy"
    with pytest.raises(cached.Starved, match=r"the machine was too busy.*fewer --jobs"):
        grade()
    played.problem = None
    assert grade().result.status == "graded"
    assert played.executed == 3

"""What the notebooks' own checks see: every honest mistake of the samples, none in what is right.

A notebook's cells run here one by one in one process, on a few scenes, without training.
"""

import functools
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from submissions import Case, cases
from traitlets.config import Config

from grader.course import get_assignment
from grader.provisions import encoder_weights
from grader.settings import Settings
from grader.workplace import Workplace

# Which visible checks look at what a task's answer does.
CHECKS = {
    "task_agreement": {"agreement"},
    "task_scores": {"metrics", "nothing"},
    "task_loss": {"loss"},
    "task_build_cnn": {"architecture", "from_scratch"},
    "task_choose_threshold": {"threshold"},
    "task_test_report": {"test_report"},
    "task_preprocess": {"preprocessing"},
    "task_build_encoder": {"encoder"},
    "task_build_resnet": {"decoder"},
    "task_freeze_encoder": {"phase1"},
    "task_unfreeze": {"phase2"},
    "task_compare": {"comparison"},
}
# Which hidden checks a mistake in a task can cost, where these are more.
COSTS = CHECKS | {"task_build_resnet": {"decoder", "preprocessing", "encoder"}}
TRAINING = ("run_training", "run_phase1")
# These build models, which takes a second or more, and are left out where no answer concerns them.
BUILDING = {
    "cnn": ({"architecture", "from_scratch"}, {"task_build_cnn"}),
    "resnet": (
        {"encoder", "decoder", "phase1", "phase2"},
        {"task_preprocess", "task_build_encoder", "task_build_resnet", "task_freeze_encoder",
         "task_unfreeze"},
    ),
}  # fmt: skip

# Edited notebooks are for whoever restores them; attacks do not go by what a notebook says.
HONEST = [case for case in cases() if "_attack_" not in case.name and not case.edit]
WHEAT = [case for case in HONEST if case.kind == "wheat"]
CHAFF = [case for case in HONEST if case.kind == "chaff" and case.status == "graded"]

each = pytest.mark.parametrize
by_name = {"ids": lambda case: case.name}


class _Shell(InteractiveShell):
    """Runs cells, magics included, and keeps errors to itself."""

    def enable_gui(self, gui: Any = None) -> None:
        """Accept ``%matplotlib inline``."""

    def showtraceback(self, *values: Any, **options: Any) -> None:
        """Show nothing: the test looks at the error."""

    def showsyntaxerror(self, *values: Any, **options: Any) -> None:
        """Show nothing: the test looks at the error."""


class Notebook:
    """An assignment in which all cells but those of a sample have run before."""

    def __init__(self, assignment: str, names: Mapping[str, Any], folder: Path) -> None:
        self.assignment = assignment
        self.names = dict(names)
        self.folder = folder

    def failing(self, case: Case) -> dict[str, BaseException]:
        """Run a sample's cells and return the errors of its visible checks, by grade id."""
        answered = {part.grade_id for part in case.sections if not part.added}
        building, touched_by = BUILDING[self.assignment]
        left_out = set() if answered & touched_by else building
        module = types.ModuleType("notebook_of_a_sample")
        vars(module).update(self.names)
        config = Config({"HistoryManager": {"enabled": False}})
        shell = _Shell(config=config, ipython_dir=str(self.folder), user_module=module)
        errors: dict[str, BaseException] = {}
        trained = False
        for cell in case.notebook().cells:
            about = cell.metadata.get("nbgrader", {})
            name = about.get("grade_id", "")
            if name in TRAINING:
                trained = True
                self._predict(case, shell)
            is_own = "grade_id" not in about and not trained
            is_check = about.get("grade") and name in get_assignment(self.assignment).points()
            needed = name == "pretrained_encoder" or is_check or about.get("solution") or is_own
            if cell.cell_type != "code" or not needed or name in left_out:
                continue
            if name == "iou" and case.fails != {"iou"}:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # as a kernel, which goes on after them
                result = shell.run_cell(cell.source, silent=True)
            error = result.error_before_exec or result.error_in_exec
            if error is not None and is_check:
                errors[name] = error
        return errors

    def _predict(self, case: Case, shell: _Shell) -> None:
        """Stand in for training: random probabilities, an untrained network's if they matter."""
        generator = np.random.default_rng(0)
        arrays = {name: self.names[name] for name in ("val", "test")}
        shell.user_ns["truths"] = {name: one.masks for name, one in arrays.items()}
        if case.fails == {"iou"}:
            model = shell.user_ns["build_cnn"]()
            predicted = {
                name: np.asarray(model(one.images.astype(np.float32), training=False))
                for name, one in arrays.items()
            }
        else:
            predicted = {
                name: generator.random(one.masks.shape, np.float32) for name, one in arrays.items()
            }
        shell.user_ns["probabilities"] = predicted


GiveNotebook = Callable[[str], Notebook]


@pytest.fixture(scope="module")
def notebook(
    tiny_deadleaves: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GiveNotebook]:
    """Give an assignment's notebook, set up, with its data loaded."""
    folder = tmp_path_factory.mktemp("notebooks")

    @functools.cache
    def make(name: str) -> Notebook:
        assignment = get_assignment(name)
        if assignment.encoder:
            weights = encoder_weights(Settings(), Workplace(folder))
            patch.setenv("BSDS_ENCODER_WEIGHTS", str(weights))
        cells = nbformat.read(assignment.release, as_version=4).cells
        sources = {
            cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in cells
        }
        names: dict[str, Any] = {}
        for cell in ("setup", "load_data"):
            exec(sources[cell].replace("SIZE = 224", "SIZE = 96"), names)
        names["baselines"] = names["bsds"].baselines(names["val"].masks, names["val"].images)
        return Notebook(name, names, folder)

    with pytest.MonkeyPatch.context() as patch:
        # What a sample writes belongs there, and can be imported from there.
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        patch.setenv("BSDS500_ROOT", str(tiny_deadleaves))
        yield make


@each("case", WHEAT, **by_name)
def test_right_answers_pass(case: Case, notebook: GiveNotebook) -> None:
    """No visible check finds fault with a correct submission, however it is written."""
    assert not notebook(case.assignment).failing(case)


def broke(error: BaseException) -> bool:
    """Whether an error is a check's own, neither an assertion nor from the student's code."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = trace.tb_frame.f_code.co_name if trace is not None else "<module>"
    inside_answer = where != "<module>" and not where.startswith("_")
    return not isinstance(error, AssertionError | NameError) and not inside_answer


@each("case", CHAFF, **by_name)
def test_honest_mistakes_are_seen(case: Case, notebook: GiveNotebook) -> None:
    """Every task with a mistake in it has a visible check that says so, and no other task has."""
    errors = notebook(case.assignment).failing(case)
    answered = {part.grade_id for part in case.sections if not part.added}
    for task in sorted(answered & COSTS.keys()):
        if case.fails & COSTS[task] and not case.not_visible:
            assert errors.keys() & CHECKS[task], f"no visible check sees what is wrong in {task}"
    if case.fails == {"iou"} and not case.not_visible:
        assert "iou" in errors
    for name, error in errors.items():
        assert not broke(error), f"{name} broke: {error!r}"
        costs = set().union(*(COSTS[task] for task, checks in CHECKS.items() if name in checks))
        assert case.fails & (costs | {name}), f"{name} finds fault without cause: {error}"
        if isinstance(error, AssertionError):
            assert str(error).strip(), f"{name} says nothing"
            assert "\n" not in str(error), f"{name} says more than a line"

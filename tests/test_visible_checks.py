"""What the notebooks' own checks see: every honest mistake of the samples, none in what is right.

A notebook's cells run here one by one in one process, on a few scenes, without training.
"""

import functools
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from keras import layers
from traitlets.config import Config

from grader.assignment import Assignment, get_assignment
from grader.course import ASSIGNMENTS
from grader.course.inputs import encoder_weights
from grader.course.settings import BoundarySettings
from grader.folders import Workplace
from grader.release.conditions import conditions
from grader.samples import Case, Section, cases

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
            weights = encoder_weights(BoundarySettings(), Workplace(folder))
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
        if isinstance(error, NameError) and len(errors) > 1:
            continue  # what another failed check was to define
        costs = set().union(*(COSTS[task] for task, checks in CHECKS.items() if name in checks))
        assert case.fails & (costs | {name}), f"{name} finds fault without cause: {error}"
        if isinstance(error, AssertionError):
            assert str(error).strip(), f"{name} says nothing"
            assert "\n" not in str(error), f"{name} says more than a line"


# Other ways to be right, which the hidden checks accept.
ALSO_RIGHT = {
    "agreement as a list of doubles": """
# %% task_agreement
def annotator_agreement(boundaries):
    return [[float(np.mean(boundaries[:, r, c])) for c in range(boundaries.shape[2])]
            for r in range(boundaries.shape[1])]
""",
    "smoothed IoU, NumPy's numbers, more keys in another order": """
# %% task_scores
def scores(truth, prediction):
    truth, prediction = truth > 0, prediction > 0
    def iou(a, b):
        return ((a & b).sum() + 1e-7) / ((a | b).sum() + 1e-7)
    boundary, background = iou(truth, prediction), iou(~truth, ~prediction)
    return {"f1": 2 * boundary / (1 + boundary), "mean_iou": np.mean([boundary, background]),
            "iou": boundary, "accuracy": (truth == prediction).mean()}


def scores_of_nothing(truth):
    return scores(truth, np.zeros(truth.shape, bool))
""",
    "a loss of one value for each pixel": """
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    bce = keras.losses.binary_crossentropy(y_true, y_pred)
    pixels = (1, 2, 3)
    dice = (2 * ops.sum(y_true * y_pred, pixels) + 1) / (ops.sum(y_true + y_pred, pixels) + 1)
    return bce + ops.reshape(1 - dice, (-1, 1, 1))
""",
    "a compiled model with its dropout in a model inside": """
# %% task_build_cnn
def build_cnn():
    inner = keras.Sequential([
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        keras.Sequential([layers.SpatialDropout2D(0.1)]),
        layers.Conv2D(1, 1, activation="sigmoid"),
    ])
    image = keras.Input((None, None, 3))
    model = keras.Model(image, inner(layers.Rescaling(1 / 255)(image)))
    model.compile("adam", loss=lambda y_true, y_pred: bce_dice_loss(y_true, y_pred))
    return model
""",
    "NumPy's numbers from the last tasks": """
# %% task_choose_threshold
def choose_threshold(probabilities, masks):
    ious = [bsds.foreground_iou(masks["val"], probabilities["val"] >= t) for t in bsds.THRESHOLDS]
    return bsds.THRESHOLDS[np.argmax(ious)]
# %% task_test_report
def test_report(probabilities, masks, threshold):
    found = scores(masks["test"], (probabilities["test"] >= threshold).astype(np.uint8))
    return dict(reversed(found.items()), threshold=np.float32(threshold))
""",
    "a comparison of lists with NumPy's numbers": """
# %% task_compare
def compare(masks, predictions, thresholds):
    rows = [[np.float64(bsds.foreground_iou(masks, p >= thresholds[name])), name]
            for name, p in predictions.items()]
    return [[name, iou] for iou, name in sorted(rows, reverse=True)]
""",
}


def parse(source: str) -> tuple[Section, ...]:
    """Return the answers of a text in the form of the sample submissions."""
    parts = source.split("# %% ")[1:]
    return tuple(Section(*part.split("\n", 1), added=False) for part in parts)


@each("source", ALSO_RIGHT.values(), ids=ALSO_RIGHT)
def test_whatever_is_right_passes(source: str, notebook: GiveNotebook) -> None:
    """What the hidden checks accept, the visible ones accept."""
    assignment = "resnet" if "task_compare" in source else "cnn"
    case = Case(
        name="another",
        assignment=assignment,
        kind="wheat",
        status="graded",
        fails=frozenset(),
        reason="",
        not_visible="",
        description="",
        sections=parse(source),
        edit="",
    )
    assert not notebook(assignment).failing(case)


@each("assignment", ASSIGNMENTS.values(), **by_name)
def test_notebooks_tell_the_conditions(assignment: Assignment) -> None:
    """Each notebook holds the conditions of grading with the numbers that hold."""
    cells = nbformat.read(assignment.source, as_version=4).cells
    (told,) = [cell.source for cell in cells if cell.source.startswith("## How it is graded")]
    assert " ".join(conditions([assignment]).split()) in " ".join(told.split())


def trainable(model: keras.Model) -> set[str]:
    """Return the names of the layers whose weights training would change."""
    return {variable.path.split("/")[-2] for variable in model.trainable_variables}


@pytest.fixture
def nested() -> tuple[keras.Model, keras.Model]:
    """Return a model and the encoder inside."""
    image = keras.Input((None, None, 3))
    low = layers.Conv2D(2, 3, name="low")(image)
    encoder = keras.Model(image, layers.Conv2D(2, 3, name="high")(low), name="encoder")
    own = layers.Conv2D(1, 1, name="own")(encoder(image))
    return keras.Model(image, own), encoder


def test_hint_changing_an_encoder_changes_every_layer(
    nested: tuple[keras.Model, keras.Model],
) -> None:
    """As ResNet's Tasks 4 and 5 say: changing the encoder's flag sets every layer inside."""
    model, encoder = nested
    encoder.trainable = False
    assert trainable(model) == {"own"}
    encoder.get_layer("high").trainable = True
    encoder.trainable = True
    assert trainable(model) == {"own", "low", "high"}


def test_hint_setting_an_encoder_to_what_it_is_changes_nothing(
    nested: tuple[keras.Model, keras.Model],
) -> None:
    """As Task 5 says: layers keep their flags if the encoder is set to the value that it has."""
    model, encoder = nested
    encoder.get_layer("high").trainable = False
    encoder.trainable = True
    assert trainable(model) == {"own", "low"}
    encoder.trainable = False
    encoder.get_layer("high").trainable = True
    encoder.trainable = False
    assert trainable(model) == {"own", "high"}


def test_hint_a_layer_counts_inside_a_frozen_encoder(
    nested: tuple[keras.Model, keras.Model],
) -> None:
    """As Task 5 says: a layer set inside a frozen encoder learns; the encoder looks frozen."""
    model, encoder = nested
    encoder.trainable = False
    encoder.get_layer("high").trainable = True
    assert not encoder.trainable
    assert not encoder.trainable_variables
    assert trainable(model) == {"own", "high"}
    before = {layer.name: layer.get_weights()[0] for layer in encoder.layers[1:]}
    model.compile("sgd", "mse")
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    model.fit(images, np.ones((2, 4, 4, 1), np.float32), verbose=0)
    changed = {
        layer.name
        for layer in encoder.layers[1:]
        if not np.array_equal(layer.get_weights()[0], before[layer.name])
    }
    assert changed == {"high"}


def test_hint_compiling_makes_a_change_count(nested: tuple[keras.Model, keras.Model]) -> None:
    """As Task 6 says: a change of ``trainable`` counts after the model is compiled again."""
    model, encoder = nested
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    truth = np.ones((2, 4, 4, 1), np.float32)
    encoder.trainable = False
    model.compile("sgd", "mse")
    model.fit(images, truth, verbose=0)
    before = encoder.get_layer("high").get_weights()[0]
    encoder.trainable = True
    model.fit(images, truth, verbose=0)
    assert np.array_equal(encoder.get_layer("high").get_weights()[0], before)
    model.compile("sgd", "mse")
    model.fit(images, truth, verbose=0)
    assert not np.array_equal(encoder.get_layer("high").get_weights()[0], before)


def test_hint_keras_dice_is_another_formula() -> None:
    """As the CNN's Task 3 says: ``keras.losses.Dice`` sums over the batch, without the ``+ 1``."""
    truth = np.zeros((2, 4, 4, 1), np.float32)
    truth[0, 0, 0] = 1
    p = np.full_like(truth, 0.5)
    found = float(keras.losses.Dice()(truth, p))
    assert found == pytest.approx(1 - 2 * 0.5 / (1 + 16), abs=1e-5)

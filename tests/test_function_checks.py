"""Checks of functions, on functions as students write them: what passes, what is said if not."""

import textwrap
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

import numpy as np
import pytest

from grader.checking.artifacts import ArtifactError
from grader.checking.verdict import CheckFailed, Credit
from grader.course.submission import NetworkSubmission
from grader.keras_models.probe_kit import OPERATIONS
from grader.sandbox import frames
from grader.sandbox.probe import ProbeError

CNN: Any = import_module("grader.course.cnn.checks")
RESNET: Any = import_module("grader.course.resnet.checks")

IMPORTS = """
import keras, functools
import numpy as np
import tensorflow as tf
import bsds_utils as bsds
from keras import ops
"""
SCORES = """
def iou(a, b):
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0
def scores(truth, prediction):
    t, p = truth.astype(bool), prediction.astype(bool)
    found = {"accuracy": np.mean(t == p), "iou": iou(t, p)}
    return found | {"mean_iou": (iou(t, p) + iou(~t, ~p)) / 2}
"""
DICE = """
def dice(y_true, y_pred):
    common, total = (ops.sum(part, (1, 2, 3)) for part in (y_true * y_pred, y_true + y_pred))
    return 1 - (2 * common + 1) / (total + 1)
def entropy(y_true, y_pred):
    return keras.losses.binary_crossentropy(y_true, y_pred)
def bce_dice_loss(y_true, y_pred):
    return ops.mean(entropy(y_true, y_pred)) + ops.mean(dice(y_true, y_pred))
"""
LOSS = "def bce_dice_loss(y_true, y_pred):\n    return "


class Functions:
    """Answers as a probe does, without a sandbox."""

    def __init__(self, source: str) -> None:
        self._names: dict[str, Any] = {}
        exec(IMPORTS + textwrap.dedent(source), self._names)

    def function(self, name: str) -> Callable[..., Any]:
        """Return a function, as the kit asks for it."""
        found: Callable[..., Any] = self._names[name]
        return found

    def call(self, name: str, *args: Any) -> Any:
        """Call a function."""
        return _travelled(self._names[name](*args))

    def ask(self, operation: str, name: str, **request: Any) -> Any:
        """Do what the course's kit does."""
        return _travelled(OPERATIONS[operation](self, {"function": name, **request}))


def _travelled(value: Any) -> Any:
    return frames.unpack(frames.pack(value)[8:])


class Submission:
    """A submission's functions, and what is known of its model."""

    problem = "cell run_training failed"

    def __init__(
        self, source: str, card: dict[str, Any] | None = None, usable: bool = True
    ) -> None:
        self.functions = Functions(source)
        self._card = card
        self._usable = usable

    def left(self, name: str) -> bool:
        """Whether there is a model with a card."""
        return self._card is not None

    def json(self, name: str) -> dict[str, Any]:
        """Return the card."""
        assert self._card is not None
        return self._card

    def threshold(self, name: str) -> float:
        """Return the threshold on the card."""
        return float(self.json(name)["threshold"])

    def iou(self, name: str, split: str, threshold: float) -> float:
        """Return the IoU of a model whose best threshold is 0.3."""
        if not self._usable:
            raise ArtifactError("the model holds a Lambda")
        return 0.5 - abs(threshold - 0.3)

    def sweep(self, name: str, split: str, thresholds: Any) -> Any:
        """Return the sweep of that model."""
        return type("Sweep", (), {"best_iou": self.iou(name, split, 0.3)})

    def built(self, *names: str) -> Any:
        """Fail, as there is no such function."""
        raise ProbeError(f"{names[0]} is not written yet")


def _check(check: Callable[..., None], submission: Submission) -> str:
    """Make a check; return its notes."""
    credit = Credit()
    arguments = {
        "submission": cast(NetworkSubmission, submission),
        "generator": np.random.default_rng(5),
        "credit": credit,
    }
    code = check.__code__
    check(**{name: arguments[name] for name in code.co_varnames[: code.co_argcount]})
    assert credit.fraction == 1
    return " ".join(credit.notes)


RIGHT = [
    (CNN.test_metrics, SCORES),
    (CNN.test_metrics, SCORES + "scores = functools.partial(scores)"),
    (CNN.test_nothing, SCORES + "scores_of_nothing = lambda t: scores(t, np.zeros_like(t))"),
    (CNN.test_agreement, "def annotator_agreement(b): return b.mean(0)"),
    (CNN.test_agreement, "annotator_agreement = lambda b: ops.mean(ops.cast(b, 'float32'), 0)"),
    (CNN.test_loss, DICE),
    (CNN.test_loss, DICE + "bce_dice_loss = tf.function(bce_dice_loss)"),
    (CNN.test_loss, DICE + LOSS + "dice(y_true, y_pred) + ops.mean("
     "entropy(y_true, y_pred), (1, 2))"),
    (CNN.test_loss, DICE + LOSS + "ops.reshape(ops.mean(entropy(y_true, y_pred), (1, 2)) "
     "+ dice(y_true, y_pred), (-1, 1))"),
    (CNN.test_loss, DICE + LOSS + "entropy(y_true, y_pred) + dice(y_true, y_pred)[:, None, None]"),
    (CNN.test_loss, DICE + LOSS + "(entropy(y_true, y_pred) + dice(y_true, y_pred)[:, None, None])"
     "[..., None]"),
    (CNN.test_loss, DICE + """
class Both(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(entropy(y_true, y_pred), (1, 2)) + dice(y_true, y_pred)
bce_dice_loss = Both()
"""),
    (RESNET.test_comparison, """
def compare(masks, predictions, thresholds):
    found = {n: bsds.foreground_iou(masks, p >= thresholds[n]) for n, p in predictions.items()}
    names = sorted(found, key=found.get, reverse=True)
    return tuple((np.str_(name), np.float32(found[name])) for name in names)
"""),
]  # fmt: skip


@pytest.mark.parametrize(("check", "source"), RIGHT)
def test_right_functions_pass(check: Callable[..., None], source: str) -> None:
    """A right function passes in whatever style it is written."""
    assert _check(check, Submission(source)) == ""


WRONG = [
    (CNN.test_agreement, "def annotator_agreement(b): return b.sum(0).astype(float)",
     "is not the share of annotators"),
    (CNN.test_agreement, "def annotator_agreement(b): return b.mean(1)",
     "must return a float array of shape (23, 31), found an array of shape (1, 31)"),
    (CNN.test_agreement, "def annotator_agreement(b): return b.any(0)", "(23, 31), bool"),
    (CNN.test_agreement, "def annotator_agreement(b): b.mean(0)", "is the `return` missing?"),
    (CNN.test_agreement, "def annotator_agreement(b): return np.nan * b[0]", "NaN or infinity"),
    (CNN.test_metrics, "def scores(t, p): return 1.0, 0.5, 0.5",
     'scores must return a dict with "accuracy", "iou" and "mean_iou", found a list of 3'),
    (CNN.test_metrics, SCORES.replace("if union else 1.0", "if union else np.nan"),
     "(an empty union's IoU is 1) returned NaN"),
    (CNN.test_metrics, SCORES + """
def scores(truth, prediction, whole=scores):
    each = [whole(t, p) for t, p in zip(truth, prediction)]
    return {name: np.mean([one[name] for one in each]) for name in each[0]}
""", "count over all images together"),
    (CNN.test_nothing, "def scores_of_nothing(t): return {'accuracy': 1 - t.mean(), 'iou': 0.0, "
     "'mean_iou': '0.5'}", 'each of them a number, found the text "0.5"'),
    (CNN.test_loss, DICE + LOSS + "None", "found nothing (is the `return` missing?)"),
    (CNN.test_loss, DICE + LOSS + "ops.mean(entropy(y_true, y_pred))", "BCE alone"),
    (CNN.test_loss, DICE + LOSS + "ops.mean(dice(y_true, y_pred))", "Dice loss alone"),
    (CNN.test_loss, DICE.replace("(1, 2, 3)", "None"), "over the whole batch gives"),
    (CNN.test_loss, DICE.replace("+ 1)", "+ 1e-7)"), "without the + 1"),
    (CNN.test_loss, DICE + LOSS + "ops.mean(dice(y_true, y_pred)) + "
     "ops.mean(entropy(y_pred, y_true))", "in the wrong places"),
    (CNN.test_loss, DICE + LOSS + "ops.zeros((0,))", "found an array of shape (0,), float32"),
    (CNN.test_loss, DICE + """
def entropy(y_true, y_pred):
    return -(y_true * ops.log(y_pred) + (1 - y_true) * ops.log(1 - y_pred))
""", "exactly 0 or 1: clip it"),
    (CNN.test_loss, DICE + """
def entropy(y_true, y_pred):
    wrong = ops.where(y_pred > 0, -ops.log(y_pred), 16.0)
    return ops.where(y_true > 0.5, wrong, ops.where(y_pred < 1, -ops.log(1 - y_pred), 16.0))
""", "its gradient is NaN or infinite"),
    (CNN.test_loss, DICE + "right = bce_dice_loss\n" + LOSS + "float(right(y_true, y_pred))",
     "no gradient flows"),
    (CNN.test_threshold, "def choose_threshold(p, m): return [0.5]", "found a list of 1"),
    (CNN.test_threshold, "def choose_threshold(p, m): return 0.5", "best validation IoU"),
    (CNN.test_threshold, "def choose_threshold(p, m): "
     "return bsds.threshold_sweep(m['test'], p['test']).best_threshold", "looks at the test set"),
    (CNN.test_test_report, SCORES + "def test_report(p, m, t): scores(m['test'], p['test'] >= t)",
     "found nothing"),
    (RESNET.test_preprocessing, "def preprocess(x): return x[..., ::-1]", "means subtracted"),
    (RESNET.test_preprocessing, "def preprocess(x): return x[0]",
     "must return a float array of shape (2, 20, 28, 3), found an array of shape (20, 28, 3)"),
    (RESNET.test_comparison, "def compare(m, p, t): return dict.fromkeys(p, 0.5)",
     'a list of (name, number) pairs, found a dict with "a", "b" and "c"'),
    (RESNET.test_comparison, "def compare(m, p, t): return sorted(p)", 'with the text "a" in it'),
]  # fmt: skip


@pytest.mark.parametrize(("check", "source", "message"), WRONG)
def test_wrong_functions_are_explained(
    check: Callable[..., None], source: str, message: str
) -> None:
    """A usual mistake fails the check, with a sentence about it."""
    with pytest.raises(CheckFailed) as failed:
        _check(check, Submission(source))
    assert message in str(failed.value)
    assert len(str(failed.value)) < 400


CHOOSES = """
def choose_threshold(probabilities, masks):
    return bsds.threshold_sweep(masks["val"], probabilities["val"]).best_threshold
"""
REPORTS = (
    SCORES
    + """
def test_report(probabilities, masks, threshold):
    return scores(masks["test"], (probabilities["test"] >= threshold))
"""
)
JUDGED = [(CNN.test_threshold, CHOOSES), (CNN.test_test_report, REPORTS)]


def _card(threshold: float, iou: float) -> dict[str, Any]:
    return {"threshold": threshold, "metrics": {"test": {"iou": iou}}}


@pytest.mark.parametrize(("check", "source"), JUDGED)
@pytest.mark.parametrize(
    ("card", "usable", "note"),
    [
        (None, True, "cell run_training failed"),
        ({"threshold": 0.5, "metrics": {}}, True, "cell run_training failed"),
        (_card(0.3, 0.5), False, "a Lambda"),
        (_card(0.3, 0.5), True, ""),
    ],
)
def test_functions_are_judged_without_a_model(
    check: Callable[..., None], source: str, card: Any, usable: bool, note: str
) -> None:
    """A missing, half-saved or refused model takes no point of a right function, and is noted."""
    notes = _check(check, Submission(source, card, usable))
    assert note in notes
    assert bool(note) == bool(notes)


@pytest.mark.parametrize(
    ("check", "source", "card", "message"),
    [
        (CNN.test_threshold, CHOOSES, _card(0.5, 0.3), "saved with your model is not the best"),
        (CNN.test_test_report, REPORTS, _card(0.3, 0.9), "you report a test IoU of 0.900"),
        (CNN.test_test_report, REPORTS, _card(0.3, float("nan")), "NaN"),
    ],
)
def test_what_was_saved_has_to_be_true(
    check: Callable[..., None], source: str, card: Any, message: str
) -> None:
    """Where there is a model, its saved threshold and scores are its own."""
    with pytest.raises(CheckFailed, match=message):
        _check(check, Submission(source, card))


def test_preprocessing_is_judged_without_a_model() -> None:
    """A model that cannot be built takes no point of a right preprocess."""
    source = "def preprocess(x): return x[..., ::-1] - np.array([103.939, 116.779, 123.68], 'f4')"
    notes = _check(RESNET.test_preprocessing, Submission(source))
    assert "build_resnet is not written yet" in notes

"""Hidden checks of the assignment "cnn": one test for each automatically graded cell.

Messages are read by students and contain no hidden input, label or code.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsds_utils import THRESHOLDS, agreement, foreground_iou, mean_iou
from grader.keras_models import initial_weights
from grader.scoring import source_rules
from grader.scoring.answers import numbers
from grader.scoring.evidence import Evidence
from grader.scoring.verdict import Credit, require

MODEL = "cnn_model.keras"
CARD = "cnn_model.json"
SHAPES = [(1, 168, 168, 3), (3, 96, 160, 3), (1, 248, 64, 3)]
MAX_PARAMETERS = 1_000_000
MAX_LAYERS = 200


def _random_masks(
    generator: np.random.Generator, shape: tuple[int, ...], share: float
) -> NDArray[np.uint8]:
    return (generator.random(shape) < share).astype(np.uint8)


def test_agreement(submission: Evidence, generator: np.random.Generator) -> None:
    """The share of annotators who marked each pixel."""
    for annotators in (1, 5):
        boundaries = generator.random((annotators, 23, 31)) < 0.3
        answer = submission.functions.call("annotator_agreement", boundaries)
        found = numbers(answer, "annotator_agreement")
        require(
            found.shape == (23, 31),
            f"annotator_agreement gives shape {found.shape} for boundaries of shape "
            f"{boundaries.shape}; expected {boundaries.shape[1:]}",
        )
        require(
            np.issubdtype(found.dtype, np.floating)
            and np.allclose(found, agreement(boundaries), atol=1e-6),
            f"annotator_agreement is not the share of annotators, with {annotators} annotator(s)",
        )


def _expected_scores(truth: NDArray[Any], prediction: NDArray[Any]) -> dict[str, float]:
    return {
        "accuracy": float(np.mean(truth == prediction)),
        "iou": foreground_iou(truth, prediction),
        "mean_iou": mean_iou(truth, prediction),
    }


def _require_scores(found: Any, expected: Mapping[str, float], what: str) -> None:
    require(
        isinstance(found, dict) and set(found) >= set(expected),
        f'{what} must return a dict with "accuracy", "iou" and "mean_iou"',
    )
    for name, value in expected.items():
        number = numbers(found[name], f"{what}: {name}")
        require(
            number.shape == ()
            and number.dtype.kind in "iuf"
            and np.isclose(number, value, atol=1e-5),
            f"{what}: {name} does not follow its definition",
        )


def test_metrics(submission: Evidence, generator: np.random.Generator) -> None:
    """Accuracy, boundary IoU and 2-class mean IoU, micro-averaged, with empty unions."""
    shape = (3, 40, 40, 1)
    for share in (0.05, 0.5):
        truth = _random_masks(generator, shape, share)
        # Differing shares make the mean of images' IoUs differ from the IoU of their sums.
        truth[0] = _random_masks(generator, shape[1:], 0.9)
        prediction = _random_masks(generator, shape, 0.3)
        found = submission.functions.call("scores", truth, prediction)
        _require_scores(found, _expected_scores(truth, prediction), "scores")
    empty = np.zeros(shape, np.uint8)
    found = submission.functions.call("scores", empty, empty)
    _require_scores(found, _expected_scores(empty, empty), "scores of two empty masks")
    truth, prediction = (_random_masks(generator, shape, 0.5).astype(bool) for _ in range(2))
    found = submission.functions.call("scores", truth, prediction)
    _require_scores(found, _expected_scores(truth, prediction), "scores of bool masks")


def test_nothing(submission: Evidence, generator: np.random.Generator) -> None:
    """The scores of predicting no boundary."""
    for share in (0.07, 0.4):
        truth = _random_masks(generator, (2, 32, 32, 1), share)
        found = submission.functions.call("scores_of_nothing", truth)
        _require_scores(found, _expected_scores(truth, np.zeros_like(truth)), "scores_of_nothing")


def _expected_loss(truth: NDArray[np.float32], prediction: NDArray[np.float32]) -> float:
    p = np.clip(prediction.astype(np.float64), 1e-7, 1 - 1e-7)
    bce = -np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p))
    axes = (1, 2, 3)
    common = (truth * prediction).sum(axes)
    dice = (2 * common + 1) / (truth.sum(axes) + prediction.sum(axes) + 1)
    return float(bce + np.mean(1 - dice))


def test_loss(submission: Evidence, generator: np.random.Generator) -> None:
    """The value of the loss on random arrays, and a gradient that points the right way."""
    for shape, share in [((1, 16, 16, 1), 0.2), ((5, 24, 8, 1), 0.5), ((2, 8, 8, 1), 0.0)]:
        truth = _random_masks(generator, shape, share).astype(np.float32)
        # Images of a batch differ, so that one Dice over the whole batch shows.
        truth[0] = _random_masks(generator, shape[1:], share / 4)
        prediction = generator.uniform(0.02, 0.98, shape).astype(np.float32)
        answer = submission.functions.call("bce_dice_loss", truth, prediction)
        found = numbers(answer, "bce_dice_loss").astype(np.float64)
        require(found.size in (1, shape[0]), "bce_dice_loss must give one value, or one an image")
        require(
            np.isclose(found.mean(), _expected_loss(truth, prediction), rtol=1e-3, atol=1e-3),
            "bce_dice_loss does not give the value that its definition gives for "
            f"{shape[0]} image(s)" + (" without any boundary" if not truth.any() else ""),
        )
    truth = _random_masks(generator, (2, 16, 16, 1), 0.3).astype(np.float32)
    prediction = generator.uniform(0.1, 0.9, truth.shape).astype(np.float32)
    gradient = submission.functions.gradient("bce_dice_loss", truth, prediction)
    require(
        gradient is not None and numbers(gradient, "bce_dice_loss").shape == truth.shape,
        "no gradient flows through bce_dice_loss: use keras.ops on the tensors you are given",
    )
    gradient = numbers(gradient, "the gradient of bce_dice_loss")
    require(
        np.isfinite(gradient).all()
        and (gradient[truth == 1] < 0).all()
        and (gradient[truth == 0] > 0).all(),
        "the gradient of bce_dice_loss does not push every pixel towards its true value",
    )


def test_architecture(submission: Evidence, generator: np.random.Generator) -> None:
    """Shapes and range for several sizes and batches, and the limits on size."""
    model = submission.built("build_cnn")
    for shape in SHAPES:
        model.predict(generator.integers(0, 256, shape, dtype=np.uint8))
    require(
        model.parameters <= MAX_PARAMETERS,
        f"expected at most 1,000,000 parameters, found {model.parameters:,}",
    )
    require(
        len(model.layers) <= MAX_LAYERS,
        f"expected at most {MAX_LAYERS} layers, found {len(model.layers)}",
    )
    require(
        any("Dropout" in layer.kind and (layer.rate or 0) > 0 for layer in model.layers),
        "expected a dropout layer with a rate above 0, found none",
    )


def test_iou(submission: Evidence, credit: Credit) -> None:
    """Boundary IoU on hidden images, with partial credit down to the trivial baseline."""
    submission.require_same_architecture(MODEL, "build_cnn")
    problem = _pretrained(submission)
    require(problem is None, f"an IoU counts only for a model trained from scratch: {problem}")
    threshold = submission.threshold(CARD, default=0.5)
    iou = submission.iou(MODEL, "hidden", threshold)
    target = submission.target
    credit.partial(target.share(iou), target.explain(iou, threshold))


def test_threshold(submission: Evidence, generator: np.random.Generator) -> None:
    """The threshold is the best one on validation data, for fresh arrays and for the model."""
    for best_val, best_test in ((0.3, 0.7), (0.62, 0.24)):
        masks, probabilities = {}, {}
        for split, best in (("val", best_val), ("test", best_test)):
            masks[split] = _random_masks(generator, (4, 32, 32, 1), 0.3)
            probabilities[split] = _probabilities_best_at(best, masks[split], generator)
        answer = submission.functions.call("choose_threshold", probabilities, masks)
        found = numbers(answer, "choose_threshold")
        require(
            found.shape == () and found.dtype.kind in "iuf",
            "choose_threshold must give a number",
        )
        require(
            abs(found - best_test) > 0.015,
            "choose_threshold looks at the test set; decisions belong to the validation set",
        )
        require(
            abs(found - best_val) < 1e-6,
            "choose_threshold does not give the threshold with the best validation IoU",
        )
    threshold = submission.threshold(CARD)
    sweep = submission.sweep(MODEL, "val", THRESHOLDS)
    require(
        submission.iou(MODEL, "val", threshold) >= sweep.best_iou - 0.001,
        "the threshold saved with your model is not the best one for it on validation data",
    )


def _probabilities_best_at(
    best: float, masks: NDArray[np.uint8], generator: np.random.Generator
) -> NDArray[np.float32]:
    """Probabilities whose IoU is highest at the threshold `best` of the default grid alone."""
    low = generator.uniform(0.0, best - 0.025, masks.shape)
    low.flat[0] = best - 0.01
    high = generator.uniform(best + 0.005, 1.0, masks.shape)
    high.flat[-1] = best + 0.01
    masks.flat[0], masks.flat[-1] = 0, 1
    return np.where(masks == 1, high, low).astype(np.float32)


def test_test_report(submission: Evidence, generator: np.random.Generator) -> None:
    """The reported test scores are those of the saved model at the saved threshold."""
    masks = {split: _random_masks(generator, (2, 16, 16, 1), 0.3) for split in ("val", "test")}
    probabilities = {
        split: generator.random(mask.shape).astype(np.float32) for split, mask in masks.items()
    }
    found = submission.functions.call("test_report", probabilities, masks, 0.4)
    expected = _expected_scores(masks["test"], (probabilities["test"] >= 0.4).astype(np.uint8))
    _require_scores(found, expected, "test_report on arrays of ours")
    reported = submission.card(CARD).get("metrics", {}).get("test", {}).get("iou")
    require(
        isinstance(reported, int | float),
        "no test IoU was saved with your model: run the notebook to its end",
    )
    iou = submission.iou(MODEL, "test", submission.threshold(CARD))
    require(
        abs(reported - iou) < 0.005,
        f"you report a test IoU of {reported:.3f}; your model has {iou:.3f}",
    )


def _pretrained(submission: Evidence) -> str | None:
    """Say what is pretrained, in the source or in the built model; None if nothing is."""
    findings = source_rules.pretrained(submission.student_cells)
    if findings:
        return "; ".join(findings[:3])
    first = submission.built("build_cnn")
    second = submission.built("build_cnn", seed=2, fresh=True)
    return (
        initial_weights.explain_shared(first, second)
        or initial_weights.explain_unlike_initializers(first)
        or initial_weights.explain_unlike_initializers(second)
    )


def test_from_scratch(submission: Evidence) -> None:
    """Random initial weights: nothing pretrained in the source or in the built model."""
    problem = _pretrained(submission)
    require(problem is None, str(problem))

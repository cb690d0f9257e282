"""Hidden checks of the assignment "cnn": one test for each automatically graded cell.

Messages are read by students and contain no hidden input, label or code.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsds_utils import THRESHOLDS, agreement, foreground_iou, mean_iou
from grader.checking.answers import array, found, number, numbers, table
from grader.checking.artifacts import ArtifactError
from grader.checking.verdict import Credit, fail, require
from grader.course import pretrained
from grader.course.submission import NetworkSubmission
from grader.keras_models import initial_weights, probes
from grader.sandbox.probe import Cell

MODEL = "cnn_model.keras"
CARD = "cnn_model.json"
SHAPES = [(1, 168, 168, 3), (3, 96, 160, 3), (1, 248, 64, 3)]
MAX_PARAMETERS = 1_000_000
MAX_LAYERS = 200


def _random_masks(
    generator: np.random.Generator, shape: tuple[int, ...], share: float
) -> NDArray[np.uint8]:
    return (generator.random(shape) < share).astype(np.uint8)


def test_agreement(submission: NetworkSubmission, generator: np.random.Generator) -> None:
    """The share of annotators who marked each pixel."""
    for annotators in (1, 5):
        boundaries = generator.random((annotators, 23, 31)) < 0.3
        answer = submission.functions.call("annotator_agreement", boundaries)
        share = array(
            answer, f"annotator_agreement of boundaries of shape {boundaries.shape}", (23, 31)
        )
        require(
            np.allclose(share, agreement(boundaries), atol=1e-6),
            f"annotator_agreement is not the share of annotators, with {annotators} annotator(s)",
        )


def _expected_scores(truth: NDArray[Any], prediction: NDArray[Any]) -> dict[str, float]:
    return {
        "accuracy": float(np.mean(truth == prediction)),
        "iou": foreground_iou(truth, prediction),
        "mean_iou": mean_iou(truth, prediction),
    }


def _require_scores(answer: Any, truth: NDArray[Any], prediction: NDArray[Any], what: str) -> None:
    """Fail unless an answer has the three scores of a prediction."""
    expected = _expected_scores(truth, prediction)
    given = table(answer, what, list(expected))
    for name, value in expected.items():
        if np.isclose(given[name], value, atol=1e-5):
            continue
        images = zip(truth, prediction, strict=True)
        each = np.mean([_expected_scores(*image)[name] for image in images])
        hint = ": count over all images together, not image by image, then the mean"
        fail(
            f"{what}: {name} does not follow its definition"
            + (hint if np.isclose(given[name], each, atol=1e-5) else "")
        )


def test_metrics(submission: NetworkSubmission, generator: np.random.Generator) -> None:
    """Accuracy, boundary IoU and 2-class mean IoU, micro-averaged, with empty unions."""
    shape = (3, 40, 40, 1)
    for share in (0.05, 0.5):
        truth = _random_masks(generator, shape, share)
        # Differing shares make the mean of images' IoUs differ from the IoU of their sums.
        truth[0] = _random_masks(generator, shape[1:], 0.9)
        prediction = _random_masks(generator, shape, 0.3)
        answer = submission.functions.call("scores", truth, prediction)
        _require_scores(answer, truth, prediction, "scores")
    for value, what in ((0, "empty masks"), (1, "full masks")):
        mask = np.full(shape, value, np.uint8)
        answer = submission.functions.call("scores", mask, mask)
        _require_scores(answer, mask, mask, f"scores of two {what} (an empty union's IoU is 1)")
    truth, prediction = (_random_masks(generator, shape, 0.5).astype(bool) for _ in range(2))
    answer = submission.functions.call("scores", truth, prediction)
    _require_scores(answer, truth, prediction, "scores of bool masks")


def test_nothing(submission: NetworkSubmission, generator: np.random.Generator) -> None:
    """The scores of predicting no boundary."""
    for share in (0.07, 0.4):
        truth = _random_masks(generator, (2, 32, 32, 1), share)
        answer = submission.functions.call("scores_of_nothing", truth)
        _require_scores(answer, truth, np.zeros_like(truth), "scores_of_nothing")


def _bce(truth: NDArray[np.float32], prediction: NDArray[np.float32]) -> float:
    p = np.clip(prediction.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p)))


def _dice_loss(
    truth: NDArray[np.float32],
    prediction: NDArray[np.float32],
    axes: tuple[int, ...] = (1, 2, 3),
    smooth: float = 1.0,
) -> float:
    common = (truth * prediction).sum(axes)
    total = truth.sum(axes) + prediction.sum(axes)
    return float(np.mean(1 - (2 * common + smooth) / (total + smooth)))


def _explain_loss(value: float, truth: NDArray[Any], prediction: NDArray[Any]) -> str:
    """Say which usual mistake gives a value, if one does."""
    bce, dice = _bce(truth, prediction), _dice_loss(truth, prediction)
    mistakes = {
        "the BCE alone, without Dice": bce,
        "the Dice loss alone, without BCE": dice,
        "BCE − Dice, where 1 − Dice is to be added": bce - (1 - dice),
        "what Dice over the whole batch gives; it is for each image, then the mean": bce
        + _dice_loss(truth, prediction, (0, 1, 2, 3)),
        "what Dice without the + 1 gives": bce + _dice_loss(truth, prediction, smooth=1e-7),
        "what y_true and y_pred in the wrong places give": _bce(prediction, truth) + dice,
        "the sum over all pixels, not the mean": bce * truth.size + dice,
    }
    for text, wrong in mistakes.items():
        if np.isclose(value, wrong, rtol=1e-3):
            return f": its mean is {text}"
    return ""


def test_loss(submission: NetworkSubmission, generator: np.random.Generator) -> None:
    """The mean of the loss on tensors of several shapes, and a gradient that points right."""
    for shape, share in [((1, 16, 16, 1), 0.2), ((8, 24, 16, 1), 0.5), ((2, 8, 8, 1), 0.0)]:
        truth = _random_masks(generator, shape, share).astype(np.float32)
        # Images of a batch differ, so that one Dice over the whole batch shows.
        truth[0] = _random_masks(generator, shape[1:], share / 4)
        prediction = generator.uniform(0.02, 0.98, shape).astype(np.float32)
        value = _loss(submission, truth, prediction).mean()
        require(
            np.isclose(
                value,
                _bce(truth, prediction) + _dice_loss(truth, prediction),
                rtol=1e-3,
                atol=1e-3,
            ),
            "bce_dice_loss does not give a number, or an array of any shape, whose mean is what "
            f"its definition gives for {shape[0]} image(s)"
            + (" without any boundary" if not truth.any() else "")
            + _explain_loss(value, truth, prediction),
        )
    truth = _random_masks(generator, (2, 16, 16, 1), 0.3).astype(np.float32)
    gradient = _loss_gradient(submission, truth, generator.uniform(0.1, 0.9, truth.shape))
    require(
        np.isfinite(gradient).all()
        and (gradient[truth == 1] < 0).all()
        and (gradient[truth == 0] > 0).all(),
        "the gradient of bce_dice_loss does not push every pixel towards its true value",
    )
    # A network that is sure gives exactly 0 and 1, right or wrong.
    sure = _random_masks(generator, truth.shape, 0.4).astype(np.float32)
    require(
        np.isfinite(_loss(submission, truth, sure)).all()
        and np.isfinite(_loss_gradient(submission, truth, sure)).all(),
        "bce_dice_loss or its gradient is NaN or infinite where a prediction is exactly 0 or 1: "
        "clip it to [1e-7, 1 - 1e-7] before you take logarithms",
    )


def _loss(
    submission: NetworkSubmission, truth: NDArray[np.float32], prediction: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Call the loss as training does: on float32 tensors; it may give any shape."""
    answer = probes.call_with_tensors(submission.functions, "bce_dice_loss", truth, prediction)
    expected = "a number, or an array of any shape whose mean is the loss"
    values = numbers(answer, "bce_dice_loss", expected).astype(np.float64)
    require(values.size, f"bce_dice_loss must return {expected}, found {found(answer)}")
    return values


def _loss_gradient(
    submission: NetworkSubmission, truth: NDArray[np.float32], prediction: NDArray[Any]
) -> NDArray[np.float64]:
    answer = probes.gradient(
        submission.functions, "bce_dice_loss", truth, prediction.astype(np.float32)
    )
    gradient = None if answer is None else numbers(answer, "the gradient of bce_dice_loss")
    if gradient is None or gradient.shape != truth.shape:
        fail("no gradient flows through bce_dice_loss: use keras.ops on the tensors you are given")
    return gradient.astype(np.float64)


def test_architecture(submission: NetworkSubmission, generator: np.random.Generator) -> None:
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


def test_iou(submission: NetworkSubmission, credit: Credit) -> None:
    """Boundary IoU on hidden images, with partial credit down to the trivial baseline."""
    submission.require_same_architecture(MODEL, "build_cnn")
    problem = _pretrained(submission)
    require(problem is None, f"an IoU counts only for a model trained from scratch: {problem}")
    threshold = submission.threshold(CARD, default=0.5)
    iou = submission.iou(MODEL, "hidden", threshold)
    target = submission.target
    credit.partial(target.share(iou), target.explain(iou, threshold))


def test_threshold(
    submission: NetworkSubmission, generator: np.random.Generator, credit: Credit
) -> None:
    """The threshold is the best one on validation data, for fresh arrays and for the model."""
    for best_val, best_test in ((0.3, 0.7), (0.62, 0.24)):
        masks, probabilities = {}, {}
        for split, best in (("val", best_val), ("test", best_test)):
            masks[split] = _random_masks(generator, (4, 32, 32, 1), 0.3)
            probabilities[split] = _probabilities_best_at(best, masks[split], generator)
        answer = submission.functions.call("choose_threshold", probabilities, masks)
        value = number(answer, "choose_threshold", "a number, one of bsds.THRESHOLDS")
        require(
            abs(value - best_test) > 0.015,
            "choose_threshold looks at the test set; decisions belong to the validation set",
        )
        require(
            abs(value - best_val) < 1e-6,
            "choose_threshold does not give the threshold with the best validation IoU",
        )
    if _saved_report(submission, credit, "choose_threshold") is None:
        return
    threshold = submission.threshold(CARD)
    try:
        best = submission.sweep(MODEL, "val", THRESHOLDS).best_iou
        iou = submission.iou(MODEL, "val", threshold)
    except ArtifactError as problem:
        credit.note(f"choose_threshold is right; your model could not be looked at: {problem}")
        return
    require(
        iou >= best - 0.001,
        "the threshold saved with your model is not the best one for it on validation data",
    )


def _saved_report(
    submission: NetworkSubmission, credit: Credit, function: str
) -> Mapping[str, Any] | None:
    """Return the test scores that the notebook's last cells saved, None with a note if not.

    A function is judged by itself: whether there is a model is another task's matter.
    """
    if submission.left(MODEL) and submission.left(CARD):
        report = submission.json(CARD).get("metrics", {}).get("test")
        if isinstance(report, Mapping):
            return report
    reason = submission.problem or "the cell that saves it did not run"
    credit.note(f"{function} is right; your notebook saved no model with its scores: {reason}")
    return None


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


def test_test_report(
    submission: NetworkSubmission, generator: np.random.Generator, credit: Credit
) -> None:
    """The scores on test at the given threshold, for fresh arrays and for the saved model."""
    masks = {split: _random_masks(generator, (2, 16, 16, 1), 0.3) for split in ("val", "test")}
    probabilities = {
        split: generator.random(mask.shape).astype(np.float32) for split, mask in masks.items()
    }
    answer = submission.functions.call("test_report", probabilities, masks, 0.4)
    prediction = (probabilities["test"] >= 0.4).astype(np.uint8)
    _require_scores(answer, masks["test"], prediction, "test_report on arrays of ours")
    report = _saved_report(submission, credit, "test_report")
    if report is None:
        return
    reported = number(report.get("iou"), 'the "iou" saved with your model')
    try:
        iou = submission.iou(MODEL, "test", submission.threshold(CARD))
    except ArtifactError as problem:
        credit.note(f"test_report is right; your model could not be looked at: {problem}")
        return
    require(
        abs(reported - iou) < 0.005,
        f"you report a test IoU of {reported:.3f}; your model has {iou:.3f}",
    )


def _pretrained(submission: NetworkSubmission) -> str | None:
    """Say what is pretrained, in the source or in the built model; None if nothing is."""
    held = pretrained.could_hold_weights(submission.student_cells, submission.settings.limits)
    if held:
        return held
    given = [Cell(name, source) for name, source in submission.assignment.given_code()]
    findings = pretrained.pretrained_parts("build_cnn", [*given, *submission.student_cells])
    if findings:
        return "; ".join(findings[:2])
    first = submission.built("build_cnn")
    second = submission.built("build_cnn", seed=2, fresh=True)
    return (
        initial_weights.explain_shared(first, second)
        or initial_weights.explain_unlike_initializers(first)
        or initial_weights.explain_unlike_initializers(second)
    )


def test_from_scratch(submission: NetworkSubmission) -> None:
    """Random initial weights: nothing pretrained in the source or in the built model."""
    problem = _pretrained(submission)
    require(problem is None, str(problem))

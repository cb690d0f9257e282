"""Hidden checks of the assignment "resnet": one test for each automatically graded cell.

Messages are read by students and contain no hidden input, label or code.
"""

from collections.abc import Collection

import numpy as np
import pytest
from numpy.typing import NDArray

from bsds_utils import foreground_iou
from grader.checking.answers import array, pairs
from grader.checking.artifacts import ArtifactError
from grader.checking.verdict import Credit, require
from grader.course.inputs import reference_encoder
from grader.course.submission import NetworkSubmission
from grader.keras_models.opened import OpenedModel
from grader.keras_models.pretrained import (
    FEATURES,
    LAST_LAYER,
    encoder_layers,
    encoder_weights,
    require_same_features,
    require_same_weights,
    trace,
)
from grader.sandbox.probe import ProbeError

PHASE1 = "resnet_phase1.keras"
MODEL = "resnet_model.keras"
CARD = "resnet_model.json"
SHAPES = [(1, 224, 224, 3), (2, 96, 160, 3), (1, 352, 64, 3)]
MAX_DECODER = 2_000_000
MIN_EFFECT = 1e-6
"""Change of a probability from which features count as used."""
ALL_STAGES = ("conv1_", "conv2_", "conv3_", "conv4_")


@pytest.fixture(scope="session")
def reference(submission: NetworkSubmission) -> OpenedModel:
    """Give the real encoder with the weights that the submission was given."""
    path = reference_encoder(submission.settings, submission.workplace)
    return submission.models.open(path.read_bytes(), "the reference encoder")


def _random_images(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return generator.integers(0, 256, shape).astype(np.float32)


def _preprocessed(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return images[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)


def test_preprocessing(
    submission: NetworkSubmission, generator: np.random.Generator, credit: Credit
) -> None:
    """BGR order and ImageNet means, as a function and as the built model's first step."""
    images = _random_images(generator, (2, 20, 28, 3))
    answer = submission.functions.call("preprocess", images)
    require(
        np.allclose(array(answer, "preprocess", images.shape), _preprocessed(images), atol=1e-2),
        "preprocess does not give BGR images with ResNet50's means subtracted",
    )
    images = _random_images(generator, (1, 64, 96, 3))
    try:
        model = submission.built("build_resnet")
    except (ArtifactError, ProbeError) as problem:
        credit.note(f"preprocess is right; whether your model uses it is not known: {problem}")
        return
    seen, _ = trace(model, images)
    require(
        seen.shape == images.shape and np.allclose(seen, _preprocessed(images), atol=1e-2),
        "the model that build_resnet gives does not preprocess what enters its encoder",
    )


def test_encoder(
    submission: NetworkSubmission, generator: np.random.Generator, reference: OpenedModel
) -> None:
    """Four feature maps; really ResNet50; the given weights before training."""
    images = _random_images(generator, (1, 64, 96, 3))
    encoder = submission.built("build_encoder")
    require_same_features(encoder, reference, _preprocessed(images))
    model = submission.built("build_resnet")
    require_same_weights(model, reference, ALL_STAGES, "before training")
    extra = sorted(encoder_layers(model) - encoder_layers(reference))
    require(
        not extra, f"the encoder has a layer that conv1 to conv4 of ResNet50 lack: {extra[:1]}"
    )
    seen, found = trace(model, images, FEATURES)
    expected = reference.run(seen, watched=FEATURES).left
    for name, feature in zip(FEATURES, found, strict=True):
        require(
            np.allclose(feature, expected[name], rtol=1e-3, atol=1e-3),
            f"the encoder's {name} differs from ResNet50's for the same input",
        )


def test_decoder(
    submission: NetworkSubmission, generator: np.random.Generator, reference: OpenedModel
) -> None:
    """Shapes and range for several sizes and batches, size limit, skip connections."""
    model = submission.built("build_resnet")
    own = model.parameters - reference.parameters
    require(
        own <= MAX_DECODER, f"expected at most 2,000,000 parameters in the decoder, found {own:,}"
    )
    for shape in SHAPES:
        model.predict(_random_images(generator, shape).astype(np.uint8))
    require(
        _joins_finer_features(model, generator),
        "the decoder does not join the encoder's finer feature maps: add skip connections",
    )
    require(
        _starts_from_coarse_features(model, generator),
        f"the decoder does not use {LAST_LAYER}: it has to start from the coarsest features",
    )


def _joins_finer_features(model: OpenedModel, generator: np.random.Generator) -> bool:
    """Whether the output still depends on the image when the coarsest features are fixed."""
    first, second = (
        _with_coarse_features(model, _random_images(generator, (1, 64, 64, 3)), 0.0) for _ in "ab"
    )
    return bool(np.abs(first - second).max() > MIN_EFFECT)


def _starts_from_coarse_features(model: OpenedModel, generator: np.random.Generator) -> bool:
    """Whether the output depends on the coarsest features when the image is fixed."""
    images = _random_images(generator, (1, 64, 64, 3))
    noise = generator.normal(size=(1, 4, 4, 1024)).astype(np.float32)
    first, second = (_with_coarse_features(model, images, value) for value in (0.0, noise))
    return bool(np.abs(first - second).max() > MIN_EFFECT)


def _with_coarse_features(
    model: OpenedModel, images: NDArray[np.float32], value: float | NDArray[np.float32]
) -> NDArray[np.float32]:
    """Run a model whose encoder's last layer gives other features."""
    return np.asarray(model.run(images, changes={LAST_LAYER: value}).outputs)


def _trainable(model: OpenedModel) -> set[str]:
    """Names of the layers that hold trainable weights."""
    return {weight.layer.name for weight in model.weights if weight.trainable}


def _require_decoder_trainable(model: OpenedModel) -> None:
    encoder, trainable = encoder_layers(model), _trainable(model)
    frozen = [
        weight.layer.name
        for weight in model.weights
        if weight.learned and weight.layer.name not in encoder | trainable
    ]
    require(not frozen, f"the decoder's layer {frozen[:1]} is frozen; it has to learn")


def test_phase1(submission: NetworkSubmission, reference: OpenedModel) -> None:
    """The whole encoder is frozen in phase 1, by its flags and by what training left."""
    model = submission.built("build_resnet", "freeze_encoder")
    thawed = sorted(_trainable(model) & encoder_layers(model))
    require(not thawed, f"freeze_encoder leaves {len(thawed)} layers of the encoder trainable")
    _require_decoder_trainable(model)
    require_same_weights(submission.model(PHASE1), reference, ALL_STAGES, "after phase 1")


def test_phase2(submission: NetworkSubmission, reference: OpenedModel) -> None:
    """Exactly conv4's convolutions are trainable in phase 2; batch norm keeps its statistics."""
    model = submission.built("build_resnet", "freeze_encoder", "unfreeze_upper_layers")
    trainable = _trainable(model) & encoder_layers(model)
    expected = {
        layer.name
        for layer in reference.layers
        if layer.name.startswith("conv4_") and layer.kind == "Conv2D"
    }
    extra, missing = sorted(trainable - expected), sorted(expected - trainable)
    require(
        not extra,
        f"unfreeze_upper_layers makes {len(extra)} layers too many trainable, e.g. {extra[:1]}",
    )
    require(
        not missing, f"unfreeze_upper_layers leaves {len(missing)} of conv4's convolutions frozen"
    )
    _require_decoder_trainable(model)
    trained = submission.model(MODEL)
    require_same_weights(trained, reference, ALL_STAGES[:3], "after phase 2")
    require_same_weights(trained, reference, ALL_STAGES, "after phase 2", statistics_only=True)
    require(_moved(trained, reference, expected), "phase 2 did not change conv4: was it trained?")


def _moved(model: OpenedModel, reference: OpenedModel, names: Collection[str]) -> bool:
    pairs = encoder_weights(model, reference, "after phase 2")
    kernels = [pair for pair in pairs if pair[1].layer.name in names and pair[1].name == "kernel"]
    return bool(model.unlike(reference, kernels, tolerance=0))


def test_iou(submission: NetworkSubmission, credit: Credit) -> None:
    """Boundary IoU on hidden images, with partial credit down to the trivial baseline."""
    submission.require_same_architecture(MODEL, "build_resnet")
    threshold = submission.threshold(CARD, default=0.5)
    iou = submission.iou(MODEL, "hidden", threshold)
    target = submission.target
    credit.partial(target.share(iou), target.explain(iou, threshold))


def test_comparison(submission: NetworkSubmission, generator: np.random.Generator) -> None:
    """Methods sorted by boundary IoU at their own thresholds."""
    masks = (generator.random((3, 24, 24, 1)) < 0.3).astype(np.uint8)
    thresholds = {"a": 0.3, "b": 0.6, "c": 0.45}
    predictions = {
        name: (0.3 * generator.random() * masks + 0.7 * generator.random(masks.shape)).astype("f4")
        for name in thresholds
    }
    expected = sorted(
        (
            (name, foreground_iou(masks, predictions[name] >= thresholds[name]))
            for name in thresholds
        ),
        key=lambda pair: -pair[1],
    )
    answer = submission.functions.call("compare", masks, predictions, thresholds)
    given = pairs(answer, "compare")
    require(
        [name for name, _ in given] == [name for name, _ in expected],
        "compare does not sort the methods by IoU, best first",
    )
    require(
        np.allclose([iou for _, iou in given], [iou for _, iou in expected], atol=1e-5),
        "compare does not give each method's boundary IoU at its own threshold",
    )

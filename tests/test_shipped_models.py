"""The models in the apps' folders are what their cards and the table of results say."""

import argparse
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from bsds_utils import foreground_iou, load_model, open_dataset, resize_probability
from bsds_utils.models.predict import predict_probability
from grader.assignment import COURSE_ROOT, get_assignment
from grader.course.training import command as train
from grader.course.training.functions import load_functions


class Shipped(NamedTuple):
    """A model file, and what it must keep to."""

    name: str
    path: Path
    assignment: str
    bytes: int


MODELS = [
    Shipped("CNN", COURSE_ROOT / "cnn_app" / "cnn_model.keras", "cnn", 5_000_000),
    Shipped("ResNet50", COURSE_ROOT / "resnet_app" / "resnet50_model.keras", "resnet", 25_000_000),
]
TOLERANCE = 0.002

each_model = pytest.mark.parametrize("shipped", MODELS, ids=lambda shipped: shipped.name)


@each_model
def test_small_and_plain(shipped: Shipped) -> None:
    """The file is small, and Keras alone loads it: built-in layers, no optimiser, no code."""
    assert shipped.path.stat().st_size <= shipped.bytes
    model = keras.saving.load_model(shipped.path, compile=False, safe_mode=True)
    assert model.input_shape == (None, None, None, 3)
    assert model.output_shape == (None, None, None, 1)


@each_model
def test_is_the_notebooks_network(shipped: Shipped) -> None:
    """The layers are those that the solutions notebook builds, within its limits."""
    model, card = load_model(shipped.path)
    functions = load_functions(get_assignment(shipped.assignment))
    if shipped.assignment == "cnn":
        # Two convolutions at each of the encoder's resolutions come first.
        convolutions = [layer for layer in model.layers if hasattr(layer, "filters")]
        filters = [layer.filters for layer in convolutions[:8:2]]
        rates = [layer.dilation_rate[0] for layer in convolutions if max(layer.dilation_rate) > 1]
        expected = functions["build_cnn"](filters, rates)
        assert model.count_params() <= 1_000_000
        assert card["encoder_initialisation"] is None
    else:
        expected = functions["build_resnet"].__globals__["build_encoder"]()
        own = model.count_params() - expected.count_params()
        assert own <= 2_000_000
        assert card["encoder_initialisation"] not in (None, "random")
        model = model.get_layer("encoder")
    assert [layer.name.rstrip("_0123456789") for layer in model.layers] == [
        layer.name.rstrip("_0123456789") for layer in expected.layers
    ]
    assert [weight.shape for weight in model.weights] == [w.shape for w in expected.weights]


@each_model
def test_card(shipped: Shipped) -> None:
    """The card says how to use the model, where it comes from and what it cannot do."""
    model, card = load_model(shipped.path)
    assert card["input_size"] == get_assignment(shipped.assignment).size
    assert card["mask_protocol"] == "course"
    assert 0 < card["threshold"] < 1
    assert all(0 < scale <= 2 for scale in card["scales"])
    assert 0 < card["metrics"]["val"]["iou"] < 1
    assert card["parameters"] == model.count_params()
    assert card["command"].startswith(f"bsds train {shipped.assignment} ")
    assert len(card["commit"]) == 40
    assert card["training_data"].startswith("bsds500: train")
    assert card["minutes"] > 0
    assert card["limits"]


@each_model
def test_make_models_trains_it_again(shipped: Shipped) -> None:
    """What `make models` runs are the trainings that the model's card tells, in their order."""
    printed = subprocess.run(
        ["make", "--dry-run", "--always-make", f"model-{shipped.assignment}"],
        cwd=COURSE_ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    planned = [_training(line) for line in printed.splitlines() if "bsds train" in line]
    told = [_training(command) for command in load_model(shipped.path)[1]["commands"]]
    # Trainings of no minutes only scaled probabilities, which every training ends with now.
    assert planned == [one for one in told if one["minutes"]]


def _training(line: str) -> dict[str, Any]:
    """Return the arguments of a command that decide what comes out of a training."""
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    found = vars(parser.parse_args(shlex.split(line.partition("bsds train ")[2])))
    for told_elsewhere in ("root", "run", "resume", "output", "threshold", "scales"):
        del found[told_elsewhere]
    return found | {"start": found["start"] is not None}


@each_model
@pytest.mark.parametrize("shape", [(321, 481), (97, 61), (8, 8)])
def test_serves_pictures_of_any_size(shipped: Shipped, shape: tuple[int, int]) -> None:
    """A picture of any size gives probabilities of its own size, which tell edges from areas."""
    model, card = load_model(shipped.path)
    picture = np.full((*shape, 3), 60, dtype=np.uint8)
    picture[:, shape[1] // 2 :] = 190
    probability = predict_probability(model, picture, scales=card["scales"])
    assert probability.shape == shape
    if min(shape) >= 32:
        middle = shape[1] // 2
        edge = probability[8:-8, middle - 1 : middle + 1].max(axis=1).mean()
        assert edge > 2 * probability[8:-8, 8 : middle - 8].mean()


@pytest.mark.real_data
@each_model
def test_reproduces_the_table(shipped: Shipped, bsds500_root: Path) -> None:
    """On a few test images, squashed and whole, the model's IoU is the table's, to 0.002."""
    path = COURSE_ROOT / "benchmarks" / "results.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
    ((size, squashed, whole),) = (
        (found["size"], found["squashed"], found["full size"])
        for row in rows
        for found in row["iou"]
        if row["method"] == shipped.name
    )
    model, card = load_model(shipped.path)
    assert size == card["input_size"]
    dataset = open_dataset(root=bsds500_root)
    arrays = dataset.load("test", size=size)
    ids = squashed["sample"]["ids"]
    assert whole["sample"]["ids"] == ids
    chosen = [arrays.ids.index(image_id) for image_id in ids]
    masks = arrays.masks[chosen]
    maps = np.asarray(model(arrays.images[chosen].astype(np.float32), training=False))
    iou = foreground_iou(masks, maps >= squashed["test"]["course"]["threshold"])
    assert iou == pytest.approx(squashed["sample"]["iou"], abs=TOLERANCE)
    pictures = (dataset.image("test", image_id) for image_id in ids)
    drawn = (predict_probability(model, picture, scales=card["scales"]) for picture in pictures)
    maps = np.stack([resize_probability(probability, size) for probability in drawn])
    iou = foreground_iou(masks[..., 0], maps >= whole["test"]["course"]["threshold"])
    assert iou == pytest.approx(whole["sample"]["iou"], abs=TOLERANCE)

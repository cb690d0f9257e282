"""Which parts of the recipe matter: short trainings that differ in one thing each.

    python benchmarks/ablation.py --root BSDS500 [--views 4000] [--only "cnn, width 4" resnet]

Every row of a network trains on the train split for equally many views (the resnet, which does
not begin with nothing and takes longer for each, for half as many) and is measured on val, never
on test: the IoU of the course's masks at 168 (or 224) pixels, at its best threshold; of rows that
name native views, the IoU of whole pictures' maps, reduced to as many pixels. Two seeds each.
Results go into ablation.json as they come, so an interrupted run goes on where it stopped,
and as a table into ablation.md. Two runs may share the file if their rows are not the same.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bsds_utils.startup import quiet_start

quiet_start()

import keras
from keras import layers, ops

from bsds_utils import (
    COURSE,
    Batches,
    Dataset,
    LearningRateDecay,
    MaskProtocol,
    ProgressBar,
    RandomViews,
    TimeBudget,
    open_dataset,
    resize_probability,
    seed_everything,
    threshold_sweep,
)
from bsds_utils.atomic import written_whole
from bsds_utils.models.predict import predict_probability
from bsds_utils.models.revision import current_commit
from bsds_utils.synthetic import write_dataset
from grader.assignment import get_assignment
from grader.course.training.callbacks import predict
from grader.course.training.functions import load_functions

HERE = Path(__file__).parent
BATCH = 8
SEEDS = (1, 2)
SIDES = ("side1", "side2")
NEAR = 0.25
NATIVE_SHARES = {"all": 0.0, "both": 0.5, "native": 1.0}
"""Of random views, by :attr:`Setup.views`."""
PRETRAINING_SCENES = {"train": 200, "val": 1, "test": 1}

Functions = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Setup:
    """One training; the defaults are the recipe of the cnn notebook.

    Attributes
    ----------
    network
        ``"cnn"`` or ``"resnet"``.
    width, dropout
        Of the cnn.
    dilated
        Whether the convolutions in the cnn's bottleneck look further around: dilations of 2 and 4.
    dilations
        Of further convolutions there.
    loss
        ``"bce+dice"``, ``"bce"`` or ``"dice"``.
    views
        ``"all"`` random views, ``"native"`` ones alone, ``"both"``, half of each, ``"flips"`` and
        quarter turns alone, ``"none"``.
    scales
        At which a network that learned from native views sees whole pictures.
    near
        Whether the last fifth of the views keeps near the scale of use.
    paste
        Share of random views onto which a region of another image is pasted.
    consensus
        Share of annotators who must have marked a training pixel, or ``"union"``.
    size
        Of images and masks in pixels.
    decay
        Whether the learning rate falls.
    average
        Whether the weights are averaged over steps.
    deep
        Whether coarse decoder stages have outputs of their own while training.
    pretrained
        Whether a third of the views comes first, from synthetic scenes.
    encoder
        ``"imagenet"`` or ``"random"``.
    tuned
        Whether the upper encoder is trained in the second half.
    skips
        Whether the decoder of the resnet has skip connections.
    """

    network: str = "cnn"
    width: int = 8
    dropout: float = 0.1
    dilated: bool = False
    dilations: tuple[int, ...] = ()
    loss: str = "bce+dice"
    views: str = "all"
    scales: tuple[float, ...] = (1.0,)
    near: bool = False
    paste: float = 0.0
    consensus: float | str = "union"
    size: int = 168
    decay: bool = True
    average: bool = False
    deep: bool = False
    pretrained: bool = False
    encoder: str = "imagenet"
    tuned: bool = True
    skips: bool = True


CNN = Setup()
NATIVE = replace(CNN, views="native")
BOTH = replace(CNN, views="both")
RESNET = Setup(network="resnet", loss="bce", size=224)
ROWS: dict[str, Setup] = {
    "cnn": CNN,
    "cnn, flips and quarter turns only": replace(CNN, views="flips"),
    "cnn, no augmentation": replace(CNN, views="none"),
    "cnn, last fifth of the views near the scale of use": replace(CNN, near=True),
    "cnn, regions of other images on half of the views": replace(CNN, paste=0.5),
    "cnn, BCE alone": replace(CNN, loss="bce"),
    "cnn, Dice alone": replace(CNN, loss="dice"),
    "cnn, masks of half the annotators": replace(CNN, consensus=0.5),
    "cnn, 112 pixels": replace(CNN, size=112),
    "cnn, 224 pixels": replace(CNN, size=224),
    "cnn, deep supervision": replace(CNN, deep=True),
    "cnn, constant learning rate": replace(CNN, decay=False),
    "cnn, averaged weights": replace(CNN, average=True),
    "cnn, constant rate, averaged weights": replace(CNN, decay=False, average=True),
    "cnn, no dropout": replace(CNN, dropout=0.0),
    "cnn, dropout 0.3": replace(CNN, dropout=0.3),
    "cnn, width 4": replace(CNN, width=4),
    "cnn, width 16": replace(CNN, width=16),
    "cnn, dilated bottleneck": replace(CNN, dilated=True),
    "cnn, a third of the views synthetic": replace(CNN, pretrained=True),
    "cnn on native views": NATIVE,
    "cnn on native views, two further dilated convolutions": replace(NATIVE, dilations=(2, 4)),
    "cnn, half of the views native": BOTH,
    "cnn, half of the views native, shown pictures of four fifths": replace(BOTH, scales=(0.8,)),
    "cnn, half of the views native, shown pictures of two thirds": replace(BOTH, scales=(2 / 3,)),
    "cnn, half of the views native, shown pictures at 0.5, 0.8 and 1.25": replace(
        BOTH, scales=(0.5, 0.8, 1.25)
    ),
    "resnet": RESNET,
    "resnet, encoder frozen": replace(RESNET, tuned=False),
    "resnet, random encoder": replace(RESNET, encoder="random"),
    "resnet, no skip connections": replace(RESNET, skips=False),
    "resnet, BCE + Dice": replace(RESNET, loss="bce+dice"),
    "resnet, 192 pixels": replace(RESNET, size=192),
}


def main() -> None:
    """Train what is not in the file yet, then write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", metavar="DIR", help="BSDS500")
    parser.add_argument(
        "--views", type=int, default=4000, metavar="N", help="of a cnn; half of a resnet"
    )
    parser.add_argument("--only", nargs="+", metavar="ROW", default=list(ROWS))
    parser.add_argument("--file", type=Path, default=HERE / "ablation.json")
    args = parser.parse_args()
    dataset = open_dataset(root=args.root)
    for seed in SEEDS:
        for name in args.only:
            views = _views(name, args.views)
            key = {"row": name, "seed": seed, "views": views, "data": dataset.name}
            if any(key.items() <= one.items() for one in _results(args.file)):
                continue
            print(f"{name}, seed {seed}", flush=True)
            result = key | _run(ROWS[name], seed, views, dataset, args.file.parent)
            print(f"{name}, seed {seed}: {result['val_iou']:.4f}", flush=True)
            with written_whole(args.file) as part:
                together = [*_results(args.file), result]
                part.write_text(json.dumps(together, indent=1) + "\n", encoding="utf-8")
    report = _report(
        [one for one in _results(args.file) if one["views"] == _views(one["row"], args.views)]
    )
    args.file.with_suffix(".md").write_text(report, encoding="utf-8")
    print(report)


def _results(file: Path) -> list[dict[str, Any]]:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []


def _views(row: str, views: int) -> int:
    return views if ROWS[row].network == "cnn" else views // 2


def _run(setup: Setup, seed: int, views: int, dataset: Dataset, cache: Path) -> dict[str, Any]:
    keras.backend.clear_session()
    seed_everything(seed)
    functions = load_functions(get_assignment(setup.network))
    model = _build(setup, functions)
    began = time.monotonic()
    protocol = COURSE
    if setup.consensus != "union":
        protocol = MaskProtocol(f"consensus {setup.consensus}", setup.consensus)
    batches = [_batches(setup, dataset, protocol, seed)]
    shares = [1.0]
    if setup.pretrained:
        folder = cache / "ablation-scenes"
        if not folder.exists():
            write_dataset(folder, PRETRAINING_SCENES, seed=7)
        scenes = open_dataset("deadleaves", folder)
        batches = [_batches(setup, scenes, protocol, seed), *batches]
        shares = [1 / 3, 2 / 3]
    for one, share in zip(batches, shares, strict=True):
        _fit(setup, functions, model, one, round(views * share))
    seconds = time.monotonic() - began
    truth = dataset.load("val", size=_home(setup))
    if NATIVE_SHARES.get(setup.views):
        pictures = (dataset.image("val", image_id) for image_id in dataset.ids("val"))
        found = [predict_probability(model, picture, scales=setup.scales) for picture in pictures]
    else:
        images = truth.images
        if setup.size != _home(setup):
            images = dataset.load("val", size=setup.size).images
        found = list(predict(model, images)[..., 0])
    resized = np.stack([resize_probability(one, _home(setup)) for one in found])
    sweep = threshold_sweep(truth.masks[..., 0], resized)
    return {
        "val_iou": float(sweep.best_iou),
        "threshold": float(sweep.best_threshold),
        "parameters": int(model.count_params()),
        "seconds": round(seconds),
        "setup": asdict(setup),
        "commit": current_commit(HERE),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "backend": keras.backend.backend(),
    }


def _home(setup: Setup) -> int:
    """Size at which a network is compared."""
    return get_assignment(setup.network).size


def _build(setup: Setup, functions: Functions) -> Any:
    if setup.network == "resnet":
        return _resnet(setup, functions)
    filters = tuple(setup.width * 2**level for level in range(4))
    model = functions["build_cnn"](filters, setup.dilations)
    for layer in model.layers:
        if isinstance(layer, layers.SpatialDropout2D):
            layer.rate = setup.dropout
    if setup.dilated:
        model = _dilated(model, 8 * setup.width)
    if not setup.deep:
        return model
    # The inputs of the upsamplings are the decoder's coarse stages.
    coarse = [layer.input for layer in model.layers if isinstance(layer, layers.UpSampling2D)]
    outputs = [model.output]
    for name, features, factor in zip(SIDES, coarse[1:], (4, 2), strict=True):
        side = layers.Conv2D(1, 1, activation="sigmoid")(features)
        outputs.append(layers.UpSampling2D(factor, name=name)(side))
    return keras.Model(model.input, layers.Concatenate()(outputs))


def _dilated(model: Any, filters: int) -> Any:
    """Return the untrained model with dilated convolutions in its bottleneck."""
    rates = iter((2, 4))

    def copied(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(layer, layers.Conv2D) and layer.filters == filters:
            config["dilation_rate"] = next(rates)
        return type(layer).from_config(config)

    return keras.models.clone_model(model, clone_function=copied)


def _resnet(setup: Setup, functions: Functions) -> Any:
    if setup.encoder == "random":
        encoder = functions["build_encoder"]()
        namespace = functions["build_resnet"].__globals__
        kept = namespace["pretrained_encoder"]
        namespace["pretrained_encoder"] = lambda: encoder
        try:
            return functions["build_resnet"]()
        finally:
            namespace["pretrained_encoder"] = kept
    if setup.skips:
        return functions["build_resnet"]()
    image = keras.Input((None, None, 3))
    x = functions["pretrained_encoder"]()(functions["preprocess"](image))[-1]
    for filters in (64, 64, 48, 32):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.UpSampling2D()(layers.Activation("relu")(x))
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))


def _batches(setup: Setup, dataset: Dataset, protocol: MaskProtocol, seed: int) -> Any:
    if setup.views in NATIVE_SHARES:
        native = NATIVE_SHARES[setup.views]
        return RandomViews(
            dataset, "train", setup.size, BATCH, protocol, native, paste=setup.paste, seed=seed
        )
    arrays = dataset.load("train", size=setup.size, protocol=protocol)
    augment = setup.views == "flips"
    return Batches(arrays.images, arrays.masks, BATCH, augment, seed, shuffle=True)


def _loss(setup: Setup, functions: Functions) -> Callable[[Any, Any], Any]:
    def bce(truth: Any, prediction: Any) -> Any:
        return ops.mean(keras.losses.binary_crossentropy(truth, prediction))

    if setup.loss == "bce":
        one = bce
    else:
        both = load_functions(get_assignment("cnn"))["bce_dice_loss"]
        one = both if setup.loss == "bce+dice" else lambda t, p: both(t, p) - bce(t, p)
    if not setup.deep:
        return one
    return lambda truth, prediction: sum(
        one(truth, prediction[..., k : k + 1]) for k in range(1 + len(SIDES))
    )


def _fit(setup: Setup, functions: Functions, model: Any, batches: Any, views: int) -> None:
    steps = max(1, views // BATCH)
    phases: list[tuple[Callable[[Any], None], float, float]]
    if setup.network == "cnn":
        phases = [(lambda model: None, 0.003, 1.0)]
    else:
        freeze, unfreeze = functions["freeze_encoder"], functions["unfreeze_upper_layers"]
        phases = [(freeze, 0.002, 0.4), (unfreeze if setup.tuned else freeze, 1e-4, 0.6)]
        if setup.encoder == "random":
            # There is nothing to preserve in it.
            phases = [(lambda model: None, 0.002, 1.0)]
    for prepare, rate, share in phases:
        prepare(model)
        optimizer = keras.optimizers.Adam(
            rate, use_ema=setup.average, ema_momentum=0.995 if setup.average else 0.99
        )
        model.compile(optimizer, _loss(setup, functions))
        budget = TimeBudget(1e9, restore_best=False)
        decay = [LearningRateDecay(budget)] if setup.decay else []
        epochs = max(1, round(steps * share / len(batches)))
        near = [_KeepNear(batches, round(0.8 * epochs))] if setup.near else []
        model.fit(
            batches, epochs=epochs, verbose=0,
            callbacks=[budget, *decay, *near, ProgressBar(budget)],
        )  # fmt: skip


class _KeepNear(keras.callbacks.Callback):  # type: ignore[misc]
    """Have views keep near the scale of use from some epoch on."""

    def __init__(self, views: RandomViews, first_epoch: int) -> None:
        super().__init__()
        self._views, self._first_epoch = views, first_epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look whether it is time."""
        if epoch >= self._first_epoch:
            self._views.spread = NEAR


def _report(results: Sequence[Mapping[str, Any]]) -> str:
    by_row: dict[str, list[Mapping[str, Any]]] = {}
    for one in results:
        by_row.setdefault(one["row"], []).append(one)
    each = " and ".join(
        f"{runs[0]['views']:,} views for a {network}"
        for network, runs in by_row.items()
        if network in ("cnn", "resnet")
    )
    machines = ", ".join(sorted({f"{one['machine']}, {one['backend']}" for one in results}))
    lines = [
        "# What each part of the recipe does",
        "",
        f"Written by `python benchmarks/ablation.py --root BSDS500`: {each}, on train alone. "
        "Each row differs from the first of its network in what it names. IoU is the boundary "
        "class's on **val**, under the course's masks, at the best threshold; in brackets, each "
        "seed's. Rows that name native views are measured on maps of whole pictures, reduced to "
        f"the same size, and compared with the first that has as many of them. {machines}.",
        "",
        "| what is trained | val IoU | against the first row | parameters |",
        "|---|---|---|---|",
    ]
    first: dict[tuple[str, float], dict[int, float]] = {}
    for name in (row for row in ROWS if row in by_row):
        runs = by_row[name]
        values = {run["seed"]: run["val_iou"] for run in runs}
        setup = ROWS[name]
        base = first.setdefault((setup.network, NATIVE_SHARES.get(setup.views, 0.0)), values)
        # Only the seeds that both have: the others would compare seeds, too.
        differences = [value - base[seed] for seed, value in values.items() if seed in base]
        mean = np.mean(list(values.values()))
        difference = f"{np.mean(differences):+.3f}" if differences else "–"
        bracket = ", ".join(f"{values[seed]:.3f}" for seed in sorted(values))
        lines.append(
            f"| {name} | {mean:.3f} ({bracket}) | {difference} | {runs[0]['parameters']:,} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

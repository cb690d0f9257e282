"""Train a reference solution at full budget and write its model, with a model card.

Runs the functions of the solutions notebook, then scales the probabilities on val. Keeps
checkpoint, logs (CSV, TensorBoard) and a picture of what the model predicts in a folder; after an
interruption, --resume goes on from there.

Examples
--------
  bsds train cnn --minutes 120
  bsds train cnn --minutes 120 --resume          it was stopped: go on
  bsds train resnet --root BSDS500 --encoder-weights resnet50.h5 --minutes 180
"""

import argparse
import os
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsds_utils.errors import BSDSError
from bsds_utils.models.scales import read_scales
from bsds_utils.startup import quiet_start
from grader.course import ASSIGNMENTS
from grader.course.network import NetworkAssignment, network_assignment

if TYPE_CHECKING:
    from bsds_utils import Arrays
    from grader.course.training.train import Options, Trained

__all__ = ["add_arguments", "run"]

_MODELS = {"cnn": "cnn_app/cnn_model.keras", "resnet": "resnet_app/resnet50_model.keras"}
_LEVELS = 4
"""Resolutions of the cnn."""
_NUMBER = re.compile("[1-9][0-9]{0,3}")
_LIMITS = (
    "Trained on a few hundred photographs of natural scenes; drawings, text, medical and "
    "satellite images are not like them. The larger a probability, the likelier a person marks a "
    "boundary there, within a pixel at the input's size."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help=" or ".join(ASSIGNMENTS))
    parser.add_argument("--root", metavar="DIR", help="BSDS500; default: as bsds data finds it")
    parser.add_argument(
        "--minutes", type=float, default=120.0, metavar="M",
        help="default 120; after --start, 0 only scales the probabilities",
    )  # fmt: skip
    parser.add_argument(
        "--epochs", type=int, metavar="N",
        help="train for so many epochs, however long it takes: then a seed gives the same model",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default 1")
    parser.add_argument(
        "--splits", default="train", metavar="LIST", help="train (default) or train,val"
    )
    parser.add_argument(
        "--threshold", type=float, metavar="T",
        help="of the card; default: the best on val, which must not be trained on then",
    )  # fmt: skip
    parser.add_argument(
        "--scales", default="1", metavar="LIST",
        help="of the card: at which the model sees whole pictures (default 1); 0.5,1: at both, "
        "and the mean of the maps counts",
    )  # fmt: skip
    parser.add_argument("--protocol", default="course", help="course (default) or thin masks")
    parser.add_argument(
        "--native", type=float, default=0.5, metavar="SHARE",
        help="of views at about the images' own resolution (default 0.5)",
    )  # fmt: skip
    parser.add_argument(
        "--spread", type=float, default=1.0, metavar="SHARE",
        help="how far views zoom (default 1); near 0 for a last training at the scale of use",
    )  # fmt: skip
    parser.add_argument(
        "--paste", type=float, default=0.0, metavar="SHARE",
        help="of views onto which a region of another image is pasted (default 0)",
    )  # fmt: skip
    parser.add_argument(
        "--width", metavar="N",
        help="of the cnn: filters at full resolution, doubled at each coarser one; or at each: "
        "8,16,32,64 (the notebook's, and the default)",
    )  # fmt: skip
    parser.add_argument(
        "--dilations", metavar="N",
        help="of the cnn: dilation rates of further convolutions in its bottleneck, which look "
        "further around: 2,4; default: none, as in the notebook",
    )  # fmt: skip
    parser.add_argument(
        "--start", type=Path, metavar="MODEL",
        help="start from a trained model, of the cnn also a smaller one; its minutes are added on "
        "the card",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=float, metavar="R",
        help="learning rate to begin with after --start; default: the notebook's",
    )  # fmt: skip
    parser.add_argument("--encoder-weights", metavar="FILE", help="ResNet50 weights for Keras")
    parser.add_argument("--run", type=Path, metavar="DIR", help="default: runs/MODEL")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="default: the model of the app"
    )


def run(args: argparse.Namespace) -> int:
    """Train, measure on val, save."""
    assignment = network_assignment(args.model)
    splits = _checked(args)
    scales = read_scales(args.scales)
    if args.encoder_weights is not None:
        os.environ["BSDS_ENCODER_WEIGHTS"] = args.encoder_weights
    quiet_start()
    from bsds_utils import load_model, open_dataset
    from grader.course.training.train import Options, train

    start = None if args.start is None else load_model(args.start)
    options = Options(
        assignment=assignment.name, minutes=args.minutes, epochs=args.epochs, seed=args.seed,
        splits=splits, protocol=args.protocol, native=args.native, spread=args.spread,
        paste=args.paste,
        filters=None if args.width is None else _filters(args.width),
        dilations=() if args.dilations is None else _dilations(args.dilations),
        start=None if args.start is None else sha256(args.start.read_bytes()).hexdigest(),
        rate=args.rate,
    )  # fmt: skip
    dataset = open_dataset(root=args.root)
    val = dataset.load("val", size=assignment.size, protocol=options.protocol)
    print(f"training {assignment.name} on {dataset!r}", flush=True)
    trained = train(
        assignment, dataset, val, options, args.run or Path("runs", assignment.name),
        start=None if start is None else start[0], resume=args.resume,
    )  # fmt: skip
    output = args.output or Path(_MODELS[assignment.name])
    _save(assignment, dataset.name, val, options, trained, {} if start is None else start[1],
          args.threshold, scales, output)  # fmt: skip
    return 0


def _filters(text: str) -> tuple[int, ...]:
    """Read --width."""
    counts = _counts(text)
    if len(counts) == 1:
        counts = [counts[0] * 2**level for level in range(_LEVELS)]
    if len(counts) != _LEVELS:
        raise BSDSError(f"--width: expected a number, or {_LEVELS} (8,16,32,64); found {text}")
    return tuple(counts)


def _dilations(text: str) -> tuple[int, ...]:
    """Read --dilations."""
    rates = _counts(text)
    if not rates:
        raise BSDSError(f"--dilations: expected numbers (2,4), found {text}")
    return tuple(rates)


def _counts(text: str) -> list[int]:
    """Read numbers from 1 on; an empty list if something else is found."""
    parts = text.split(",")
    return [int(part) for part in parts] if all(map(_NUMBER.fullmatch, parts)) else []


def _checked(args: argparse.Namespace) -> tuple[str, ...]:
    if args.minutes < 0 or (args.epochs is not None and args.epochs < 1):
        raise BSDSError("--minutes, --epochs: expected positive numbers")
    if args.minutes == 0 and args.start is None:
        raise BSDSError("--minutes 0: expected --start, too, found nothing to scale")
    if args.minutes == 0 and (args.epochs is not None or args.rate is not None):
        raise BSDSError("--minutes 0: expected neither --epochs nor --rate; nothing is trained")
    for name in ("native", "spread", "paste"):
        if not 0 <= getattr(args, name) <= 1:
            raise BSDSError(f"--{name}: expected 0 to 1, found {getattr(args, name):g}")
    if args.rate is not None and (args.start is None or args.rate <= 0):
        raise BSDSError("--rate: expected a positive number, and --start")
    for name in ("width", "dilations"):
        if getattr(args, name) is not None and args.model != "cnn":
            raise BSDSError(f"--{name}: expected it with cnn only; other models have one size")
    splits = tuple(args.splits.split(","))
    if splits not in (("train",), ("train", "val")):
        raise BSDSError(f"--splits: expected train or train,val; found {args.splits}")
    if "val" in splits and args.threshold is None:
        raise BSDSError(
            "--splits train,val: expected --threshold, too, found none; choose it with a model "
            "that was trained on train alone"
        )
    return splits


def _save(
    assignment: NetworkAssignment,
    data: str,
    val: "Arrays",
    options: "Options",
    trained: "Trained",
    earlier: Mapping[str, Any],
    threshold: float | None,
    scales: tuple[float, ...],
    output: Path,
) -> None:
    import keras

    from bsds_utils import baselines, save_model, threshold_sweep
    from bsds_utils.models.modelcard import card_path
    from grader.course.training.callbacks import predict

    sweep = threshold_sweep(val.masks, predict(trained.model, val.images))
    seen = sorted({*options.splits, *earlier.get("splits", ())})
    measured = {
        "iou": float(sweep.best_iou),
        # Without them nobody can tell whether that is good.
        "baselines": baselines(val.masks, val.images),
        "trained_on": "val" in seen,
    }
    save_model(
        trained.model, output,
        threshold=float(sweep.best_threshold) if threshold is None else threshold,
        scales=scales, input_size=assignment.size, mask_protocol=options.protocol,
        metrics={"val": measured},
        training_data=f"{data}: {', '.join(seen)}", splits=seen,
        encoder_initialisation=trained.encoder, limits=_LIMITS, half_precision=assignment.encoder,
        minutes=round(trained.seconds / 60 + earlier.get("minutes", 0), 1), seed=options.seed,
        command=_command(options), commands=[*earlier.get("commands", ()), _command(options)],
        backend=keras.backend.backend(),
    )  # fmt: skip
    print(f"val IoU {float(sweep.best_iou):.4f}; {output} and {card_path(output)}")


def _command(options: "Options") -> str:
    """Write the command without the places of files, which are different elsewhere."""
    parts = ["bsds train", options.assignment, f"--minutes {options.minutes:g}"]
    if options.epochs is not None:
        parts.append(f"--epochs {options.epochs}")
    parts += [f"--seed {options.seed}", f"--splits {','.join(options.splits)}"]
    parts += [f"--protocol {options.protocol}", f"--native {options.native:g}"]
    parts.append(f"--spread {options.spread:g}")
    if options.paste:
        parts.append(f"--paste {options.paste:g}")
    if options.filters is not None:
        parts.append(f"--width {','.join(map(str, options.filters))}")
    if options.dilations:
        parts.append(f"--dilations {','.join(map(str, options.dilations))}")
    if options.start is not None:
        parts.append("--start MODEL")
    if options.rate is not None:
        parts.append(f"--rate {options.rate:g}")
    return " ".join(parts)

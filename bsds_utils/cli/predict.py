"""Draw the boundaries of pictures with a trained model.

For every picture, DIR gets <name>_probability.png (8 bit grey, 255 is certain) and
<name>_mask.png (255 where the probability reaches the threshold on the model's card), both of the
picture's own size. A picture that cannot be read is reported, and the others are still done.

example:
  bsds predict cnn_model.keras holiday.jpg portrait.png -o boundaries
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bsds_utils.atomic import written_whole
from bsds_utils.errors import BSDSError
from bsds_utils.images import read_image, to_grey
from bsds_utils.models.scales import read_scales
from bsds_utils.startup import quiet_start

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's arguments."""
    parser.add_argument("model", type=Path, help="model.keras, its card model.json beside it")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="a picture")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for the results, made if missing",
    )
    parser.add_argument(
        "--long-side",
        type=int,
        metavar="N",
        help="reduce larger pictures to N pixels for the model (default 1024); 0: never",
    )
    parser.add_argument(
        "--scales",
        metavar="LIST",
        help="at which the model sees pictures (0.5,1: at both, and the mean counts); fewer are "
        "quicker; default: those on the model's card",
    )


def run(args: argparse.Namespace) -> int:
    """Predict every picture; 0 if all went well, 1 if one failed."""
    quiet_start()
    from bsds_utils.models.modelcard import load_model

    if args.long_side is not None and args.long_side < 0:
        raise BSDSError(f"--long-side: expected a number of pixels or 0, found {args.long_side}")
    scales = None if args.scales is None else read_scales(args.scales)
    model, card = load_model(args.model)
    if scales is not None:
        card["scales"] = scales
    try:
        args.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BSDSError(
            f"{args.output}: expected a folder to write to: {error.strerror}"
        ) from error

    failures = 0
    written: dict[Path, Path] = {}
    for number, path in enumerate(args.images, start=1):
        began = time.monotonic()
        try:
            probability = _predict_file(model, card, path, args, written)
        except BSDSError as error:
            failures += 1
            print(f"bsds predict: {error}", file=sys.stderr, flush=True)
            continue
        height, width = probability.shape
        share = np.mean(probability >= float(card["threshold"]))
        print(
            f"[{number}/{len(args.images)}] {path}: {width}×{height}, {share:.1%} boundary, "
            f"{time.monotonic() - began:.1f} s",
            flush=True,
        )
    print(f"{len(args.images) - failures} of {len(args.images)} pictures done: {args.output}")
    return 1 if failures else 0


def _predict_file(
    model: Any,
    card: dict[str, Any],
    path: Path,
    args: argparse.Namespace,
    written: dict[Path, Path],
) -> NDArray[np.float32]:
    from bsds_utils.models.predict import LONG_SIDE, predict_probability

    targets = [args.output / f"{path.stem}_{kind}.png" for kind in ("probability", "mask")]
    for target in targets:
        if any(_same(target, one) for one in args.images):
            raise BSDSError(f"{path}: {target} is one of the pictures given; choose another -o")
        if target in written:
            raise BSDSError(
                f"{path}: {target} is the result of {written[target]}; rename one of them or "
                "use another -o"
            )
    long_side = LONG_SIDE if args.long_side is None else args.long_side or None
    probability = predict_probability(
        model, read_image(path), long_side=long_side, scales=card["scales"]
    )
    mask = probability >= float(card["threshold"])
    for target, values in zip(targets, (probability, mask), strict=True):
        _save(target, to_grey(values))
        written[target] = path
    return probability


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _save(path: Path, pixels: NDArray[np.uint8]) -> None:
    try:
        with written_whole(path) as part:
            Image.fromarray(pixels).save(part)
    except OSError as error:
        raise BSDSError(f"{path}: cannot be written: {error.strerror or error}") from error

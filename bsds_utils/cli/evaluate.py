"""Measure boundary maps by the official benchmark (ODS, OIS, AP) and by IoU.

PREDICTIONS is a folder with a map for each image, of the image's own size: <image id>.png (grey,
8 or 16 bits, white is certain), .npy (0 to 1), or .mat with ucm2. What `bsds predict` writes fits.
If the folder holds the maps of all val images too, IoU thresholds are chosen on those, else on
the evaluated images themselves, which flatters; --val names another folder with them.

Each image's result is kept in the user's cache ($BSDS_CACHE moves it): after Ctrl-C the same
command goes on where it stopped.

Examples
--------
  bsds predict cnn_model.keras BSDS500/images/test/*.jpg -o maps
  bsds evaluate maps --root BSDS500 --nms --jobs 2
  bsds evaluate maps --root BSDS500 --json cnn.json --output results --compare resnet.json
"""

import argparse
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bsds_utils.data.files import printable
from bsds_utils.data.manifest import SPLITS
from bsds_utils.data.source import SOURCES, cache_folder, open_dataset
from bsds_utils.errors import BSDSError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from bsds_utils.benchmark import MapFolder
    from bsds_utils.benchmark.evaluation import Evaluation
    from bsds_utils.data.dataset import Dataset

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="folder of maps")
    parser.add_argument("--root", type=Path, metavar="DIR", help="the data's folder")
    parser.add_argument("--source", choices=SOURCES, help="the real or the synthetic data set")
    parser.add_argument("--split", choices=SPLITS, default="test", help="images to measure on")
    parser.add_argument("--val", type=Path, metavar="DIR", help="maps of the val images")
    parser.add_argument(
        "--nms", action="store_true", help="thin soft maps to their ridges first, as papers do"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="images at a time")
    parser.add_argument("--name", help="the method's name; by default the folder's")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument(
        "--output",
        "-o",
        type=Path,
        metavar="DIR",
        help="write the official text files, precision_recall.png and results.md",
    )
    parser.add_argument(
        "--compare",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="other methods' --json files, for the table and the figure",
    )


def run(args: argparse.Namespace) -> int:
    """Do what the module's docstring says; 0 if every image was measured."""
    from bsds_utils.benchmark import MapFolder, evaluate, iou_table
    from bsds_utils.benchmark.engine import load_engine
    from bsds_utils.benchmark.evaluation import (
        Evaluation,
        read_evaluation,
        require_same_images,
        results_table,
    )

    name = printable(args.name or args.predictions.absolute().name)
    others = [read_evaluation(path) for path in args.compare]
    _check_names([name, *(one.name for one in others)])
    _check_writable(args.json, args.output, args.predictions)
    if args.val and args.split == "val":
        raise BSDSError("--val: thresholds for val are chosen on val itself; leave --val out")
    dataset = open_dataset(args.source, args.root)
    require_same_images(dataset.name, args.split, others)
    maps = MapFolder(args.predictions)
    val_maps = _val_maps(args.val, maps, dataset)
    load_engine()
    # First, because it reads every map: a bad one is found before the long work.
    table = iou_table(maps, dataset, args.split, val_maps)
    scores = evaluate(
        maps,
        dataset.truth(args.split),
        nms=args.nms,
        jobs=args.jobs,
        keep=cache_folder() / "benchmark",
    )
    evaluation = Evaluation(
        name=name,
        dataset=dataset.name,
        split=args.split,
        nms=args.nms,
        scores=scores,
        table=table,
        threshold_from=args.split if val_maps is None else "val",
    )
    markdown = results_table([evaluation, *others])
    if args.json:
        with _told_of("--json", args.json):
            args.json.write_text(evaluation.as_json(), encoding="utf-8")
    if args.output:
        _write_folder(args.output, markdown, [evaluation, *others])
    _print(evaluation)
    unused = set(maps) - set(scores.images)
    if val_maps is maps:
        unused -= set(dataset.ids("val"))
    if unused:
        print(
            f"note        left out, being of no image of {args.split}: {len(unused)} of the maps"
        )
    print(f"\n{markdown}", end="")
    return 0


def _check_names(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise BSDSError(
                f"expected a name of its own for each method, found {name!r} twice; choose one "
                "with --name"
            )


def _check_writable(file: Path | None, folder: Path | None, predictions: Path) -> None:
    """Complain before the work and not after it."""
    if file:
        with _told_of("--json", file):
            if file.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            tempfile.TemporaryFile(dir=file.parent).close()
    if folder:
        with _told_of("--output", folder):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            if predictions.exists() and folder.samefile(predictions):
                raise BSDSError(
                    "--output: expected another folder than PREDICTIONS, where the figure would "
                    "be taken for a map"
                )


@contextmanager
def _told_of(option: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BSDSError(
            f"{option}: {printable(path)}: cannot be written to ({error.strerror}); choose "
            "another place"
        ) from error


def _val_maps(
    folder: Path | None, maps: "MapFolder", dataset: "Dataset"
) -> "Mapping[str, NDArray[np.float64]] | None":
    from bsds_utils.benchmark import MapFolder, require_maps

    if folder is not None:
        val_maps = MapFolder(folder)
        require_maps(val_maps, dataset.truth("val"))
        return val_maps
    ids = set(dataset.ids("val"))
    return maps if ids and ids <= set(maps) else None


def _print(evaluation: "Evaluation") -> None:
    scores, table = evaluation.scores, evaluation.table
    how = "with non-maximum suppression" if evaluation.nms else "maps as they are"
    print(f"method      {evaluation.name}, {how}")
    print(f"images      {len(scores.images)} of {evaluation.dataset} {evaluation.split}")
    for what, point in (("ODS", scores.ods), ("OIS", scores.ois)):
        where = f" at threshold {point.threshold:.3f}" if point is scores.ods else ""
        print(
            f"{what}         F {point.f:.4f}, recall {point.recall:.4f}, "
            f"precision {point.precision:.4f}{where}"
        )
    print(f"AP          {scores.ap:.4f}")
    for protocol, sizes in table["maps"].items():
        for size, one in sizes.items():
            trivial = ", ".join(
                f"{name} {found[protocol][size].iou:.3f}"
                for name, found in table.items()
                if name != "maps"
            )
            print(
                f"{f'IoU {protocol}':<11} {size}: {one.iou:.4f} at threshold {one.threshold:.2f}, "
                f"2-class mean {one.mean_iou:.4f} ({trivial})"
            )
    if evaluation.threshold_from == evaluation.split:
        print("note        IoU thresholds were chosen on the evaluated images, which flatters")


def _write_folder(folder: Path, markdown: str, evaluations: "list[Evaluation]") -> None:
    from bsds_utils.benchmark import HUMAN, write_text_files
    from bsds_utils.plots import show_precision_recall

    first = evaluations[0]
    people = HUMAN if (first.dataset, first.split) == ("bsds500", "test") else None
    figure = show_precision_recall({one.name: one.scores for one in evaluations}, people)
    write_text_files(first.scores, folder)
    with _told_of("--output", folder):
        (folder / "results.md").write_text(markdown, encoding="utf-8")
        figure.savefig(folder / "precision_recall.png")

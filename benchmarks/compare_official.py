"""Compare with the official benchmark's own numbers.

    python benchmarks/compare_official.py DIR [--root path/to/BSDS500]

DIR holds the examples that come with the official code, in small/ (groundTruth, png, ucm2 and the
results expected_png and expected_ucm2 at 5 thresholds), and results for test images at 99
thresholds: the maps in ucm2/, the figures in official_per_image.txt (a heading, then image id,
best threshold, recall, precision, F on each line).
"""

import argparse
from pathlib import Path

import numpy as np

import bsds_utils
from bsds_utils.benchmark import MapFolder, evaluate
from bsds_utils.data.groundtruth import read_ground_truth


def _small(folder: Path) -> None:
    truth = {
        path.stem: read_ground_truth(path).boundaries
        for path in sorted((folder / "groundTruth").glob("*.mat"))
    }
    for kind in ("ucm2", "png"):
        ours = evaluate(MapFolder(folder / kind), truth, thresholds=5)
        theirs = np.loadtxt(folder / f"expected_{kind}" / "eval_bdry.txt")
        print(f"examples, {kind}, {len(truth)} images:")
        for name, own, official in (
            ("ODS", ours.ods.f, theirs[3]),
            ("OIS", ours.ois.f, theirs[6]),
            ("AP", ours.ap, theirs[7]),
        ):
            print(f"  {name:3}  {own:.6f}  official {official:.6f}  {own - official:+.6f}")


def _images(folder: Path, root: Path | None) -> None:
    lines = (folder / "official_per_image.txt").read_text().splitlines()[1:]
    official = {line.split()[0]: np.array(line.split()[1:], dtype=float) for line in lines}
    truth = bsds_utils.open_dataset("bsds500", root).truth("test")
    ours = evaluate(
        MapFolder(folder / "ucm2"), {image_id: truth[image_id] for image_id in official}, jobs=2
    )
    difference = np.array([ours.images[name] - theirs for name, theirs in official.items()])
    print(f"gPb-owt-ucm, best point of each of {len(official)} test images, ours less official:")
    for name, column in zip(("threshold", "recall", "precision", "F"), difference.T, strict=True):
        print(
            f"  {name:9}  mean {column.mean():+.5f}, smallest {column.min():+.5f}, "
            f"greatest {column.max():+.5f}"
        )


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--root", type=Path)
    args = parser.parse_args()
    _small(args.folder / "small")
    _images(args.folder, args.root)


if __name__ == "__main__":
    main()

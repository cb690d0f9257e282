"""Find, download or make the data, and check every file.

The folder is --root, else $BSDS500_ROOT, else the user's cache ($BSDS_CACHE moves it). Without
--source, a folder with a file deadleaves.json is a synthetic set, and any other is BSDS500.

Examples
--------
  bsds data                                        what is there, else the synthetic set
  bsds data --source bsds500                       download the real set to the cache
  bsds data --source bsds500 --root data/BSDS500   download it to a new folder
  bsds data --root ~/Downloads/BSR                 check an unpacked copy
"""

import argparse
import sys
from pathlib import Path

from bsds_utils.data.files import printable
from bsds_utils.data.layout import find_layout
from bsds_utils.data.manifest import SPLITS
from bsds_utils.data.source import SOURCES, Place, choose, expected, obtain, open_place
from bsds_utils.data.survey import Survey, survey
from bsds_utils.data.verify import Verification, verify
from bsds_utils.errors import BSDSError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--source", choices=SOURCES, help="the real or the synthetic data set")
    parser.add_argument("--root", type=Path, metavar="DIR", help="the data's folder")


def _verify(place: Place) -> Verification:
    try:
        return verify(find_layout(place.root), expected(place))
    except BSDSError as error:
        if not place.ours:
            raise
        return Verification(problems=[str(error)])


def _complain(place: Place, verification: Verification) -> None:
    root = printable(place.root)
    for problem in verification.problems:
        where = "" if problem.startswith(root) else f"{root}: "
        print(f"bsds data: {where}{problem}", file=sys.stderr)


def _print(place: Place, root: Path, figures: Survey, verification: Verification) -> None:
    n_images = sum(figures.counts.values())
    mean = sum(n * images for n, images in figures.annotators.items()) / max(n_images, 1)
    counts = ", ".join(f"{split} {figures.counts[split]}" for split in SPLITS)
    shapes = ", ".join(f"{w}×{h} ({n})" for (h, w), n in figures.shapes.most_common(5))
    fewest, most = min(figures.annotators, default=0), max(figures.annotators, default=0)
    origin = "the manifest" if place.source == "bsds500" else "deadleaves.json"
    print(f"source      {place.source}")
    print(f"root        {printable(root)}")
    print(f"images      {counts}; {n_images} in all")
    print(f"size        {shapes} pixels, width×height")
    print(f"annotators  {fewest} to {most} an image, {mean:.2f} on average")
    print(f"disk        {figures.n_bytes / 1e6:.1f} MB")
    print(f"checksums   all {verification.matching} files have the SHA-256 sums of {origin}")
    for note in verification.notes:
        print(f"note        {note}")


def run(args: argparse.Namespace) -> int:
    """Do what the module's docstring says.

    Returns
    -------
    int
        0 if the data set is whole; 1 if not, with a line on stderr for each kind of damage.
    """
    place = choose(args.source, args.root)
    if place.vacant and (place.ours or args.source):
        obtain(place)
    verification = _verify(place)
    if verification.problems and place.ours:
        _complain(place, verification)
        obtain(place)  # what is in our cache we may replace
        verification = _verify(place)
    if verification.problems:
        _complain(place, verification)
        print(
            "bsds data: restore these files, or get a whole copy: "
            f"bsds data --source {place.source} --root NEW_FOLDER",
            file=sys.stderr,
        )
        return 1
    dataset = open_place(place)
    _print(place, dataset.root, survey(dataset), verification)
    return 0

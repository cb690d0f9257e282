"""Measure how well the annotators of BSDS500 agree: the human point of the benchmark's figure.

python benchmarks/human.py [--root path/to/BSDS500] [--split test]
"""

import argparse
from pathlib import Path

import bsds_utils
from bsds_utils.benchmark import human_point


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path)
    parser.add_argument("--split", default="test")
    args = parser.parse_args()
    dataset = bsds_utils.open_dataset("bsds500", args.root)
    point = human_point(dataset.truth(args.split))
    print(f"recall {point.recall:.4f}  precision {point.precision:.4f}  F {point.f:.4f}")


if __name__ == "__main__":
    main()

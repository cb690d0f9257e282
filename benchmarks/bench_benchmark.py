"""Measure the speed of the BSDS500 benchmark: start, time an image, and two jobs against one.

    python benchmarks/bench_benchmark.py --root path/to/BSDS500 [--ucm2 DIR] [--soft DIR]

DIR holds maps of test images, as `bsds evaluate` takes them: ucm2 maps of a segmentation, or a
network's soft maps. Without --soft, dense soft maps are made of blurred gradients. Seconds are
CPU seconds of one process unless it says wall.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

import bsds_utils
from bsds_utils.benchmark import MapFolder, Scores, evaluate
from bsds_utils.data.dataset import Dataset

_FIRST_IMAGE = """
import time
began = time.perf_counter()
import sys
import numpy as np
from bsds_utils.benchmark import count_matches, read_map
from bsds_utils.data.groundtruth import read_ground_truth
from pathlib import Path
boundaries = read_ground_truth(Path(sys.argv[1])).boundaries
count_matches(boundaries[0], boundaries)
print(time.perf_counter() - began)
"""


def _start(truth: Path, folder: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _FIRST_IMAGE, str(truth)],
        env=os.environ | {"NUMBA_CACHE_DIR": folder},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _gradients(dataset: Dataset, ids: list[str]) -> dict[str, Any]:
    maps = {}
    for image_id in ids:
        grey = dataset.image("test", image_id).mean(axis=-1)
        strength = ndimage.gaussian_filter(ndimage.gaussian_gradient_magnitude(grey, 2), 2)
        maps[image_id] = np.sqrt(strength / strength.max())
    return maps


def _measure(name: str, maps: Mapping[str, Any], dataset: Dataset, ids: list[str]) -> None:
    truth = {image_id: dataset.boundaries("test", image_id) for image_id in ids}

    def run(jobs: int) -> tuple[Scores, float, float]:
        cpu, wall = time.process_time(), time.perf_counter()
        scores = evaluate(maps, truth, jobs=jobs)
        return scores, time.process_time() - cpu, time.perf_counter() - wall

    run(1)  # files are in memory afterwards
    one, cpu, wall = run(1)
    two, _, wall_of_two = run(2)
    slowest = 0.0
    for image_id in ids:
        cpu_before = time.process_time()
        evaluate(maps, {image_id: truth[image_id]})
        slowest = max(slowest, time.process_time() - cpu_before)
    same = one.ods == two.ods and one.ap == two.ap and one.images == two.images
    print(
        f"{name}, {len(ids)} images: {cpu:.2f} s in all, {cpu / len(ids):.3f} s an image, "
        f"{200 * cpu / len(ids):.1f} s for 200, slowest {slowest:.3f} s"
    )
    print(
        f"  1 job {wall:.2f} s wall, 2 jobs {wall_of_two:.2f} s wall: "
        f"{wall / wall_of_two:.2f} times as fast; same result: {same}"
    )
    print(f"  ODS {one.ods.f:.5f}  OIS {one.ois.f:.5f}  AP {one.ap:.5f}")


def main() -> None:
    """Run the measurements and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path)
    parser.add_argument("--ucm2", type=Path)
    parser.add_argument("--soft", type=Path)
    args = parser.parse_args()
    dataset = bsds_utils.open_dataset("bsds500", args.root)
    ids = dataset.ids("test")
    truth = dataset.pairs["test"][ids[0]][1]
    with tempfile.TemporaryDirectory() as folder:
        print(f"first image, compilation included: {_start(truth, folder):.2f} s wall")
        later = min(_start(truth, folder) for _ in range(5))
        print(f"first image in a later process:    {later:.2f} s wall (best of 5)")
    if args.ucm2:
        folder_maps = MapFolder(args.ucm2)
        _measure("ucm2", folder_maps, dataset, [one for one in ids if one in folder_maps])
    if args.soft:
        folder_maps = MapFolder(args.soft)
        _measure("soft maps", folder_maps, dataset, [one for one in ids if one in folder_maps])
    else:
        some = list(ids[::10])
        _measure("blurred gradients", _gradients(dataset, some), dataset, some)


if __name__ == "__main__":
    main()

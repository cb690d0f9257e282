"""Measure how long data takes: import, first load, cached load, memory, making scenes.

    python benchmarks/bench_data.py [--root path/to/BSDS500] [--size 168]

Each figure comes from a fresh process with an empty array cache.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_PROGRAM = """
import json, resource, sys, time
start = time.perf_counter()
import bsds_utils
figures = {"import": time.perf_counter() - start, "tensorflow": "tensorflow" in sys.modules}
job, root, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
start = time.perf_counter()
if job == "load":
    dataset = bsds_utils.open_dataset(root=root)
    splits = [dataset.load(split, size) for split in ("train", "val", "test")]
    figures["images"] = sum(len(split.images) for split in splits)
elif job == "make":
    from bsds_utils.synthetic import write_dataset
    write_dataset(root, {"train": 100, "val": 0, "test": 0})
figures["seconds"] = time.perf_counter() - start
figures["tensorflow after"] = "tensorflow" in sys.modules
figures["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(figures))
"""


def _measure(job: str, root: Path, size: int, cache: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, job, str(root), str(size)],
        env=os.environ | {"BSDS_CACHE": cache},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Run the measurements and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, help="a data set; by default synthetic scenes")
    parser.add_argument("--size", type=int, default=168)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        bare = min(_measure("", Path(), args.size, cache)["import"] for _ in range(5))
        print(f"import bsds_utils        {bare:6.3f} s (best of 5)")
        scenes = Path(cache) / "scenes"
        made = _measure("make", scenes, args.size, cache)
        print(f"make 100 scenes          {made['seconds']:6.2f} s, peak {made['peak']:.0f} MiB")
        for name in ("first load", "load from the cache"):
            load = _measure("load", args.root or scenes, args.size, cache)
            what = f"{name}, {load['images']} images at {args.size}"
            print(f"{what}: {load['seconds']:.2f} s, peak {load['peak']:.0f} MiB")
            print(f"  tensorflow imported: {bool(load['tensorflow after'])}")


if __name__ == "__main__":
    main()

"""Make benchmark.png: one image's way through the benchmark, at one threshold and at all.

    .venv/bin/python docs/benchmark_figure.py

The image is a synthetic scene, the boundary map its gradients.
"""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from skimage.morphology import thin

import bsds_utils
from bsds_utils.benchmark import correspond_pixels, count_matches, summarize, thresholds_of

HERE = Path(__file__).resolve().parent
THRESHOLD = 0.20
CROP = (slice(96, 166), slice(200, 305))  # rows and columns of the panels in pixels
BLUE, ORANGE, BLACK, GREY = "#0072B2", "#E69F00", "#000000", "#B0B0B0"


def main() -> None:
    """Match and draw."""
    matplotlib.use("Agg")
    dataset = bsds_utils.open_dataset("deadleaves")
    image_id = dataset.ids("test")[1]
    boundaries = dataset.boundaries("test", image_id)
    strength = bsds_utils.sobel(dataset.image("test", image_id)[None])[0]
    mask = strength >= THRESHOLD
    thinned = thin(mask)
    pairs = correspond_pixels(thinned, boundaries[0])

    figure = Figure(figsize=(11, 7.4), dpi=100, layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    axes[0].imshow(strength[CROP], cmap="gray_r", vmin=0, vmax=0.8)
    axes[0].set_title("1. boundary map")
    both = mask.astype(int) + thinned
    axes[1].imshow(np.array([[255] * 3, [215] * 3, [0] * 3], np.uint8)[both[CROP]])
    axes[1].set_title(f"2. mask at {THRESHOLD:.2f} (grey), thinned (black)")

    axes[2].set_title("3. matched one to one with an annotator")
    hit = np.zeros_like(thinned)
    hit[tuple(pairs.predicted.T)] = True
    found = np.zeros_like(thinned)
    found[tuple(pairs.true.T)] = True
    for marked, colour, marker, label in (
        (boundaries[0] & found, BLACK, "s", "true pixel, found"),
        (boundaries[0] & ~found, GREY, "s", "true pixel, missed"),
        (thinned & hit, BLUE, "o", "predicted pixel, right"),
        (thinned & ~hit, ORANGE, "o", "predicted pixel, wrong"),
    ):
        rows, columns = np.nonzero(marked[CROP])
        axes[2].plot(columns, rows, marker, color=colour, ms=2.8, ls="none", label=label)
    corner = np.array([CROP[0].start, CROP[1].start])
    lines = np.stack([pairs.predicted - corner, pairs.true - corner], axis=1)[..., ::-1]
    axes[2].add_collection(LineCollection(lines, colors=BLUE, linewidths=0.7))
    height, width = CROP[0].stop - CROP[0].start, CROP[1].stop - CROP[1].start
    axes[2].set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
    axes[2].legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=2, frameon=False)
    for axis in axes[:3]:
        axis.set(xticks=[], yticks=[])

    scores = summarize({image_id: count_matches(strength, boundaries)}, thresholds_of())
    at = int(np.argmin(np.abs(scores.thresholds - THRESHOLD)))
    axes[3].plot(scores.recall, scores.precision, color=BLUE, lw=2)
    axes[3].plot(
        scores.recall[at], scores.precision[at], "o", color=ORANGE, ms=9, label="this threshold"
    )
    axes[3].plot(
        scores.ods.recall,
        scores.ods.precision,
        "o",
        color=BLACK,
        ms=7,
        label=f"best F = {scores.ods.f:.2f}",
    )
    axes[3].set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.01))
    axes[3].set_title("4. all thresholds, all annotators")
    axes[3].grid(color="#E0E0E0", lw=0.6)
    axes[3].legend(frameon=False)
    figure.savefig(HERE / "benchmark.png")


if __name__ == "__main__":
    main()

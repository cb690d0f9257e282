"""Scenes whose boundaries are quickly learned, and not found by filters of brightness.

Grading the sample class trains dozens of networks for real, so that each has to learn in seconds
what no untrained answer knows: here the boundaries are red, no brighter than the noise around.
What the reference solutions reach on them is measured anew by ``python -m tests.red_lines``.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from bsds_utils import open_dataset
from bsds_utils.synthetic import Scene, scene, write_dataset, writer
from grader.course import ASSIGNMENTS, hidden_data
from grader.course.calibrate import calibrate
from grader.course.hidden_data import hidden_set
from grader.course.settings import BoundarySettings
from grader.folders import Workplace

__all__ = ["CALIBRATION", "COUNTS", "TRAIN_SECONDS", "hide_red_scenes", "write_red_scenes"]

CALIBRATION = Path(__file__).with_name("red_lines.json")
COUNTS = {"train": 60, "val": 16, "test": 16}
# Enough for most correct submissions, and for all of them. ResNet50 is slow without a GPU.
TRAIN_SECONDS = {"cnn": (5.0, 16.0), "resnet": (10.0, 40.0)}

_GRAIN, _NOISE = 4, 30.0
_RED = 90.0


def _red_scene(seed: int | np.random.SeedSequence) -> Scene:
    """Make a scene with the regions of the usual one, but grey noise and red boundaries."""
    made = scene(seed)
    return made._replace(image=_drawn(made.boundaries.any(axis=0)))


def _drawn(lines: NDArray[np.bool_]) -> NDArray[np.uint8]:
    # Three pixels wide, which is one at the size of the models' input.
    wide = lines.copy()
    for axis in (0, 1):
        wide |= np.roll(wide, 1, axis) | np.roll(wide, -1, axis)
    height, width = lines.shape
    random = np.random.default_rng(int(lines.sum()))
    coarse = random.normal(128, _NOISE, (height // _GRAIN + 1, width // _GRAIN + 1))
    grey = coarse.repeat(_GRAIN, 0).repeat(_GRAIN, 1)[:height, :width]
    colour = np.array([_RED, -_RED / 2, -_RED / 2])
    return (grey[..., None] + wide[..., None] * colour).clip(0, 255).astype(np.uint8)


def write_red_scenes(root: Path, counts: Mapping[str, int] = COUNTS) -> None:
    """Write a data set of such scenes, which passes for the usual synthetic one."""
    with mock.patch.object(writer, "scene", _red_scene):
        write_dataset(root, counts, seed=1)


def hide_red_scenes(data: Path, settings: BoundarySettings, workplace: Workplace) -> None:
    """Make the hidden images of a course of such scenes, which its grader then finds made."""
    with mock.patch.object(hidden_data, "scene", _red_scene):
        for assignment in ASSIGNMENTS.values():
            hidden_set(
                open_dataset(root=data), settings.secret, assignment.size, workplace.hidden_data
            )


def main() -> None:
    """Measure what the reference solutions reach on such scenes."""
    with tempfile.TemporaryDirectory() as folder:
        data, workplace = Path(folder, "scenes"), Workplace(Path(folder, "course"))
        write_red_scenes(data)
        settings = BoundarySettings(data_root=data)
        hide_red_scenes(data, settings, workplace)
        for name, assignment in ASSIGNMENTS.items():
            calibrate(
                assignment, settings, workplace, CALIBRATION, TRAIN_SECONDS[name], range(2), 2,
                again=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()

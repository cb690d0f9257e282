"""What the reference solutions reach, measured, and the targets that follow from it.

``calibration.json`` is written by ``python -m grader.calibrate`` and committed. It holds, for
each assignment, data source and kind of encoder, the reference solution's IoU on hidden images
after training for several budgets.
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsds_utils.errors import BSDSError

__all__ = ["CALIBRATION_FILE", "FULL_CREDIT_SHARE", "Target", "case_name", "load_target"]

CALIBRATION_FILE = Path(__file__).with_name("calibration.json")

FULL_CREDIT_SHARE = 0.6
"""Share of the way from the trivial baseline to the reference IoU that earns full credit.

Below 1 because a correct solution may be smaller, slower or unluckier than the reference.
"""

_WARM_UP_SECONDS = 10.0
"""Training budget in which, two at a time on two cores, nothing is learned yet."""

_LEAST = 0.01
"""Smallest step from baseline to full credit, for budgets in which nothing can be learned."""


@dataclass(frozen=True)
class Target:
    """Minimum IoU for some credit and for full credit on hidden images.

    Attributes
    ----------
    baseline
        IoU of the best trivial prediction ("all boundary").
    full
        IoU from which a model earns all points.
    """

    baseline: float
    full: float

    def share(self, iou: float) -> float:
        """Share of the points that an IoU earns, 0–1, linear between the two."""
        return float(np.clip((iou - self.baseline) / (self.full - self.baseline), 0.0, 1.0))

    def explain(self, iou: float, threshold: float) -> str:
        """Say what an IoU is worth, for the student."""
        return (
            f"boundary IoU on unseen images: {iou:.3f} at threshold {threshold:.2f} (everything "
            f"boundary: {self.baseline:.3f}; full credit from {self.full:.3f})"
        )


def case_name(source: str, *, imagenet: bool) -> str:
    """Key of a calibration case, e.g. ``"bsds500/imagenet"``."""
    return f"{source}/{'imagenet' if imagenet else 'random'}"


def load_target(
    assignment: str,
    source: str,
    train_seconds: float,
    *,
    imagenet: bool,
    baseline: float | None = None,
) -> Target:
    """Return the target for a training budget.

    Parameters
    ----------
    assignment
        ``"cnn"`` or ``"resnet"``.
    source
        ``"bsds500"`` or ``"deadleaves"``.
    train_seconds
        Training budget of the run; between the calibrated budgets the reference IoU is
        interpolated in the logarithm of the time, from the baseline after ten seconds on; after
        the longest it stays constant.
    imagenet
        Whether the encoder has ImageNet weights; of no meaning to the scratch CNN.
    baseline
        IoU of "all boundary" on the images at hand, which another course secret changes a
        little; by default that of the calibration. The gain above it is what counts.

    Returns
    -------
    Target
        Baseline and full-credit IoU.

    Raises
    ------
    BSDSError
        If the case was never calibrated.
    """
    name = case_name(source, imagenet=imagenet and assignment == "resnet")
    case = _read().get(assignment, {}).get(name)
    if case is None:
        raise BSDSError(
            f"expected a calibration of {assignment} on {name} in {CALIBRATION_FILE.name}, found "
            f"none; run 'python -m grader.calibrate {assignment}' with that data"
        )
    calibrated = float(case["baseline"])
    worst: dict[float, float] = {}
    for row in case["runs"]:
        # The worst of the seeds, so that bad luck alone costs nobody points.
        worst[row["seconds"]] = min(row["iou"], worst.get(row["seconds"], 1.0))
    worst.setdefault(_WARM_UP_SECONDS, calibrated)
    seconds = sorted(worst)
    reached = [worst[key] for key in seconds]
    reference = float(np.interp(np.log(train_seconds), np.log(seconds), reached))
    start = calibrated if baseline is None else baseline
    return Target(start, start + max(_LEAST, FULL_CREDIT_SHARE * (reference - calibrated)))


@functools.cache
def _read() -> dict[str, Any]:
    value = json.loads(CALIBRATION_FILE.read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value

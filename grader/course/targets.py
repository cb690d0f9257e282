"""What the reference solutions reach, measured, and the targets that follow from it.

``targets.json`` is written by ``python -m grader.course.calibrate`` and committed. It holds, for
each assignment, data source and kind of encoder, the IoU on hidden images of answers that need no
training, and the reference solution's after training for several budgets.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsds_utils import open_dataset
from bsds_utils.errors import BSDSError
from grader.course.network import NetworkAssignment
from grader.course.settings import BoundarySettings

__all__ = [
    "CALIBRATION_FILE",
    "Target",
    "budget_warning",
    "case_name",
    "load_target",
]

CALIBRATION_FILE = Path(__file__).with_name("targets.json")

_MARGIN = 0.06
"""By how much the reference must beat every untrained answer for a budget to be worth grading.

The IoU of one model varies by about 0.01 with the hidden images.
"""

_WARM_UP_SECONDS = 10.0
"""Training budget in which nothing is learned yet."""


@dataclass(frozen=True)
class Target:
    """IoU on hidden images at which points begin and from which they are full.

    Attributes
    ----------
    baseline
        IoU of the best answer that needs no training; no points up to here.
    method
        Its name, e.g. ``"Sobel"``.
    full
        IoU from which a model earns all points.
    reference
        What the reference solution reaches in the same budget, the worst of its seeds.
    seconds
        The budget.
    enough
        Smallest calibrated budget in which the reference is well above the baseline, if any is.
    """

    baseline: float
    method: str
    full: float
    reference: float
    seconds: float
    enough: float | None

    def share(self, iou: float) -> float:
        """Share of the points that an IoU earns, 0–1, linear between the two."""
        return float(np.clip((iou - self.baseline) / (self.full - self.baseline), 0.0, 1.0))

    def explain(self, iou: float, threshold: float) -> str:
        """Say what an IoU is worth, for the student."""
        text = (
            f"boundary IoU on unseen images: {iou:.3f} at threshold {threshold:.2f} (no points up "
            f"to {self.baseline:.3f}, which '{self.method}' has without training; full credit "
            f"from {self.full:.3f})"
        )
        return text if self.problem is None or iou >= self.full else f"{text}; {self.problem}"

    @property
    def problem(self) -> str | None:
        """Why these points are hardly within reach, and what budget would do; None if they are."""
        if self.reference - self.baseline >= _MARGIN - 1e-9:
            return None
        enough = "none of those measured is" if self.enough is None else f"{self.enough:g} s are"
        return (
            f"a training budget of {self.seconds:g} s is not enough here: the reference solution "
            f"itself reaches {self.reference:.3f}, '{self.method}' without training "
            f"{self.baseline:.3f}; {enough} enough"
        )


def case_name(assignment: NetworkAssignment, source: str, settings: BoundarySettings) -> str:
    """Key of a calibration case, e.g. ``"bsds500/imagenet"``."""
    imagenet = assignment.encoder and settings.encoder_weights is not None
    return f"{source}/{'imagenet' if imagenet else 'random'}"


def budget_warning(assignment: NetworkAssignment, settings: BoundarySettings) -> str | None:
    """Say if hardly anybody can earn the points for the IoU with the budget that is set."""
    dataset = open_dataset(settings.data_source, settings.data_root)
    problem = load_target(assignment, dataset.name, settings).problem
    if problem is None:
        return None
    return f"hardly anybody can earn points for the IoU: {problem} (--seconds)"


def load_target(
    assignment: NetworkAssignment,
    source: str,
    settings: BoundarySettings,
    untrained: Mapping[str, float] | None = None,
) -> Target:
    """Return the target for an assignment's training budget.

    Between the calibrated budgets the reference IoU is interpolated in the logarithm of the time,
    from "all boundary" after ten seconds on; after the longest it stays constant.

    Parameters
    ----------
    assignment, settings
        What is graded, and how: with which budget and which encoder's weights.
    source
        ``"bsds500"`` or ``"deadleaves"``.
    untrained
        IoU of answers that need no training on the images at hand, by name, which another course
        secret changes a little; by default that of the calibration. The reference's gain above
        the best of them is what counts.

    Returns
    -------
    Target
        Where points begin, and from where they are full.

    Raises
    ------
    BSDSError
        If the case was never calibrated.
    """
    path = settings.calibration or CALIBRATION_FILE
    name = case_name(assignment, source, settings)
    case = _read(path, path.stat().st_mtime_ns).get(assignment.name, {}).get(name)
    if case is None:
        raise BSDSError(
            f"expected a calibration of {assignment.name} on {name} in {path.name}, found none; "
            f"run 'python -m grader.course.calibrate {assignment.name}' with that data"
        )
    calibrated = max(case["untrained"].values())
    reached = _reached(case)
    seconds = settings.budget(assignment)
    found = float(np.interp(np.log(seconds), np.log([*reached]), [*reached.values()]))
    gain = found - calibrated
    here = untrained or case["untrained"]
    method = max(here, key=here.__getitem__)
    enough = [budget for budget, iou in reached.items() if iou - calibrated >= _MARGIN]
    return Target(
        baseline=here[method],
        method=method,
        full=here[method] + assignment.full_credit_share * max(_MARGIN, gain),
        reference=here[method] + gain,
        seconds=seconds,
        enough=min(enough, default=None),
    )


def _reached(case: Mapping[str, Any]) -> dict[float, float]:
    """IoU of the reference by budget, shortest first: the worst of the seeds, never falling.

    So bad luck alone costs nobody points, and more time never lowers a target.
    """
    budgets = sorted({float(run["seconds"]) for run in case["runs"]})
    worst: dict[float, float] = {}
    if not budgets or budgets[0] > _WARM_UP_SECONDS:
        worst[_WARM_UP_SECONDS] = float(case["untrained"]["all boundary"])
    for seconds in budgets:
        found = min(run["iou"] for run in case["runs"] if run["seconds"] == seconds)
        worst[seconds] = max([found, *worst.values()])
    return worst


@functools.lru_cache(maxsize=4)
def _read(path: Path, written: int) -> dict[str, Any]:
    """Read a calibration, again when it is written again."""
    value = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value

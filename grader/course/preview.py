"""What there is to show of a submission's model, to the student and to the instructor."""

import base64
import io
import traceback
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bsds_utils import THRESHOLDS
from grader.checking.artifacts import ArtifactError
from grader.checking.verdict import CheckFailed
from grader.course.submission import Evidence
from grader.sandbox.probe import ProbeError

__all__ = ["Exhibit", "make_exhibit"]

_PICTURES = 3
_SIDE = 72
_GAP = 4
_COLOURS = 16
_DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Exhibit:
    """A model's IoU on the hidden images, and some of what it predicts.

    Attributes
    ----------
    thresholds, curve
        Foreground IoU on the hidden images at each threshold, both of length T.
    threshold, iou
        The threshold that was saved with the model, and the IoU there.
    baselines
        IoU on the same images of answers that need no training, by name.
    target
        IoU that earns full credit.
    thumbnails
        Base64 of small PNG pictures: hidden image, truth and prediction side by side. For the
        instructor alone.
    """

    thresholds: list[float]
    curve: list[float]
    threshold: float
    iou: float
    baselines: dict[str, float]
    target: float
    thumbnails: list[str]


def make_exhibit(evidence: Evidence) -> Exhibit | None:
    """Show the model that the hidden checks looked at.

    It takes the predictions that the checks made, where they made some.

    Parameters
    ----------
    evidence
        The submission.

    Returns
    -------
    Exhibit or None
        None if there is no usable model. Never raises: a picture must not cost a grade.
    """
    try:
        return _exhibit(evidence)
    except (ArtifactError, ProbeError, CheckFailed):
        return None
    except Exception:
        traceback.print_exc()
        return None


def _exhibit(evidence: Evidence) -> Exhibit:
    name = f"{evidence.assignment.name}_model"
    model, card = f"{name}.keras", f"{name}.json"
    threshold = evidence.threshold(card, default=_DEFAULT_THRESHOLD)
    sweep = evidence.sweep(model, "hidden", THRESHOLDS)
    hidden = evidence.hidden
    return Exhibit(
        thresholds=[round(float(value), 4) for value in sweep.thresholds],
        curve=[round(float(value), 4) for value in sweep.iou],
        threshold=threshold,
        iou=evidence.iou(model, "hidden", threshold),
        baselines=evidence.untrained,
        target=evidence.target.full,
        thumbnails=_thumbnails(
            hidden.images, hidden.masks[..., 0], evidence.predictions(model, "hidden")
        ),
    )


def _thumbnails(
    images: NDArray[np.uint8], masks: NDArray[np.uint8], predictions: NDArray[np.float32]
) -> list[str]:
    """Picture the same few images for everybody, so that models can be compared."""
    count = min(_PICTURES, len(images))
    chosen = np.linspace(0, len(images), count, endpoint=False).astype(int)
    return [
        _png([Image.fromarray(images[i]), _ink(masks[i]), _ink(predictions[i])]) for i in chosen
    ]


def _ink(values: NDArray[np.generic]) -> Image.Image:
    """Draw values in 0–1 in black on white."""
    return Image.fromarray((255 * (1 - values.astype(np.float32))).astype(np.uint8))


def _png(panels: list[Image.Image]) -> str:
    strip = Image.new("RGB", (len(panels) * (_SIDE + _GAP) - _GAP, _SIDE), "white")
    for number, panel in enumerate(panels):
        small = panel.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
        strip.paste(small, (number * (_SIDE + _GAP), 0))
    buffer = io.BytesIO()
    # Few colours make the file small: a class has hundreds of them on one page.
    strip.quantize(_COLOURS).save(buffer, format="PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")

"""What there is to show of a submission's network."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bsds_utils import THRESHOLDS
from grader.checking.preview import Preview
from grader.course.submission import NetworkSubmission

__all__ = ["make_preview"]

_PICTURES = 3
_SIDE = 72
_GAP = 4
_COLOURS = 16
_DEFAULT_THRESHOLD = 0.5


def make_preview(submission: NetworkSubmission) -> Preview:
    """Show the model that the hidden checks looked at, by the predictions that they made."""
    name = f"{submission.assignment.name}_model"
    model, card = f"{name}.keras", f"{name}.json"
    threshold = submission.threshold(card, default=_DEFAULT_THRESHOLD)
    sweep = submission.sweep(model, "hidden", THRESHOLDS)
    hidden = submission.hidden
    return Preview(
        name="IoU",
        label="Boundary IoU on unseen images",
        grade_id="iou",
        place=threshold,
        number=submission.iou(model, "hidden", threshold),
        axis="threshold",
        at="at your threshold",
        places=[round(float(value), 4) for value in sweep.thresholds],
        curve=[round(float(value), 4) for value in sweep.iou],
        marks=submission.untrained,
        target=submission.target.full,
        pictures=_thumbnails(
            hidden.images, hidden.masks[..., 0], submission.predictions(model, "hidden")
        ),
        shown="image, mask, prediction",
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

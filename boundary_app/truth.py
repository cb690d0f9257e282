"""How well a prediction fits what people drew."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from boundary_app.matbounds import require_bounded
from boundary_app.pictures import Picture
from bsds_utils.data.files import printable
from bsds_utils.data.groundtruth import parse_ground_truth
from bsds_utils.errors import BSDSError
from bsds_utils.images import resize_image, resize_probability
from bsds_utils.masks import COURSE, get_protocol
from bsds_utils.metrics import Sweep, baselines, foreground_iou, threshold_sweep

__all__ = ["MAX_MEGABYTES", "Comparison", "compare", "curve", "drawings", "read_truth"]

MAX_MEGABYTES: Final = 5
"""Size of the largest ground-truth file that is read; the largest of BSDS500's has 0.2 MB."""

_ADVICE: Final = "choose the .mat file that came with this very picture"
_MAX_UNPACKED: Final = 128 << 20
_THRESHOLDS: Final = np.arange(1, 100) / 100

# Okabe and Ito's colours, of middling lightness: they show on white and on black.
_LINES: Final = {"this model": "#0072B2", "Sobel": "#CC79A7", "all boundary": "#E69F00"}
_POINT: Final = "#D55E00"


def read_truth(content: bytes, name: str, picture: Picture) -> NDArray[np.bool_]:
    """Read a BSDS500 ground-truth file, or say in one sentence why not.

    Parameters
    ----------
    content
        The bytes of a .mat file.
    name
        The file's name.
    picture
        What it is the truth of.

    Returns
    -------
    numpy.ndarray
        bool, shape (A, H, W), one map an annotator.

    Raises
    ------
    BSDSError
        If it is no such file, or of a picture of another size.
    """
    name = printable(name)
    if len(content) > MAX_MEGABYTES << 20:
        raise BSDSError(
            f"{name}: expected a ground-truth file of at most {MAX_MEGABYTES} MiB, found "
            f"{len(content) / (1 << 20):.1f} MiB; {_ADVICE}."
        )
    if not content:
        raise BSDSError(f"{name}: expected a ground-truth file, found an empty one; {_ADVICE}.")
    require_bounded(content, name, f"{_ADVICE}.", _MAX_UNPACKED)
    boundaries = parse_ground_truth(content, name, None, f"{_ADVICE}.").boundaries
    if boundaries.shape[1:] != picture.size:
        (height, width), (own_height, own_width) = boundaries.shape[1:], picture.size
        raise BSDSError(
            f"{name}: expected the truth of a picture of {own_width}×{own_height} pixels, found "
            f"one of {width}×{height}; {_ADVICE}."
        )
    return boundaries


class Comparison(NamedTuple):
    """A prediction beside what people drew, at the size at which the model was trained.

    Attributes
    ----------
    mask
        uint8, shape (S, S): the drawings as the model card's protocol makes a mask of them.
    probability
        float32 in [0, 1], shape (S, S).
    sweep
        IoU at 0.01, 0.02, … 0.99.
    baselines
        IoU of answers that need no training, by name.
    """

    mask: NDArray[np.uint8]
    probability: NDArray[np.float32]
    sweep: Sweep
    baselines: dict[str, float]

    def iou(self, threshold: float) -> float:
        """IoU at any threshold."""
        return foreground_iou(self.mask, self.probability >= float(threshold))


def compare(
    picture: Picture,
    probability: NDArray[np.float32],
    boundaries: NDArray[np.bool_],
    card: dict[str, Any],
) -> Comparison:
    """Measure a prediction as the course and the benchmark do.

    Parameters
    ----------
    picture
        The picture.
    probability
        float32 in [0, 1], of the shape of the picture's pixels.
    boundaries
        bool, shape (A, H, W), of the picture's own size.
    card
        The model's, for ``input_size`` and ``mask_protocol``.

    Returns
    -------
    Comparison
        The comparison.

    Raises
    ------
    BSDSError
        If the card names an unknown mask protocol.
    """
    side = int(card["input_size"])
    mask = get_protocol(card["mask_protocol"]).apply(boundaries, side)
    resized = resize_probability(probability, side)
    trivial = baselines(mask[None], resize_image(picture.pixels, side)[None])
    return Comparison(mask, resized, threshold_sweep(mask, resized, _THRESHOLDS), trivial)


def drawings(boundaries: NDArray[np.bool_]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Widen each annotator's lines, so that they show where the picture is shown small.

    Parameters
    ----------
    boundaries
        bool, shape (A, H, W).

    Returns
    -------
    list
        A caption (with the share of pixels marked, of the lines as they are) and a map, bool,
        shape (H, W), for each annotator.
    """
    size = boundaries.shape[1:]
    return [
        (
            f"Annotator {number}: {drawn.mean():.1%} marked",
            COURSE.apply(drawn[None], size).astype(bool),
        )
        for number, drawn in enumerate(boundaries, start=1)
    ]


def curve(comparison: Comparison, threshold: float) -> dict[str, Any]:
    """Describe the diagram of IoU against threshold in Vega-Lite's language.

    Parameters
    ----------
    comparison
        The comparison.
    threshold
        Where the point is.

    Returns
    -------
    dict
        The specification, its data inside.
    """
    sweep, here = comparison.sweep, comparison.iou(threshold)
    name = "this model"
    line = [
        {"threshold": round(float(t), 2), "IoU": round(float(iou), 4), "answer": name}
        for t, iou in zip(sweep.thresholds, sweep.iou, strict=True)
    ]
    flat = [
        {"threshold": t, "IoU": round(comparison.baselines[one], 4), "answer": one}
        for one in ("Sobel", "all boundary")
        for t in (0.0, 1.0)
    ]
    point = [{"threshold": round(threshold, 3), "IoU": round(here, 4)}]
    x = {"field": "threshold", "type": "quantitative", "scale": {"domain": [0, 1]}}
    y = {"field": "IoU", "type": "quantitative", "scale": {"domainMin": 0}}
    look = {"domain": list(_LINES), "range": list(_LINES.values())}
    dashes = {"domain": list(_LINES), "range": [[1, 0], [6, 3], [2, 3]]}
    legend = {"orient": "bottom", "title": None}
    return {
        "height": 340,
        "description": (
            f"IoU against threshold: {here:.3f} at {threshold:.2f}, at best "
            f"{sweep.best_iou:.3f} at {sweep.best_threshold:.2f}"
        ),
        "layer": [
            {
                "data": {"values": line + flat},
                "mark": {"type": "line", "strokeWidth": 2.5},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {"field": "answer", "scale": look, "legend": legend},
                    "strokeDash": {"field": "answer", "scale": dashes, "legend": legend},
                },
            },
            {
                "data": {"values": point},
                "mark": {"type": "point", "filled": True, "size": 140, "color": _POINT},
                "encoding": {
                    "x": x,
                    "y": y,
                    "tooltip": [{"field": "threshold"}, {"field": "IoU"}],
                },
            },
        ],
    }

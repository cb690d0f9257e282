"""A model's IoU over thresholds, as a picture and in words, for the student's feedback."""

import io
import threading

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bsds_utils.plots import BLUE, GREEN, GREY, VERMILION
from grader.course.preview import Exhibit

__all__ = ["curve_picture", "curve_text"]

_STYLES = ("-.", ":", (0, (6, 2)))
# Matplotlib shares caches between figures; submissions are recorded from several threads.
_lock = threading.Lock()


def curve_picture(exhibit: Exhibit) -> bytes:
    """Draw the curve with the chosen threshold, the baselines and the line of full credit.

    It shows nothing of the hidden images but these figures.

    Returns
    -------
    bytes
        A PNG file, the same for the same figures.
    """
    with _lock:
        figure = Figure(figsize=(6.4, 3.4), dpi=90, layout="constrained")
        FigureCanvasAgg(figure)
        axis = figure.subplots()
        axis.plot(exhibit.thresholds, exhibit.curve, color=BLUE, lw=2, label="your model")
        axis.plot(
            exhibit.threshold, exhibit.iou, "o", color=VERMILION, ms=8, zorder=3,
            label=f"at your threshold {exhibit.threshold:.2f}: {exhibit.iou:.3f}",
        )  # fmt: skip
        axis.axhline(
            exhibit.target, color=GREEN, lw=1.5, label=f"full credit from {exhibit.target:.3f}"
        )
        for number, (name, value) in enumerate(exhibit.baselines.items()):
            style = _STYLES[number % len(_STYLES)]
            axis.axhline(value, color=GREY, ls=style, lw=1.2, label=f"{name}: {value:.3f}")
        axis.set(xlabel="threshold", ylabel="boundary IoU, unseen images", xlim=(0, 1))
        axis.set_ylim(0, None)
        axis.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside right upper", frameon=False, fontsize=8)
        buffer = io.BytesIO()
        # Without the version of the program that drew it, the same figures give the same bytes.
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def curve_text(exhibit: Exhibit) -> str:
    """Say in words what the picture shows."""
    best = max(range(len(exhibit.curve)), key=exhibit.curve.__getitem__)
    baselines = ", ".join(f"{name} {value:.3f}" for name, value in exhibit.baselines.items())
    return (
        f"Boundary IoU on unseen images: {exhibit.iou:.3f} at your threshold "
        f"{exhibit.threshold:.2f}; best {exhibit.curve[best]:.3f} at threshold "
        f"{exhibit.thresholds[best]:.2f}; full credit from {exhibit.target:.3f}; "
        f"without training: {baselines}."
    )

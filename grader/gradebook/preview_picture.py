"""A preview's curve as a picture, for the student's feedback."""

import io
import threading

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from grader.checking.preview import Preview

__all__ = ["curve_picture"]

# Okabe and Ito's colours, which people with any colour vision tell apart.
_BLUE, _VERMILION, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"
_STYLES = ("-.", ":", (0, (6, 2)))
# Matplotlib shares caches between figures; submissions are recorded from several threads.
_lock = threading.Lock()


def curve_picture(preview: Preview) -> bytes:
    """Draw the curve with the submission's place, the marks and the line of full credit.

    It shows nothing of hidden inputs but these figures. Returns a PNG file, the same for the same
    figures.
    """
    with _lock:
        figure = Figure(figsize=(6.4, 3.4), dpi=90, layout="constrained")
        FigureCanvasAgg(figure)
        axis = figure.subplots()
        axis.plot(preview.places, preview.curve, color=_BLUE, lw=2, label="your model")
        axis.plot(
            preview.place, preview.number, "o", color=_VERMILION, ms=8, zorder=3,
            label=f"{preview.at} {preview.place:.2f}: {preview.number:.3f}",
        )  # fmt: skip
        axis.axhline(
            preview.target, color=_GREEN, lw=1.5, label=f"full credit from {preview.target:.3f}"
        )
        for number, (name, value) in enumerate(preview.marks.items()):
            style = _STYLES[number % len(_STYLES)]
            axis.axhline(value, color=_GREY, ls=style, lw=1.2, label=f"{name}: {value:.3f}")
        axis.set(xlabel=preview.axis, ylabel=preview.label, xlim=(0, 1))
        axis.set_ylim(0, None)
        axis.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside right upper", frameon=False, fontsize=8)
        buffer = io.BytesIO()
        # Without the version of the program that drew it, the same figures give the same bytes.
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()

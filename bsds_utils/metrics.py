"""How well a predicted boundary map fits a mask.

All counts are summed over every pixel of every image before dividing ("micro"), so a picture with
much boundary weighs more than one with little. Empty-set rules: a ratio whose denominator is zero
is 1.0, because nothing was to be found and nothing was claimed.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.arguments import CHUNK, as_binary, as_images, as_probability, without_channel

__all__ = [
    "THRESHOLDS",
    "Sweep",
    "accuracy",
    "baselines",
    "dice",
    "foreground_iou",
    "mean_iou",
    "sobel",
    "threshold_sweep",
]

THRESHOLDS: NDArray[np.float64] = np.linspace(0.02, 0.90, 45)
"""The thresholds tried by default: 0.02, 0.04, … 0.90."""
THRESHOLDS.flags.writeable = False


class _Counts(NamedTuple):
    """Pixels, as floats or int64 arrays: truly marked, marked by both, by the prediction, all."""

    truth: Any
    both: Any
    prediction: Any
    total: Any


def _same_shape(truth: NDArray[Any], prediction: NDArray[Any], name: str) -> None:
    if truth.shape != prediction.shape:
        raise ValueError(
            f"{name}: expected the shape of truth, {truth.shape}, found {prediction.shape}"
        )


def _count(truth: ArrayLike, prediction: ArrayLike) -> _Counts:
    true = as_binary("truth", truth)
    predicted = as_binary("prediction", prediction)
    _same_shape(true, predicted, "prediction")
    return _Counts(
        truth=np.count_nonzero(true),
        both=np.count_nonzero(true & predicted),
        prediction=np.count_nonzero(predicted),
        total=true.size,
    )


def _ratio(numerator: Any, denominator: Any) -> NDArray[np.float64]:
    # The empty-set rule of this module: 0 / 0 is 1.
    empty = np.equal(denominator, 0)
    return np.where(empty, 1.0, np.divide(numerator, np.where(empty, 1, denominator)))


def _iou(counts: _Counts) -> NDArray[np.float64]:
    return _ratio(counts.both, counts.truth + counts.prediction - counts.both)


def _mean_iou(counts: _Counts) -> NDArray[np.float64]:
    neither = counts.total - counts.truth - counts.prediction + counts.both
    return (_iou(counts) + _ratio(neither, counts.total - counts.both)) / 2


def foreground_iou(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Intersection over union of the boundary class, summed over all images.

    |truth ∩ prediction| / |truth ∪ prediction|; 1.0 if both are empty. This is the Jaccard index,
    ``sklearn.metrics.jaccard_score`` on the flattened masks.

    Parameters
    ----------
    truth, prediction
        Masks: shape (H, W), (N, H, W) or (N, H, W, 1); bool, or numbers that are all 0 or 1.
        A trailing channel of one is ignored; else the shapes must agree.

    Returns
    -------
    float
        0 (no pixel in common) to 1 (equal).

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> foreground_iou([[1, 1, 0, 0]], [[0, 1, 1, 0]])
    0.3333333333333333
    """
    return float(_iou(_count(truth, prediction)))


def mean_iou(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Mean of the IoU of boundary and the IoU of background, as ``keras.metrics.MeanIoU``.

    With few boundary pixels it flatters: predicting *nothing* scores nearly one half. A class
    that occurs in neither mask counts as 1.0 (the other class is then perfect, too).

    Parameters
    ----------
    truth, prediction
        Masks as in :func:`foreground_iou`.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> mean_iou([[1, 0, 0, 0]], [[0, 0, 0, 0]])
    0.375
    """
    return float(_mean_iou(_count(truth, prediction)))


def dice(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Dice coefficient (F1) of the boundary class, summed over all images.

    2·|truth ∩ prediction| / (|truth| + |prediction|); 1.0 if both are empty. It orders
    predictions as the IoU does: dice = 2·IoU / (1 + IoU).

    Parameters
    ----------
    truth, prediction
        Masks as in :func:`foreground_iou`.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> dice([[1, 1, 0, 0]], [[0, 1, 1, 0]])
    0.5
    """
    counts = _count(truth, prediction)
    return float(_ratio(2 * counts.both, counts.truth + counts.prediction))


def accuracy(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Share of the pixels, boundary or background, on which the two agree.

    Parameters
    ----------
    truth, prediction
        Masks as in :func:`foreground_iou`.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> accuracy([[1, 0, 0, 0]], [[0, 0, 0, 0]])
    0.75
    """
    counts = _count(truth, prediction)
    return float(
        (counts.total - counts.truth - counts.prediction + 2 * counts.both) / counts.total
    )


class Sweep(NamedTuple):
    """IoU at each of several thresholds.

    Attributes
    ----------
    thresholds
        float64, shape (T,), strictly increasing.
    iou
        float64, shape (T,): :func:`foreground_iou` of ``probability >= threshold``.
    mean_iou
        float64, shape (T,): :func:`mean_iou` of it.
    """

    thresholds: NDArray[np.float64]
    iou: NDArray[np.float64]
    mean_iou: NDArray[np.float64]

    @property
    def best_threshold(self) -> float:
        """Threshold of the highest foreground IoU; of equals the lowest."""
        return float(self.thresholds[np.argmax(self.iou)])

    @property
    def best_iou(self) -> float:
        """Highest foreground IoU."""
        return float(np.max(self.iou))

    def iou_at(self, threshold: float) -> float:
        """Foreground IoU at one of the thresholds.

        Parameters
        ----------
        threshold
            One of :attr:`thresholds`, up to 1e-9.

        Returns
        -------
        float
            The IoU there.

        Raises
        ------
        ValueError
            If it is not one of them: nothing is interpolated.
        """
        nearest = int(np.argmin(np.abs(self.thresholds - threshold)))
        if not abs(self.thresholds[nearest] - threshold) <= 1e-9:
            raise ValueError(
                f"threshold: expected one of those swept (nearest "
                f"{self.thresholds[nearest]:.6g}), found {threshold!r}"
            )
        return float(self.iou[nearest])


def threshold_sweep(
    truth: ArrayLike, probability: ArrayLike, thresholds: ArrayLike = THRESHOLDS
) -> Sweep:
    """Foreground and mean IoU at every threshold, in one pass over the pixels.

    The mask at a threshold t is ``probability >= float(t)``. As NumPy does with a Python float,
    t is first rounded to the precision of ``probability``: a float32 map that holds 0.7 is
    boundary at t = 0.7, although float32 0.7 is slightly less than the double 0.7.

    Parameters
    ----------
    truth
        Mask: shape (H, W), (N, H, W) or (N, H, W, 1); bool, or numbers that are all 0 or 1.
    probability
        Floats in [0, 1] of the same shape, up to a trailing channel of one.
    thresholds
        Strictly increasing numbers in [0, 1], shape (T,).

    Returns
    -------
    Sweep
        IoU by threshold, the best of them, and where it is.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> sweep = threshold_sweep([[1, 1, 0]], np.array([[0.9, 0.4, 0.3]]), [0.2, 0.4, 0.6])
    >>> sweep.best_threshold, sweep.best_iou, sweep.iou_at(0.6)
    (0.4, 1.0, 0.5)
    """
    true = as_binary("truth", truth)
    values = as_probability("probability", probability)
    _same_shape(true, values, "probability")
    steps = _check_thresholds(thresholds)

    # A pixel that reaches exactly k of the thresholds is boundary at the first k. Counting
    # pixels by k and by truth holds everything; chunks keep memory bounded.
    own = steps.astype(values.dtype)
    flat_truth, flat_values = true.reshape(-1), values.reshape(-1)
    reached = np.zeros(2 * (len(steps) + 1), dtype=np.int64)
    for start in range(0, flat_values.size, CHUNK):
        part = slice(start, start + CHUNK)
        k = np.searchsorted(own, flat_values[part], side="right")
        reached += np.bincount(2 * k + flat_truth[part], minlength=len(reached))
    # From "reaches exactly k" to "is boundary at threshold k".
    at_least = reached.reshape(-1, 2)[::-1].cumsum(axis=0)[::-1]
    counts = _Counts(
        truth=at_least[0, 1],
        both=at_least[1:, 1],
        prediction=at_least[1:].sum(axis=1),
        total=true.size,
    )
    return Sweep(steps, _iou(counts), _mean_iou(counts))


def _check_thresholds(thresholds: ArrayLike) -> NDArray[np.float64]:
    steps = np.array(thresholds, dtype=np.float64)
    if steps.ndim != 1 or steps.size == 0:
        raise ValueError(f"thresholds: expected shape (T,), found shape {steps.shape}")
    if not (np.all(steps >= 0) and np.all(steps <= 1) and np.all(np.diff(steps) > 0)):
        raise ValueError("thresholds: expected strictly increasing numbers in [0, 1]")
    return steps


def sobel(images: ArrayLike) -> NDArray[np.float32]:
    """Edge strength without learning: Sobel's gradient magnitude of the blurred grey image.

    Grey is the mean of R, G and B; the blur is a Gaussian with a standard deviation of 1 pixel;
    each image is divided by its own maximum.

    Parameters
    ----------
    images
        uint8, shape (N, H, W, 3), 0 to 255.

    Returns
    -------
    numpy.ndarray
        float32 in [0, 1], shape (N, H, W). All 0 for an image of one colour.

    Raises
    ------
    TypeError, ValueError
        If ``images`` is not such an array.
    """
    from scipy import ndimage  # here, so that importing bsds_utils stays quick

    pixels = as_images("images", images)
    strength = np.empty(pixels.shape[:3], dtype=np.float32)
    for index, image in enumerate(pixels):
        grey = ndimage.gaussian_filter(image.mean(axis=-1, dtype=np.float32), sigma=1)
        magnitude = np.hypot(ndimage.sobel(grey, axis=0), ndimage.sobel(grey, axis=1))
        strength[index] = magnitude / (magnitude.max() or 1)
    return strength


def baselines(truth: ArrayLike, images: ArrayLike) -> dict[str, float]:
    """Foreground IoU of three answers that need no training.

    Show them wherever an IoU is shown: without them nobody can tell whether 0.3 is good.

    Parameters
    ----------
    truth
        Masks: shape (N, H, W) or (N, H, W, 1); bool, or numbers that are all 0 or 1.
    images
        Their images: uint8, shape (N, H, W, 3).

    Returns
    -------
    dict
        ``"all background"``, ``"all boundary"`` (which is the share of boundary pixels), and
        ``"Sobel"``: :func:`sobel` at the best of :data:`THRESHOLDS` for these very masks, which
        is generous to it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    """
    true = as_binary("truth", truth)
    strength = sobel(images)
    if true.shape != without_channel(strength).shape:
        raise ValueError(
            f"images: expected one image per mask, masks have shape {true.shape}, found images "
            f"of shape {np.shape(images)}"
        )
    return {
        "all background": foreground_iou(true, np.zeros_like(true)),
        "all boundary": foreground_iou(true, np.ones_like(true)),
        "Sobel": threshold_sweep(true, strength).best_iou,
    }

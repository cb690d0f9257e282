"""IoU of full-size boundary maps, resized to the sizes at which networks are trained."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.benchmark.evaluate import require_maps, require_size
from bsds_utils.benchmark.maps import as_map
from bsds_utils.data.dataset import Dataset
from bsds_utils.data.progress import bar
from bsds_utils.images import resize_probability
from bsds_utils.metrics import foreground_iou, mean_iou, sobel, threshold_sweep

__all__ = ["PROTOCOLS", "SIZES", "IoU", "iou_table"]

SIZES: Final = (168, 224)
"""Sizes in pixels: the inputs of the course's two networks."""

PROTOCOLS: Final = ("course", "thin")
"""Mask protocols (`bsds_utils.MaskProtocol`)."""

Table = dict[str, dict[str, dict[int, "IoU"]]]


class IoU(NamedTuple):
    """How well maps fit masks of one protocol and size.

    Attributes
    ----------
    iou
        Foreground IoU, summed over all images (`bsds_utils.foreground_iou`).
    mean_iou
        Mean of it and the background's (`bsds_utils.mean_iou`).
    threshold
        At which it was measured; None for answers that have none.
    """

    iou: float
    mean_iou: float
    threshold: float | None


def iou_table(
    maps: Mapping[str, ArrayLike],
    dataset: Dataset,
    split: str = "test",
    val_maps: Mapping[str, ArrayLike] | None = None,
    sizes: tuple[int, ...] = SIZES,
) -> Table:
    """Measure maps and the answers that need no training by IoU.

    Parameters
    ----------
    maps
        One map of the image's own size for each id of the split, as `as_map` takes it.
    dataset
        The data set.
    split
        Where to measure.
    val_maps
        Maps of the val images, on which the threshold is chosen (the one with the highest
        foreground IoU). Without them, and if the split is val, it is chosen on the split itself,
        which flatters.
    sizes
        Sizes in pixels; maps are squashed to squares of them by antialiased bilinear filtering.

    Returns
    -------
    dict
        ``table[method][protocol][size]`` is an `IoU`. Methods are ``"maps"`` and the baselines
        ``"all background"``, ``"all boundary"`` and ``"Sobel"``, whose threshold is chosen on
        val, if there are val images.

    Raises
    ------
    BSDSError, TypeError, ValueError
        If a map is missing, of another size or not as described, or there is no such split.
    """
    chosen_on = "val" if val_maps is not None else split
    of_sobel = "val" if dataset.ids("val") else split
    resized = {split: _resized(maps, dataset, split, sizes)}
    if val_maps is not None and chosen_on != split:
        resized[chosen_on] = _resized(val_maps, dataset, chosen_on, sizes)
    table: Table = {}
    for protocol in PROTOCOLS:
        for size in sizes:
            arrays = {
                name: dataset.load(name, size, protocol) for name in {split, chosen_on, of_sobel}
            }
            truth = arrays[split].masks[..., 0]
            strength = {name: sobel(arrays[name].images) for name in {split, of_sobel}}
            found = {
                "maps": _at_best(
                    truth,
                    resized[split][size],
                    arrays[chosen_on].masks[..., 0],
                    resized[chosen_on][size],
                ),
                "all background": _constant(truth, 0),
                "all boundary": _constant(truth, 1),
                "Sobel": _at_best(
                    truth, strength[split], arrays[of_sobel].masks[..., 0], strength[of_sobel]
                ),
            }
            for method, one in found.items():
                table.setdefault(method, {}).setdefault(protocol, {})[size] = one
    return table


def _resized(
    maps: Mapping[str, ArrayLike], dataset: Dataset, split: str, sizes: tuple[int, ...]
) -> dict[int, NDArray[np.float32]]:
    ids = dataset.ids(split)
    require_maps(maps, dict.fromkeys(ids))
    resized = {size: np.empty((len(ids), size, size), np.float32) for size in sizes}
    for index, image_id in enumerate(bar(ids, "resizing", unit="maps")):
        values = as_map(f"map of {image_id}", maps[image_id])
        require_size(image_id, values.shape, dataset.shape(split, image_id))
        for size in sizes:
            resized[size][index] = resize_probability(values, size)
    return resized


def _at_best(
    truth: NDArray[Any],
    probability: NDArray[np.float32],
    deciding_truth: NDArray[Any],
    deciding_probability: NDArray[np.float32],
) -> IoU:
    threshold = threshold_sweep(deciding_truth, deciding_probability).best_threshold
    predicted = probability >= threshold
    return IoU(foreground_iou(truth, predicted), mean_iou(truth, predicted), threshold)


def _constant(truth: NDArray[Any], value: int) -> IoU:
    predicted = np.full_like(truth, value)
    return IoU(foreground_iou(truth, predicted), mean_iou(truth, predicted), None)

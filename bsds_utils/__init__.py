"""Data, masks, metrics, plots and training helpers for boundary segmentation with BSDS500.

By task:

data
    `open_dataset`, `Dataset`, `Arrays`; `resize_image`, `resize_probability`.
masks
    `agreement` of the annotators, the protocols `COURSE` and `THIN`, `MaskProtocol`.
metrics
    `foreground_iou`, `mean_iou`, `accuracy`, `dice`; `threshold_sweep` over `THRESHOLDS`;
    `baselines` that need no training, `sobel`.
pictures
    `show_sample`, `show_annotators`, `show_predictions`, `show_sweep`, `show_training`,
    `show_precision_recall`.
training
    `Batches`, `RandomViews`, `TimeBudget`, `LearningRateDecay`, `ProgressBar`,
    `seed_everything`, `quiet_start`.
models
    `save_model`, `load_model`, `load_encoder_weights`; `all_layers`, `trainable_layers`,
    `foreign_parts`, `watch`.
errors
    `BSDSError`: something that you can mend; the message says what to do.

The official benchmark is in :mod:`bsds_utils.benchmark`. Everything named here is loaded when
first used, so that importing the package is quick and does not import TensorFlow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bsds_utils.errors import BSDSError

if TYPE_CHECKING:
    from bsds_utils.data import Arrays as Arrays
    from bsds_utils.data import Dataset as Dataset
    from bsds_utils.data import open_dataset as open_dataset
    from bsds_utils.images import resize_image as resize_image
    from bsds_utils.images import resize_probability as resize_probability
    from bsds_utils.inspection import all_layers as all_layers
    from bsds_utils.inspection import foreign_parts as foreign_parts
    from bsds_utils.inspection import trainable_layers as trainable_layers
    from bsds_utils.inspection import watch as watch
    from bsds_utils.masks import COURSE as COURSE
    from bsds_utils.masks import THIN as THIN
    from bsds_utils.masks import MaskProtocol as MaskProtocol
    from bsds_utils.masks import agreement as agreement
    from bsds_utils.metrics import THRESHOLDS as THRESHOLDS
    from bsds_utils.metrics import accuracy as accuracy
    from bsds_utils.metrics import baselines as baselines
    from bsds_utils.metrics import dice as dice
    from bsds_utils.metrics import foreground_iou as foreground_iou
    from bsds_utils.metrics import mean_iou as mean_iou
    from bsds_utils.metrics import sobel as sobel
    from bsds_utils.metrics import threshold_sweep as threshold_sweep
    from bsds_utils.models.encoder import load_encoder_weights as load_encoder_weights
    from bsds_utils.models.modelcard import load_model as load_model
    from bsds_utils.models.modelcard import save_model as save_model
    from bsds_utils.plots import show_annotators as show_annotators
    from bsds_utils.plots import show_precision_recall as show_precision_recall
    from bsds_utils.plots import show_predictions as show_predictions
    from bsds_utils.plots import show_sample as show_sample
    from bsds_utils.plots import show_sweep as show_sweep
    from bsds_utils.plots import show_training as show_training
    from bsds_utils.startup import quiet_start as quiet_start
    from bsds_utils.training import Batches as Batches
    from bsds_utils.training import LearningRateDecay as LearningRateDecay
    from bsds_utils.training import ProgressBar as ProgressBar
    from bsds_utils.training import TimeBudget as TimeBudget
    from bsds_utils.training import seed_everything as seed_everything
    from bsds_utils.views import RandomViews as RandomViews

__version__ = "0.1.0"

_HOME = {
    "Arrays": "data",
    "Dataset": "data",
    "open_dataset": "data",
    "COURSE": "masks",
    "THIN": "masks",
    "MaskProtocol": "masks",
    "agreement": "masks",
    "resize_image": "images",
    "resize_probability": "images",
    "THRESHOLDS": "metrics",
    "accuracy": "metrics",
    "baselines": "metrics",
    "dice": "metrics",
    "foreground_iou": "metrics",
    "mean_iou": "metrics",
    "sobel": "metrics",
    "threshold_sweep": "metrics",
    "show_annotators": "plots",
    "show_precision_recall": "plots",
    "show_predictions": "plots",
    "show_sample": "plots",
    "show_sweep": "plots",
    "show_training": "plots",
    "Batches": "training",
    "LearningRateDecay": "training",
    "ProgressBar": "training",
    "TimeBudget": "training",
    "seed_everything": "training",
    "RandomViews": "views",
    "quiet_start": "startup",
    "load_encoder_weights": "models.encoder",
    "all_layers": "inspection",
    "foreign_parts": "inspection",
    "trainable_layers": "inspection",
    "watch": "inspection",
    "load_model": "models.modelcard",
    "save_model": "models.modelcard",
}

__all__ = ["BSDSError", "__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bsds_utils' has no attribute {name!r}")
    return getattr(import_module(f"bsds_utils.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""Data, masks, metrics, plots and training helpers for boundary segmentation with BSDS500.

Everything named here is loaded when first used, so that importing the package is quick and does
not import TensorFlow.
"""

from importlib import import_module
from typing import Any

from bsds_utils.errors import BSDSError

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

"""The data: one interface to BSDS500 and to synthetic scenes in the same layout."""

from bsds_utils.data.dataset import Arrays, Dataset
from bsds_utils.data.source import open_dataset

__all__ = ["Arrays", "Dataset", "open_dataset"]

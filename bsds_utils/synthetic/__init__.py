"""Synthetic scenes (dead leaves) with simulated annotators, in BSDS500's layout."""

from bsds_utils.synthetic.scenes import Scene, scene
from bsds_utils.synthetic.writer import DEFAULT_COUNTS, DEFAULT_SEED, write_dataset

__all__ = ["DEFAULT_COUNTS", "DEFAULT_SEED", "Scene", "scene", "write_dataset"]

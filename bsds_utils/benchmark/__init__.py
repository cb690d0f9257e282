"""The BSDS500 boundary benchmark: ODS, OIS and AP, exact and deterministic.

>>> from bsds_utils.benchmark import evaluate
>>> truth = {"8049": np.eye(40, dtype=bool)[None]}  # or dataset.truth("test")
>>> evaluate({"8049": np.eye(40)}, truth).ods.f
1.0

``docs/benchmark.md`` derives the protocol. What takes time is compiled by numba, the extra
``[benchmark]``.
"""

from bsds_utils.benchmark.correspondence import Correspondence, correspond_pixels
from bsds_utils.benchmark.counts import count_matches
from bsds_utils.benchmark.evaluate import evaluate, require_maps
from bsds_utils.benchmark.human import HUMAN, human_point
from bsds_utils.benchmark.iou import IoU, iou_table
from bsds_utils.benchmark.maps import MapFolder, as_map, read_map
from bsds_utils.benchmark.protocol import MAX_DIST, THRESHOLD_COUNT, thresholds_of
from bsds_utils.benchmark.scores import (
    Counts,
    Point,
    Scores,
    average_precision,
    best_point,
    f_measure,
    summarize,
)
from bsds_utils.benchmark.textfiles import write_text_files
from bsds_utils.nms import suppress_non_maxima

__all__ = [
    "HUMAN",
    "MAX_DIST",
    "THRESHOLD_COUNT",
    "Correspondence",
    "Counts",
    "IoU",
    "MapFolder",
    "Point",
    "Scores",
    "as_map",
    "average_precision",
    "best_point",
    "correspond_pixels",
    "count_matches",
    "evaluate",
    "f_measure",
    "human_point",
    "iou_table",
    "read_map",
    "require_maps",
    "summarize",
    "suppress_non_maxima",
    "thresholds_of",
    "write_text_files",
]

"""A method's result with everything that is reported of it, as a file and as a table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from bsds_utils.benchmark.iou import IoU, Table
from bsds_utils.benchmark.scores import Point, Scores
from bsds_utils.data.files import printable, read_bytes
from bsds_utils.errors import BSDSError

__all__ = ["Evaluation", "read_evaluation", "require_same_images", "results_table"]

MAPS: Final = "maps"
_HEADER: Final = (
    "| method | ODS | OIS | AP | IoU course | IoU thin | mean IoU thin |\n"
    "|---|---|---|---|---|---|---|\n"
)
_TABLE_SIZE: Final = 168


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `bsds evaluate` finds out about the boundary maps of one method.

    Attributes
    ----------
    name
        The method's name in tables and figures.
    dataset, split
        What it was measured on.
    nms
        Whether maps were thinned to their ridges before the benchmark.
    scores
        The benchmark's result.
    table
        IoU of the maps and of the baselines (`bsds_utils.benchmark.iou_table`).
    threshold_from
        The split on which the maps' IoU threshold was chosen.
    """

    name: str
    dataset: str
    split: str
    nms: bool
    scores: Scores
    table: Table
    threshold_from: str

    def as_json(self) -> str:
        """Return the evaluation as JSON text, the same for the same numbers.

        Keys: ``ods`` (``threshold``, ``recall``, ``precision``, ``f``), ``ois`` (without a
        threshold), ``ap``; ``iou``, ``mean_iou`` and ``iou_threshold`` by protocol and size
        (``iou.course.168``); ``baselines`` with the same three by name; ``curve``; ``images``
        with each one's best point; and what was measured how.
        """
        scores = self.scores
        content = {
            "name": self.name,
            "dataset": self.dataset,
            "split": self.split,
            "nms": self.nms,
            "ods": scores.ods._asdict(),
            "ois": {key: value for key, value in scores.ois._asdict().items() if value == value},
            "ap": scores.ap,
            **_columns(self.table[MAPS]),
            "iou_threshold_from": self.threshold_from,
            "baselines": {
                name: _columns(found) for name, found in self.table.items() if name != MAPS
            },
            "curve": {
                "threshold": scores.thresholds.tolist(),
                "recall": scores.recall.tolist(),
                "precision": scores.precision.tolist(),
                "f": scores.f.tolist(),
            },
            "images": {name: point._asdict() for name, point in scores.images.items()},
        }
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _columns(found: Mapping[str, Mapping[int, IoU]]) -> dict[str, Any]:
    return {
        key: {
            protocol: {str(size): getattr(one, field) for size, one in sizes.items()}
            for protocol, sizes in found.items()
        }
        for key, field in (
            ("iou", "iou"),
            ("mean_iou", "mean_iou"),
            ("iou_threshold", "threshold"),
        )
    }


def _rows(content: Mapping[str, Any]) -> dict[str, dict[int, IoU]]:
    return {
        protocol: {
            int(size): IoU(
                float(iou),
                float(content["mean_iou"][protocol][size]),
                content["iou_threshold"][protocol][size],
            )
            for size, iou in sizes.items()
        }
        for protocol, sizes in content["iou"].items()
    }


def _point(content: Mapping[str, Any]) -> Point:
    threshold = float(content.get("threshold", "nan"))
    return Point(threshold, *(float(content[key]) for key in ("recall", "precision", "f")))


def read_evaluation(path: Path) -> Evaluation:
    """Read what `bsds evaluate --json` wrote.

    Parameters
    ----------
    path
        The JSON file.

    Returns
    -------
    Evaluation
        As it was written.

    Raises
    ------
    BSDSError
        If the file cannot be read as such.
    """
    try:
        content = json.loads(read_bytes(path, "evaluate again"))
        curve = {
            key: np.array(content["curve"][key], dtype=np.float64)
            for key in ("threshold", "recall", "precision")
        }
        if len({one.shape for one in curve.values()}) != 1 or curve["recall"].ndim != 1:
            raise ValueError("curve")
        if not isinstance(content["nms"], bool):
            raise TypeError("nms")
        evaluation = Evaluation(
            name=printable(str(content["name"])),
            dataset=str(content["dataset"]),
            split=str(content["split"]),
            nms=content["nms"],
            scores=Scores(
                ods=_point(content["ods"]),
                ois=_point(content["ois"]),
                ap=float(content["ap"]),
                thresholds=curve["threshold"],
                recall=curve["recall"],
                precision=curve["precision"],
                images={name: _point(one) for name, one in content["images"].items()},
            ),
            table={
                MAPS: _rows(content),
                **{name: _rows(one) for name, one in content["baselines"].items()},
            },
            threshold_from=str(content["iou_threshold_from"]),
        )
        results_table([evaluation])  # which needs both protocols
        figures = (*evaluation.scores.ods, *evaluation.scores.ois[1:], evaluation.scores.ap)
        if not np.isfinite([*figures, *np.concatenate(list(curve.values()))]).all():
            raise ValueError("not finite")
    except (
        ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
    ) as error:  # fmt: skip
        raise BSDSError(
            f"{printable(path)}: expected a result of `bsds evaluate --json`, found something "
            "else; evaluate again"
        ) from error
    return evaluation


def require_same_images(dataset: str, split: str, others: Sequence[Evaluation]) -> None:
    """Check that evaluations may stand in one table.

    Raises
    ------
    BSDSError
        If one was not measured on this split of this data set.
    """
    for other in others:
        if (other.dataset, other.split) != (dataset, split):
            raise BSDSError(
                f"{other.name}: expected a result on {split} of {dataset}, found one on "
                f"{other.split} of {other.dataset}"
            )


def results_table(evaluations: Sequence[Evaluation]) -> str:
    """Return a Markdown table of methods, the best ODS first, then the trivial baselines.

    IoU is at 168 pixels; the columns are method, ODS, OIS, AP, IoU course, IoU thin and mean
    IoU thin.

    Parameters
    ----------
    evaluations
        At least one; baselines are those of the first.

    Returns
    -------
    str
        Lines of text.

    Raises
    ------
    BSDSError
        If they were not all measured on the same images.
    """
    first = evaluations[0]
    require_same_images(first.dataset, first.split, evaluations)
    ranked = sorted(evaluations, key=lambda one: -one.scores.ods.f)
    lines = [_HEADER]
    for one in ranked:
        name = f"{one.name} (NMS)" if one.nms else one.name
        figures = (one.scores.ods.f, one.scores.ois.f, one.scores.ap)
        lines.append(_row(name, [f"{value:.3f}" for value in figures], one.table[MAPS]))
    lines += [
        _row(f"*{name}*", ["–"] * 3, found) for name, found in first.table.items() if name != MAPS
    ]
    return "".join(lines)


def _row(name: str, scores: list[str], found: Mapping[str, Mapping[int, IoU]]) -> str:
    course, thin = found["course"][_TABLE_SIZE], found["thin"][_TABLE_SIZE]
    iou = [f"{value:.3f}" for value in (course.iou, thin.iou, thin.mean_iou)]
    safe = name.replace("|", "\\|")
    return f"| {' | '.join([safe, *scores, *iou])} |\n"

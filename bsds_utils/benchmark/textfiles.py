"""The benchmark's own text files, so that existing plotting scripts work.

Source: ``collect_eval_bdry.m``; columns and number format are the same.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bsds_utils.benchmark.scores import Scores
from bsds_utils.data.files import printable
from bsds_utils.errors import BSDSError

__all__ = ["SUMMARY", "write_text_files"]

SUMMARY: Final = "eval_bdry.txt"


def write_text_files(scores: Scores, folder: Path) -> list[Path]:
    """Write a result as the official code does.

    - ``eval_bdry.txt``: threshold, recall, precision and F of ODS; recall, precision and F of
      OIS; AP.
    - ``eval_bdry_thr.txt``: a line for each threshold: threshold, recall, precision, F.
    - ``eval_bdry_img.txt``: a line for each image, numbered from 1 in the order of their ids as
      text: number, best threshold, recall, precision, F.

    Parameters
    ----------
    scores
        The result.
    folder
        Where to write, made if missing.

    Returns
    -------
    list of Path
        The three files.

    Raises
    ------
    BSDSError
        If they cannot be written.
    """
    curve = zip(scores.thresholds, scores.recall, scores.precision, scores.f, strict=True)
    images = enumerate((scores.images[image_id] for image_id in sorted(scores.images)), start=1)
    files = {
        SUMMARY: _line((*scores.ods, *scores.ois[1:], scores.ap)),
        "eval_bdry_thr.txt": "".join(_line(row) for row in curve),
        "eval_bdry_img.txt": "".join(f"{number:10d} {_line(point)}" for number, point in images),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="ascii")
    except OSError as error:
        raise BSDSError(
            f"{printable(folder)}: cannot be written ({error.strerror}); choose another folder"
        ) from error
    return [folder / name for name in files]


def _line(values: Iterable[float]) -> str:
    return " ".join(f"{value:10.6g}" for value in values) + "\n"

"""The state of a training run on disk, from which it goes on after an interruption."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsds_utils.atomic import written_whole
from bsds_utils.errors import BSDSError

__all__ = ["State", "load_state", "save_state"]

_META = "state.json"


@dataclass(frozen=True)
class State:
    """Where a run stands.

    Attributes
    ----------
    phase
        Number of the phase that is under way, counted from 0.
    epoch
        Epochs of it that are done.
    seconds
        Seconds of it that are spent.
    weights
        The model's.
    optimizer
        The optimizer's variables; empty at the beginning of a phase.
    """

    phase: int
    epoch: int
    seconds: float
    weights: list[NDArray[Any]]
    optimizer: list[NDArray[Any]]


def save_state(path: Path, state: State) -> None:
    """Write a state; what was there stays whole until the new one is.

    Raises
    ------
    BSDSError
        If it cannot be written.
    """
    try:
        with written_whole(path) as part, zipfile.ZipFile(part, "w") as archive:
            arrays = {"weights": state.weights, "optimizer": state.optimizer}
            counts = {kind: len(values) for kind, values in arrays.items()}
            meta = {"phase": state.phase, "epoch": state.epoch, "seconds": state.seconds}
            archive.writestr(_META, json.dumps(meta | counts))
            for kind, values in arrays.items():
                for number, value in enumerate(values):
                    buffer = io.BytesIO()
                    np.save(buffer, value, allow_pickle=False)
                    archive.writestr(f"{kind}/{number}.npy", buffer.getvalue())
    except OSError as error:
        raise BSDSError(
            f"{path}: the checkpoint cannot be written ({error.strerror or error}); "
            + (
                "the one before it is still good: make room and go on with --resume"
                if path.exists()
                else "make room and start again"
            )
        ) from error


def load_state(path: Path) -> State:
    """Read what :func:`save_state` wrote.

    Raises
    ------
    BSDSError
        If there is none, or it is damaged.
    """
    if not path.is_file():
        raise BSDSError(
            f"--resume: expected the checkpoint {path}, found none; start without --resume"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            meta = json.loads(archive.read(_META))
            arrays = {
                kind: [
                    np.load(io.BytesIO(archive.read(f"{kind}/{number}.npy")), allow_pickle=False)
                    for number in range(int(meta[kind]))
                ]
                for kind in ("weights", "optimizer")
            }
            return State(int(meta["phase"]), int(meta["epoch"]), float(meta["seconds"]), **arrays)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise BSDSError(
            f"--resume: the checkpoint {path} is damaged ({error}); start without --resume"
        ) from error

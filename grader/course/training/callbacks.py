"""What a long training run does besides training: keep its state, stop at NaN, show itself."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from bsds_utils import Arrays, threshold_sweep
from bsds_utils.atomic import written_whole
from bsds_utils.errors import BSDSError
from bsds_utils.plots import show_predictions
from grader.course.training.checkpoint import State, save_state

__all__ = ["BeginAt", "Checkpoint", "Measure", "StopAtNaN", "predict"]

_EVERY_SECONDS = 60.0
_BATCH = 8
_SHOWN = 3


class Checkpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Keep the state of the run after the first epoch, and then at most once a minute.

    The first, so that what keeps it from being written is known at once.

    Parameters
    ----------
    path
        The file.
    phase
        Number of this phase.
    state
        What to go on from; None begins the phase.
    """

    def __init__(self, path: Path, phase: int, state: State | None = None) -> None:
        super().__init__()
        self.path, self.phase, self.state = path, phase, state
        self._began, self._saved = 0.0, -math.inf

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put the optimizer where it was; the model's weights are there already."""
        self._began = time.monotonic()
        if self.state is None or not self.state.optimizer:
            return
        optimizer = self.model.optimizer
        rate = float(optimizer.learning_rate)
        optimizer.build(self.model.trainable_variables)
        for variable, value in zip(optimizer.variables, self.state.optimizer, strict=True):
            variable.assign(value)
        # Where the schedule had brought it is for the schedule to say.
        optimizer.learning_rate = rate

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save, if the last time is long enough ago."""
        if time.monotonic() - self._saved >= _EVERY_SECONDS:
            self.save(epoch + 1)

    def save(self, epoch: int) -> None:
        """Save the state after so many epochs of the phase."""
        earlier = 0.0 if self.state is None else self.state.seconds
        save_state(
            self.path,
            State(
                phase=self.phase,
                epoch=epoch,
                seconds=earlier + time.monotonic() - self._began,
                weights=self.model.get_weights(),
                optimizer=[
                    keras.ops.convert_to_numpy(variable)
                    for variable in self.model.optimizer.variables
                ],
            ),
        )
        self._saved = time.monotonic()


class BeginAt(keras.callbacks.Callback):  # type: ignore[misc]
    """Begin with a learning rate other than the notebook's; it has to come before what lowers it.

    Parameters
    ----------
    rate
        The learning rate.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Set it."""
        self.model.optimizer.learning_rate = self.rate


class StopAtNaN(keras.callbacks.Callback):  # type: ignore[misc]
    """End a training whose loss is no number any more, before that is saved.

    Parameters
    ----------
    checkpoint
        The file from which the training could go on, if it is there.
    """

    def __init__(self, checkpoint: Path) -> None:
        super().__init__()
        self.checkpoint = checkpoint

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(float(loss)):
            kept = self.checkpoint.exists()
            raise BSDSError(
                f"expected a finite loss, found {float(loss)} in batch {batch + 1}; "
                + ("the last checkpoint is still good: go on with --resume, or " if kept else "")
                + "start again with another --seed or a lower --rate"
            )


class Measure(keras.callbacks.Callback):  # type: ignore[misc]
    """Add the best IoU on val to the log, and draw what the model predicts.

    Parameters
    ----------
    val
        Images and masks.
    every
        Measured after the first epoch, and after every so many; others repeat the last value.
    picture
        PNG file that is replaced each time.
    """

    def __init__(self, val: Arrays, every: int, picture: Path) -> None:
        super().__init__()
        self.val, self.every, self.picture = val, every, picture
        self._last = math.nan

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, if it is time."""
        if math.isnan(self._last) or (epoch + 1) % self.every == 0:
            probability = predict(self.model, self.val.images)
            sweep = threshold_sweep(self.val.masks, probability)
            self._last = float(sweep.best_iou)
            chosen = slice(0, _SHOWN)
            figure = show_predictions(
                self.val.images[chosen], self.val.masks[chosen], probability[chosen],
                float(sweep.best_threshold),
            )  # fmt: skip
            replace(self.picture, figure.savefig)
        if logs is not None:
            logs["val_iou"] = self._last


def predict(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities of a model for images of one size.

    Parameters
    ----------
    model
        Keras model.
    images
        uint8, shape (N, S, S, 3).

    Returns
    -------
    ndarray
        float32 in 0–1, shape (N, S, S, 1).
    """
    found: NDArray[np.float32] = model.predict(
        images.astype(np.float32), batch_size=_BATCH, verbose=0
    )
    return found


def replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Have a file written beside its place, then put it there; a full disk is no reason to end."""
    try:
        with written_whole(path) as part:
            write(part)
    except OSError as error:
        print(f"{path}: not written ({error.strerror or error})", flush=True)

"""Plumbing of a training run: seeds, a time budget, a progress line, batches.

What to train, on what and why stays with the caller.
"""

import math
import os
import statistics
from collections import deque
from collections.abc import Callable
from time import monotonic, process_time
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from bsds_utils.arguments import as_binary, as_images
from bsds_utils.errors import BSDSError
from bsds_utils.work import WorkClock

__all__ = [
    "Batches",
    "LearningRateDecay",
    "ProgressBar",
    "TimeBudget",
    "budget_seconds",
    "seed_everything",
]

BUDGET_VARIABLE = "BSDS_TIME_BUDGET"
PROCESSOR_VARIABLE = "BSDS_PROCESSOR_BUDGET"
PROBE_VARIABLE = "BSDS_PROCESSOR_PROBE"
SPENT_VARIABLE = "BSDS_TIME_SPENT"
DEFAULT_SECONDS = 180.0


def _seconds_in(variable: str) -> float | None:
    """Return the positive number of seconds in a variable of the environment, if it is set."""
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    value = _number(text)
    if not 0 < value < math.inf:
        raise BSDSError(
            f"{variable}: expected a positive number of seconds, found {text!r}; "
            "set it to e.g. 180 or unset it"
        )
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


# Read once: the grader imports this before a line of the notebook could change the variable.
_PROCESSOR_SECONDS = _seconds_in(PROCESSOR_VARIABLE)
_USUAL_PROBE = _seconds_in(PROBE_VARIABLE)


def _clock_of_budgets() -> Callable[[], float]:
    """Return the clock of the wall, or in grading one of the processors."""
    if _PROCESSOR_SECONDS is None:
        return monotonic
    return process_time if _USUAL_PROBE is None else WorkClock(_USUAL_PROBE)


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and Keras' random numbers.

    Parameters
    ----------
    seed
        0 to 2³²-1.
    """
    keras.utils.set_random_seed(seed)


def budget_seconds(seconds: float | None = None, share: float = 1.0) -> float:
    """Budget of one training phase: seconds of the clock, in grading of the processors.

    Parameters
    ----------
    seconds
        Budget where the environment sets none; by default 180.
    share
        This phase's part of the budget, in (0, 1].

    Returns
    -------
    float
        ``share`` times the first of these that there is: the grader's
        ``$BSDS_PROCESSOR_BUDGET`` when this module was imported, ``$BSDS_TIME_BUDGET``,
        ``seconds``.

    Raises
    ------
    BSDSError
        If ``$BSDS_TIME_BUDGET`` is not a positive number.
    ValueError
        If an argument is out of range.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share: expected a number in (0, 1], found {share!r}")
    if seconds is not None and not 0 < seconds < math.inf:
        raise ValueError(f"seconds: expected a positive number, found {seconds!r}")
    value = _PROCESSOR_SECONDS or _seconds_in(BUDGET_VARIABLE) or seconds or DEFAULT_SECONDS
    return value * share


def _spent_seconds() -> float:
    """Seconds of the budget that an interrupted run used, which this one goes on from."""
    text = os.environ.get(SPENT_VARIABLE, "").strip() or "0"
    value = _number(text)
    if not 0 <= value < math.inf:
        raise BSDSError(
            f"{SPENT_VARIABLE}: expected a number of seconds, found {text!r}; unset it"
        )
    return value


class _Stopwatch:
    """Durations of batches: the first, which includes compiling, and the usual."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = 0.0
        self._first: float | None = None
        self._recent: deque[float] = deque(maxlen=32)

    def start(self) -> None:
        self._began = self._clock()

    def stop(self, logs: dict[str, Any] | None) -> None:
        for value in list((logs or {}).values())[:1]:
            float(value)  # waits for the accelerator, which otherwise runs behind the clock
        took = self._clock() - self._began
        if self._first is None:
            self._first = took
        else:
            self._recent.append(took)

    @property
    def usual(self) -> float:
        """Median of recent batches, so that one more compilation does not count; seconds."""
        return statistics.median(self._recent) if self._recent else 0.0

    @property
    def compiling(self) -> float:
        """What the first batch took longer; seconds."""
        return max(0.0, (self._first or 0.0) - self.usual) if self._recent else 0.0


class TimeBudget(keras.callbacks.Callback):  # type: ignore[misc]
    """Stop training at a time budget and keep the best weights seen.

    Time is the clock's; in grading it is the processors', and what ``$BSDS_PROCESSOR_BUDGET`` was
    at the import replaces every other budget, so that neither a slow machine nor busy neighbours
    make a training shorter. Several trainings in one notebook have that budget each; the grader
    bounds the whole. A loop of your own calls :meth:`on_train_begin` and goes on while there is
    time :attr:`remaining`.

    Time is looked at after every batch. When another batch and the epoch's validation would no
    longer fit, the epoch ends there: Keras still validates it, so that a partial last epoch can
    win, too. A validation is expected to take as long as the one before; of the first one nothing
    is known, so the budget is overshot by at most one batch and one validation. An epoch that
    would be cut before it had trained for as long as its validation takes is not begun.

    The weights of the epoch with the best ``monitor`` are put back when training ends. If
    ``monitor`` is never measured (no validation data), the last weights stay.

    Parameters
    ----------
    seconds
        Budget where ``$BSDS_TIME_BUDGET`` sets none; by default 180.
    share
        Part of the budget that this ``fit`` may use, in (0, 1], e.g. 0.6 for the first of two
        phases and 0.4 for the second.
    monitor
        Name in the epoch's logs.
    mode
        ``"min"`` or ``"max"``; ``"auto"``: maximise names that contain ``acc``, ``iou``, ``dice``,
        ``auc``, ``precision`` or ``recall``, minimise all others (and any ``loss``).
    restore_best
        Whether to put the best weights back.

    Attributes
    ----------
    seconds : float
        The budget of this ``fit``.
    elapsed : float
        Seconds since training began; after it, what it took. ``$BSDS_TIME_SPENT`` counts, too:
        what was spent before training was interrupted.
    stopped_early : bool
        Whether the budget ended the training.
    best : float or None
        Best value of ``monitor`` so far.
    best_epoch : int or None
        Its epoch, counted from 0.

    Raises
    ------
    BSDSError
        If ``$BSDS_TIME_BUDGET`` is not a positive number.
    ValueError
        If an argument is out of range.
    """

    def __init__(
        self,
        seconds: float | None = None,
        share: float = 1.0,
        monitor: str = "val_loss",
        mode: Literal["auto", "min", "max"] = "auto",
        restore_best: bool = True,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode: expected 'auto', 'min' or 'max', found {mode!r}")
        self.seconds = budget_seconds(seconds, share)
        self.clock = _clock_of_budgets()
        self._spent = _spent_seconds()
        self.monitor = monitor
        self.maximise = _is_gain(monitor) if mode == "auto" else mode == "max"
        self.restore_best = restore_best
        self._reset()

    def _reset(self) -> None:
        self.stopped_early = False
        self.best: float | None = None
        self.best_epoch: int | None = None
        self._best_weights: list[NDArray[Any]] | None = None
        self._logged: dict[str, Any] = {}
        self._began: float | None = None
        self._took: float | None = None
        self._train_batches = _Stopwatch(self.clock)
        self._test_batches = _Stopwatch(self.clock)
        self._test_began = 0.0
        self._validation = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since training began; after it, what it took."""
        if self._took is not None:
            return self._took
        return self._spent + (0.0 if self._began is None else self.clock() - self._began)

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.seconds - self.elapsed)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._reset()
        self._build_optimizer()
        self._began = self.clock()

    def _build_optimizer(self) -> None:
        """Make the optimizer's variables, or TensorFlow would trace the first step twice."""
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None and not optimizer.built:
            optimizer.build(self.model.trainable_variables)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Time the batch."""
        self._train_batches.start()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop if another batch and the validation would not fit."""
        self._train_batches.stop(logs)
        steps = (self.params or {}).get("steps")
        # After the last batch the epoch ends anyway, and on_epoch_end decides.
        last = steps is not None and batch + 1 >= steps
        if not last and self.remaining <= self._validation + self._train_batches.usual:
            self._stop()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Time the validation."""
        self._test_batches = _Stopwatch(self.clock)
        self._test_began = self.clock()

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Time the batch."""
        self._test_batches.start()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Time the batch."""
        self._test_batches.stop(logs)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Expect the next validation to take as long, less what compiling took the first."""
        took = self.clock() - self._test_began
        self._validation = took - (0.0 if self._validation else self._test_batches.compiling)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the weights if they are the best so far; stop if too little time is left."""
        self._logged = dict(logs or {})
        value = self._logged.get(self.monitor)
        if value is not None and self._is_better(float(value)):
            self.best, self.best_epoch = float(value), epoch
            if self.restore_best:
                self._best_weights = self.model.get_weights()
        last = epoch + 1 >= (self.params or {}).get("epochs", math.inf)
        # An epoch that measures longer than it trains is not worth beginning.
        if not last and self.remaining <= 2 * self._validation + self._train_batches.usual:
            self._stop()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Stop the clock and put the best weights back."""
        self._took = self.elapsed
        if self._best_weights is not None:
            self.model.set_weights(self._best_weights)
            self._best_weights = None
        elif self.restore_best and self.monitor not in self._logged:
            print(
                f"NOTE: TimeBudget found no {self.monitor!r} among "
                f"{', '.join(self._logged) or 'no logs'}: the last weights stay, not the best."
            )

    def _is_better(self, value: float) -> bool:
        if math.isnan(value):
            return False
        if self.best is None:
            return True
        return value > self.best if self.maximise else value < self.best

    def _stop(self) -> None:
        self.stopped_early = True
        self.model.stop_training = True


def _is_gain(monitor: str) -> bool:
    name = monitor.lower()
    gains = ("acc", "iou", "dice", "auc", "precision", "recall")
    return "loss" not in name and any(gain in name for gain in gains)


class LearningRateDecay(keras.callbacks.Callback):  # type: ignore[misc]
    """Lower the learning rate from the optimizer's own to nothing, along half a cosine.

    Large steps find a good region quickly; small ones in the end find its bottom, and average out
    the noise of single batches.

    Parameters
    ----------
    budget
        The :class:`TimeBudget` of the same ``fit``, listed before this one. The rate reaches 0
        when the budget or the number of epochs ends, whichever comes first.

    References
    ----------
    Loshchilov, Hutter: SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR 2017.
    """

    def __init__(self, budget: TimeBudget) -> None:
        super().__init__()
        self.budget = budget
        self._start = 0.0
        self._epoch = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Take the optimizer's rate as the highest."""
        self._start = float(self.model.optimizer.learning_rate)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Count epochs; they need not begin at 0."""
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the rate of this step."""
        params = self.params or {}
        steps, epochs = params.get("steps"), params.get("epochs") or math.inf
        done = (self._epoch + (batch / steps if steps else 0.0)) / epochs
        done = min(1.0, max(done, self.budget.elapsed / self.budget.seconds))
        self.model.optimizer.learning_rate = self._start * (1 + math.cos(math.pi * done)) / 2


class ProgressBar(keras.callbacks.Callback):  # type: ignore[misc]
    """One line on stdout per epoch, with the time until training ends.

    Use it with ``fit(..., verbose=0)``. Lines are whole and come once per epoch, so a notebook
    keeps a readable record.

    Parameters
    ----------
    budget
        The :class:`TimeBudget` of the same ``fit``, whose end limits the time to go.
    """

    def __init__(self, budget: TimeBudget | None = None) -> None:
        super().__init__()
        self.budget = budget
        self._clock = monotonic if budget is None else budget.clock
        self._began = 0.0
        self._first_epoch: int | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._began = self._clock()
        self._first_epoch = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note where training starts; it may continue an earlier one."""
        if self._first_epoch is None:
            self._first_epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print the epoch's line."""
        elapsed = self._clock() - self._began
        epochs = int((self.params or {}).get("epochs") or epoch + 1)
        done = epoch + 1 - (self._first_epoch or 0)
        to_go = elapsed / done * max(0, epochs - epoch - 1)
        if self.budget is not None:
            to_go = min(to_go, self.budget.remaining)
        if self.model.stop_training:
            to_go = 0.0
        values = "  ".join(f"{name} {float(value):.4f}" for name, value in (logs or {}).items())
        left = "done" if to_go == 0 else f"{_clock(to_go)} left"
        print(f"epoch {epoch + 1}/{epochs}  {_clock(elapsed)}, {left}  {values}", flush=True)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Images and masks in batches, in the form that models take.

    Parameters
    ----------
    images
        uint8, shape (N, H, W, 3), 0 to 255.
    masks
        Binary, shape (N, H, W, 1) or (N, H, W).
    batch_size
        Samples per batch; the last batch may be smaller.
    augment
        Flip half of the images left to right and turn each by 0 to 3 quarter turns, its mask
        with it. Needs square images.
    seed
        Order and augmentation depend on it and on the epoch alone.
    shuffle
        Whether each epoch has an order of its own; by default as ``augment``, so that
        ``Batches(images, masks)`` keeps the order, as validation and prediction need.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    Each batch is a pair of float32 arrays: images (B, H, W, 3) in 0–255, masks (B, H, W, 1) in
    {0, 1}.
    """

    def __init__(
        self,
        images: ArrayLike,
        masks: ArrayLike,
        batch_size: int = 8,
        augment: bool = False,
        seed: int = 0,
        shuffle: bool | None = None,
    ) -> None:
        super().__init__()
        self.images = as_images("images", images)
        count, height, width = self.images.shape[:3]
        binary = as_binary("masks", masks)
        if binary.size != count * height * width or np.shape(masks)[:3] != (count, height, width):
            raise ValueError(
                f"masks: expected shape ({count}, {height}, {width}, 1) as images have, "
                f"found {np.shape(masks)}"
            )
        if batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1, found {batch_size!r}")
        if augment and height != width:
            raise ValueError(
                f"images: expected square ones for augment=True, found {height}×{width}"
            )
        self.masks = binary.reshape(count, height, width, 1)
        self.batch_size = batch_size
        self.augment = augment
        self.seed = seed
        self.shuffle = augment if shuffle is None else shuffle
        self._begun = 0
        self._draw(0)

    def on_epoch_begin(self) -> None:
        """Draw this epoch's order, flips and turns; Keras calls it before each epoch."""
        self._draw(self._begun)
        self._begun += 1

    def _draw(self, epoch: int) -> None:
        count = len(self.images)
        random = np.random.default_rng((self.seed, epoch))
        self._order = random.permutation(count) if self.shuffle else np.arange(count)
        self._flips = random.integers(2, size=count) * self.augment
        self._turns = random.integers(4, size=count) * self.augment

    def __len__(self) -> int:
        """Batches per epoch."""
        return math.ceil(len(self.images) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Make batch number ``index`` of this epoch."""
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        if not len(chosen):
            raise IndexError(f"batch {index} of {len(self)}")
        images = np.empty((len(chosen), *self.images.shape[1:]), dtype=np.float32)
        masks = np.empty((len(chosen), *self.masks.shape[1:]), dtype=np.float32)
        for place, sample in enumerate(chosen):
            step = -1 if self._flips[sample] else 1
            turns = int(self._turns[sample])
            images[place] = np.rot90(self.images[sample][:, ::step], turns)
            masks[place] = np.rot90(self.masks[sample][:, ::step], turns)
        return images, masks

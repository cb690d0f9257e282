"""A whole training of a reference model, which goes on after an interruption."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras

from bsds_utils import Arrays, Dataset, RandomViews, seed_everything
from bsds_utils.errors import BSDSError
from bsds_utils.training import BUDGET_VARIABLE, SPENT_VARIABLE
from grader.course.network import NetworkAssignment
from grader.course.training.callbacks import BeginAt, Checkpoint, Measure, StopAtNaN
from grader.course.training.checkpoint import State, load_state, save_state
from grader.course.training.functions import load_functions
from grader.course.training.growing import grow
from grader.course.training.recipe import Phase, phases
from grader.course.training.scaling import scale_last_layer

__all__ = ["Options", "Trained", "train"]

_CHECKPOINT, _OPTIONS = "checkpoint.zip", "options.json"
_BATCH = 8
_UNBOUNDED_EPOCHS = 100_000
_VALIDATED = 4
"""Epochs between two validations, each of which costs as much as a sixth of an epoch."""


@dataclass(frozen=True)
class Options:
    """What distinguishes one training from another.

    Attributes
    ----------
    assignment
        Whose solution.
    minutes
        Time to train; 0 leaves the weights that it starts from, but for the scaling at the end.
    epochs
        Epochs of all phases together, in place of the time; None: as many as fit.
    seed
        Of everything random.
    splits
        What to train on.
    protocol
        Of the masks.
    native
        Share of views at about the images' own resolution.
    spread
        How far the views' zooms go from the size at which the model is used.
    paste
        Share of views onto which a region of another image is pasted.
    filters
        Of the scratch CNN at each resolution, the full one first; None: the notebook's.
    dilations
        Rates of the further convolutions in its bottleneck.
    start
        SHA-256 of the model file that the training starts from, if any.
    rate
        Learning rate that a training from such a model begins with; None: the notebook's.
    """

    assignment: str
    minutes: float
    epochs: int | None = None
    seed: int = 1
    splits: tuple[str, ...] = ("train",)
    protocol: str = "course"
    native: float = 0.5
    spread: float = 1.0
    paste: float = 0.0
    filters: tuple[int, ...] | None = None
    dilations: tuple[int, ...] = ()
    start: str | None = None
    rate: float | None = None


@dataclass(frozen=True)
class Trained:
    """What a training made.

    Attributes
    ----------
    model
        The Keras model.
    seconds
        Of training, interruptions left out.
    encoder
        Where the encoder's weights came from; None without an encoder.
    """

    model: Any
    seconds: float
    encoder: str | None


def train(
    assignment: NetworkAssignment,
    dataset: Dataset,
    val: Arrays,
    options: Options,
    folder: Path,
    *,
    start: Any = None,
    resume: bool = False,
) -> Trained:
    """Train a reference solution, then scale its probabilities.

    Parameters
    ----------
    assignment, dataset, options
        What to train, on what, and how.
    val
        Images and masks to measure on, and to scale the probabilities by.
    folder
        Where the run keeps its checkpoint, logs and preview.
    start
        Keras model to start from in place of random weights; it may be smaller.
    resume
        Whether to go on from its checkpoint.

    Raises
    ------
    BSDSError
        If the folder holds another run, a checkpoint is missing or damaged, the disk is full, or
        the loss is no number any more.
    """
    state = _begin(folder, options, resume)
    functions = load_functions(assignment)
    seed_everything(options.seed)
    build = functions[f"build_{assignment.name}"]
    sizes = {"filters": options.filters, "dilations": options.dilations}
    model = build(**{name: value for name, value in sizes.items() if value})
    source = getattr(functions.get("pretrained_encoder"), "source", None)
    if start is not None:
        _start_from(model, start)
    plan = phases(assignment, functions, started=start is not None) if options.minutes else []
    seconds = 0.0 if state is None else _earlier(plan, state, options)
    for number, phase in enumerate(plan):
        if state is not None and number < state.phase:
            continue
        phase.prepare(model)
        current = state if state is not None and number == state.phase else None
        if current is not None:
            _restore(model, current, folder)
        epoch = current.epoch if current else 0
        epochs = _epochs(plan, number, options)
        print(f"phase {number + 1} of {len(plan)}: {phase.name}", flush=True)
        checkpoint = Checkpoint(folder / _CHECKPOINT, number, current)
        batches = RandomViews(
            dataset, options.splits, assignment.size, _BATCH, options.protocol, options.native,
            options.spread, options.paste, options.seed, first_epoch=epoch,
        )  # fmt: skip
        rate = [] if options.rate is None else [BeginAt(options.rate)]
        began = time.monotonic()
        with _budget(options.minutes * 60, current.seconds if current else 0.0):
            phase.fit(
                model, None, val, batches=batches, epochs=epochs, initial_epoch=epoch,
                validation_freq=min(_VALIDATED, epochs),
                callbacks=[
                    StopAtNaN(checkpoint.path), *rate, *_recorders(folder, val, number, epochs),
                    checkpoint,  # after the log, which must not lack an epoch of a killed run
                ],
            )  # fmt: skip
        seconds += time.monotonic() - began
        following = State(number + 1, 0, 0.0, model.get_weights(), [])
        save_state(folder / _CHECKPOINT, following)
    if state is not None and state.phase == len(plan):
        _restore(model, state, folder)
    slope, offset = scale_last_layer(model, val)
    print(f"probabilities scaled on val: logits times {slope:.3f}, {offset:+.3f}", flush=True)
    return Trained(model, seconds, source)


@contextmanager
def _budget(seconds: float, spent: float) -> Iterator[None]:
    """Tell the notebook's code its time as a student's or the grader's is told."""
    values = {BUDGET_VARIABLE: str(seconds), SPENT_VARIABLE: str(spent)}
    kept = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin(folder: Path, options: Options, resume: bool) -> State | None:
    """Make the run's folder, or find where it stands."""
    wanted = json.loads(json.dumps(asdict(options)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not resume:
            if (folder / _CHECKPOINT).exists():
                raise BSDSError(
                    f"{folder}: expected no run here, found one that was begun; go on with it "
                    "(--resume), or name another folder with --run"
                )
            (folder / _OPTIONS).write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
            return None
        found = json.loads((folder / _OPTIONS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BSDSError(f"--resume: expected a run in {folder}, found none") from None
    except (OSError, ValueError) as error:
        raise BSDSError(f"{folder}: cannot be used for a run: {error}") from error
    if found != wanted:
        differing = ", ".join(key for key in wanted if found.get(key) != wanted[key])
        raise BSDSError(
            f"--resume: expected the run in {folder} with the same arguments, found other "
            f"{differing}; repeat the command that began it"
        )
    return load_state(folder / _CHECKPOINT)


def _earlier(plan: Sequence[Phase], state: State, options: Options) -> float:
    """Seconds that the phases before the current one took, and what it took so far."""
    return options.minutes * 60 * sum(p.share for p in plan[: state.phase]) + state.seconds


def _restore(model: Any, state: State, folder: Path) -> None:
    try:
        model.set_weights(state.weights)
    except ValueError as error:
        raise BSDSError(
            f"--resume: the checkpoint in {folder} is of another network than the notebook builds "
            "now; start anew, in another folder (--run)"
        ) from error


def _start_from(model: Any, start: Any) -> None:
    try:
        grow(model, start)
    except ValueError as error:
        raise BSDSError(
            "--start: the model is of another network than the notebook builds, or a larger one "
            f"({error}); name another model, or its --width and --dilations"
        ) from error


def _epochs(plan: Sequence[Phase], number: int, options: Options) -> int:
    if options.epochs is None:
        return _UNBOUNDED_EPOCHS
    return max(1, round(options.epochs * plan[number].share))


def _recorders(folder: Path, val: Arrays, phase: int, epochs: int) -> list[Any]:
    recorders = [
        Measure(val, max(1, min(5, epochs)), folder / "preview.png"),
        keras.callbacks.CSVLogger(folder / f"phase{phase + 1}.csv", append=True),
    ]
    # Keras writes its event files with TensorFlow, whatever it computes with.
    if find_spec("tensorboard") is not None and keras.backend.backend() == "tensorflow":
        recorders.append(keras.callbacks.TensorBoard(folder / "tensorboard" / f"phase{phase + 1}"))
    return recorders

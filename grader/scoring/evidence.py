"""Everything that hidden checks may look at, gathered lazily."""

import functools
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from bsds_utils import Arrays, Dataset, baselines, foreground_iou, open_dataset, threshold_sweep
from bsds_utils.metrics import Sweep
from grader.calibration import Target, load_target
from grader.course import Assignment
from grader.hidden_data import HiddenSet, hidden_set
from grader.sandbox.probe import Cell, Probe, ProbeError, ProbeSession
from grader.scoring.artifacts import ArtifactError, load_model, read_json
from grader.settings import Settings
from grader.workplace import Workplace

__all__ = ["Evidence", "predict"]

_BATCH = 8
_PREDICT_SECONDS = 300.0
_T = TypeVar("_T")


class Evidence:
    """A submission as the hidden checks see it.

    Everything is made when a check first asks for it, and only once.

    Parameters
    ----------
    assignment, settings, workplace
        What is graded, how, and where the grader keeps its files.
    artifacts
        Folder with the files that the notebook left behind.
    student_cells
        Sources of the cells that the student wrote or could write.
    probe
        Runs the student's functions in a sandbox.
    problem
        What went wrong first when the notebook ran, if anything did.
    """

    def __init__(
        self,
        assignment: Assignment,
        settings: Settings,
        workplace: Workplace,
        artifacts: Path,
        student_cells: Sequence[Cell],
        probe: Probe,
        problem: str | None = None,
    ) -> None:
        self.assignment = assignment
        self.settings = settings
        self.workplace = workplace
        self.artifacts = artifacts
        self.student_cells = student_cells
        self.probe = probe
        self.problem = problem
        self._session: ProbeSession | None = None
        self._made: dict[tuple[str, ...], Any] = {}

    @functools.cached_property
    def dataset(self) -> Dataset:
        """The data set that the submission was given."""
        return open_dataset(self.settings.data_source, self.settings.data_root)

    @functools.cached_property
    def hidden(self) -> HiddenSet:
        """Images that the submission has not seen."""
        return hidden_set(
            self.dataset, self.settings.secret, self.assignment.size, self.workplace.hidden_data
        )

    @functools.cached_property
    def target(self) -> Target:
        """What the reference solution reaches under the same budget."""
        return load_target(self.assignment, self.dataset.name, self.settings, self.untrained)

    @functools.cached_property
    def untrained(self) -> dict[str, float]:
        """IoU on the hidden images of answers that need no training, by name."""
        found: dict[str, float] = baselines(self.hidden.masks, self.hidden.images)
        return found

    def generator(self, name: str) -> np.random.Generator:
        """Return random numbers for a check, which depend on the course secret and the submission.

        The same submission gets the same questions again; to foresee them takes the secret.
        """
        key = repr((self.settings.secret, name, self.student_cells))
        return np.random.default_rng(list(hashlib.sha256(key.encode()).digest()))

    @property
    def functions(self) -> ProbeSession:
        """The submission's functions, in a process shared by all checks that only call them."""
        if self._session is None or not self._session.alive:
            self._session = self.probe.open()
        return self._session

    def split(self, name: str) -> HiddenSet | Arrays:
        """Images and masks of ``"hidden"`` or of a public split, at the assignment's size."""
        if name == "hidden":
            return self.hidden
        return self._once(
            ("split", name), lambda: self.dataset.load(name, size=self.assignment.size)
        )

    def left(self, name: str) -> bool:
        """Whether the notebook left a file behind."""
        return (self.artifacts / name).is_file()

    def model_bytes(self, name: str) -> bytes:
        """Contents of a model that the notebook saved.

        Raises
        ------
        ArtifactError
            If there is none; says why if that is known.
        """
        path = self.artifacts / name
        if not path.is_file():
            reason = self.problem or "the cell that saves it did not run"
            raise ArtifactError(f"your notebook left no model {name}: {reason}", "missing")
        return path.read_bytes()

    def model(self, name: str) -> Any:
        """Load a model that the notebook saved."""
        limit = self.settings.limits.artifact_bytes
        return self._once(("model", name), lambda: load_model(self.model_bytes(name), name, limit))

    def card(self, name: str) -> dict[str, Any]:
        """Read the model card that ``bsds.save_model`` wrote."""
        return read_json(self.artifacts / name)

    def threshold(self, card_name: str, default: float | None = None) -> float:
        """Return the threshold that was saved with a model.

        Parameters
        ----------
        card_name
            The model card's file.
        default
            Returned where there is no card.

        Raises
        ------
        ArtifactError
            If it is no number in 0–1, or there is no card and no default.
        """
        if default is not None and not (self.artifacts / card_name).is_file():
            return default
        value = self.card(card_name).get("threshold")
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ArtifactError("the threshold saved with your model is not a number in 0–1")
        return float(value)

    def built(self, *functions: str, seed: int = 1, fresh: bool = False) -> Any:
        """Build a model with the student's functions and load it here.

        Parameters
        ----------
        functions
            The student's building function, then functions to apply to its model in place.
        seed
            Random seed for building it.
        fresh
            Whether to build it in a process of its own.
        """

        def load() -> Any:
            if fresh:
                self._session = self.probe.open()
            data = self.functions.build(*functions, seed=seed)
            limit = self.settings.limits.artifact_bytes
            return load_model(data, f"the model that {functions[-1]} gives", limit)

        return self._once(("built", str(seed), str(fresh), *functions), load)

    def require_same_architecture(self, model_name: str, function: str) -> None:
        """Fail unless a saved model is what a building function gives, with other weights.

        Raises
        ------
        ArtifactError
            If it has other weights, or computes something else with them; so what was checked on
            a fresh model holds for it too.
        """
        saved, fresh = self.model(model_name), self.built(function)
        images = self.split("val").images[:1]
        same = [w.shape for w in saved.weights] == [w.shape for w in fresh.weights]
        if same:
            # Lent for a moment: other checks look at how the fresh model starts.
            own = fresh.get_weights()
            fresh.set_weights(saved.get_weights())
            try:
                ours, theirs = (predict(model, images, model_name) for model in (saved, fresh))
            finally:
                fresh.set_weights(own)
            same = np.allclose(ours, theirs, atol=1e-3)
        if not same:
            raise ArtifactError(f"the model in {model_name} is not one that {function} builds")

    def predictions(self, model_name: str, split: str) -> NDArray[np.float32]:
        """Probabilities of a saved model on ``"hidden"`` or on a public split, (N, S, S)."""
        return self._once(
            ("predictions", model_name, split),
            lambda: predict(self.model(model_name), self.split(split).images, model_name),
        )

    def sweep(self, model_name: str, split: str, thresholds: NDArray[np.float64]) -> Sweep:
        """IoU of a saved model over thresholds on a split."""
        swept: Sweep = threshold_sweep(
            self.split(split).masks, self.predictions(model_name, split), thresholds
        )
        return swept

    def iou(self, model_name: str, split: str, threshold: float) -> float:
        """Foreground IoU of a saved model at a threshold."""
        masks = self.split(split).masks[..., 0]
        return float(foreground_iou(masks, self.predictions(model_name, split) >= threshold))

    def _once(self, key: tuple[str, ...], make: Callable[[], _T]) -> _T:
        """Make a value, or repeat what came of it before, error included."""
        if key not in self._made:
            try:
                self._made[key] = make()
            except (ArtifactError, ProbeError) as error:
                self._made[key] = error
        value = self._made[key]
        if isinstance(value, ArtifactError | ProbeError):
            raise value
        return cast(_T, value)


def predict(model: Any, images: NDArray[np.uint8], name: str) -> NDArray[np.float32]:
    """Boundary probabilities of a model that is not trusted to return any.

    Parameters
    ----------
    model
        A Keras model.
    images
        uint8, shape (N, H, W, 3).
    name
        For messages.

    Returns
    -------
    ndarray
        float32 in 0–1, shape (N, H, W).

    Raises
    ------
    ArtifactError
        If the model fails, takes minutes, or its output has another shape, is not finite or
        leaves 0–1.
    """
    parts = []
    began = time.monotonic()
    for start in range(0, len(images), _BATCH):
        if time.monotonic() - began > _PREDICT_SECONDS:
            raise ArtifactError(
                f"{name} took more than {_PREDICT_SECONDS:.0f} seconds for {start} of "
                f"{len(images)} images; make the model smaller"
            )
        batch = images[start : start + _BATCH].astype(np.float32)
        try:
            output = np.asarray(model(batch, training=False))
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise ArtifactError(
                f"{name} fails on images of shape {batch.shape}: {reason}"
            ) from error
        if output.shape != (*batch.shape[:3], 1):
            raise ArtifactError(
                f"{name} has outputs of shape {output.shape} for images of shape {batch.shape}; "
                f"expected {(*batch.shape[:3], 1)}"
            )
        if not np.isfinite(output).all() or output.min() < 0 or output.max() > 1:
            raise ArtifactError(
                f"{name} has outputs outside 0–1; expected probabilities (is the last "
                "activation a sigmoid?)"
            )
        parts.append(output[..., 0].astype(np.float32))
    return np.concatenate(parts)

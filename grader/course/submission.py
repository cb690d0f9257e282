"""Everything that hidden checks may look at, gathered lazily."""

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from bsds_utils import Arrays, Dataset, baselines, foreground_iou, open_dataset, threshold_sweep
from bsds_utils.metrics import Sweep
from grader.assignment import Assignment
from grader.checking.artifacts import ArtifactError, read_json
from grader.course.hidden_data import HiddenSet, hidden_set
from grader.course.targets import Target, load_target
from grader.folders import Workplace
from grader.keras_models.opened import ModelSandbox, OpenedModel
from grader.sandbox.probe import Cell, Probe, ProbeError, ProbeSession
from grader.settings import Settings

__all__ = ["Evidence"]

_T = TypeVar("_T")


class Evidence:
    """A submission as the hidden checks see it.

    Everything is made when a check first asks for it, and only once.

    Parameters
    ----------
    assignment, settings, workplace
        What is graded, how, and where the grader keeps its files.
    artifacts
        Contents of the files that the notebook left behind, by name.
    student_cells
        Sources of the cells that the student wrote or could write.
    probe
        Runs the student's functions in a sandbox.
    models
        Opens models in another sandbox.
    problem
        What went wrong first when the notebook ran, if anything did.
    """

    def __init__(
        self,
        assignment: Assignment,
        settings: Settings,
        workplace: Workplace,
        artifacts: Mapping[str, bytes],
        student_cells: Sequence[Cell],
        probe: Probe,
        models: ModelSandbox,
        problem: str | None = None,
    ) -> None:
        self.assignment = assignment
        self.settings = settings
        self.workplace = workplace
        self.artifacts = artifacts
        self.student_cells = student_cells
        self.probe = probe
        self.models = models
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
        return name in self.artifacts

    def model_bytes(self, name: str) -> bytes:
        """Contents of a model that the notebook saved.

        Raises
        ------
        ArtifactError
            If there is none; says why if that is known.
        """
        if not self.left(name):
            reason = self.problem or "the cell that saves it did not run"
            raise ArtifactError(f"your notebook left no model {name}: {reason}", "missing")
        return self.artifacts[name]

    def model(self, name: str) -> OpenedModel:
        """Open a model that the notebook saved."""
        return self._once(("model", name), lambda: self.models.open(self.model_bytes(name), name))

    def card(self, name: str) -> dict[str, Any]:
        """Read the model card that ``bsds.save_model`` wrote."""
        return read_json(self.artifacts.get(name), name)

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
        if default is not None and not self.left(card_name):
            return default
        value = self.card(card_name).get("threshold")
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ArtifactError("the threshold saved with your model is not a number in 0–1")
        return float(value)

    def built(self, *functions: str, seed: int = 1, fresh: bool = False) -> OpenedModel:
        """Build a model with the student's functions and open it.

        Parameters
        ----------
        functions
            The student's building function, then functions to apply to its model in place.
        seed
            Random seed for building it.
        fresh
            Whether to build it in a process of its own.
        """

        def load() -> OpenedModel:
            if fresh:
                self._session = self.probe.open()
            data = self.functions.build(*functions, seed=seed)
            return self.models.open(data, f"the model that {functions[-1]} gives")

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
        ours, theirs = ([weight.shape for weight in model.weights] for model in (saved, fresh))
        if ours != theirs or not np.allclose(
            saved.predict(images), fresh.predict(images, weights_of=saved), atol=1e-3
        ):
            raise ArtifactError(f"the model in {model_name} is not one that {function} builds")

    def predictions(self, model_name: str, split: str) -> NDArray[np.float32]:
        """Probabilities of a saved model on ``"hidden"`` or on a public split, (N, S, S)."""
        return self._once(
            ("predictions", model_name, split),
            lambda: self.model(model_name).predict(self.split(split).images),
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

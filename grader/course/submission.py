"""A submission with a network, as the hidden checks of this course see it."""

import contextlib
import functools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsds_utils import Arrays, Dataset, baselines, foreground_iou, open_dataset, threshold_sweep
from bsds_utils.metrics import Sweep
from grader.checking.artifacts import NOT_JSON, ArtifactError
from grader.checking.submission import Submission
from grader.course.hidden_data import HiddenSet, hidden_set
from grader.course.machine_speed import library_sandbox
from grader.course.network import NetworkAssignment
from grader.course.settings import BoundarySettings
from grader.course.targets import Target, load_target
from grader.folders import scratch
from grader.keras_models.opened import ModelSandbox, OpenedModel
from grader.keras_models.probes import build

__all__ = ["NetworkSubmission"]


class NetworkSubmission(Submission):
    """A submission with a network, and the images and targets that it is measured by."""

    assignment: NetworkAssignment
    settings: BoundarySettings
    json_writer = "bsds.save_model"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._cleanup = contextlib.ExitStack()

    @functools.cached_property
    def models(self) -> ModelSandbox:
        """Opens models in a sandbox of their own."""
        limits = self.settings.limits
        folder = Path(self._cleanup.enter_context(scratch("m")))
        sandbox = library_sandbox(folder, limits, self.settings.sandbox)
        models = ModelSandbox(sandbox, limits.artifact_bytes)
        self._cleanup.callback(models.close)
        return models

    def close(self) -> None:
        """End both sandboxes."""
        super().close()
        self._cleanup.close()

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

    def split(self, name: str) -> HiddenSet | Arrays:
        """Images and masks of ``"hidden"`` or of a public split, at the assignment's size."""
        if name == "hidden":
            return self.hidden
        return self._once(
            ("split", name), lambda: self.dataset.load(name, size=self.assignment.size)
        )

    def json(self, name: str) -> dict[str, Any]:
        """Read a model card."""
        card = super().json(name)
        metrics = card.get("metrics", {})
        if isinstance(metrics, dict) and all(isinstance(one, dict) for one in metrics.values()):
            return card
        raise ArtifactError(NOT_JSON.format(name=name, writer=self.json_writer))

    def model_bytes(self, name: str) -> bytes:
        """Contents of a model that the notebook saved."""
        return self.artifact(name, "model")

    def model(self, name: str) -> OpenedModel:
        """Open a model that the notebook saved."""
        return self._once(("model", name), lambda: self.models.open(self.model_bytes(name), name))

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
        value = self.json(card_name).get("threshold")
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
            session = self.fresh_functions() if fresh else self.functions
            data = build(session, *functions, seed=seed)
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

"""The trusted side of a model sandbox: asks what submissions' models are and what they predict."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.checking.artifacts import ArtifactError
from grader.keras_models.allowlist import check_model_file
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.running import Bounds, Ended, Running, Silent

__all__ = ["Layer", "Lent", "ModelSandbox", "OpenedModel", "Ran", "Weight"]

_PROGRAM = Path(__file__).with_name("open_model.py")
_BATCH = 8
_START_SECONDS = 900.0
"""For importing Keras, where no process that has it already can be forked."""
_SECONDS = 300.0
"""For opening a model and for a question about its weights; rarely more than one."""
_PREDICT_SECONDS = 300.0
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Layer:
    """A layer of a model, nested ones included.

    Attributes
    ----------
    name, kind
        Its name, and the name of its class.
    rate
        Of a dropout layer.
    """

    name: str
    kind: str
    rate: float | None


@dataclass(frozen=True)
class Weight:
    """An array that a layer holds.

    Attributes
    ----------
    number
        Its place among the model's.
    layer, name, shape
        What it is.
    learned
        Whether training changes it where its layer is not frozen.
    trainable
        Whether training changes it as the model is.
    initializer
        Class of what its layer declares for its start; None if that is not known.
    """

    number: int
    layer: Layer
    name: str
    shape: tuple[int, ...]
    learned: bool
    trainable: bool
    initializer: str | None


@dataclass(frozen=True)
class Ran:
    """What came of running a model once.

    Attributes
    ----------
    outputs
        An array, or lists and dicts of them.
    entered, left
        Inputs and outputs of the watched layers that it used, by name.
    """

    outputs: Any
    entered: Mapping[str, Any]
    left: Mapping[str, Any]


@dataclass(frozen=True)
class Lent:
    """Weights that one model lends another.

    Attributes
    ----------
    lender
        The model whose they are.
    pairs
        The borrower's weights, each with the lender's to use in its place.
    """

    lender: "OpenedModel"
    pairs: Sequence[tuple[Weight, Weight]]


class ModelSandbox:
    """A sandbox that opens models; it is started with the first, and again after one ended it.

    Parameters
    ----------
    sandbox
        Where. It should see no data: images are sent.
    max_bytes
        Largest size that a model may unpack to.
    """

    def __init__(self, sandbox: Sandbox, max_bytes: int) -> None:
        self._sandbox = sandbox
        self._max_bytes = max_bytes
        self._running: Running | None = None
        self._count = 0
        # Numbers of the models that the running sandbox has open.
        self._inside: set[int] = set()

    def open(self, data: bytes, name: str) -> "OpenedModel":
        """Open a ``.keras`` file.

        Parameters
        ----------
        data
            Contents of the file.
        name
            For messages.

        Raises
        ------
        ArtifactError
            If it is refused or cannot be loaded.
        """
        self._count += 1
        return OpenedModel(
            self, self._count, name, data, check_model_file(data, name, self._max_bytes)
        )

    def close(self) -> None:
        """End the sandbox; another question starts it again."""
        running, self._running = self._running, None
        self._inside.clear()
        if running is not None:
            running.close()

    def load(self, model: "OpenedModel") -> Any:
        """Make sure that a model is open in the sandbox; return its facts if it was not yet."""
        if model.number in self._inside:
            return None
        request = {
            "op": "open",
            "id": model.number,
            "config": model.description,
            "data": model.data,
        }
        facts = self._exchange(request, model, _SECONDS, "cannot be loaded by Keras")
        self._inside.add(model.number)
        return facts

    def ask(
        self,
        request: Mapping[str, Any],
        models: Sequence["OpenedModel"],
        failing: str,
        seconds: float = _SECONDS,
        late: str | None = None,
    ) -> Any:
        """Ask a question about models, the first of which answers for what goes wrong.

        Parameters
        ----------
        request, models
            The question, and what has to be open for it.
        failing, late
            What the model does if there is an error or no answer in time, for the message.
        seconds
            Wall-clock time for the answer.

        Raises
        ------
        ArtifactError
            If there is no answer.
        """
        for model in models:
            self.load(model)
        request = {**request, "id": models[0].number}
        return self._exchange(request, models[0], seconds, failing, late)

    def _exchange(
        self,
        request: Mapping[str, Any],
        model: "OpenedModel",
        seconds: float,
        failing: str,
        late: str | None = None,
    ) -> Any:
        if model.lost is not None:
            raise ArtifactError(model.lost)
        running = self._start()
        try:
            running.send(request)
            answer = running.receive(seconds)
        except Silent:
            why = late or f"took more than {seconds:.0f} seconds; make the model smaller"
        except Ended:
            reason = running.exceeded or "it ended unexpectedly"
            why = f"was open in a process that was stopped because {reason}"
        else:
            if isinstance(answer, dict) and "value" in answer:
                return answer["value"]
            if isinstance(answer, dict) and "error" in answer:
                raise ArtifactError(f"{model.name} {failing}: {answer['error']}")
            why = "was open in a process that gave no readable answer"
        # One model ends the sandbox once; the others are opened again in another one.
        self.close()
        model.lost = f"{model.name} {why}"
        raise ArtifactError(model.lost)

    def _start(self) -> Running:
        if self._running is None:
            running = Running(self._sandbox, _PROGRAM, Bounds())
            try:
                running.receive(_START_SECONDS)
            except BaseException:
                running.close()
                raise
            self._running = running
        return self._running


class OpenedModel:
    """A model that is open in a sandbox; what is known of it here are plain values.

    Attributes
    ----------
    number, name
        What it is called inside, and in messages.
    data, description
        Its file, and the description to load in place of the file's own.
    lost
        How it ended its sandbox, if it did; it is not asked again.
    parameters
        How many numbers its weights are.
    layers, weights
        What it consists of.
    """

    def __init__(
        self, sandbox: ModelSandbox, number: int, name: str, data: bytes, description: str
    ) -> None:
        self._sandbox = sandbox
        self.number = number
        self.name = name
        self.data = data
        self.description = description
        self.lost: str | None = None
        facts = sandbox.load(self)
        try:
            self.parameters = int(facts["parameters"])
            self.layers = [Layer(**one) for one in facts["layers"]]
            self.weights = [
                Weight(
                    **{**one, "layer": self.layers[one["layer"]], "shape": tuple(one["shape"])},
                    number=place,
                )
                for place, one in enumerate(facts["weights"])
            ]
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"{name} was open, but nothing is known of it") from error

    def values(self, weights: Iterable[Weight]) -> list[NDArray[Any]]:
        """Return the values of some of its weights."""
        request = {"op": "values", "weights": [weight.number for weight in weights]}
        return list(self._sandbox.ask(request, [self], "has weights that cannot be read"))

    def samples(self, weights: Iterable[Weight], seed: int) -> list[NDArray[Any]]:
        """Return what the initialisers that are declared for some weights give under a seed."""
        numbers = [weight.number for weight in weights]
        request = {"op": "samples", "weights": numbers, "seed": seed}
        return list(self._sandbox.ask(request, [self], "has initialisers that fail"))

    def unlike(
        self,
        other: "OpenedModel",
        pairs: Sequence[tuple[Weight, Weight]],
        tolerance: float = _TOLERANCE,
    ) -> list[Weight]:
        """Return which of its weights differ from what they are paired with in another model."""
        request = {
            "op": "unlike",
            "other": other.number,
            "pairs": _numbers(pairs),
            "tolerance": tolerance,
        }
        places = self._sandbox.ask(request, [self, other], "has weights that cannot be compared")
        return [pairs[place][0] for place in places]

    def run(
        self,
        images: NDArray[Any],
        changes: Mapping[str, float | NDArray[Any]] | None = None,
        watched: Sequence[str] = (),
        lent: "Lent | None" = None,
        seconds: float = _SECONDS,
        late: str | None = None,
    ) -> Ran:
        """Run it on images.

        Parameters
        ----------
        images
            Shape (N, H, W, 3).
        changes
            By name of layers: what they give in place of what they compute.
        watched
            Names of layers whose inputs and outputs to return, too.
        lent
            Weights of another model to use for this once.
        seconds, late
            Time limit, and what to say where it is not kept.

        Raises
        ------
        ArtifactError
            If it fails or takes too long.
        """
        request = {
            "op": "run",
            "images": images,
            "changes": dict(changes or {}),
            "watched": list(watched),
            "lender": None if lent is None else lent.lender.number,
            "lent": [] if lent is None else _numbers(lent.pairs),
        }
        models = [self] if lent is None else [self, lent.lender]
        failing = f"fails on images of shape {images.shape}"
        return Ran(**self._sandbox.ask(request, models, failing, seconds, late))

    def predict(
        self, images: NDArray[np.uint8], weights_of: "OpenedModel | None" = None
    ) -> NDArray[np.float32]:
        """Return its boundary probabilities.

        Parameters
        ----------
        images
            uint8, shape (N, H, W, 3).
        weights_of
            Another model of the same shapes, whose weights to use.

        Returns
        -------
        ndarray
            float32 in 0–1, shape (N, H, W).

        Raises
        ------
        ArtifactError
            If it fails, takes minutes, or its output has another shape, is not finite or
            leaves 0–1.
        """
        lent = None
        if weights_of is not None:
            lent = Lent(weights_of, list(zip(self.weights, weights_of.weights, strict=True)))
        parts = []
        until = time.monotonic() + _PREDICT_SECONDS
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH]
            late = (
                f"took more than {_PREDICT_SECONDS:.0f} seconds for {start + len(batch)} of "
                f"{len(images)} images; make the model smaller"
            )
            ran = self.run(batch, lent=lent, seconds=until - time.monotonic(), late=late)
            parts.append(self._probabilities(ran.outputs, batch.shape))
        return np.concatenate(parts)

    def _probabilities(self, output: Any, images: tuple[int, ...]) -> NDArray[np.float32]:
        expected = (*images[:3], 1)
        if not isinstance(output, np.ndarray):
            raise ArtifactError(f"{self.name} has {len(output)} outputs; expected one")
        if output.shape != expected:
            raise ArtifactError(
                f"{self.name} has outputs of shape {output.shape} for images of shape {images}; "
                f"expected {expected}"
            )
        if not np.isfinite(output).all() or output.min() < 0 or output.max() > 1:
            raise ArtifactError(
                f"{self.name} has outputs outside 0–1; expected probabilities (is the last "
                "activation a sigmoid?)"
            )
        return output[..., 0].astype(np.float32)


def _numbers(pairs: Sequence[tuple[Weight, Weight]]) -> list[list[int]]:
    return [[ours.number, theirs.number] for ours, theirs in pairs]

"""The program inside a model sandbox: opens models, says what they are and runs them on images.

Every model that it is given has been looked through before; that it runs here and not in the
grader is a second wall. Runs as a script beside ``frames.py``; the grader's side is ``opened.py``.
"""

import io
import re
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from frames import FrameError, own_streams, receive, send  # type: ignore[import-not-found]

_WEIGHTS = "model.weights.h5"
# Attribute of the layer that declares how a weight of this name starts.
_INITIALIZERS = {
    "kernel": "kernel_initializer",
    "depthwise_kernel": "depthwise_initializer",
    "pointwise_kernel": "pointwise_initializer",
    "recurrent_kernel": "recurrent_initializer",
    "bias": "bias_initializer",
    "gamma": "gamma_initializer",
    "beta": "beta_initializer",
    "scale": "gamma_initializer",
    "moving_mean": "moving_mean_initializer",
    "moving_variance": "moving_variance_initializer",
    "alpha": "alpha_initializer",
}
_MAX_REASON = 300
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class _Opened:
    """A model, its layers, nested ones included, and their weights, in a fixed order."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.layers = list(model._flatten_layers(include_self=False))
        self.owned = [
            (number, weight, learned)
            for number, layer in enumerate(self.layers)
            for learned in (True, False)
            for weight in (
                layer._trainable_variables if learned else layer._non_trainable_variables
            )
        ]

    def facts(self) -> dict[str, Any]:
        """Say what the model is made of."""
        trainable = {id(variable) for variable in self.model.trainable_variables}
        return {
            "parameters": int(self.model.count_params()),
            "layers": [
                {
                    "name": str(layer.name),
                    "kind": type(layer).__name__,
                    "rate": _number(getattr(layer, "rate", None)),
                }
                for layer in self.layers
            ],
            "weights": [
                {
                    "layer": number,
                    "name": str(weight.name),
                    "shape": list(weight.shape),
                    "learned": learned,
                    "trainable": id(weight) in trainable,
                    "initializer": _initializer_name(self.layers[number], weight.name),
                }
                for number, weight, learned in self.owned
            ],
        }

    def values(self, wanted: list[int]) -> list[Any]:
        """Return weights by their number."""
        return [_arrays(self.owned[number][1]) for number in wanted]

    def samples(self, wanted: list[int], seed: int) -> list[Any]:
        """Return what the declared initialisers of weights give under a seed."""
        made = []
        for number in wanted:
            place, weight, _ = self.owned[number]
            initializer = _initializer(self.layers[place], weight.name)
            config = initializer.get_config()
            if "seed" in config:
                config["seed"] = seed
            made.append(_arrays(type(initializer).from_config(config)(weight.shape)))
        return made

    def run(self, images: Any, changes: dict[str, Any], watched: list[str]) -> dict[str, Any]:
        """Run the model; what enters and leaves watched layers is returned, too.

        Layers are watched, and their outputs changed, while the model runs, so it does not
        matter how they are nested.
        """
        entered: dict[str, Any] = {}
        left: dict[str, Any] = {}

        def watching(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
            def watched_call(inputs: Any, *args: Any, **kwargs: Any) -> Any:
                outputs = call(inputs, *args, **kwargs)
                if name in changes:
                    outputs = outputs * 0 + changes[name]
                if name in watched:
                    entered[name], left[name] = inputs, outputs
                return outputs

            return watched_call

        patched = [layer for layer in self.layers if layer.name in {*changes, *watched}]
        calls = [(layer, layer.call) for layer in patched]
        for layer, call in calls:
            layer.call = watching(layer.name, call)
        try:
            outputs = self.model(np.asarray(images, np.float32), training=False)
        finally:
            for layer, call in calls:
                layer.call = call
        return {"outputs": _arrays(outputs), "entered": _arrays(entered), "left": _arrays(left)}


def _arrays(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_arrays(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _arrays(one) for key, one in value.items()}
    array = np.asarray(value)
    # Types that NumPy does not know by itself do not travel.
    return array if array.dtype.kind in "biuf" else array.astype(np.float32)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _initializer(layer: Any, name: str) -> Any:
    """Return what a layer declares for a weight, None if that is not known."""
    attribute = _INITIALIZERS.get(name)
    # DepthwiseConv2D calls its weight a kernel and declares it as a depthwise one.
    if name == "kernel" and not hasattr(layer, "kernel_initializer"):
        attribute = _INITIALIZERS["depthwise_kernel"]
    return getattr(layer, attribute, None) if attribute else None


def _initializer_name(layer: Any, name: str) -> str | None:
    initializer = _initializer(layer, name)
    return None if initializer is None else type(initializer).__name__


_MODELS: dict[int, _Opened] = {}


def _open(request: dict[str, Any]) -> dict[str, Any]:
    """Load a model from its description, as it was looked through, and its file's weights."""
    with tempfile.TemporaryDirectory(prefix="m") as folder:
        Path(folder, "config.json").write_text(request["config"], encoding="utf-8")
        Path(folder, "metadata.json").write_text("{}", encoding="utf-8")
        with zipfile.ZipFile(io.BytesIO(request["data"])) as archive:
            archive.extract(_WEIGHTS, folder)
        model = keras.saving.load_model(folder, compile=False, safe_mode=True)
    opened = _MODELS[request["id"]] = _Opened(model)
    return opened.facts()


def _values(request: dict[str, Any]) -> list[Any]:
    return _MODELS[request["id"]].values(request["weights"])


def _samples(request: dict[str, Any]) -> list[Any]:
    return _MODELS[request["id"]].samples(request["weights"], request["seed"])


def _unlike(request: dict[str, Any]) -> list[int]:
    """Say which pairs of a model's and another model's weights differ, by their place."""
    ours, theirs = _MODELS[request["id"]], _MODELS[request["other"]]
    tolerance = request["tolerance"]
    found = []
    for place, (mine, other) in enumerate(request["pairs"]):
        a, b = ours.values([mine])[0], theirs.values([other])[0]
        if not np.allclose(a, b, rtol=tolerance, atol=tolerance / 10):
            found.append(place)
    return found


def _run(request: dict[str, Any]) -> dict[str, Any]:
    opened = _MODELS[request["id"]]
    mine = [opened.owned[number][1] for number, _ in request["lent"]]
    # Lent for a moment: other questions are about the model's own.
    own = [np.asarray(weight) for weight in mine]
    try:
        for weight, (_, number) in zip(mine, request["lent"], strict=True):
            weight.assign(_MODELS[request["lender"]].owned[number][1])
        return opened.run(request["images"], request["changes"], request["watched"])
    finally:
        for weight, value in zip(mine, own, strict=True):
            weight.assign(value)


_OPERATIONS = {
    "open": _open, "values": _values, "samples": _samples, "unlike": _unlike, "run": _run,
}  # fmt: skip


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": _OPERATIONS[request["op"]](request)}
    except Exception as error:
        return {"error": _reason(error)}


def _reason(error: Exception) -> str:
    """Return the line of an error that says why; Keras wraps it in others that do not."""
    text = _COLOURS.sub("", str(error)).rpartition("Exception encountered: ")[2]
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if line and not line.startswith("Exception encountered when")]
    return (told or [type(error).__name__])[0][:_MAX_REASON]


def main() -> None:
    """Answer requests until the grader closes its end."""
    requests, answers = own_streams()
    send(answers, {"ready": True})
    while True:
        try:
            request = receive(requests)
        except FrameError:
            return
        send(answers, _answer(request))


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()

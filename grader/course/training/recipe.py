"""How the reference models are trained at full budget: phases, and what each trains."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from grader.assignment import Assignment

__all__ = ["Phase", "phases"]

Functions = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Phase:
    """A part of a training.

    Attributes
    ----------
    name
        For people.
    share
        Part of the whole time.
    prepare
        Says, in place, which layers of the model are trained.
    fit
        Trains: called with the model, training data, val, and ``fit``'s further arguments.
    """

    name: str
    share: float
    prepare: Callable[[Any], None]
    fit: Callable[..., Any]


def phases(assignment: Assignment, functions: Functions, started: bool = False) -> list[Phase]:
    """Return the phases of an assignment's training, in order.

    Parameters
    ----------
    assignment
        Which.
    functions
        Those of its solutions notebook.
    started
        Whether the weights are those of a trained model already: then only the last phase is left.
    """
    if assignment.name == "cnn":
        name = "from a trained model" if started else "from scratch"
        return [Phase(name, 1.0, _everything, functions["train_cnn"])]
    if started:
        return [_resnet_phase("every layer", 1.0, 5e-5, functions, _everything)]
    return [
        _resnet_phase("decoder", 0.15, 2e-3, functions, functions["freeze_encoder"]),
        _resnet_phase("upper layers", 0.35, 1e-4, functions, functions["unfreeze_upper_layers"]),
        _resnet_phase("every layer", 0.5, 5e-5, functions, _everything),
    ]


def _resnet_phase(
    name: str,
    share: float,
    rate: float,
    functions: Functions,
    prepare: Callable[[Any], None],
) -> Phase:
    def fit(model: Any, train: Any, val: Any, **further: Any) -> Any:
        return functions["train_phase"](model, train, val, rate, share, **further)

    return Phase(name, share, prepare, fit)


def _everything(model: Any) -> None:
    model.trainable = True

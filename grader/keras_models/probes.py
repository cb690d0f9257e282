"""Asking a submission's functions for what ``probe_kit.py`` can do."""

from typing import Any

from grader.sandbox.probe import Opaque, ProbeError, ProbeSession

__all__ = ["build", "call_with_tensors", "gradient"]


def call_with_tensors(session: ProbeSession, function: str, *args: Any) -> Any:
    """Return what a function returns for arrays that it gets as tensors."""
    return session.ask("call_with_tensors", function, args=list(args))


def gradient(session: ProbeSession, function: str, y_true: Any, y_pred: Any) -> Any:
    """Return the gradient of a loss function by its second argument, None if it has none."""
    return session.ask("gradient", function, args=[y_true, y_pred])


def build(session: ProbeSession, *functions: str, seed: int = 0) -> bytes:
    """Return the model that the first function builds and the others change, as .keras.

    It is uncompiled; every random seed is set to `seed` right before.
    """
    answer = session.ask("build", functions[-1], functions=list(functions), seed=seed)
    if isinstance(answer, Opaque):
        raise ProbeError(f"{functions[0]} must return a keras.Model, found {answer.kind}")
    if not isinstance(answer, bytes):
        raise ProbeError(f"{functions[0]} returned no model")
    return answer

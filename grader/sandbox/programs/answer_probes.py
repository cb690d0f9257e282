"""The program inside a probe sandbox: defines a submission's functions and answers questions.

The first process imports Keras and never runs a line of the submission. It forks one child a
session, so that every session starts from the same fresh state at little cost; the child executes
the submission's cells and answers the session's requests. Runs as a script beside ``frames.py``.
"""

import contextlib
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

import keras
import numpy as np
import tensorflow as tf
from frames import FrameError, receive, send  # type: ignore[import-not-found]
from IPython.core.interactiveshell import InteractiveShell

Namespace = dict[str, Any]
Failures = list[tuple[str, str]]


# What notebooks use of the library is imported here, once for all sessions.
for module in ("data", "encoder", "metrics", "training"):
    import_module(f"bsds_utils.{module}")


# Taken before a line of the submission runs, which may put something else in their place.
_TAPE, _MEAN = tf.GradientTape, tf.reduce_mean
_WATCH, _GRADIENT = _TAPE.watch, _TAPE.gradient


class _NotebookShell(InteractiveShell):
    """Takes what a notebook's shell takes besides Python and IPython's own."""

    def enable_gui(self, gui: Any = None) -> None:
        """Accept ``%matplotlib inline`` and the like; there is nothing to show here."""

    def ask_exit(self) -> None:
        """Go on after ``exit``, so that the cells below are defined, too."""


class Missing(Exception):
    """The submission does not define what was asked for."""


def main() -> None:
    """Serve sessions until the grader closes its end."""
    requests, answers = _own_streams()
    send(answers, {"ready": True})
    while True:
        try:
            session = receive(requests)
        except FrameError:
            return
        _run_session(session, requests, answers)


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes to the grader for this program; student code reads and prints nothing."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    return requests, answers


def _run_session(session: dict[str, Any], requests: BinaryIO, answers: BinaryIO) -> None:
    """Fork a child, hand it the session's requests and pass on its answers."""
    to_child, from_child = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(to_child[1])
        os.close(from_child[0])
        requests.close()
        answers.close()
        os.setpgid(0, 0)
        with (
            contextlib.suppress(BaseException),
            os.fdopen(to_child[0], "rb") as incoming,
            os.fdopen(from_child[1], "wb") as outgoing,
        ):
            _serve(session, incoming, outgoing)
        os._exit(0)
    os.close(to_child[0])
    os.close(from_child[1])
    try:
        with (
            os.fdopen(to_child[1], "wb") as outgoing,
            os.fdopen(from_child[0], "rb") as incoming,
        ):
            while (request := receive(requests)) is not None:
                try:
                    send(outgoing, request)
                    answer = receive(incoming)
                except (FrameError, OSError):
                    answer = {"ended": True}
                send(answers, answer)
    finally:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _serve(session: dict[str, Any], incoming: BinaryIO, outgoing: BinaryIO) -> None:
    # As in a kernel, files that cells write can be imported.
    sys.path.insert(0, "")
    namespace, failures = _define(session["cells"])
    while True:
        request = receive(incoming)
        try:
            answer = {"value": _OPERATIONS[request["op"]](namespace, failures, request)}
            rendered = io.BytesIO()
            send(rendered, answer)
        except Missing as error:
            rendered = _rendered({"missing": str(error)})
        except BaseException as error:
            rendered = _rendered({"error": _describe(error)})
        outgoing.write(rendered.getvalue())
        outgoing.flush()


def _rendered(answer: dict[str, Any]) -> io.BytesIO:
    stream = io.BytesIO()
    send(stream, answer)
    return stream


def _define(cells: list[dict[str, str]]) -> tuple[Namespace, Failures]:
    """Execute cells as a notebook would, going on after errors.

    Returns the names they define, and the source and error of each cell that failed.
    """
    shell = _NotebookShell.instance()
    failures = []
    for cell in cells:
        result = shell.run_cell(  # type: ignore[no-untyped-call]
            cell["source"], store_history=False, silent=True
        )
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            failures.append((cell["source"], f"its cell {cell['name']}: {_describe(error)}"))
    return shell.user_ns, failures


def _function(namespace: Namespace, failures: Failures, name: str) -> Callable[..., Any]:
    function = namespace.get(name)
    if callable(function):
        return cast(Callable[..., Any], function)
    # The error in the cell that was to define it explains best, else the first one.
    own = [message for source, message in failures if f"def {name}" in source]
    reason = (own or [message for _, message in failures] or [""])[0]
    raise Missing(f"{name} is not defined" + (f" ({reason})" if reason else ""))


def _call(namespace: Namespace, failures: Failures, request: dict[str, Any]) -> Any:
    return _function(namespace, failures, request["function"])(*request["args"])


def _gradient(namespace: Namespace, failures: Failures, request: dict[str, Any]) -> Any:
    """Gradient of a loss of (y_true, y_pred) with respect to y_pred; None if there is none."""
    loss = _function(namespace, failures, request["function"])
    y_true, y_pred = (tf.constant(array) for array in request["args"])
    with _TAPE() as tape:
        _WATCH(tape, y_pred)
        value = _MEAN(loss(y_true, y_pred))
    return _GRADIENT(tape, value, y_pred)


def _build(namespace: Namespace, failures: Failures, request: dict[str, Any]) -> bytes:
    """Call the first function, apply the others to its model, return it as a .keras file."""
    first, *others = request["functions"]
    keras.utils.set_random_seed(request["seed"])
    model = _function(namespace, failures, first)()
    for name in others:
        model = _function(namespace, failures, name)(model) or model
    if not isinstance(model, keras.Model):
        raise TypeError(f"{first} returned a {type(model).__name__}, not a keras.Model")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        return path.read_bytes()


_OPERATIONS = {"call": _call, "gradient": _gradient, "build": _build}


def _describe(error: BaseException) -> str:
    text = "".join(traceback.format_exception_only(error)).strip().splitlines()
    return (text[-1] if text else type(error).__name__)[:300]


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()

"""Probing: fresh processes answer questions; hostile ones end themselves, not the grader."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.sandbox.bubblewrap import HOME, Sandbox, sandbox_problem
from grader.sandbox.probe import Cell, Probe, ProbeError
from grader.settings import Limits

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

CELLS = [
    Cell("broken", "def broken(:\n    pass"),
    Cell("half", "1 / 0\ndef after_error(): return 1"),
    Cell("file", "%%writefile written.py\nNUMBER = 12"),
    Cell("magics", "%matplotlib inline\n!true\nexit\n"),
    Cell(
        "good",
        """
import numpy as np, os, signal, sys, time
count = 0
def double(x): return 2 * x
def both(a, b): return {"sum": a + b, "list": [a, (b, None)], "text": "größe"}
def counter():
    global count
    count += 1
    return count
def noisy():
    print("garbage"); os.write(1, b"\\0" * 100); os.write(2, b"more"); sys.stdout.flush()
    return 7
def todo(): raise NotImplementedError()
def fails(): raise ValueError("first line\\nlast line" + "!" * 5000)
def leaves(): os._exit(0)
def system_exit(): raise SystemExit(3)
def odd(): return object()
def objects(): return np.array([{}, None], dtype=object)
def hangs(): time.sleep(600)
def kills_parent(): os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)
def kills_all(): os.kill(-1, signal.SIGKILL); time.sleep(60)
def writes_garbage():
    for fd in range(3, 64):
        try: os.write(fd, b"\\xff" * 64)
        except OSError: pass
    return 1
def square_loss(y_true, y_pred): return (y_true - y_pred) ** 2
def numpy_loss(y_true, y_pred): return float(np.mean(np.asarray(y_pred)))
import tensorflow as tf
tf.GradientTape.gradient = lambda self, value, source: source
def imports_file():
    import written
    return written.NUMBER
def build():
    import keras
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
def freeze(model): model.trainable = False
def no_model(): return "model"
not_callable = 3
""",
    ),
]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """Return a probe of the cells above, with a short limit for answers."""
    problem = sandbox_problem()
    if problem is not None:
        pytest.skip(problem)
    work = tmp_path_factory.mktemp("probe")
    environment = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["KERAS_HOME"] = environment["IPYTHONDIR"] = str(HOME)
    probe = Probe(Sandbox(work, environment, limits=Limits(probe_seconds=20)), CELLS)
    yield probe
    probe.close()


def _error(probe: Probe, function: str, *args: Any) -> str:
    with pytest.raises(ProbeError) as caught, probe.session() as session:
        session.call(function, *args)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def test_functions_answer(probe: Probe) -> None:
    """Arrays, dicts, lists and text go in and come out, also from a cell with output."""
    with probe.session() as session:
        assert session.call("double", np.arange(3)).tolist() == [0, 2, 4]
        found = session.call("both", np.float32(1.5), 2)
        assert found["sum"] == 3.5
        assert found["list"][1] == [2, None]
        assert found["text"] == "größe"
        assert session.call("noisy") == 7


def test_sessions_are_fresh(probe: Probe) -> None:
    """State lasts within a session and never beyond it."""
    for _ in range(2):
        with probe.session() as session:
            assert [session.call("counter") for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("todo", "todo is not written yet"),
        ("fails", "fails failed: "),
        ("absent", "absent is not defined"),
        ("broken", "SyntaxError"),
        ("after_error", "ZeroDivisionError"),
        ("not_callable", "not_callable is not defined"),
        ("odd", "neither a number nor an array"),
        ("objects", "neither a number nor an array"),
        ("system_exit", "SystemExit"),
        ("leaves", "ended unexpectedly"),
    ],
)
def test_failures_are_explained(function: str, message: str, probe: Probe) -> None:
    """Whatever goes wrong in a function becomes one line about it."""
    assert message in _error(probe, function)


def test_wrong_arguments_are_explained(probe: Probe) -> None:
    """A function of another signature says so."""
    assert "TypeError" in _error(probe, "double", 1, 2, 3)


@pytest.mark.parametrize("function", ["kills_parent", "kills_all", "writes_garbage"])
def test_attacks_end_only_themselves(function: str, probe: Probe) -> None:
    """After a function killed or flooded its process, the next session works."""
    with contextlib.suppress(ProbeError), probe.session() as session:
        session.call(function)
    with probe.session() as session:
        assert session.call("double", 4) == 8


def test_session_ends_with_its_process(probe: Probe) -> None:
    """After a function ended its process the session is over, so that others get a fresh one."""
    session = probe.open()
    assert session.alive
    with pytest.raises(ProbeError, match="ended unexpectedly"):
        session.call("leaves")
    assert not session.alive
    assert probe.open().call("double", 4) == 8


def test_slow_answers_are_given_up(probe: Probe) -> None:
    """A function that does not return in time is named as that; the next session works."""
    assert "no answer within 20 seconds" in _error(probe, "hangs")
    with probe.session() as session:
        assert session.call("double", 4) == 8


def test_files_that_cells_write_can_be_imported(probe: Probe) -> None:
    """As in a notebook, a module that a cell wrote is found."""
    with probe.session() as session:
        assert session.call("imports_file") == 12


def test_answers_have_a_limit_together(tmp_path: Path) -> None:
    """Slow answers add up to a limit, after which nothing more is asked."""
    problem = sandbox_problem()
    if problem is not None:
        pytest.skip(problem)
    slow = Cell("slow", "import time\ndef slow(): time.sleep(2)")
    limits = Limits(submission_seconds=3)
    environment = {"KERAS_HOME": str(HOME), "IPYTHONDIR": str(HOME)}
    probe = Probe(Sandbox(tmp_path, environment, limits=limits), [slow])
    try:
        for _ in range(3):
            with contextlib.suppress(ProbeError), probe.session() as session:
                session.call("slow")
        message = _error(probe, "slow")
    finally:
        probe.close()
    assert message == "all answers took more than 3 seconds"


def test_gradient(probe: Probe) -> None:
    """The gradient is computed where there is one, whatever is put in the place of a tape's."""
    truth, prediction = np.zeros((2, 2), np.float32), np.full((2, 2), 3, np.float32)
    with probe.session() as session:
        found = session.gradient("square_loss", truth, prediction)
        assert np.allclose(found, 2 * 3 / 4)
        assert session.gradient("numpy_loss", truth, prediction) is None


def test_models_depend_on_the_seed(probe: Probe, tmp_path: Path) -> None:
    """A built model comes back as a .keras file that depends on the seed alone."""
    import keras

    kernels = []
    for number, seed in enumerate((1, 2, 1)):
        with probe.session() as session:
            path = tmp_path / f"{number}.keras"
            path.write_bytes(session.build("build", "freeze", seed=seed))
        model = keras.saving.load_model(path, compile=False)
        assert not model.trainable_variables
        kernels.append(np.asarray(model.weights[0]))
    assert np.array_equal(kernels[0], kernels[2])
    assert not np.array_equal(kernels[0], kernels[1])


def test_what_is_no_model(probe: Probe) -> None:
    """A building function that returns something else is told so."""
    with pytest.raises(ProbeError, match=r"not a keras\.Model"), probe.session() as session:
        session.build("no_model")


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    """A probe that never started, or was closed, can be closed."""
    probe = Probe(Sandbox(tmp_path, {}), [])
    probe.close()
    probe.close()

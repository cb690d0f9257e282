"""Probing: cells run once, fresh processes answer, and whatever fails costs only itself."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.keras_models.probes import build, call_with_tensors, gradient
from grader.sandbox.bubblewrap import HOME, Sandbox, sandbox_problem
from grader.sandbox.probe import Cell, Opaque, Probe, ProbeError
from grader.settings import Limits

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

CELLS = [
    Cell("broken", "def broken(:\n    pass"),
    Cell(
        "half",
        "def before_error(): return WIDTH\n1 / 0\nWIDTH = 3\nimport math\n"
        "def after_error(): return math.floor(WIDTH)\nLATE = absent_name",
    ),
    Cell("timed", "%%time\nmodel.summary()\ndef after_magic(): return 5"),
    Cell("no module", "import not_a_module\nfrom math import pi"),
    Cell("run", "with open('runs', 'a') as runs: runs.write('x')"),
    Cell("file", "%%writefile written.py\nNUMBER = 12"),
    Cell("magics", "%matplotlib inline\n!true\nexit\n"),
    Cell(
        "good",
        """
import collections, functools, types
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
def needs_todo(): return todo()
def fails(): raise ValueError("first line\\nlast line" + "!" * 5000)
def evaluated(source): return eval(source)
def executed(source): exec(source, globals())
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
def runs(): return len(open("runs").read())
def needs_failed_cell(): return LATE
def needs_failed_import(): return not_a_module.x
def needs_other_cell(): return probabilities
def calls_itself(): return calls_itself()
def own_class(): return type("Own", (), {})
def function_for(): return double
def endless(): return iter(int, 1)
def square_loss(y_true, y_pred): return (y_true - y_pred) ** 2
def numpy_loss(y_true, y_pred): return float(np.mean(np.asarray(y_pred)))
import keras, tensorflow as tf
tf.GradientTape.gradient = lambda self, value, source: source
def kinds(*values): return [str(type(value).__module__).partition('.')[0] for value in values]
def imports_file():
    import written
    return written.NUMBER
def build():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
def freeze(model): model.trainable = False
class NotSaved(keras.losses.Loss):
    def __init__(self, way): super().__init__(); self.way = way
    def call(self, y_true, y_pred): return y_true - y_pred
def compiled():
    inner = build()
    inner.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 9)), "mse")
    image = keras.Input((2,))
    model = keras.Model(image, inner(image))
    loss = NotSaved(lambda: 1)
    model.compile("adam", loss=loss, metrics=[lambda a, b: a], jit_compile=True, run_eagerly=True)
    model.optimizer.build(model.trainable_variables)
    return model
def compiled_and_changed(model): return [model]
def no_model(): return "model"
def no_return(): build()
def model_and_more(): return build(), 3
def builder(): return build
def only_layer(): return keras.layers.Dense(3)
def only_output(): return keras.layers.Dense(3)(keras.Input((2,)))
def without_input(): return keras.Sequential([keras.layers.Dense(3)])
def shapes_apart():
    a, b = keras.Input((4, 4, 2)), keras.Input((5, 4, 2))
    return keras.Model([a, b], keras.layers.Concatenate()([a, b]))
def too_small(): return keras.layers.Conv2D(3, 9)(keras.Input((4, 4, 2)))
def called_wrongly(): return build()(np.zeros((1, 7), "float32"))
@tf.function
def in_graph(): return tf.ensure_shape(tf.zeros(tf.random.uniform((), 2, 3, tf.int32)), (9,))
not_callable = 3
""",
    ),
]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """Return a probe of the cells above, with a short limit for answers."""
    with _probe(tmp_path_factory.mktemp("probe"), CELLS, probe_seconds=20) as probe:
        yield probe


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


def test_cells_run_once(probe: Probe) -> None:
    """A second session starts from what the cells defined, and runs none again."""
    counts = []
    for _ in range(2):
        with probe.session() as session:
            counts.append(session.call("runs"))
    assert counts[0] == counts[1]


ANSWERS: list[tuple[str, Any]] = [
    ("np.float32(0.5)", 0.5),
    ("np.array(3)", 3),
    ("tf.constant([1.0, 2.0])", [1, 2]),
    ("keras.Variable(2.0)", 2),
    ("tf.cast([1.5], 'bfloat16')", [1.5]),
    ("collections.OrderedDict(b=1, a=(2, 3))", {"b": 1, "a": [2, 3]}),
    ("types.MappingProxyType({'a': np.float64(1)})", {"a": 1}),
    ("collections.namedtuple('P', 'x y')(1, 2)", [1, 2]),
    ("(n for n in range(3))", [0, 1, 2]),
    ("{'a': 1, 'b': 2}.items()", [["a", 1], ["b", 2]]),
    ("[(np.str_('a'), 0.5)]", [["a", 0.5]]),
    ("[np.array('a')]", ["a"]),
    ("True", True),
    ("None", None),
]


@pytest.mark.parametrize(("source", "expected"), ANSWERS)
def test_answers_in_any_style(source: str, expected: Any, probe: Probe) -> None:
    """NumPy's and tensors' numbers, all that can be gone through, all kinds of dicts arrive."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items()}
        if isinstance(value, list):
            return [plain(one) for one in value]
        return value.tolist() if isinstance(value, np.ndarray) else value

    with probe.session() as session:
        assert plain(session.call("evaluated", source)) == expected


CALLABLES = [
    "def f(x, *, unused=1): return 2 * x",
    "def f(x: np.ndarray, name: str = 'n', **more) -> np.ndarray: return 2 * x",
    "f = lambda x: 2 * x",
    "f = functools.partial(lambda n, x: n * x, 2)",
    "f = tf.function(lambda x: 2 * x)",
    "f = keras.saving.register_keras_serializable()(lambda x: 2 * x)",
    "f = functools.lru_cache(lambda x: 2 * x)",
    "class F:\n    def __call__(self, x): return 2 * x\nf = F()",
    "f = np.vectorize(lambda x: 2 * x)",
]


@pytest.mark.parametrize("source", CALLABLES)
def test_functions_in_any_style(source: str, probe: Probe) -> None:
    """Whatever can be called is a function."""
    with probe.session() as session:
        session.call("executed", source)
        assert float(session.call("f", 2.0)) == 4.0


def test_tensors_are_handed_over(probe: Probe) -> None:
    """A function gets arrays, or tensors where that is asked for."""
    with probe.session() as session:
        array = np.zeros(2, np.float32)
        assert session.call("kinds", array) == ["numpy"]
        assert call_with_tensors(session, "kinds", array, array) == ["tensorflow"] * 2


# What a student reads, by what their function does.
FAILURES = [
    ("todo", "todo is not written yet"),
    ("needs_todo", "needs_todo needs todo, which is not written yet"),
    ("fails", "fails failed: ValueError: first line"),
    ("absent", "absent is not defined: is its cell still there"),
    ("broken", "broken is not defined: cell broken failed (SyntaxError: "),
    ("not_callable", "not_callable is not a function but an int"),
    ("system_exit", "system_exit failed: it ends Python"),
    ("leaves", "leaves failed: the process that ran it ended unexpectedly"),
    ("calls_itself", "calls_itself failed: it calls itself without end"),
    ("needs_failed_cell", "cell half, which defines it, failed: ZeroDivisionError"),
    ("needs_failed_import", "(cell no module, which defines it, failed: ModuleNotFoundError"),
    ("needs_other_cell", "NameError: name 'probabilities' is not defined (each function"),
    ("shapes_apart", "ValueError: A `Concatenate` layer requires inputs with matching shapes"),
    ("too_small", "ValueError: "),
    ("called_wrongly", "ValueError: Input 0 "),
    ("in_graph", "InvalidArgumentError: "),
]


@pytest.mark.parametrize(("function", "message"), FAILURES)
def test_failures_are_explained(function: str, message: str, probe: Probe) -> None:
    """Whatever goes wrong in a function becomes one line with the reason."""
    found = _error(probe, function)
    assert message in found
    for noise in ("Exception encountered", "Arguments received", "```", "\x1b", "{{", "File "):
        assert noise not in found
    assert not found.endswith((":", "Error"))


RETURNED = [
    ("odd", "an object"),
    ("objects", "an array of Python objects"),
    ("own_class", "the class Own"),
    ("function_for", "a function (is it to be called?)"),
    ("endless", "a callable_iterator without an end"),
    ("build", "a keras.Model"),
    ("only_layer", "a layer (Dense)"),
    ("only_output", "a symbolic tensor"),
]


@pytest.mark.parametrize(("function", "kind"), RETURNED)
def test_what_is_not_an_answer_is_named(function: str, kind: str, probe: Probe) -> None:
    """What cannot travel is named, for a message that also says what was expected."""
    with probe.session() as session:
        assert session.call(function) == Opaque(kind)


def test_definitions_below_an_error_are_made(probe: Probe) -> None:
    """A cell that fails half-way through still defines its other functions."""
    with probe.session() as session:
        assert session.call("before_error") == 3
        assert session.call("after_error") == 3
        assert session.call("after_magic") == 5


def test_wrong_arguments_are_explained(probe: Probe) -> None:
    """A function of another signature says so."""
    assert "double() takes 1 positional argument but 3 were given" in _error(
        probe, "double", 1, 2, 3
    )
    assert "missing 1 required positional argument" in _error(probe, "both", 1)


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
    assert "hangs gave no answer within 20 seconds" in _error(probe, "hangs")
    with probe.session() as session:
        assert session.call("double", 4) == 8


def test_files_that_cells_write_can_be_imported(probe: Probe) -> None:
    """As in a notebook, a module that a cell wrote is found."""
    with probe.session() as session:
        assert session.call("imports_file") == 12


@contextlib.contextmanager
def _probe(folder: Path, cells: list[Cell], **limits: Any) -> Iterator[Probe]:
    problem = sandbox_problem()
    if problem is not None:
        pytest.skip(problem)
    environment = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["KERAS_HOME"] = environment["IPYTHONDIR"] = str(HOME)
    probe = Probe(Sandbox(folder, environment, limits=Limits(**limits)), cells)
    try:
        yield probe
    finally:
        probe.close()


def test_answers_have_a_limit_together(tmp_path: Path) -> None:
    """Slow answers add up to a limit, after which nothing more is asked."""
    slow = Cell("slow", "import time\ndef slow(): time.sleep(2)")
    with _probe(tmp_path, [slow], submission_seconds=3) as probe:
        for _ in range(3):
            with contextlib.suppress(ProbeError), probe.session() as session:
                session.call("slow")
        message = _error(probe, "slow")
    assert message == "all answers took more than 3 seconds"


def test_cells_take_no_time_of_an_answer(tmp_path: Path) -> None:
    """Cells may compute longer than an answer, and than all answers, may take."""
    cells = [
        Cell("experiment", "import time\ntime.sleep(12)"),
        Cell("function", "def f(): return 1"),
    ]
    with _probe(tmp_path, cells, probe_seconds=10) as probe, probe.session() as session:
        assert session.call("f") == 1


def test_cells_that_never_end_are_given_up(tmp_path: Path) -> None:
    """They cost nothing but what needs their names, and are named."""
    cells = [
        Cell("hangs", "import time\nwhile True: time.sleep(1)\nLIMIT = 1\ndef f(): return LIMIT"),
        Cell("needs", "RESULT = later\ndef g(): return 2\ndef h(): return RESULT"),
    ]
    with _probe(tmp_path, cells, cell_seconds=3) as probe, probe.session() as session:
        assert session.call("f") == 1
        assert session.call("g") == 2
        with pytest.raises(ProbeError, match="cell needs, which defines it, failed"):
            session.call("h")


def test_cells_that_end_python_are_left_out(tmp_path: Path) -> None:
    """What ends its process is given up, in every session; the other cells are not."""
    cells = [
        Cell("first", "def f(): return 1"),
        Cell("ends", "import os\nos._exit(1)\ndef g(): return 2"),
        Cell("last", "def h(): return 3"),
    ]
    with _probe(tmp_path, cells) as probe:
        for _ in range(2):
            with probe.session() as session:
                assert session.call("f") == 1
                assert session.call("h") == 3
                with pytest.raises(ProbeError, match="cell ends failed"):
                    session.call("g")


# TensorFlow's threads do not live in a fork, so that a second session runs the cells again.
USES_TENSORFLOW = Cell("tensor", "import keras\nones = keras.ops.ones(3)\ndef f(): return ones")


def test_slow_cells_run_once(tmp_path: Path) -> None:
    """A second session has what a slow cell defines, and runs it only if that is not enough."""
    slow = """
import time
with open("runs", "a") as file: file.write("x")
late = 7
time.sleep(3)
def runs(): return len(open("runs").read())
def draft(): return 2
"""
    cells = [
        USES_TENSORFLOW,
        Cell("before", "def draft(): return 1\ndef g(): return draft()"),
        Cell("slow", slow),
        Cell("hidden use", "def h(): return globals()['late']"),
    ]
    with _probe(tmp_path, cells) as probe:
        for _ in range(2):
            with probe.session() as session:
                assert session.call("f").tolist() == [1, 1, 1]
                assert session.call("g") == 2
                assert session.call("runs") == 1
        with probe.session() as session:
            assert session.call("h") == 7
            assert session.call("runs") == 2


def test_slow_cells_that_functions_read_run_in_their_place(tmp_path: Path) -> None:
    """What a function reads is never left out, since nothing might fail without it."""
    cells = [
        USES_TENSORFLOW,
        Cell("before", "scale = 1"),
        Cell("slow", "import time\ntime.sleep(3)\nscale = 3"),
        Cell("reads", "def scaled(): return scale"),
    ]
    with _probe(tmp_path, cells) as probe:
        for _ in range(2):
            with probe.session() as session:
                assert session.call("scaled") == 3


def test_gradient(probe: Probe) -> None:
    """The gradient is computed where there is one, whatever is put in the place of a tape's."""
    truth, prediction = np.zeros((2, 2), np.float32), np.full((2, 2), 3, np.float32)
    with probe.session() as session:
        found = gradient(session, "square_loss", truth, prediction)
        assert np.allclose(found, 2 * 3 / 4)
        assert gradient(session, "numpy_loss", truth, prediction) is None


def test_models_depend_on_the_seed(probe: Probe, tmp_path: Path) -> None:
    """A built model comes back as a .keras file that depends on the seed alone."""
    import keras

    kernels = []
    for number, seed in enumerate((1, 2, 1)):
        with probe.session() as session:
            path = tmp_path / f"{number}.keras"
            path.write_bytes(build(session, "build", "freeze", seed=seed))
        model = keras.saving.load_model(path, compile=False)
        assert not model.trainable_variables
        kernels.append(np.asarray(model.weights[0]))
    assert np.array_equal(kernels[0], kernels[2])
    assert not np.array_equal(kernels[0], kernels[1])


@pytest.mark.parametrize("functions", [("compiled",), ("compiled", "compiled_and_changed")])
def test_compiled_models_are_taken(
    functions: tuple[str, ...], probe: Probe, tmp_path: Path
) -> None:
    """How a model was compiled is dropped, be it with what cannot be saved."""
    import keras

    with probe.session() as session:
        (tmp_path / "model.keras").write_bytes(build(session, *functions))
    model = keras.saving.load_model(tmp_path / "model.keras")
    assert not model.compiled
    assert len(model.weights) == 2


NO_MODELS = [
    ("no_model", "found a str"),
    ("no_return", r"found nothing \(is the `return` missing\?\)"),
    ("model_and_more", "found a tuple of 2"),
    ("builder", "found a function"),
    ("only_layer", r"found a layer \(Dense\)"),
    ("only_output", "found a symbolic tensor"),
    ("without_input", "found one without an input"),
    ("own_class", "found the class Own"),
]


@pytest.mark.parametrize(("function", "message"), NO_MODELS)
def test_what_is_not_a_model(function: str, message: str, probe: Probe) -> None:
    """A building function that returns something else is told so."""
    expected = rf"{function} must return a keras\.Model, {message}"
    with pytest.raises(ProbeError, match=expected), probe.session() as session:
        build(session, function)


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    """A probe that never started, or was closed, can be closed."""
    probe = Probe(Sandbox(tmp_path, {}), [])
    probe.close()
    probe.close()

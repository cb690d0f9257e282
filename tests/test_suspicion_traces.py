"""Traces of attacks, found by reading code and what the walls said."""

import pytest

from grader.assignment import get_assignment
from grader.checking.verdict import Verdict
from grader.grading.result import Result, no_points
from grader.samples import Case, cases
from grader.sandbox.probe import Cell
from grader.suspicion.traces import code_traces, wall_traces

CNN = get_assignment("cnn")
WHEAT = [case for case in cases() if case.kind == "wheat"]
# What edits the file instead of writing code is found as an anomaly, or refused when it is read.
ATTACKS = [
    case
    for case in cases()
    if "_attack_" in case.name and any(section.added for section in case.sections)
]


def _cells(case: Case) -> list[Cell]:
    return [
        Cell(cell.metadata.get("nbgrader", {}).get("grade_id", "added"), cell.source)
        for cell in case.notebook().cells
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("locked")
    ]


def _weights(source: str) -> set[str]:
    return {finding.weight for finding in code_traces([Cell("x", source)])}


def _whats(source: str) -> list[str]:
    return [finding.what for finding in code_traces([Cell("x", source)])]


@pytest.mark.parametrize("case", WHEAT, ids=lambda case: case.name)
def test_honest_submissions_have_no_sign(case: Case) -> None:
    """Nothing that an honest sample submission writes is held against it."""
    found = code_traces(_cells(case))
    assert [finding for finding in found if finding.weight == "sign"] == []


def test_most_attackers_leave_a_trace() -> None:
    """At least three of four sample attackers that write code are noticed by reading it."""
    unnoticed = [case.name for case in ATTACKS if not code_traces(_cells(case))]
    assert len(ATTACKS) >= 20
    assert len(unnoticed) <= 0.25 * len(ATTACKS), unnoticed


@pytest.mark.parametrize(
    "source",
    [
        "import ctypes",
        "import grader.checking",
        "from os import fork",
        "os.setsid()",
        "os.mkfifo('x')",
        "sys.modules['numpy'] = None",
        "sys.settrace(print)",
        "sys.meta_path.insert(0, x)",
        "x = frame.f_locals",
        "f.__globals__['x']",
        "f.__code__ = g.__code__",
        "np.allclose = print",
        "bsds.foreground_iou = lambda *values: 1.0",
        "setattr(bsds, 'foreground_iou', print)",
        "type(shell).run_cell = print",
        "shell.ast_transformers.append(1)",
        "open('/proc/self/environ')",
        "glob.glob('/proc/*/environ')",
        "open('../gradebook.db')",
        "p = Path('.git/config')",
        "os.environ['BSDS_COURSE_SECRET']",
        "print('\\x1b]0;title\\x07')",
        "%time os.fork()",
        "%%time\nimport ctypes",
        "!cat /proc/1/environ",
        "def broken(:\n    import ctypes",
    ],
)
def test_what_has_no_place_in_the_course(source: str) -> None:
    """Each of these is a sign, in magics and in cells that are no Python as well."""
    assert "sign" in _weights(source)


@pytest.mark.parametrize(
    "source",
    [
        "from socket import socket",
        "os.kill(os.getpid(), 9)",
        "subprocess.run(['nvidia-smi'])",
        "multiprocessing.Pool(4)",
        "inspect.currentframe().f_back",
        "gc.get_objects()",
        "Base.__subclasses__()",
        "f.__code__.co_varnames",
        "import signal, atexit, pytest, sqlite3, zlib",
        "get_ipython().kernel",
        "exec('x')",
        "__import__('os')",
        "getattr(keras, name)",
        "plt.show = lambda: None",
        "keras.losses.dice = dice",
        "@keras.saving.register_keras_serializable()\nclass Dice(keras.losses.Loss):\n    pass",
        "layers.Lambda(f)",
        "p = '../solutions/cnn'",
        "'''as nbgrader does'''",
        "HTML('<ScRiPt>alert(1)</script>')",
        "data = '" + "4f" * 300 + "'",
        "data = b'" + "4f" * 300 + "'",
        "data = [" + "0.1, " * 600 + "]",
        "!cat /etc/os-release",
        "%%bash\nls /",
        "x = 1\n" * 40_000,
    ],
)
def test_what_is_only_odd(source: str) -> None:
    """Each of these is noted, and puts nobody on the list: tutorials have it, too."""
    assert _weights(source) == {"note"}


# What notebooks of Colab, Kaggle and VS Code contain, and textbooks.
ORDINARY = [
    "import os, sys, json, time, math, random, functools, pickle, subprocess, multiprocessing",
    "import urllib.request, tarfile, resource, importlib, requests",
    "IN_COLAB = 'google.colab' in sys.modules",
    "if IN_COLAB:\n    from google.colab import drive\n    drive.mount('/content/drive')",
    "os.path.exists('/content')",
    "!pip install --quiet matplotlib",
    "%pip install matplotlib",
    "!nvidia-smi",
    "!cat /proc/cpuinfo | head",
    "subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', 'x'], check=True)",
    "subprocess.check_call('pip install x', shell=True)",
    "!git clone https://github.com/ada/boundaries.git",
    "os.environ['KAGGLE_CONFIG_DIR'] = '/root/.kaggle'",
    "for folder, _, names in os.walk('/kaggle/input'):\n    print(folder)",
    "out = Path('/kaggle/working')",
    "path = '/home/jovyan/work'",
    "get_ipython()",
    "shell = get_ipython().__class__.__name__",
    "get_ipython().run_line_magic('matplotlib', 'inline')",
    "get_ipython().system('ls')",
    "get_ipython().showtraceback = lambda *values: None",
    "with open('history.pkl', 'wb') as stream:\n    pickle.dump(history.history, stream)",
    "history = pickle.load(open('history.pkl', 'rb'))",
    "'''Reads train/dev/test; see src/sys/etc/proc.'''",
    "workers = os.cpu_count() or multiprocessing.cpu_count()",
    "sys.stdout = open('/dev/null', 'w')",
    "sys.stderr = open(os.devnull, 'w')",
    "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss",
    "if 'model' not in globals():\n    model = None",
    "importlib.reload(plt)",
    "os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'",
    "tf.get_logger().setLevel('ERROR')",
    "tf.config.run_functions_eagerly(True)",
    "np.bool = bool",
    "np.random.seed = 42",
    "layer.trainable = False",
    "first.kernel.assign(1)",
    "model.load_weights('best.weights.h5')",
    "gc.collect()",
    "plt.rcParams['font.size'] = 12",
    "type(self).count += 1",
    "self.events = []",
    "%matplotlib inline",
    "layers.Dense(3, name='hidden_1')",
    "layers.Dense(3, name='hidden')",
    "'''A docstring about hidden layers, my solution and the sockets of eyes.'''",
    "# import ctypes, /proc, gradebook.db",
    "model.compile('sgd')",
    "print('\\x1b[31mred\\x1b[0m')",
    "sizes = [1, 2, 3] * 1000",
    "'unbalanced \\d escape'",
    "print('-' * 500)",
    "def broken(:\n    return 1",
    "",
]


@pytest.mark.parametrize("source", ORDINARY)
def test_what_honest_people_write(source: str) -> None:
    """Nothing is found in ordinary code, comments and prose."""
    assert _whats(source) == []


def test_other_languages_are_looked_through() -> None:
    """A cell for the shell is noted, and what it names is found as well."""
    assert _whats("%%bash\nls /proc/1/") == [
        "runs another language", "names a file of the system",
    ]  # fmt: skip


def test_finding_says_where() -> None:
    """Cell, line and a line of code are given; lines of text in a literal are counted too."""
    source = (
        'x = 1\n\ny = """\nfirst\n/proc/self/environ\n"""\nimport ctypes  # \x1b[2J' + "z" * 300
    )
    text, module = code_traces([Cell("task_loss", source)])
    assert (text.where, text.excerpt) == ("cell task_loss, line 5", "/proc/self/environ")
    assert module.where == "cell task_loss, line 7"
    assert module.excerpt.startswith("import ctypes # [2Jzz")
    assert len(module.excerpt) <= 100


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5000,
        "%time " * 600 + "1",
        "\x00",
        "x = " + "-" * 20_000 + "1",
        "é" * 70_000,
        "%%",
        "!",
    ],
)
def test_odd_code_breaks_nothing(source: str) -> None:
    """Code that a parser chokes on gives findings or none, but no error."""
    assert isinstance(_whats(source), list)


def test_refused_models_are_signs() -> None:
    """A model that was not opened because it could do harm is noticed, once, by the kind alone."""
    refused = Verdict("iou", 0.0, 6.0, "in any words", kind="refused")
    again = Verdict("threshold", 0.0, 3.0, "in any words", kind="refused")
    (finding,) = wall_traces(Result("graded", {"iou": refused, "threshold": again}))
    assert (finding.weight, finding.excerpt) == ("sign", "in any words")


def test_stopped_submissions_are_noted() -> None:
    """A limit that stopped a submission is noted with its name: it may be an accident."""
    reason = "the notebook was stopped because it used more than 8 GB of memory"
    (finding,) = wall_traces(Result("not_run", no_points(CNN.points(), reason), reason))
    assert (finding.weight, finding.excerpt) == ("note", reason)


def test_failed_checks_are_no_traces() -> None:
    """Messages of ordinary mistakes say nothing about cheating."""
    verdicts = {"iou": Verdict("iou", 0.0, 6.0, "your notebook left no model cnn_model.keras")}
    assert wall_traces(Result("graded", verdicts)) == []

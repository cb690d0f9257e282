"""Traces of attacks, found by reading code and what the walls said."""

import io
import json
import zipfile
from typing import Any

import pytest

from grader.course import get_assignment
from grader.keras_models.allowlist import check_model_file
from grader.result import Result, no_points
from grader.sandbox.probe import Cell
from grader.scoring.artifacts import ArtifactError
from grader.scoring.verdict import Verdict
from grader.suspicion.traces import code_traces, wall_traces
from tests.submissions import Case, cases

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


def _whats(source: str) -> list[str]:
    return [finding.what for finding in code_traces([Cell("x", source)])]


@pytest.mark.parametrize("case", WHEAT, ids=lambda case: case.name)
def test_honest_submissions_leave_no_trace(case: Case) -> None:
    """Nothing that an honest sample submission writes is held against it."""
    assert code_traces(_cells(case)) == []


def test_most_attackers_leave_a_trace() -> None:
    """At least four of five sample attackers that write code are noticed by reading it."""
    unnoticed = [case.name for case in ATTACKS if not code_traces(_cells(case))]
    assert len(ATTACKS) >= 20
    assert len(unnoticed) <= 0.2 * len(ATTACKS), unnoticed


@pytest.mark.parametrize(
    "source",
    [
        "import ctypes",
        "from socket import socket",
        "import urllib.request",
        "import subprocess as s",
        "from os import fork",
        "os.kill(1, 9)",
        "import pickle",
        "sys.modules['numpy'] = None",
        "sys.settrace(print)",
        "inspect.currentframe()",
        "x = frame.f_back",
        "gc.get_objects()",
        "().__class__.__base__.__subclasses__()",
        "np.allclose = print",
        "setattr(bsds, 'foreground_iou', print)",
        "type(shell).run_cell = print",
        "get_ipython().kernel",
        "shell = get_ipython()",
        "shell.ast_transformers.append(1)",
        "exec('x')",
        "open('/proc/self/environ')",
        "open('../gradebook.db')",
        "p = Path('.git')",
        "p = '../solutions/cnn'",
        "os.environ['BSDS_COURSE_SECRET']",
        "HTML('<ScRiPt>alert(1)</script>')",
        "data = '" + "4f" * 300 + "'",
        "data = b'" + "4f" * 300 + "'",
        "data = [" + "0.1, " * 600 + "]",
        "print('\\x1b]0;title\\x07')",
        "%time __import__('os')",
        "%%time\nimport ctypes",
        "!cat /proc/1/environ",
        "%%bash\nls /",
        "def broken(:\n    import ctypes",
        "x = 1\n" * 40_000,
    ],
)
def test_what_has_no_place_in_the_course(source: str) -> None:
    """Each of these is found, in magics and in cells that are no Python as well."""
    assert _whats(source)


@pytest.mark.parametrize(
    "source",
    [
        "import os, sys, json, time, math, random, functools",
        "os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'",
        "layer.trainable = False",
        "first.kernel.assign(1)",
        "gc.collect()",
        "plt.rcParams['font.size'] = 12",
        "self.events = []",
        "%matplotlib inline",
        "!pip install --quiet matplotlib",
        "get_ipython().run_line_magic('matplotlib', 'inline')",
        "layers.Dense(3, name='hidden_1')",
        "'''A docstring about hidden layers, my solution and the sockets of eyes.'''",
        "# import ctypes, /proc, gradebook.db",
        "model.compile('sgd')",
        "print('\\x1b[31mred\\x1b[0m')",
        "sizes = [1, 2, 3] * 1000",
        "'unbalanced \\d escape'",
        "def broken(:\n    return 1",
        "",
    ],
)
def test_what_honest_people_write(source: str) -> None:
    """Nothing is found in ordinary code, comments and prose."""
    assert _whats(source) == []


def test_other_languages_are_looked_through() -> None:
    """A cell for the shell is noted, and what it names is found as well."""
    assert _whats("%%bash\nls /proc/1/") == [
        "runs another language", "names a folder of the system",
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


def _model_with(layer: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", json.dumps(layer))
    return buffer.getvalue()


def _member(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        _model_with({"class_name": "Lambda", "module": "keras.layers"}),
        _model_with({"class_name": "Own", "module": "student"}),
        _member("assets/__main__.pkl"),
        b"no model",
    ],
    ids=["lambda", "own class", "pickle", "no archive"],
)
def test_refused_models_are_signs(data: bytes) -> None:
    """A model file that the artifact check refuses is noticed by what it says."""
    with pytest.raises(ArtifactError) as refusal:
        check_model_file(data, "cnn_model.keras", 1 << 20)
    verdicts = {"iou": Verdict("iou", 0.0, 6.0, str(refusal.value))}
    (finding,) = wall_traces(Result("graded", verdicts))
    assert (finding.weight, finding.excerpt) == ("sign", str(refusal.value)[:100])


def test_stopped_submissions_are_noted() -> None:
    """A limit that stopped a submission is noted with its name: it may be an accident."""
    reason = "the notebook was stopped because it used more than 8 GB of memory"
    (finding,) = wall_traces(Result("not_run", no_points(CNN.points(), reason), reason))
    assert (finding.weight, finding.excerpt) == ("note", reason)


def test_failed_checks_are_no_traces() -> None:
    """Messages of ordinary mistakes say nothing about cheating."""
    verdicts = {"iou": Verdict("iou", 0.0, 6.0, "your notebook left no model cnn_model.keras")}
    assert wall_traces(Result("graded", verdicts)) == []

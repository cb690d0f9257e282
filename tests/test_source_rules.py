"""What the scratch CNN's source must not contain, however it is written, and what it may."""

import hashlib

import nbformat
import pytest

from grader.course import ASSIGNMENTS
from grader.sandbox.probe import Cell
from grader.scoring.source_rules import MAX_LITERAL, MAX_NUMBERS, MAX_SOURCE, pretrained

NOISE = hashlib.shake_256(b"weights").digest(9000)
HEX = NOISE.hex()

FORBIDDEN = {
    "attribute": "x = keras.applications.VGG16()",
    "import": "import keras.applications.vgg16",
    "import from": "from keras.applications import VGG16",
    "import from the middle": "from tensorflow.keras.applications.vgg16 import VGG16",
    "import as": "from keras import applications as harmless",
    "getattr": "x = getattr(keras, 'applications')",
    "importlib": "importlib.import_module('keras.applications')",
    "hub": "import tensorflow_hub as layers",
    "keras_hub": "backbone = keras_hub.models.Backbone.from_preset('x')",
    "load_model": "model = keras.saving.load_model('m.keras')",
    "load_weights": "model.load_weights('w.h5')",
    "set_weights": "model.set_weights(w)",
    "bound method": "load = model.load_weights",
    "course encoder": "bsds.load_encoder_weights(model)",
    "base64": "import base64\nw = base64.b64decode(text)",
    "long text": f"W = {'A' * (MAX_LITERAL + 1)!r}",
    "long bytes": f"W = {b'A' * (MAX_LITERAL + 1)!r}",
    "f-string": f"W = f'{'A' * (MAX_LITERAL + 1)}{{x}}'",
    "list": f"W = {[0.5] * (MAX_NUMBERS + 1)}",
    "negative numbers": f"W = ({'-1, ' * (MAX_NUMBERS + 1)})",
    "after a magic": "%time 1\n!true\nkeras.applications",
    "in a magic": "%time model.load_weights('x')",
    "in a timed cell": "%%time\nx = 1\nmodel.load_weights('x')",
    "in a file": f"%%writefile weights.txt\n{'A ' * MAX_LITERAL}",
    "in a file that is Python": f"%%writefile weights.txt\nA{HEX}",
    "large number": f"W = 0x{HEX[:200]}",
    "comment": f"# {HEX}",
    "several literals": "\n".join(f"P{i} = '{HEX[:700]}'" for i in range(3)),
    "dict": f"W = {dict.fromkeys(range(MAX_NUMBERS + 1), 0.5)}",
    "nested lists": f"W = {[[0.5] * 30] * (MAX_NUMBERS // 30 + 1)}",
    "arguments": f"use({'0.5, ' * (MAX_NUMBERS + 1)})",
    "text for a transformer of input": f"§weights {HEX}",
    "nested": "def build_cnn():\n    class A:\n        f = lambda: keras.applications",
    "noise in short words": " ".join(f"x{HEX[i : i + 20]}" for i in range(0, len(HEX), 20)),
    "noise in another script": f"W = {[chr(0x4E00 + byte) for byte in NOISE]}",
    "much code": "x = 1\n" * (MAX_SOURCE // 6 + 1),
}

ALLOWED = {
    "weights by name": "best = model.get_weights()",
    "save": "model.save('x.keras'); bsds.save_model(model, 'y.keras')",
    "comment": "# unlike keras.applications.VGG16",
    "text about it": "print('we do not use keras.applications here, as the task says')",
    "docstring": "def build_cnn():\n    '''No load_weights, no applications.'''",
    "short list": "filters = [16, 32, 48, 64]",
    "magics": "%matplotlib inline\n!true\nfiles = !ls",
    "long timed cell": "%%time\n" + "x = y\n" * (MAX_LITERAL // 4),
    "rulers": "# " + "-" * 5000 + "\n# " + "=" * 5000,
    "no python": "this is ) not python",
    "nothing": "",
    "unicode": "größe = 'π'",
}  # fmt: skip


@pytest.mark.parametrize("source", FORBIDDEN.values(), ids=FORBIDDEN)
def test_forbidden(source: str) -> None:
    """Each way to get at trained weights is found and named with its cell."""
    findings = pretrained([Cell("helper", "x = 1"), Cell("task", source)])
    assert findings
    assert all("\n" not in finding and len(finding) < 300 for finding in findings)
    assert any(finding.startswith(("cell task: ", "your cells hold")) for finding in findings)


@pytest.mark.parametrize("source", ALLOWED.values(), ids=ALLOWED)
def test_allowed(source: str) -> None:
    """Honest code that merely looks similar is not accused."""
    assert pretrained([Cell("task", source)]) == []


def test_reference_solution_is_clean() -> None:
    """The reference solution and the instructor's own text break no rule."""
    notebook = nbformat.read(ASSIGNMENTS["cnn"].source, as_version=4)
    cells = [
        Cell(str(number), cell.source)
        for number, cell in enumerate(notebook.cells)
        if cell.metadata.get("nbgrader", {}).get("solution")
    ]
    assert len(cells) > 5
    assert pretrained(cells) == []


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5000 + ")" * 5000,
        "-" * 50_000 + "1",
        "x" + ".a" * 20_000,
        "\0",
        "\ud800",
        "%time 1\n" * 600,
    ],
)
def test_odd_source_is_passed_over(source: str) -> None:
    """Source that Python's own parser cannot take does not break the check."""
    assert isinstance(pretrained([Cell("task", source)]), list)

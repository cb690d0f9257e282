"""What the source of a scratch CNN could hold, and what its building function reaches."""

import hashlib
import random
from pathlib import Path

import nbformat
import pytest

from grader.course import ASSIGNMENTS
from grader.course.pretrained import could_hold_weights, pretrained_parts
from grader.notebooks.bare_code import held
from grader.notebooks.restore import restore
from grader.notebooks.submitted import read_submission
from grader.samples import Case, cases
from grader.sandbox.probe import Cell
from grader.settings import Limits

GIVEN = [Cell(name, source) for name, source in ASSIGNMENTS["cnn"].given_code()]
LIMITS = Limits()
RELEASE = nbformat.read(ASSIGNMENTS["cnn"].release, as_version=4)
NOISE = hashlib.shake_256(b"weights").digest(9000)
HEX = NOISE.hex()
WHEAT = [case for case in cases("cnn") if case.kind == "wheat"]

BUILD = "def build_cnn():\n    "
# What build_cnn reaches, and what stands in the sentence.
FORBIDDEN = {
    "attribute": (f"{BUILD}return keras.applications.VGG16()", "keras.applications.VGG16"),
    "import": (
        f"import keras.applications.vgg16\n{BUILD}return keras.applications.vgg16.VGG16()",
        "keras.applications.vgg16.VGG16",
    ),
    "import from": (f"from keras.applications import VGG16\n{BUILD}return VGG16()", "VGG16"),
    "import from the middle": (
        f"from tensorflow.keras.applications.vgg16 import VGG16\n{BUILD}return VGG16()",
        "VGG16",
    ),
    "import as": (
        f"from keras import applications as harmless\n{BUILD}return harmless.VGG16()",
        "keras.applications.VGG16",
    ),
    "import inside": (
        f"{BUILD}from keras import applications as a\n    return a.VGG16()",
        "VGG16",
    ),
    "tensorflow": (
        f"import tensorflow as tf\n{BUILD}return tf.keras.applications.VGG16()",
        "VGG16",
    ),
    "inner module": (f"import keras.src.applications as a\n{BUILD}return a.VGG16()", "VGG16"),
    "getattr": (f"{BUILD}return getattr(keras, 'applications').VGG16()", "keras.applications"),
    "importlib": (
        f"import importlib\n{BUILD}return importlib.import_module('keras.applications').VGG16()",
        "keras.applications",
    ),
    "importlib as": (
        "from importlib import import_module as get\n"
        f"{BUILD}return get('keras.applications').VGG16()",
        "keras.applications",
    ),
    "__import__": (f"{BUILD}return __import__('keras').applications.VGG16()", "VGG16"),
    "alias of the module": (f"k = keras\n{BUILD}return k.applications.VGG16()", "VGG16"),
    "alias inside": (f"{BUILD}k, n = keras, 1\n    return k.applications.VGG16()", "VGG16"),
    "alias in an expression": (
        f"{BUILD}return (k := keras if 1 else 0).applications.VGG16()",
        "VGG16",
    ),
    "alias of the class": (f"Net = keras.applications.VGG16\n{BUILD}return Net()", "VGG16"),
    "alias of the function": (
        "def unet():\n    return keras.applications.VGG16()\nbuild_cnn = unet",
        "unet, which build_cnn uses",
    ),
    "helper": (
        f"def base():\n    return keras.applications.VGG16()\n{BUILD}return base()",
        "base, which build_cnn uses",
    ),
    "helper of a helper": (
        "def base():\n    return keras.applications.VGG16()\n"
        f"def middle():\n    return base()\n{BUILD}return middle()",
        "base",
    ),
    "nested function": (
        f"{BUILD}def base():\n        return keras.applications.VGG16()\n    return base()",
        "base",
    ),
    "lambda": (f"base = lambda: keras.applications.VGG16()\n{BUILD}return base()", "VGG16"),
    "value": (
        f"def base():\n    return keras.applications.VGG16()\n{BUILD}"
        "return list(map(apply, [base]))",
        "VGG16",
    ),
    "table": (f"nets = {{'a': keras.applications.VGG16}}\n{BUILD}return nets['a']()", "VGG16"),
    "entry added later": (
        f"nets = {{}}\nnets['a'] = keras.applications.VGG16\n{BUILD}return nets['a']()",
        "VGG16",
    ),
    "attribute added later": (
        f"class C:\n    pass\nC.net = keras.applications.VGG16\n{BUILD}return C.net()",
        "VGG16",
    ),
    "default": ("def build_cnn(base=keras.applications.VGG16):\n    return base()", "VGG16"),
    "default of a lambda": (f"{BUILD}return (lambda b=keras.applications.VGG16: b())()", "VGG16"),
    "decorator": (
        "def pretrained(f):\n    return lambda: keras.applications.VGG16()\n"
        "@pretrained\ndef build_cnn():\n    return None",
        "VGG16",
    ),
    "decorator of a nested function": (
        "def pretrained(f):\n    return lambda: keras.applications.VGG16()\n"
        f"{BUILD}@pretrained\n    def base():\n        pass\n    return base()",
        "VGG16",
    ),
    "built before": (f"base = keras.applications.VGG16()\n{BUILD}return base", "VGG16"),
    "constructor": (
        "class Net:\n    def __init__(self):\n        "
        f"self.base = keras.applications.VGG16()\n{BUILD}return Net().base",
        "VGG16",
    ),
    "method": (
        "class Net:\n    def make(self):\n        return self.base()\n    def base(self):\n"
        f"        return keras.applications.VGG16()\n{BUILD}return Net().make()",
        "base",
    ),
    "base class": (
        "class Base:\n    net = keras.applications.VGG16\nclass Net(Base):\n    pass\n"
        f"{BUILD}return Net.net()",
        "VGG16",
    ),
    "one of two": (
        "try:\n    Net = keras.applications.VGG16\nexcept Exception:\n    Net = None\n"
        f"{BUILD}return Net()",
        "VGG16",
    ),
    "timed cell": (f"%%time\n{BUILD}return keras.applications.VGG16()", "VGG16"),
    "after a magic": (f"%matplotlib inline\n{BUILD}return keras.applications.VGG16()", "VGG16"),
    "hub": (f"import tensorflow_hub as layers\n{BUILD}return layers.Layer('x')", "tensorflow_hub"),
    "load_weights": (
        f"{BUILD}model = keras.Model()\n    model.load_weights('w.h5')",
        "load_weights",
    ),
    "bound method": (
        f"{BUILD}load = keras.Model().load_weights\n    load('w.h5')",
        "load_weights",
    ),
    "load_model": (f"{BUILD}return keras.models.load_model('m.keras')", "keras.models.load_model"),
    "course's loader": (f"{BUILD}return bsds.load_model('m.keras')", "bsds_utils.load_model"),
    "imported loader": (
        f"from keras.saving import load_model as get\n{BUILD}return get('m')",
        "keras.saving.load_model",
    ),
    "numpy": (f"{BUILD}return np.load('w.npz')", "numpy.load"),
}

ALLOWED = {
    "text": f'{BUILD}"""No load_weights, no hub."""\n    return "keras.applications"',
    "comment": f"{BUILD}return 1  # unlike keras.applications.VGG16",
    "variable": f"{BUILD}applications = hub = 3\n    return applications + hub",
    "own function": f"def load_model():\n    return keras.Model()\n{BUILD}return load_model()",
    "own method": (
        "class Net:\n    def load_weights(self):\n        return self\n"
        f"{BUILD}return Net().load_weights()"
    ),
    "own object": f"class hub:\n    applications = 3\n{BUILD}return hub.applications",
    "checkpoint": (
        f"{BUILD}return keras.Model()\ndef train_cnn(model):\n"
        "    model.fit(callbacks=[keras.callbacks.ModelCheckpoint('w.h5')])\n"
        "    model.load_weights('w.h5')"
    ),
    "best model": (
        f"{BUILD}return keras.Model()\nbest = keras.models.load_model('m.keras')\n"
        "bsds.load_model('m.keras')"
    ),
    "own loop": (
        f"{BUILD}return keras.Model()\ndef train_cnn(model):\n"
        "    best = model.get_weights()\n    model.set_weights(best)"
    ),
    "random weights set": f"{BUILD}m = keras.Model()\n    m.set_weights([1])\n    return m",
    "other methods of a class": (
        "class T:\n    def build(self):\n        return keras.Model()\n"
        "    def restore(self):\n        self.model.load_weights('w.h5')\n"
        f"{BUILD}return T().build()"
    ),
    "imported and unused": f"from keras.applications import VGG16\n{BUILD}return keras.Model()",
    "draft": f"{BUILD}return keras.applications.VGG16()\n{BUILD}return keras.Model()",
    "only compared": (
        "vgg = keras.applications.VGG16(weights=None)\nprint(vgg.count_params())\n"
        f"{BUILD}return keras.Model()"
    ),
    "not reached": (
        f"def other():\n    return keras.applications.VGG16()\n{BUILD}return keras.Model()"
    ),
    "cannot be followed": f"{BUILD}return getattr(keras, 'appli' + 'cations')",
    "executed text": f"{BUILD}exec('keras.applications.VGG16()')",
    "no build_cnn": "x = keras.applications.VGG16()",
    "no python": "this is ) not python",
    "nothing": "",
}


def _parts(*sources: str) -> list[str]:
    return pretrained_parts("build_cnn", [*GIVEN, *(Cell("task", source) for source in sources)])


@pytest.mark.parametrize(("source", "named"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_build_cnn_may_not_reach(source: str, named: str) -> None:
    """Each way to a pretrained network is followed; the sentence names cell, place and library."""
    findings = _parts(source)
    assert findings
    assert all("\n" not in finding and len(finding) < 300 for finding in findings)
    assert all(finding.startswith("cell task, line ") for finding in findings)
    assert any(named in finding for finding in findings)


@pytest.mark.parametrize("source", ALLOWED.values(), ids=ALLOWED)
def test_what_build_cnn_may_reach(source: str) -> None:
    """Words, training and code that build_cnn does not reach cost nothing."""
    assert _parts(source) == []


def test_the_last_definition_counts() -> None:
    """A draft in an earlier cell costs nothing; a later cell's definition is what counts."""
    good, bad = f"{BUILD}return keras.Model()", f"{BUILD}return keras.applications.VGG16()"
    assert _parts(bad, good) == []
    assert _parts(good, bad)


@pytest.mark.parametrize("case", WHEAT, ids=lambda case: case.name)
def test_right_samples_are_clean(case: Case, tmp_path: Path) -> None:
    """No right sample could hold a network as it runs, by a wide margin, nor reaches one."""
    cells = _cells_that_run(case, tmp_path)
    text, everything = held(cell.source for cell in cells)
    assert text < LIMITS.held_text / 2
    assert everything < 0.75 * LIMITS.held_code
    assert could_hold_weights(cells, LIMITS) is None
    assert pretrained_parts("build_cnn", [*GIVEN, *cells]) == []


@pytest.mark.parametrize(
    ("name", "could"),
    [
        # In comments and docstrings, which do not run where there are that many.
        ("cnn_attack_weights_everywhere", False),
        ("cnn_attack_weights_in_picture", False),
        ("cnn_attack_weights_loaded", True),
        ("cnn_attack_weights_transformed", True),
        ("cnn_pretrained_pasted", True),
    ],
)
def test_samples_with_weights_in_their_code(name: str, could: bool, tmp_path: Path) -> None:
    """The trained weights of the sample attackers are gone or found, by a margin."""
    case = next(case for case in cases("cnn") if case.name == name)
    cells = _cells_that_run(case, tmp_path)
    assert (could_hold_weights(cells, LIMITS) is not None) == could
    text, _ = held(cell.source for cell in cells)
    assert text > 1.2 * LIMITS.held_text if could else text < LIMITS.held_text / 10


def _cells_that_run(case: Case, folder: Path) -> list[Cell]:
    path = case.write(folder)
    submitted = read_submission(path.parent, ASSIGNMENTS["cnn"], LIMITS)
    return [
        Cell("x", cell.source)
        for cell in restore(submitted, RELEASE, LIMITS).cells
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("locked")
    ]


WEIGHTS = HEX[:10_400]
"""As much as the sample attackers' network of 2,600 weights needs."""
WORDS = random.Random(1).choices([f"{a}{b}" for a in "bdfgklmn" for b in "aeiouy"], k=15_000)
HOLDERS = {
    "literal": f"W = {WEIGHTS!r}",
    "bytes": f"W = {NOISE[:5200]!r}",
    "lines": 'W = """\n' + "\n".join(WEIGHTS[i : i + 60] for i in range(0, 10_400, 60)) + '"""',
    "several literals": "\n".join(f"P{i} = '{WEIGHTS[i : i + 80]}'" for i in range(0, 10_400, 80)),
    "short words": "W = '" + " ".join(WEIGHTS[i : i + 4] for i in range(0, 10_400, 4)) + "'",
    "list": f"W = {[byte / 256 for byte in NOISE[:5200]]}",
    "whole numbers": f"W = {list(NOISE[:5200])}",
    "one number": f"W = 0x{WEIGHTS}",
    "dict": f"W = {dict(enumerate(NOISE[:5200]))}",
    "f-string": f"W = f'{WEIGHTS}{{x}}'",
    "another script": f"W = {''.join(chr(0x4E00 + byte) for byte in NOISE)!r}",
    "in a file": f"%%writefile weights.txt\n{WEIGHTS}",
    "for the shell": f"!echo {WEIGHTS} > weights.txt",
    "in a magic": f"%store {WEIGHTS}",
    "for a transformer of input": f"§weights {WEIGHTS}",
    "names": "\n".join(f"x{HEX[i : i + 20]} = 1" for i in range(0, len(HEX), 20)),
    "order of statements": "\n".join(f"{word}()" for word in WORDS),
}  # fmt: skip


@pytest.mark.parametrize("source", HOLDERS.values(), ids=HOLDERS)
def test_code_that_could_hold_a_network(source: str) -> None:
    """However weights are written into code that runs, there is too much of it."""
    problem = could_hold_weights([Cell("helper", "x = 1"), Cell("task", source)], LIMITS)
    assert problem is not None
    assert "in cell task:" in problem
    assert "\n" not in problem
    assert len(problem) < 300


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5000 + ")" * 5000,
        "-" * 50_000 + "1",
        f"{BUILD}return x" + ".a" * 20_000,
        f"{BUILD}return " + "getattr(" * 90 + "keras" + ", 'a')" * 90,
        f"{BUILD}return " + "a if b else " * 5000 + "c",
        f"{BUILD}return " + "f(" * 80 + ")" * 80,
        "x0 = keras\n" + "\n".join(f"x{i + 1} = x{i}.a or x{i}.b" for i in range(200))
        + f"\n{BUILD}return x200",
        "a = b\nb = a\nbuild_cnn = a",
        "class A(A):\n    x = A\nbuild_cnn = A().x.x",
        "build_cnn, *x = x, *build_cnn = build_cnn",
        "\0",
        "\ud800",
        "%time 1\n" * 600,
    ],
)  # fmt: skip
def test_odd_source_is_passed_over(source: str) -> None:
    """Source that Python's own parser cannot take, or that goes round in circles, ends quickly."""
    assert isinstance(_parts(source), list)
    could_hold_weights([Cell("task", source)], LIMITS)

"""Training on validation or test data is remarked on; measuring on them is not."""

import nbformat
import pytest

from grader.course import ASSIGNMENTS
from grader.samples import cases
from grader.sandbox.probe import Cell
from grader.suspicion.training_data import training_data

FIT = "model.fit({}, validation_data=bsds.Batches(val.images, val.masks), epochs=9)"

REMARKED = [
    FIT.format("val.images, val.masks"),
    FIT.format("bsds.Batches(test.images, test.masks)"),
    FIT.format("x=np.concatenate([train.images, val.images]), y=None"),
    "both = [train, test]\nx = np.vstack([one.images for one in both])\n" + FIT.format("x, None"),
    "x, y = train.images, train.masks\nx = np.append(x, dataset.load('test').images)\n"
    + FIT.format("x, y"),
    "for part in (train, val):\n    " + FIT.format("bsds.Batches(part.images, part.masks)"),
    "def train_cnn(model, a, b):\n    data = bsds.Batches(b.images, b.masks)\n"
    "    return model.fit(data, epochs=3)",
    "def train_cnn(model, train, val):\n    if True:\n        with x:\n"
    "            model.train_on_batch(test.images[:8], test.masks[:8])",
    "history = train_cnn(build_cnn(), test, val)",
    "%%time\n" + FIT.format("augmented(val.images), val.masks"),
    "sets = {'train': train, 'val': val}\n" + FIT.format("sets['val'].images"),
]
INNOCENT = [
    FIT.format("train.images, train.masks"),
    "feeds = [bsds.Batches(p.images, p.masks, augment=p is train) for p in (train, val)]\n"
    "model.fit(feeds[0], validation_data=feeds[1], epochs=3)",
    "a, b = prepare(train, val)\nmodel.fit(a, validation_data=b, epochs=3)",
    "sets = prepare(train, val)\nmodel.fit(sets.train, validation_data=sets.val, epochs=3)",
    "sets = {'train': train, 'val': val}\n" + FIT.format("sets['train'].images"),
    "x, xv = (p.images for p in (train, val))\n" + FIT.format("x, train.masks"),
    FIT.format("train.images[: len(val.images)], train.masks"),
    "scaler.fit(val.images)\ncalibration.fit(probabilities['val'], masks['val'])",
    "model.evaluate(test.images, test.masks)\nmodel.predict(val.images)",
    "test = train.images[:4]\n" + FIT.format("test, train.masks[:4]"),
    "def fit_on(model, part, other):\n    model.fit(part, validation_data=other, epochs=2)\n"
    "fit_on(model, train, val)",
    "(",
    "x = " + "(" * 300 + "val" + ")" * 300,
]


@pytest.mark.parametrize("source", REMARKED)
def test_training_on_what_measures_is_remarked(source: str) -> None:
    """Whatever way the data take, a model that is fitted on them is noted, once a line."""
    (found,) = training_data([Cell("mine", source)])
    assert found.weight == "note"
    assert found.where.startswith("cell mine, line ")
    assert "val" in found.what or "test" in found.what


@pytest.mark.parametrize("source", INNOCENT)
def test_measuring_is_not_remarked(source: str) -> None:
    """Validation data, splits in containers and functions of one's own are no remark."""
    assert training_data([Cell("mine", source)]) == []


def test_names_go_from_cell_to_cell() -> None:
    """What one cell assigns is known in the next."""
    cells = [Cell("a", "x = val.images"), Cell("b", FIT.format("x"))]
    assert [one.where for one in training_data(cells)] == ["cell b, line 1"]


def test_correct_samples_and_the_solutions_have_no_remark() -> None:
    """Nobody in the sample class who is right is remarked on."""
    notebooks = {case.name: case.notebook() for case in cases() if case.kind == "wheat"}
    notebooks |= {name: nbformat.read(one.source, 4) for name, one in ASSIGNMENTS.items()}
    for name, notebook in notebooks.items():
        cells = [Cell("c", cell.source) for cell in notebook.cells if cell.cell_type == "code"]
        assert training_data(cells) == [], name

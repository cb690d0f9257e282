"""Opening models of a test's own as submissions' are, in one process for all tests of a module."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.keras_models.opened import ModelSandbox, OpenedModel
from grader.sandbox.bubblewrap import Sandbox

__all__ = ["LIMIT", "OpenModel", "model_sandbox", "open_model", "saved"]

LIMIT = 8 << 20

OpenModel = Callable[[Any], OpenedModel]


def saved(model: Any, folder: Path) -> bytes:
    """Return a model's ``.keras`` file."""
    path = folder / "saved.keras"
    model.save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def model_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelSandbox]:
    """Give the program that opens models, without isolation, so that it runs anywhere."""
    sandbox = Sandbox(tmp_path_factory.mktemp("models"), environment={}, isolated=False)
    models = ModelSandbox(sandbox, LIMIT)
    yield models
    models.close()


@pytest.fixture
def open_model(model_sandbox: ModelSandbox, tmp_path: Path) -> OpenModel:
    """Open a Keras model of the test's own."""
    return lambda model: model_sandbox.open(saved(model, tmp_path), "m.keras")

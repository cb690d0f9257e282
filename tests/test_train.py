"""`bsds train`: the solutions' own code at full budget, resumable, reproducible, not mute."""

import csv
import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from bsds_command import start

from bsds_utils import BSDSError, load_model, save_model
from grader.assignment import get_assignment
from grader.cli import main
from grader.course.training import callbacks
from grader.course.training.checkpoint import State, load_state, save_state
from grader.course.training.functions import load_functions

pytestmark = pytest.mark.slow


def _arguments(root: Path, folder: Path, *further: str) -> list[str]:
    return [
        "train", "cnn", "--root", str(root), "--run", str(folder / "run"),
        "-o", str(folder / "cnn_model.keras"), "--width", "4", *further,
    ]  # fmt: skip


def test_trains_and_saves(
    tiny_deadleaves: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run leaves model, card, log and a preview."""
    assert (
        main(_arguments(tiny_deadleaves, tmp_path, "--epochs", "2", "--scales", "0.5,0.75")) == 0
    )
    model, card = load_model(tmp_path / "cnn_model.keras")
    assert card["scales"] == [0.5, 0.75]
    assert model.count_params() <= 1_000_000
    assert (tmp_path / "cnn_model.keras").stat().st_size <= 5_000_000
    assert card["input_size"] == 168
    assert card["training_data"] == "deadleaves: train"
    assert card["command"].startswith("bsds train cnn --minutes 120 --epochs 2 --seed 1")
    assert str(tmp_path) not in json.dumps(card)
    assert 0 <= card["metrics"]["val"]["iou"] <= 1
    run = tmp_path / "run"
    with (run / "phase1.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert all(float(row["val_iou"]) >= 0 for row in rows)
    assert (run / "preview.png").stat().st_size > 1000
    assert list((run / "tensorboard" / "phase1").rglob("events.out.tfevents.*"))
    printed = capsys.readouterr().out
    assert "phase 1 of 1" in printed
    assert "left" in printed or "done" in printed


def test_goes_on_from_a_model(tiny_deadleaves: Path, tmp_path: Path) -> None:
    """--start takes a model's weights, --rate a rate, and the card tells both trainings."""
    first = tmp_path / "cnn_model.keras"
    assert main(_arguments(tiny_deadleaves, tmp_path, "--epochs", "1")) == 0
    weights = load_model(first)[0].get_weights()
    arguments = _arguments(
        tiny_deadleaves, tmp_path, "--epochs", "1", "--start", str(first), "--rate", "1e-9"
    )
    arguments[arguments.index("--run") + 1] = str(tmp_path / "second")
    arguments[arguments.index("-o") + 1] = str(tmp_path / "second.keras")
    assert main(arguments) == 0
    model, card = load_model(tmp_path / "second.keras")
    # So low a rate leaves the weights where they were.
    np.testing.assert_allclose(model.get_weights()[0], weights[0], atol=1e-6)
    assert len(card["commands"]) == 2
    assert card["commands"][1].endswith("--start MODEL --rate 1e-09")


def test_a_larger_network_starts_from_a_small_one(tiny_deadleaves: Path, tmp_path: Path) -> None:
    """--start with a larger --width and --dilations predicts at first what the small one does."""
    small, large = tmp_path / "cnn_model.keras", tmp_path / "large.keras"
    assert main(_arguments(tiny_deadleaves, tmp_path, "--epochs", "2")) == 0
    # Of an argument that is there twice the last counts.
    sizes = ["--width", "4,12,16,40", "--dilations", "2,4"]
    further = [*sizes, "--run", str(tmp_path / "second"), "-o", str(large)]
    start_from = ["--minutes", "0", "--start", str(small)]
    assert main(_arguments(tiny_deadleaves, tmp_path, *start_from, *further)) == 0
    old, new = load_model(small)[0], load_model(large)[0]
    assert new.count_params() > old.count_params()
    images = np.random.default_rng(1).uniform(0, 255, (2, 40, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(new.predict(images), old.predict(images), atol=0.02)
    assert load_model(large)[1]["commands"][1].endswith(" ".join([*sizes, "--start MODEL"]))


@pytest.mark.parametrize("width", ["2", "4,8,16,20"])
def test_a_narrower_network_cannot_start_from_a_wide_one(
    tiny_deadleaves: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], width: str
) -> None:
    """--start with a smaller --width says what it found."""
    wide = load_functions(get_assignment("cnn"))["build_cnn"]((4, 8, 16, 32))
    path = tmp_path / "wide.keras"
    save_model(wide, path, threshold=0.5, input_size=168, mask_protocol="course")
    further = ["--epochs", "1", "--start", str(path), "--width", width]
    assert main(_arguments(tiny_deadleaves, tmp_path, *further)) == 1
    assert "--start: the model is of another network" in capsys.readouterr().err


@pytest.mark.parametrize("width", ["wide", "8,16", "0", "8,16,32,-1", ""])
def test_widths_that_cannot_be(capsys: pytest.CaptureFixture[str], width: str) -> None:
    """--width says what it expected."""
    assert main(["train", "cnn", "--width", width]) == 1
    assert "--width: expected a number, or 4" in capsys.readouterr().err


@pytest.mark.parametrize("rates", ["far", "2,", "0", "2,-4", ""])
def test_dilations_that_cannot_be(capsys: pytest.CaptureFixture[str], rates: str) -> None:
    """--dilations says what it expected."""
    assert main(["train", "cnn", "--dilations", rates]) == 1
    assert "--dilations: expected numbers (2,4)" in capsys.readouterr().err


@pytest.mark.parametrize("argument", ["--width", "--dilations"])
def test_sizes_of_the_resnet(capsys: pytest.CaptureFixture[str], argument: str) -> None:
    """What makes a cnn larger is refused where it would change nothing."""
    assert main(["train", "resnet", argument, "8"]) == 1
    assert f"{argument}: expected it with cnn only" in capsys.readouterr().err


def test_no_minutes_only_scale(
    tiny_deadleaves: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--minutes 0 leaves every layer but the last, which is scaled already after a training."""
    first = tmp_path / "cnn_model.keras"
    assert main(_arguments(tiny_deadleaves, tmp_path, "--epochs", "1")) == 0
    arguments = _arguments(tiny_deadleaves, tmp_path, "--start", str(first), "--minutes", "0")
    arguments[arguments.index("-o") + 1] = str(tmp_path / "second.keras")
    arguments[arguments.index("--run") + 1] = str(tmp_path / "second")
    capsys.readouterr()
    assert main(arguments) == 0
    assert re.search(r"logits times (1\.000|0\.999), [+-]0\.00", capsys.readouterr().out)
    (before, earlier), (after, card) = load_model(first), load_model(tmp_path / "second.keras")
    for one, other in zip(before.get_weights()[:-2], after.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert card["minutes"] == earlier["minutes"]


def test_the_same_seed_gives_the_same_model(tiny_deadleaves: Path, tmp_path: Path) -> None:
    """With --epochs, a seed gives the same weights up to rounding; another seed gives others."""
    weights = []
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        (tmp_path / name).mkdir()
        further = ("--epochs", "1", "--seed", seed)
        assert main(_arguments(tiny_deadleaves, tmp_path / name, *further)) == 0
        weights.append(load_model(tmp_path / name / "cnn_model.keras")[0].get_weights()[0])
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-4)
    assert not np.allclose(weights[0], weights[2], atol=1e-2)


def test_killed_and_resumed(tiny_deadleaves: Path, tmp_path: Path) -> None:
    """A killed run goes on where its checkpoint stands and comes to its end."""
    environment = {**os.environ, "BSDS_CACHE": os.environ["BSDS_CACHE"]}
    arguments = _arguments(tiny_deadleaves, tmp_path, "--epochs", "30")
    process = start(*arguments, env=environment)
    checkpoint = tmp_path / "run" / "checkpoint.zip"
    deadline = time.monotonic() + 800
    while not checkpoint.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    state = load_state(checkpoint)
    assert 0 < state.epoch < 30
    assert state.optimizer
    assert main([*arguments, "--resume"]) == 0
    with (tmp_path / "run" / "phase1.csv").open() as stream:
        epochs = [int(row["epoch"]) for row in csv.DictReader(stream)]
    # The log may hold the epoch after the checkpoint twice, once from before the kill.
    assert sorted(set(epochs)) == list(range(30))
    assert load_state(checkpoint).phase == 1
    load_model(tmp_path / "cnn_model.keras")


@pytest.mark.parametrize(
    ("further", "message"),
    [
        (["--resume"], "expected a run in"),
        (["--minutes", "-1"], "expected positive numbers"),
        (["--minutes", "0"], "expected --start, too"),
        (
            ["--minutes", "0", "--start", "model.keras", "--epochs", "3"],
            "expected neither --epochs",
        ),
        (["--spread", "2"], "--spread: expected 0 to 1"),
        (["--paste", "-1"], "--paste: expected 0 to 1"),
        (["--scales", "0"], "--scales: expected numbers above 0, up to 2"),
        (["--scales", "half"], "--scales: expected numbers"),
        (["--rate", "0.001"], "and --start"),
        (["--splits", "test"], "expected train or train,val"),
        (["--splits", "train,val"], "expected --threshold"),
    ],
)
def test_bad_arguments(
    further: list[str],
    message: str,
    tiny_deadleaves: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What cannot work is said in one line."""
    assert main(_arguments(tiny_deadleaves, tmp_path, *further)) == 1
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


def test_a_begun_run_is_not_overwritten(tiny_deadleaves: Path, tmp_path: Path) -> None:
    """Another run in the same folder is refused, and so is going on with other arguments."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "options.json").write_text(json.dumps({"assignment": "cnn"}))
    save_state(run / "checkpoint.zip", State(0, 1, 5.0, [np.zeros(3)], []))
    kept = (run / "checkpoint.zip").read_bytes()
    assert main(_arguments(tiny_deadleaves, tmp_path)) == 1
    assert main(_arguments(tiny_deadleaves, tmp_path, "--resume")) == 1
    assert (run / "checkpoint.zip").read_bytes() == kept


def test_states_survive_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a checkpoint cannot be written, the one before it is still there."""
    path = tmp_path / "checkpoint.zip"
    kept = State(1, 2, 3.5, [np.arange(4.0)], [np.array(7)])
    save = np.save

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(BSDSError, match=r"No space left.*make room and start again"):
        save_state(path, kept)
    assert not path.exists()
    monkeypatch.setattr(np, "save", save)
    save_state(path, kept)
    monkeypatch.setattr(np, "save", full)
    with pytest.raises(BSDSError, match=r"No space left.*still good"):
        save_state(path, State(1, 3, 9.0, [np.zeros(4)], []))
    found = load_state(path)
    assert (found.phase, found.epoch, found.seconds) == (1, 2, 3.5)
    assert np.array_equal(found.weights[0], np.arange(4.0))
    assert found.optimizer[0] == 7
    assert [entry.name for entry in tmp_path.iterdir()] == ["checkpoint.zip"]


def test_damaged_state(tmp_path: Path) -> None:
    """A damaged checkpoint is named."""
    path = tmp_path / "checkpoint.zip"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(BSDSError, match="damaged"):
        load_state(path)


def test_nan_stops(tmp_path: Path) -> None:
    """A loss that is no number ends the training with what to do next, and is not saved."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = np.full((4, 2), np.inf, dtype=np.float32)
    path = tmp_path / "checkpoint.zip"
    both = [callbacks.StopAtNaN(path), callbacks.Checkpoint(path, 0)]
    with pytest.raises(BSDSError, match=r"expected a finite loss, found .* 1; start again with"):
        model.fit(data, np.ones((4, 1)), verbose=0, callbacks=both)
    assert not path.exists()
    path.write_bytes(b"kept")
    with pytest.raises(BSDSError, match="the last checkpoint is still good: go on with --resume"):
        model.fit(data, np.ones((4, 1)), verbose=0, callbacks=both)
    assert path.read_bytes() == b"kept"


@pytest.mark.parametrize("name", ["cnn", "resnet"])
def test_functions_are_the_notebooks(name: str) -> None:
    """The functions come from the solutions notebook, and loading them trains nothing."""
    functions = load_functions(get_assignment(name))
    model = functions["build_cnn"]() if name == "cnn" else functions["build_encoder"]()
    assert isinstance(model, keras.Model)
    assert callable(functions["train_cnn" if name == "cnn" else "train_phase"])

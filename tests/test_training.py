"""Seeds, the time budget, the progress line and batches."""

import importlib.util
import math
import re
import time
from unittest import mock

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bsds_utils import (
    Batches,
    BSDSError,
    LearningRateDecay,
    ProgressBar,
    TimeBudget,
    seed_everything,
    training,
)
from bsds_utils.training import budget_seconds


@pytest.fixture(autouse=True)
def _no_budget(monkeypatch):
    """Keep a budget set outside away from these tests."""
    monkeypatch.delenv("BSDS_TIME_BUDGET", raising=False)
    monkeypatch.delenv("BSDS_TIME_SPENT", raising=False)
    monkeypatch.setattr(training, "_PROCESSOR_SECONDS", None)


@pytest.fixture
def arrays():
    """Return 12 images without symmetry, whose masks are where red is bright."""
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    return images, (images[..., :1] > 127).astype(np.uint8)


def small_model(rate=0.05):
    """Return a compiled model of one pixel, quick to build."""
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(1, 1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.SGD(rate), "binary_crossentropy")
    return model


class Clock:
    """A clock that stands still while nobody waits, so that tests take no time."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """Tell the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """Put such a clock in the place of the real one."""
    clock = Clock()
    monkeypatch.setattr(training, "monotonic", clock)
    return clock


class Delay(keras.callbacks.Callback):
    """Make every training and every validation batch take so many seconds of a clock."""

    def __init__(self, clock, train, validation=0.0):
        super().__init__()
        self.clock, self.train, self.validation = clock, train, validation

    def on_train_batch_begin(self, batch, logs=None):
        """Wait."""
        self.clock.now += self.train

    def on_test_batch_begin(self, batch, logs=None):
        """Wait."""
        self.clock.now += self.validation


def fit(model, arrays, budget, *others, epochs=1000, batch_size=4, validation=True):
    """Train quietly and return the history."""
    batches = Batches(*arrays, batch_size=batch_size)
    return model.fit(
        batches,
        validation_data=Batches(*arrays, batch_size=4) if validation else None,
        epochs=epochs,
        verbose=0,
        callbacks=[budget, *others],
    ).history


class Rates(keras.callbacks.Callback):
    """Note the learning rate of every step."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        """Note it."""
        self.seen.append(float(self.model.optimizer.learning_rate))


def test_the_rate_decays_over_the_epochs(arrays):
    """With time to spare the rate falls along half a cosine over all epochs, nearly to 0."""
    budget, rates = TimeBudget(1000), Rates()
    model = small_model()
    fit(model, arrays, budget, LearningRateDecay(budget), rates, epochs=5)
    steps = len(rates.seen)
    start = rates.seen[0]
    expected = [start * (1 + math.cos(math.pi * step / steps)) / 2 for step in range(steps)]
    # What the clock says may run ahead of the epochs by next to nothing here.
    np.testing.assert_allclose(rates.seen, expected, atol=0.02 * start)


def test_the_rate_decays_over_the_budget(arrays, clock):
    """With more epochs than time the rate is nearly 0 when time is up."""
    budget, rates = TimeBudget(3), Rates()
    fit(small_model(), arrays, budget, LearningRateDecay(budget), rates, Delay(clock, 0.05))
    assert rates.seen == sorted(rates.seen, reverse=True)
    assert rates.seen[-1] < 0.1 * rates.seen[0]


def test_an_interrupted_budget_goes_on(arrays, monkeypatch):
    """What an earlier run spent counts, for the time that is left and for the rate."""
    monkeypatch.setenv("BSDS_TIME_SPENT", "750")
    budget, rates = TimeBudget(1000), Rates()
    assert budget.remaining <= 250
    fit(small_model(), arrays, budget, LearningRateDecay(budget), rates, epochs=1)
    assert rates.seen[0] == pytest.approx(0.05 * (1 + math.cos(0.75 * math.pi)) / 2, rel=0.05)
    monkeypatch.setenv("BSDS_TIME_SPENT", "soon")
    with pytest.raises(BSDSError, match="BSDS_TIME_SPENT: expected a number of seconds"):
        TimeBudget()


def test_the_same_seed_gives_the_same_weights():
    """Seeding fixes initial weights and NumPy's numbers; another seed gives others."""
    weights = []
    for seed in (1, 1, 2):
        seed_everything(seed)
        weights.append((small_model().get_weights()[0], np.random.rand()))
    np.testing.assert_array_equal(weights[0][0], weights[1][0])
    assert weights[0][1] == weights[1][1]
    assert not np.array_equal(weights[0][0], weights[2][0])


def test_the_budget_comes_from_the_environment(monkeypatch):
    """The environment beats the argument, the argument the default; share scales all three."""
    assert budget_seconds() == 180
    assert budget_seconds(60) == 60
    assert budget_seconds(60, share=0.25) == 15
    monkeypatch.setenv("BSDS_TIME_BUDGET", " 8.5 ")
    assert budget_seconds(60) == 8.5
    assert TimeBudget(60, share=0.5).seconds == 4.25


@pytest.mark.parametrize("text", ["soon", "-1", "0", "nan", "inf", "3 minutes"])
def test_a_wrong_budget_is_one_line(text, monkeypatch):
    """A budget that is no positive number is a user's mistake, told in one line."""
    monkeypatch.setenv("BSDS_TIME_BUDGET", text)
    with pytest.raises(BSDSError, match=r"^BSDS_TIME_BUDGET: expected .*found '.*; set it"):
        TimeBudget()


def graded_with(budget, monkeypatch):
    """Return the module as it is where the grader set a budget before it was imported."""
    monkeypatch.setenv("BSDS_PROCESSOR_BUDGET", budget)
    spec = importlib.util.spec_from_file_location("graded_training", training.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_graders_budget_cannot_be_changed(monkeypatch):
    """It counts as it was at the import, whatever the notebook asks for or sets afterwards."""
    graded = graded_with("12", monkeypatch)
    for variable in ("BSDS_PROCESSOR_BUDGET", "BSDS_TIME_BUDGET"):
        monkeypatch.setenv(variable, "1000")
    assert graded.TimeBudget(1000).seconds == 12
    assert graded.TimeBudget(1, share=0.5).seconds == 6
    monkeypatch.delenv("BSDS_PROCESSOR_BUDGET")
    assert graded.budget_seconds() == 12


def test_a_wrong_budget_of_the_grader_is_told(monkeypatch):
    """A budget that is no positive number does not pass for none."""
    with pytest.raises(BSDSError, match=r"^BSDS_PROCESSOR_BUDGET: expected .*found 'much'"):
        graded_with("much", monkeypatch)


def work(seconds):
    """Use so much processor time."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


@pytest.mark.parametrize(("spend", "counts"), [(time.sleep, False), (work, True)])
def test_the_graders_budget_is_work(arrays, monkeypatch, capsys, spend, counts):
    """In grading waiting costs nothing: the budget, the rate and the progress count work."""
    graded = graded_with("1000", monkeypatch)
    budget = graded.TimeBudget()
    bar = graded.ProgressBar(budget)
    epochs = []

    class Spend(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            before = budget.elapsed
            spend(2)
            epochs.append(budget.elapsed - before)

    fit(small_model(), arrays, budget, Spend(), bar, epochs=1)
    assert (epochs[0] >= 2) == counts
    assert (epochs[0] < 1) != counts
    shown = int(re.search(r"0:(\d\d), done", capsys.readouterr().out)[1])
    assert abs(shown - budget.elapsed) <= 1


def test_what_neighbours_take_is_given_back(monkeypatch):
    """Where a second gets less done than it usually does, as the grader says, it counts less."""
    monkeypatch.setenv("BSDS_PROCESSOR_PROBE", "1e-6")
    budget = graded_with("100", monkeypatch).TimeBudget()
    budget.on_train_begin()
    began = time.process_time()
    work(1)
    assert budget.elapsed < 0.8 * (time.process_time() - began)


def test_a_loop_of_ones_own_can_ask_for_the_time(monkeypatch):
    """Who trains without ``fit`` starts the clock and asks what remains."""
    budget = graded_with("1", monkeypatch).TimeBudget()
    assert budget.remaining == 1
    budget.on_train_begin()
    rounds = 0
    while budget.remaining > 0:
        work(0.2)
        rounds += 1
    assert rounds == 5


@pytest.mark.parametrize(
    "wrong",
    [{"seconds": 0}, {"seconds": -3}, {"share": 0}, {"share": 1.1}, {"mode": "up"}],
)
def test_wrong_arguments_are_named(wrong):
    """An argument out of range is named."""
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))}: expected"):
        TimeBudget(**wrong)


def test_training_ends_near_the_budget(arrays, clock):
    """The budget ends training late enough to be used and early enough to be kept."""
    budget = TimeBudget(4)
    fit(small_model(), arrays, budget, Delay(clock, 0.05, 0.05))
    assert budget.stopped_early
    assert 3.8 < budget.elapsed <= 4


class Pretend:
    """A training run on a clock of its own, calling back as Keras' ``fit`` does."""

    def __init__(self, batch, validation, steps, epochs, compiling=0.0):
        self.batch, self.validation, self.steps, self.epochs = batch, validation, steps, epochs
        self.compiling = compiling
        self.now = 0.0
        self.stop_training = False

    def clock(self):
        """Tell the time."""
        return self.now

    def get_weights(self):
        """Return the time as the model's weights."""
        return [self.now]

    def set_weights(self, weights):
        """Keep what is put back."""
        self.restored = weights

    def fit(self, callback):
        """Train until the callback says stop; return the number of epochs."""
        callback.set_model(self)
        callback.set_params({"epochs": self.epochs, "steps": self.steps})
        callback.on_train_begin()
        for epoch in range(self.epochs):
            for step in range(self.steps):
                callback.on_train_batch_begin(step)
                self.now += self.batch
                callback.on_train_batch_end(step, {"loss": 1.0})
                if self.stop_training:
                    break
            callback.on_test_begin()
            for step in range(2):
                callback.on_test_batch_begin(step)
                # Only the first validation's first batch compiles.
                self.now += self.validation / 2 + self.compiling * (epoch == step == 0)
                callback.on_test_batch_end(step, {"loss": 1.0})
            callback.on_test_end()
            callback.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 1 / (epoch + 1)})
            if self.stop_training:
                break
        callback.on_train_end()
        return epoch + 1


@settings(max_examples=300, deadline=None)
@given(
    batch=st.floats(0.01, 5),
    validation=st.floats(0.01, 20),
    steps=st.integers(1, 30),
    seconds=st.floats(0.1, 200),
)
def test_the_budget_is_kept_and_used(batch, validation, steps, seconds):
    """Overshoot: none once a validation was timed, else one batch and one validation.

    And when training stops, too little time is left for an epoch worth having.
    """
    run = Pretend(batch, validation, steps, epochs=100_000)
    with mock.patch.object(training, "monotonic", run.clock):
        budget = TimeBudget(seconds)
        epochs = run.fit(budget)
    assert budget.stopped_early
    assert budget.elapsed == run.now
    tiny = 1e-9 * run.now
    if epochs > 1:
        assert budget.elapsed <= seconds + tiny
    # A first epoch that fits exactly is followed by its validation, of which nothing is known.
    assert budget.elapsed <= seconds + batch + validation + tiny
    assert seconds - budget.elapsed <= 2 * validation + batch + tiny
    assert budget.best_epoch == epochs - 1
    assert run.restored == [run.now]


@settings(max_examples=50, deadline=None)
@given(steps=st.integers(1, 9), epochs=st.integers(1, 9))
def test_training_that_fits_is_not_stopped(steps, epochs):
    """A run that ends exactly with the budget is not called stopped early."""
    run = Pretend(batch=1.0, validation=0.5, steps=steps, epochs=epochs)
    with mock.patch.object(training, "monotonic", run.clock):
        budget = TimeBudget(epochs * (steps + 0.5) + 2)
        assert run.fit(budget) == epochs
    assert not budget.stopped_early


def test_compiling_is_not_expected_again():
    """A first validation that takes long because it compiles does not end training early."""
    run = Pretend(batch=1.0, validation=2.0, steps=3, epochs=100, compiling=30.0)
    with mock.patch.object(training, "monotonic", run.clock):
        budget = TimeBudget(50)
        # 3 + 32 s, then 3 + 2 s a time: at 45 s, 5 s are left, of which a validation needs 2.
        assert run.fit(budget) == 3
    assert budget.elapsed == 45


def test_a_budget_shorter_than_an_epoch_leaves_a_valid_model(arrays, clock):
    """A cut first epoch is validated, counts as the best, and leaves its weights."""
    model = small_model()
    budget = TimeBudget(0.05)
    history = fit(model, arrays, budget, Delay(clock, 0.1), batch_size=1)
    assert budget.stopped_early
    assert budget.best_epoch == 0
    assert len(history["val_loss"]) == 1
    assert budget.best == pytest.approx(history["val_loss"][0])
    assert model.evaluate(Batches(*arrays), verbose=0) == pytest.approx(budget.best, rel=1e-5)


def test_enough_time_means_no_early_stop(arrays):
    """Training that ends by itself is not called stopped early."""
    budget = TimeBudget(60)
    history = fit(small_model(), arrays, budget, epochs=2)
    assert not budget.stopped_early
    assert len(history["loss"]) == 2
    assert 0 < budget.elapsed < 60
    elapsed = budget.elapsed
    time.sleep(0.01)
    assert budget.elapsed == elapsed


class Worsen(keras.callbacks.Callback):
    """Write a chosen value of a metric into the logs of each epoch."""

    def __init__(self, name, values):
        super().__init__()
        self.name, self.values, self.weights = name, values, []

    def on_epoch_end(self, epoch, logs=None):
        """Remember the epoch's weights."""
        logs[self.name] = self.values[epoch]
        self.weights.append(self.model.get_weights())


@pytest.mark.parametrize(
    ("monitor", "mode", "values", "best"),
    [
        ("val_loss", "auto", [3.0, 1.0, 2.0, 1.0], 1),
        ("val_iou", "auto", [0.1, 0.3, float("nan"), 0.2], 1),
        ("val_iou_loss", "auto", [0.3, 0.2, 0.1, 0.4], 2),
        ("val_score", "max", [0.1, 0.2, 0.3, 0.2], 2),
        ("val_loss", "min", [float("nan"), 2.0, 3.0, 3.0], 1),
    ],
)
def test_the_best_weights_come_back(arrays, monitor, mode, values, best):
    """After training the model has the weights of the best epoch, the first of equals."""
    model = small_model()
    budget = TimeBudget(60, monitor=monitor, mode=mode)
    log = Worsen(monitor, values)
    model.fit(*arrays, validation_data=arrays, epochs=4, verbose=0, callbacks=[log, budget])
    assert budget.best_epoch == best
    assert budget.best == values[best]
    for ours, theirs in zip(model.get_weights(), log.weights[best], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_last_weights_stay_if_asked(arrays):
    """With restore_best=False the weights are those of the last epoch."""
    model = small_model()
    log = Worsen("val_loss", [1.0, 2.0])
    budget = TimeBudget(60, restore_best=False)
    model.fit(*arrays, validation_data=arrays, epochs=2, verbose=0, callbacks=[log, budget])
    assert budget.best_epoch == 0
    np.testing.assert_array_equal(model.get_weights()[0], log.weights[1][0])


def test_a_monitor_that_is_never_measured_is_told(arrays, capsys):
    """Without validation data the last weights stay, and a line says so."""
    budget = TimeBudget(60)
    fit(small_model(), arrays, budget, epochs=1, validation=False)
    assert "no 'val_loss' among loss" in capsys.readouterr().out
    assert budget.best is None


def test_a_budget_can_be_used_again(arrays):
    """A second fit has the whole budget again and forgets the first one's best."""
    budget = TimeBudget(60)
    model = small_model()
    fit(model, arrays, budget, epochs=1)
    model.compile(keras.optimizers.SGD(1e-9), "mae")
    history = fit(model, arrays, budget, epochs=1)
    assert budget.best == pytest.approx(history["val_loss"][0])
    assert budget.elapsed < 30


def test_progress_is_one_line_per_epoch(arrays, capsys, clock):
    """Each epoch prints one line with its number, the clock, what is left and its values."""
    fit(small_model(), arrays, ProgressBar(), Delay(clock, 0.01), epochs=3)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, start=1):
        left = r"done" if number == 3 else r"\d+:\d\d left"
        assert re.fullmatch(
            rf"epoch {number}/3  0:\d\d, {left}  loss \d\.\d{{4}}  val_loss \d\.\d{{4}}", line
        )


def test_progress_knows_the_budget(arrays, capsys, clock):
    """The time left never exceeds the budget, and nothing is left after its end."""
    budget = TimeBudget(2)
    fit(small_model(), arrays, budget, ProgressBar(budget), Delay(clock, 0.05))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    for line in lines[:-1]:
        spent, left = (int(re.search(rf"0:(\d\d){end}", line)[1]) for end in (",", " left"))
        assert spent + left <= 3  # each is rounded
    assert "done" in lines[-1]


def test_batches_are_what_models_take(arrays):
    """Batches are float32 images in 0–255 and float32 masks in {0, 1}, in order, all of them."""
    images, masks = arrays
    batches = Batches(images, masks, batch_size=5)
    assert len(batches) == 3
    pairs = [batches[index] for index in range(3)]
    assert [len(image) for image, _ in pairs] == [5, 5, 2]
    for image, mask in pairs:
        assert image.dtype == mask.dtype == np.float32
        assert image.shape[1:] == (8, 8, 3)
        assert mask.shape[1:] == (8, 8, 1)
    np.testing.assert_array_equal(np.concatenate([image for image, _ in pairs]), images)
    np.testing.assert_array_equal(np.concatenate([mask for _, mask in pairs]), masks)
    with pytest.raises(IndexError):
        batches[3]


def test_augmentation_moves_image_and_mask_together(arrays):
    """Every augmented pair is a flip or turn of one sample, its mask moved alike."""
    images, masks = arrays
    batches = Batches(images, masks, batch_size=12, augment=True, seed=3)
    moved = batches[0][0]
    np.testing.assert_array_equal(batches[0][1], moved[..., :1] > 127)
    variants = {
        np.ascontiguousarray(np.rot90(image[:, ::step], turns)).tobytes(): (sample, step, turns)
        for sample, image in enumerate(images)
        for step in (1, -1)
        for turns in range(4)
    }
    seen = set()
    for _ in range(12):
        batches.on_epoch_begin()
        found = [variants[image.astype(np.uint8).tobytes()] for image in batches[0][0]]
        assert sorted(sample for sample, _, _ in found) == list(range(12))
        seen |= {(step, turns) for _, step, turns in found}
    assert len(seen) == 8


def test_batches_depend_on_seed_and_epoch_alone(arrays):
    """The same seed gives the same epochs; epochs and seeds differ among each other."""

    def epochs(seed):
        batches = Batches(*arrays, batch_size=12, augment=True, seed=seed)
        result = []
        for _ in range(3):
            batches.on_epoch_begin()
            result.append(batches[0][0])
        return np.stack(result)

    first = epochs(1)
    np.testing.assert_array_equal(first, epochs(1))
    assert not np.array_equal(first, epochs(2))
    assert not np.array_equal(first[0], first[1])


def test_shuffle_without_augmentation_only_reorders(arrays):
    """Shuffled batches hold the same samples in another order."""
    batches = Batches(*arrays, batch_size=12, shuffle=True, seed=1)
    images = batches[0][0]
    assert not np.array_equal(images, arrays[0])
    assert sorted(image.tobytes() for image in images) == sorted(
        image.astype(np.float32).tobytes() for image in arrays[0]
    )


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"images": np.zeros((2, 4, 4, 3))}, TypeError, "images: expected uint8"),
        ({"masks": np.zeros((2, 4, 5, 1))}, ValueError, r"masks: expected shape \(2, 4, 4, 1\)"),
        ({"masks": np.zeros((3, 4, 4, 1))}, ValueError, r"masks: .*found \(3, 4, 4, 1\)"),
        ({"masks": np.full((2, 4, 4, 1), 255)}, ValueError, "masks: .*the value 255"),
        ({"batch_size": 0}, ValueError, "batch_size: expected at least 1"),
        (
            {"images": np.zeros((2, 4, 6, 3), np.uint8), "masks": np.zeros((2, 4, 6, 1))},
            ValueError,
            "images: expected square ones",
        ),
    ],
)
def test_wrong_batches_are_named(change, error, message):
    """Arrays that do not fit each other raise an error that says which."""
    good = {"images": np.zeros((2, 4, 4, 3), np.uint8), "masks": np.zeros((2, 4, 4))}
    Batches(**good, augment=True)
    with pytest.raises(error, match=message):
        Batches(**(good | change), augment=True)

"""Rates set before every step: one cycle, a rise at the start; and lr_find."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import layers
from hornbeam.callbacks import BackupAndRestore, Callback, OneCycle, WarmUp, lr_find
from hornbeam.models import Sequential
from hornbeam.optimizers import schedules
from hornbeam.training.rate_finder import RateTable

X = np.random.RandomState(0).rand(20, 3).astype("float32")
Y = X.sum(1, keepdims=True)


class Rates(Callback):
    """The rate that every step had."""

    def __init__(self):
        self.found = []

    def on_batch_end(self, batch, logs=None):
        self.found.append(float(K.get_value(self.model.optimizer.lr)))


@pytest.fixture(scope="module")
def model():
    model = Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


def fit(model, *callbacks, lr=0.01, epochs=2, **kwargs):
    model.optimizer.lr = lr
    seen = Rates()
    history = model.fit(X, Y, batch_size=5, epochs=epochs, verbose=0, callbacks=[*callbacks, seen], **kwargs)
    return seen.found, history


def test_one_cycle_rises_to_its_peak_and_falls_over_the_whole_training(model):
    found, history = fit(model, OneCycle(0.1, warmup_fraction=0.25))
    # 2 epochs of 4 steps; the rise takes 2: 0.1/25, then half way up, 0.5 (0.1 + 0.1/25), and the peak
    np.testing.assert_allclose(found[:3], [0.004, 0.052, 0.1], rtol=1e-5)
    assert found[2:] == sorted(found[2:], reverse=True)
    wanted = [float(schedules.OneCycle(0.1, 8, 0.25)(step)) for step in range(8)]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert history.history["lr"] == [found[3], found[7]]


def test_warm_up_ends_at_the_optimizers_rate_and_leaves_it_alone(model):
    found, _ = fit(model, WarmUp(4), lr=0.2)
    np.testing.assert_allclose(found, [0.0, 0.05, 0.1, 0.15, 0.2, 0.2, 0.2, 0.2], rtol=1e-6)


def test_a_rise_goes_on_after_a_restart(model, tmp_path):
    class Stop(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, WarmUp(8), Stop(), BackupAndRestore(tmp_path), lr=0.2)
    found, _ = fit(model, WarmUp(8), BackupAndRestore(tmp_path), lr=0.7)
    np.testing.assert_allclose(found, [0.0, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175], rtol=1e-6)


def test_the_warm_up_schedule_goes_before_another_and_is_stored_with_it():
    schedule = schedules.WarmUp(schedules.ExponentialDecay(1.0, 10, 0.5), 4, first=0.5)
    again = schedules.deserialize(schedules.serialize(schedule))
    for step, wanted in [(0, 0.5), (2, 0.75), (4, 1.0), (24, 0.25)]:
        assert float(schedule(step)) == pytest.approx(wanted)
        assert float(again(step)) == pytest.approx(wanted)
    assert float(schedules.WarmUp(0.3, 10)(5)) == pytest.approx(0.15)


def test_a_generator_of_unknown_length_needs_total_steps(model):
    callback = OneCycle(0.1)
    callback.set_params({"epochs": 3, "samples": None, "steps": None})
    with pytest.raises(ValueError, match="Give total_steps"):
        callback.on_train_begin()


@pytest.mark.parametrize("steps", [0, 1.5, True])
def test_wrong_arguments_are_answered(steps):
    with pytest.raises(ValueError, match="WarmUp: steps must be a whole number of steps from 1 on"):
        WarmUp(steps)


# --- lr_find ---


def test_lr_find_gives_a_table_and_puts_everything_back(model, tmp_path):
    fit(model)
    model.set_weights([np.full((3, 1), 4.0), np.zeros(1)])
    before, history = model.get_weights(), model.history
    draws = np.random.get_state()
    table = lr_find(model, X, Y, batch_size=5, lowest=1e-5, highest=100.0, steps=40, plot=tmp_path / "rates.png")
    assert model.history is history
    assert float(K.get_value(model.optimizer.lr)) == pytest.approx(0.01)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(np.random.get_state()[1], draws[1])
    assert np.random.get_state()[2] == draws[2]
    assert (tmp_path / "rates.png").stat().st_size > 1000
    assert 1e-5 < table.suggestion < 5.0
    assert len(table.rates) < 40  # it ended when the loss had grown
    assert list(table.to_frame().columns) == ["lr", "loss", "smoothed"]
    np.testing.assert_allclose(np.diff(np.log(table.rates)), np.log(1e7) / 39, rtol=1e-6)


def test_the_suggestion_is_where_the_loss_falls_fastest_before_its_lowest():
    # falls over log lr: 0.1, then 0.5, then it grows
    assert RateTable([0.1, 1.0, 10.0, 100.0], [], [2.0, 1.9, 1.4, 9.0]).suggestion == 1.0
    assert RateTable([0.1, 1.0], [], [1.0, 2.0]).suggestion is None
    assert "never fell" in repr(RateTable([0.1, 1.0], [], [1.0, 2.0]))


def test_lr_find_answers_rates_that_do_not_grow(model):
    with pytest.raises(ValueError, match="lowest=1.0, highest=0.1"):
        lr_find(model, X, Y, lowest=1.0, highest=0.1)

"""ReduceLROnPlateau beside Keras, and LearningRateScheduler."""

import types

import keras
import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.training.callbacks import History, LearningRateScheduler, ReduceLROnPlateau
from hornbeam.training.hooks import CallbackList


def model_with(rate):
    """A model as far as these callbacks look."""
    return types.SimpleNamespace(optimizer=types.SimpleNamespace(lr=K.variable(rate)), stop_training=False)


def run(callback, values, rate=1.0):
    """Train through losses; returns the learning rate of each epoch as the history saw it, and the last."""
    history = History()
    model = model_with(rate)
    callbacks = CallbackList([callback, history], model=model, metrics=["loss"])
    callbacks.on_train_begin()
    for epoch, value in enumerate(values):
        callbacks.on_epoch_begin(epoch)
        callbacks.on_epoch_end(epoch, {"loss": value})
    return history.history["lr"], float(K.get_value(model.optimizer.lr))


SERIES = {
    "flat": [1.0] * 8,
    "falling": [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
    "stairs": [5.0, 5.0, 5.0, 3.0, 3.0, 3.0, 3.0, 3.0],
    "slow": [1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65],
}


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize(
    "settings",
    [{"patience": 2}, {"patience": 1, "cooldown": 2}, {"patience": 1, "min_lr": 0.2, "factor": 0.5},
     {"patience": 1, "min_delta": 0.1}, {"patience": 3, "mode": "max"}, {"patience": 0}],
    ids=str,
)  # fmt: skip
def test_reduces_when_keras_does(series, settings):
    settings = {"mode": "min", **settings}
    theirs = keras.callbacks.ReduceLROnPlateau("loss", **settings)
    optimizer = keras.optimizers.SGD(1.0)
    theirs.set_model(types.SimpleNamespace(optimizer=optimizer))
    theirs.on_train_begin()
    expected = []
    for epoch, value in enumerate(SERIES[series]):
        expected.append(float(optimizer.learning_rate))
        theirs.on_epoch_end(epoch, {"loss": value})
    rates, last = run(ReduceLROnPlateau("loss", **settings), SERIES[series])
    np.testing.assert_allclose(rates, expected, rtol=1e-6)
    np.testing.assert_allclose(last, float(optimizer.learning_rate), rtol=1e-6)


def test_the_old_name_of_min_delta():
    with pytest.warns(DeprecationWarning, match="`epsilon` is now `min_delta`"):
        plateau = ReduceLROnPlateau(epsilon=123)
    assert plateau.min_delta == 123


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match="takes no argument 'patence'. Did you mean 'patience'"):
        ReduceLROnPlateau(patence=3)


def test_the_factor_must_reduce():
    with pytest.raises(ValueError, match="factor must be below 1"):
        ReduceLROnPlateau(factor=1.0)


def test_the_least_rate_is_reached_once(capsys):
    # 0.001 is kept as float32, a little above the Python number: that is no reason to reduce again and again.
    run(ReduceLROnPlateau("loss", patience=1, min_lr=0.001, verbose=1), SERIES["flat"], rate=0.01)
    assert capsys.readouterr().out == "Epoch 00002: ReduceLROnPlateau reducing learning rate to 0.001.\n"


def test_classic_order_of_arguments():
    plateau = ReduceLROnPlateau("acc", 0.5, 3, 1, "max", 0.2, 4, 0.01)
    assert (plateau.monitor, plateau.factor, plateau.patience, plateau.verbose) == ("acc", 0.5, 3, 1)
    assert (plateau.mode, plateau.min_delta, plateau.cooldown, plateau.min_lr) == ("max", 0.2, 4, 0.01)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (lambda epoch: 1 / (epoch + 1), [1, 1 / 2, 1 / 3]),
        (lambda epoch, lr: lr / 2, [1 / 2, 1 / 4, 1 / 8]),
        (lambda epoch: np.float32(0.25), [0.25] * 3),
        (lambda epoch: 1, [1] * 3),
    ],
)
def test_schedules(schedule, rates):
    got, _ = run(LearningRateScheduler(schedule), [0.0] * 3)
    np.testing.assert_allclose(got, rates, rtol=1e-6)


def test_an_error_within_the_schedule_is_not_taken_for_the_old_form():
    def schedule(epoch, lr):
        return lr + "1"

    with pytest.raises(TypeError, match="unsupported operand"):
        run(LearningRateScheduler(schedule), [0.0])


@pytest.mark.parametrize("result", [None, "0.1", True, [0.1, 0.2]])
def test_a_schedule_must_return_a_number(result):
    with pytest.raises(ValueError, match=r"schedule\(0\) must return a number"):
        run(LearningRateScheduler(lambda epoch: result), [0.0])


def test_a_schedule_must_be_a_function():
    with pytest.raises(TypeError, match="takes a function"):
        LearningRateScheduler(0.1)


def test_what_the_scheduler_says(capsys):
    run(LearningRateScheduler(lambda epoch: 0.5, verbose=1), [0.0])
    assert capsys.readouterr().out == "Epoch 00001: LearningRateScheduler setting learning rate to 0.5.\n"


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [(object(), "has no `lr`"), (types.SimpleNamespace(lr=lambda step: 0.1), "no number that can be set")],
)
def test_an_optimizer_whose_rate_cannot_be_set(optimizer, message):
    scheduler = LearningRateScheduler(lambda epoch: 0.1)
    scheduler.set_model(types.SimpleNamespace(optimizer=optimizer))
    with pytest.raises(ValueError, match=message):
        scheduler.on_epoch_begin(0)


def test_a_rate_that_is_a_plain_number_is_set_as_well():
    scheduler = LearningRateScheduler(lambda epoch, lr: lr / 2)
    scheduler.set_model(types.SimpleNamespace(optimizer=types.SimpleNamespace(lr=0.5)))
    scheduler.on_epoch_begin(0)
    assert scheduler.model.optimizer.lr == 0.25

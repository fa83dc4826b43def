"""Learning-rate schedules: Keras 3 and optax agree at many steps, at once and traced."""

import keras
import numpy as np
import optax
import pytest

from hornbeam import backend as K
from hornbeam.optimizers import schedules

STEPS = [0, 1, 3, 9, 10, 11, 19, 20, 25, 30, 31, 49, 50, 69, 71, 100, 150]

CASES = [
    ("ExponentialDecay", (0.1, 10, 0.5)),
    ("ExponentialDecay", (0.1, 10, 0.5, True)),
    ("PiecewiseConstantDecay", ([10, 30], [1.0, 0.5, 0.1])),
    ("PiecewiseConstantDecay", ([20], [0.3, 0.2])),
    ("PolynomialDecay", (0.1, 30)),
    ("PolynomialDecay", (0.1, 30, 0.01, 2.0)),
    ("PolynomialDecay", (0.1, 20, 0.01, 0.5, True)),
    ("InverseTimeDecay", (0.1, 10, 0.5)),
    ("InverseTimeDecay", (0.1, 10, 0.5, True)),
    ("CosineDecay", (0.1, 50)),
    ("CosineDecay", (0.1, 50, 0.2)),
    ("CosineDecay", (0.01, 50, 0.1, "warm", 0.3, 20)),
    ("CosineDecay", (0.01, 50, 0.1, "warm", 0.3, 0)),
    ("CosineDecayRestarts", (0.1, 9)),
    ("CosineDecayRestarts", (0.1, 11, 1.0, 0.5, 0.1)),
    ("CosineDecayRestarts", (0.1, 7, 1.5, 0.8)),
]


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_like_keras(name, arguments):
    ours = getattr(schedules, name)(*arguments)
    theirs = getattr(keras.optimizers.schedules, name)(*arguments)
    expected = keras.ops.vectorized_map(theirs, keras.ops.convert_to_tensor(STEPS, "int32"))
    np.testing.assert_allclose(ours(np.array(STEPS, "int32")), expected, rtol=1e-5, atol=1e-7)
    assert ours.get_config() == theirs.get_config()


@pytest.mark.parametrize("arguments", [(0.3, 100), (1.0, 120, 0.1, 10.0, 100.0)])
def test_one_cycle_like_optax(arguments):
    peak, total, *rest = arguments
    expected = optax.cosine_onecycle_schedule(total, peak, *rest)
    ours = schedules.OneCycle(*arguments)
    wanted = [float(expected(step)) for step in STEPS]
    np.testing.assert_allclose(ours(np.array(STEPS)), wanted, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("name", "arguments"), [*CASES, ("OneCycle", (1.0, 100))])
def test_config_round_trip_and_traced_step(name, arguments):
    first = getattr(schedules, name)(*arguments)
    second = schedules.deserialize(schedules.serialize(first))
    assert type(second) is type(first)
    step = K.placeholder(shape=(), dtype="int32")
    compiled = K.function([step], [second(step)])
    for value in (0, 17, 80):
        assert float(compiled([value])[0]) == pytest.approx(float(first(value)), rel=1e-5, abs=1e-7)


def test_configuration_as_keras_stores_it():
    stored = keras.optimizers.schedules.serialize(keras.optimizers.schedules.CosineDecay(0.1, 50))
    assert schedules.deserialize(stored).get_config() == schedules.CosineDecay(0.1, 50).get_config()


@pytest.mark.parametrize(("made", "message"), [
    (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps must be a number above 0; got 0"),
    (lambda: schedules.PiecewiseConstantDecay([1], [0.1]), "1 boundaries and 1 values"),
    (lambda: schedules.OneCycle(0.1, 10, warmup_fraction=1), "warmup_fraction must be a number between 0 and 1"),
    (lambda: schedules.deserialize("CosinDecay"), "Did you mean 'CosineDecay'"),
])  # fmt: skip
def test_errors(made, message):
    with pytest.raises(ValueError, match=message):
        made()


def test_a_schedule_without_call_says_so():
    with pytest.raises(TypeError, match="Define __call__"):
        schedules.LearningRateSchedule()(0)

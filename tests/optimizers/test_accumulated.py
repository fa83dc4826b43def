"""Adagrad and Ftrl: the classic formula by hand, Keras 3 where it agrees."""

import keras
import numpy as np
import pytest

from hornbeam.optimizers import Adagrad, Ftrl


@pytest.mark.parametrize(("epsilon", "decay", "first"), [(None, 0.0, 0.0), (0.5, 0.2, 0.3)])
def test_adagrad_by_hand(run, by_hand, assert_close, epsilon, decay, first):
    outside = 1e-7 if epsilon is None else epsilon

    def rule(w, g, t, memory):
        a = memory["a"] = memory.get("a", first) + g**2
        return w - 0.1 / (1 + decay * (t - 1)) * g / (np.sqrt(a) + outside)

    assert_close(run(Adagrad(0.1, epsilon, decay, initial_accumulator_value=first)), by_hand(rule))


def test_adagrad_like_keras(run, run_keras, assert_close):
    # With a sum that starts at 0.1 the epsilons, inside or outside the root, are too small to see.
    expected = run_keras(keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.1, epsilon=1e-12))
    assert_close(run(Adagrad(0.1, epsilon=1e-12, initial_accumulator_value=0.1)), expected)


def test_adagrad_starts_at_zero_unlike_keras_3():
    assert float(Adagrad().init([np.ones(3, "float32")])["accumulator"][0].sum()) == 0.0
    assert Adagrad().get_config() == {"lr": 0.01, "epsilon": 1e-7, "decay": 0.0, "initial_accumulator_value": 0.0}


@pytest.mark.parametrize("settings", [
    {}, {"learning_rate_power": -0.8, "beta": 0.3},
    {"l1_regularization_strength": 0.05, "l2_regularization_strength": 0.1,
     "l2_shrinkage_regularization_strength": 0.2},
])  # fmt: skip
def test_ftrl_like_keras(run, run_keras, assert_close, settings):
    assert_close(run(Ftrl(0.1, **settings)), run_keras(keras.optimizers.Ftrl(0.1, **settings)), tolerance=3e-5)


def test_ftrl_by_hand(run, by_hand, assert_close):
    def rule(w, g, t, memory):
        n = memory.get("n", 0.1)
        memory["n"] = n + g**2
        z = memory["z"] = memory.get("z", 0.0) + g - (np.sqrt(n + g**2) - np.sqrt(n)) / 0.1 * w
        return (np.clip(z, -0.2, 0.2) - z) / (np.sqrt(n + g**2) / 0.1)

    assert_close(run(Ftrl(0.1, l1_regularization_strength=0.2)), by_hand(rule), tolerance=3e-5)

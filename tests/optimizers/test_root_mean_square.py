"""RMSprop and Adadelta: classic formulas by hand, Keras 3 where epsilon is too small to tell them apart."""

import keras
import numpy as np
import pytest

from hornbeam.optimizers import Adadelta, RMSprop


@pytest.mark.parametrize(("rho", "epsilon", "decay"), [(0.9, None, 0.0), (0.5, 0.3, 0.05)])
def test_rmsprop_by_hand(run, by_hand, assert_close, rho, epsilon, decay):
    outside = 1e-7 if epsilon is None else epsilon  # None means K.epsilon(), and it stands outside the root

    def rule(w, g, t, memory):
        a = memory["a"] = rho * memory.get("a", 0.0) + (1 - rho) * g**2
        return w - 0.01 / (1 + decay * (t - 1)) * g / (np.sqrt(a) + outside)

    assert_close(run(RMSprop(0.01, rho, epsilon, decay)), by_hand(rule))


@pytest.mark.parametrize("settings", [
    {}, {"rho": 0.7}, {"momentum": 0.8}, {"centered": True}, {"momentum": 0.5, "centered": True, "rho": 0.8},
])  # fmt: skip
def test_rmsprop_like_keras(run, run_keras, assert_close, settings):
    # At the first step of a centered run a - mean^2 = rho (1 - rho) g^2, so a root of 0 does not occur.
    expected = run_keras(keras.optimizers.RMSprop(0.01, epsilon=1e-14, **settings))
    assert_close(run(RMSprop(lr=0.01, epsilon=1e-9, **settings)), expected, tolerance=3e-5)


@pytest.mark.parametrize(("epsilon", "decay"), [(None, 0.0), (0.01, 0.1)])
def test_adadelta_by_hand(run, by_hand, assert_close, epsilon, decay):
    e = 1e-7 if epsilon is None else epsilon

    def rule(w, g, t, memory):
        a = memory["a"] = 0.95 * memory.get("a", 0.0) + 0.05 * g**2
        u = g * np.sqrt(memory.get("d", 0.0) + e) / np.sqrt(a + e)
        memory["d"] = 0.95 * memory.get("d", 0.0) + 0.05 * u**2
        return w - 1.0 / (1 + decay * (t - 1)) * u

    assert_close(run(Adadelta(epsilon=epsilon, decay=decay)), by_hand(rule))


def test_adadelta_like_keras(run, run_keras, assert_close):
    expected = run_keras(keras.optimizers.Adadelta(0.7, rho=0.9, epsilon=1e-4, clipvalue=0.5))
    assert_close(run(Adadelta(0.7, 0.9, 1e-4, clipvalue=0.5)), expected)


def test_classic_defaults():
    assert RMSprop().get_config() == {
        "lr": 0.001, "rho": 0.9, "epsilon": 1e-7, "decay": 0.0, "momentum": 0.0, "centered": False,
    }  # fmt: skip
    assert Adadelta().get_config() == {"lr": 1.0, "rho": 0.95, "epsilon": 1e-7, "decay": 0.0}

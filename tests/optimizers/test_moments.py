"""Adam, AdamW, Adamax and Nadam: classic formulas by hand, Keras 3 where it agrees."""

import keras
import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.optimizers import Adam, Adamax, AdamW, Nadam


def adam_rule(lr=0.01, b1=0.9, b2=0.999, epsilon=1e-7, decay=0.0, amsgrad=False, weight_decay=0.0):
    def rule(w, g, t, memory):
        w = w * (1 - lr * weight_decay)
        m = memory["m"] = b1 * memory.get("m", 0.0) + (1 - b1) * g
        v = memory["v"] = b2 * memory.get("v", 0.0) + (1 - b2) * g**2
        if amsgrad:
            v = memory["largest"] = np.maximum(memory.get("largest", 0.0), v)
        rate = lr / (1 + decay * (t - 1)) * np.sqrt(1 - b2**t) / (1 - b1**t)
        return w - rate * m / (np.sqrt(v) + epsilon)

    return rule


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("settings", [{}, {"b1": 0.5, "b2": 0.9, "epsilon": 0.1, "decay": 0.1}])
def test_adam_by_hand(run, by_hand, assert_close, settings, amsgrad):
    given = [settings.get(k, d) for k, d in (("b1", 0.9), ("b2", 0.999), ("epsilon", None), ("decay", 0.0))]
    assert_close(run(Adam(0.01, *given, amsgrad)), by_hand(adam_rule(amsgrad=amsgrad, **settings)))


@pytest.mark.parametrize("settings", [
    {}, {"amsgrad": True}, {"epsilon": 0.1, "beta_1": 0.8, "beta_2": 0.95}, {"weight_decay": 0.1},
    {"clipvalue": 0.3}, {"global_clipnorm": 0.7},
])  # fmt: skip
def test_adam_like_keras(run, run_keras, assert_close, settings):
    assert_close(run(Adam(lr=0.01, **settings)), run_keras(keras.optimizers.Adam(0.01, **settings)))


def test_adamw_by_hand_and_like_keras(run, run_keras, by_hand, assert_close):
    ours = run(AdamW(0.01, 0.2))
    assert_close(ours, by_hand(adam_rule(weight_decay=0.2)))
    assert_close(ours, run_keras(keras.optimizers.AdamW(0.01, 0.2)))


@pytest.mark.parametrize(("epsilon", "decay"), [(None, 0.0), (0.1, 0.05)])
def test_adamax_by_hand(run, by_hand, assert_close, epsilon, decay):
    e = 1e-7 if epsilon is None else epsilon

    def rule(w, g, t, memory):
        m = memory["m"] = 0.9 * memory.get("m", 0.0) + 0.1 * g
        u = memory["u"] = np.maximum(0.999 * memory.get("u", 0.0), np.abs(g))
        return w - 0.002 / (1 + decay * (t - 1)) / (1 - 0.9**t) * m / (u + e)

    assert_close(run(Adamax(epsilon=epsilon, decay=decay)), by_hand(rule))


def test_adamax_like_keras(run, run_keras, assert_close):
    expected = run_keras(keras.optimizers.Adamax(0.02, 0.8, 0.99, 0.01))
    assert_close(run(Adamax(0.02, 0.8, 0.99, 0.01)), expected)


@pytest.mark.parametrize("schedule_decay", [0.004, 0.3])
def test_nadam_by_hand(run, by_hand, assert_close, schedule_decay):
    def momentum(t):
        return 0.9 * (1 - 0.5 * 0.96 ** (t * schedule_decay))

    def rule(w, g, t, memory):
        product = memory["product"] = memory.get("product", 1.0) * momentum(t)
        m = memory["m"] = 0.9 * memory.get("m", 0.0) + 0.1 * g
        v = memory["v"] = 0.999 * memory.get("v", 0.0) + 0.001 * g**2
        m_bar = (1 - momentum(t)) * g / (1 - product) + momentum(t + 1) * m / (1 - product * momentum(t + 1))
        return w - 0.002 * m_bar / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)

    assert_close(run(Nadam(schedule_decay=schedule_decay)), by_hand(rule))


def test_nadam_with_schedule_decay_one_is_that_of_keras(run, run_keras, assert_close):
    expected = run_keras(keras.optimizers.Nadam(0.01, epsilon=1e-3))
    assert_close(run(Nadam(0.01, epsilon=1e-3, schedule_decay=1.0)), expected)


def test_classic_defaults():
    adam = {"lr": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "decay": 0.0, "amsgrad": False}
    assert Adam().get_config() == adam
    assert Adamax().get_config() == {"lr": 0.002, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "decay": 0.0}
    assert Nadam().get_config() == {
        "lr": 0.002, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "schedule_decay": 0.004,
    }  # fmt: skip
    assert AdamW().get_config() == {
        "learning_rate": 0.001, "weight_decay": 0.004, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7,
        "amsgrad": False,
    }  # fmt: skip


def stepped(optimizer, steps=3):
    weights = [K.variable([[1.0, 2.0]]), K.variable([3.0])]
    for i in range(steps):
        optimizer.apply_gradients([(K.constant([[1.0, -i]]), weights[0]), (K.constant([0.5]), weights[1])])
    return weights


@pytest.mark.parametrize(("amsgrad", "last"), [(False, (1,)), (True, (1, 2))])
def test_adam_weights_in_classic_order(amsgrad, last):
    optimizer = Adam(amsgrad=amsgrad)
    stepped(optimizer)
    # The number of updates, m of all weights, v of all, then the largest v, (1,) where there is no amsgrad.
    shapes = [a.shape for a in optimizer.get_weights()]
    assert shapes == [(), (1, 2), (1,), (1, 2), (1,), last, (1,)]


@pytest.mark.parametrize("dropped", [0, 2])
def test_adam_goes_on_from_stored_weights(dropped, assert_close):
    """With the placeholders that Keras 2.2.4 stores, and without them, as later files are."""
    first = Adam()
    weights = stepped(first)
    stored = first.get_weights()
    copies = [K.variable(w.numpy()) for w in weights]
    second = Adam()
    second.set_weights(stored[: len(stored) - dropped])  # before it has met its weights
    for optimizer, variables in ((first, weights), (second, copies)):
        optimizer.apply_gradients([(K.constant([[2.0, 1.0]]), variables[0]), (K.constant([-1.0]), variables[1])])
    assert int(second.iterations) == 4
    assert_close([w.numpy() for w in copies], [w.numpy() for w in weights], tolerance=0)


def test_nadam_schedule_follows_from_the_number_of_updates():
    first, second = Nadam(), Nadam()
    stepped(first, 5)
    stepped(second, 1)
    second.set_weights(first.get_weights())
    assert float(second.state["m_schedule"]) == pytest.approx(float(first.state["m_schedule"]), rel=1e-6)

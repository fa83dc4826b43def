"""SGD and Lion: classic formulas by hand, Keras 3 where it agrees."""

import keras
import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.optimizers import SGD, Lion


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 0.0), (0.9, 0.0), (0.5, 0.1)])
def test_sgd_by_hand(run, by_hand, assert_close, momentum, decay, nesterov):
    def rule(w, g, t, memory):
        lr = 0.01 / (1 + decay * (t - 1))  # decay counts updates from 0
        v = memory["v"] = momentum * memory.get("v", 0.0) - lr * g
        return w + momentum * v - lr * g if nesterov else w + v

    assert_close(run(SGD(0.01, momentum, decay, nesterov)), by_hand(rule))


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}])
def test_sgd_like_keras(run, run_keras, assert_close, settings):
    expected = run_keras(keras.optimizers.SGD(0.02, weight_decay=0.01, **settings))
    assert_close(run(SGD(lr=0.02, weight_decay=0.01, **settings)), expected)


def test_sgd_keeps_velocities_only_for_momentum():
    weight = K.variable(np.ones((2, 3)))
    assert SGD().init([weight]) == {}
    assert SGD(momentum=0.9).init([weight])["velocity"][0].shape == (2, 3)


def test_momentum_set_after_training_began_without():
    weight, optimizer = K.variable([1.0]), SGD(lr=0.5)
    gradient = K.constant([1.0])
    optimizer.apply_gradients([(gradient, weight)])
    K.set_value(optimizer.momentum, 0.5)
    optimizer.apply_gradients([(gradient, weight)])
    optimizer.apply_gradients([(gradient, weight)])
    # 1 - 0.5 = 0.5; velocity from 0: v = -0.5, w = 0; v = 0.5 * -0.5 - 0.5 = -0.75, w = -0.75
    assert weight.numpy().tolist() == [-0.75]


def test_weights_of_plain_sgd_hold_zeros_for_velocities():
    weight, optimizer = K.variable([1.0, 2.0]), SGD()
    optimizer.apply_gradients([(K.constant([1.0, 1.0]), weight)])
    count, velocity = optimizer.get_weights()
    assert count == 1
    assert velocity.tolist() == [0.0, 0.0]
    again = SGD()
    again.build([weight])
    again.set_weights([np.array(7), velocity])
    assert int(again.iterations) == 7
    again.set_weights([np.array(8)])  # as files of later versions hold it
    assert int(again.iterations) == 8


def test_lion_by_hand_and_like_keras(run, run_keras, by_hand, assert_close):
    def rule(w, g, t, memory):
        m = memory.get("m", 0.0)
        memory["m"] = 0.99 * m + 0.01 * g
        return w - 0.003 * np.sign(0.9 * m + 0.1 * g)

    ours = run(Lion(0.003))
    assert_close(ours, by_hand(rule))
    assert_close(ours, run_keras(keras.optimizers.Lion(0.003)))


@pytest.mark.parametrize(("made", "message"), [
    (lambda: SGD(momentum=1.5), "SGD: momentum must be a number from 0 to 1; got 1.5"),
    (lambda: SGD(decay=-1), "SGD: decay must be a number of 0 or more; got -1"),
    (lambda: Lion(beta_1=2), "Lion: beta_1 must be a number from 0 to 1; got 2"),
])  # fmt: skip
def test_numbers_out_of_range(made, message):
    with pytest.raises(ValueError, match=message):
        made()

"""Transformations of optax as optimizers: the same numbers as optax by itself, clear words about what is missing."""

import copy

import numpy as np
import optax
import pytest

from hornbeam import backend as K
from hornbeam import optimizers


@pytest.mark.parametrize("transformation", [
    optax.adam(0.01), optax.adamw(0.01, weight_decay=0.1), optax.sgd(0.1, momentum=0.9),
    optax.chain(optax.clip_by_global_norm(0.5), optax.rmsprop(optax.cosine_decay_schedule(0.1, 40))),
])  # fmt: skip
def test_like_optax_itself(transformation, run, start, gradients, assert_close):
    weights = [np.asarray(w, "float32") for w in start]
    state = transformation.init(weights)
    for g in gradients:
        updates, state = transformation.update([np.asarray(a, "float32") for a in g], state, weights)
        weights = optax.apply_updates(weights, updates)
    assert_close(run(optimizers.get(transformation)), weights, tolerance=1e-6)


def test_apply_gradients_and_weights():
    weight, optimizer = K.variable([1.0, 2.0]), optimizers.get(optax.adam(0.1))
    optimizer.apply_gradients([(K.constant([1.0, -1.0]), weight)])
    np.testing.assert_allclose(weight.numpy(), [0.9, 2.1], rtol=1e-5)
    stored = optimizer.get_weights()
    assert [a.shape for a in stored] == [(), (), (2,), (2,)]  # our count, optax's count, m, v
    twin, again = K.variable(weight.numpy()), optimizers.get(optax.adam(0.1))
    again.set_weights(stored)
    for o, w in ((optimizer, weight), (again, twin)):
        o.apply_gradients([(K.constant([3.0, 1.0]), w)])
    assert twin.numpy().tolist() == weight.numpy().tolist()


def test_get_updates_for_k_function():
    x, w = K.placeholder(shape=(2,)), K.variable([1.0, 2.0])
    step = K.function([x], [], optimizers.get(optax.sgd(0.5)).get_updates(K.sum(w * x), [w]))
    step([np.array([1.0, 2.0])])
    assert w.numpy().tolist() == [0.5, 1.0]


def test_what_is_missing_is_said():
    optimizer = optimizers.get(optax.sgd(0.1))
    assert not hasattr(optimizer, "lr")
    assert not hasattr(optimizer, "learning_rate")
    assert optimizer.variables_read == []
    with pytest.raises(AttributeError, match="lives inside its transformation"):
        _ = optimizer.lr
    with pytest.raises(TypeError, match="cannot be set from outside"):
        optimizer.learning_rate = 0.2
    with pytest.raises(TypeError, match="include_optimizer=False"):
        optimizer.get_config()
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.deepcopy(optimizer)
    with pytest.raises(TypeError, match="functions init and update"):
        optimizers.External(3)

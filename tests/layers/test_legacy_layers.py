"""MaxoutDense and Highway: formulas by NumPy, promises."""

import numpy as np
import pytest

from harness import check_layer
from hornbeam.layers import Highway, Input, MaxoutDense


@pytest.mark.parametrize(
    ("layer", "kwargs"),
    [
        (MaxoutDense, {"output_dim": 3}),
        (MaxoutDense, {"output_dim": 2, "nb_feature": 3, "bias": False, "W_regularizer": "l2"}),
        (Highway, {"activation": "tanh"}),
        (Highway, {"bias": False, "W_constraint": "max_norm"}),
    ],
)
def test_promises(layer, kwargs):
    check_layer(layer, kwargs, input_shape=(4,))


def test_maxout_is_the_largest_of_dense_layers():
    layer = MaxoutDense(3, nb_feature=2, init="normal", input_dim=4)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    y = layer(x)
    W, b = layer.get_weights()
    b[:] = np.arange(6).reshape(2, 3)
    layer.set_weights([W, b])
    y = layer(x)
    np.testing.assert_allclose(y, np.maximum(x @ W[0] + b[0], x @ W[1] + b[1]), rtol=1e-5, atol=1e-6)


def test_highway_mixes_by_its_gate():
    layer = Highway(activation="relu")
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    y = layer(x)
    W, W_carry, b, b_carry = layer.get_weights()
    assert b.tolist() == [0] * 4
    assert b_carry.tolist() == [1] * 4
    gate = 1 / (1 + np.exp(-(x @ W_carry + b_carry)))
    np.testing.assert_allclose(y, gate * np.maximum(x @ W + b, 0) + (1 - gate) * x, rtol=1e-5, atol=1e-6)


def test_errors():
    with pytest.raises(ValueError, match="MaxoutDense: nb_feature must be an integer of at least 1; got 0"):
        MaxoutDense(3, nb_feature=0)
    with pytest.raises(ValueError, match="Highway 'h' needs inputs of rank 2"):
        Highway(name="h")(Input((3, 4)))

"""Activation layers of Keras 1 beside their formulas."""

import numpy as np

from hornbeam.compat.keras1_activations import ParametricSoftplus, SReLU
from hornbeam.models import Sequential

X = np.linspace(-3, 3, 12, dtype="float32").reshape(2, 3, 2)


def test_parametric_softplus():
    layer = ParametricSoftplus(0.5, 2, shared_axes=[1], input_shape=(3, 2))
    found = Sequential([layer]).predict(X)
    np.testing.assert_allclose(found, 0.5 * np.log1p(np.exp(2 * X)), rtol=1e-5)
    assert [w.shape for w in layer.get_weights()] == [(1, 2), (1, 2)]
    assert ParametricSoftplus.from_config(layer.get_config()).shared_axes == [1]


def test_s_shaped():
    layer = SReLU(input_shape=(3, 2))
    model = Sequential([layer])
    left, a_left, distance, a_right = (np.full((3, 2), value) for value in (-1.0, 0.5, -2.0, 0.25))
    layer.set_weights([left, a_left, distance, a_right])
    wanted = np.where(X >= 1, 1 + 0.25 * (X - 1), np.where(X <= -1, -1 + 0.5 * (X + 1), X))
    np.testing.assert_allclose(model.predict(X), wanted, rtol=1e-6)
    assert [w.name.rpartition("/")[2] for w in layer.weights] == ["t_left:0", "a_left:0", "t_right:0", "a_right:0"]

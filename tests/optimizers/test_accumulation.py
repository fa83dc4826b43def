"""gradient_accumulation_steps: a large batch in small pieces."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import optimizers
from hornbeam.layers import Dense
from hornbeam.models import Sequential
from hornbeam.optimizers import SGD, Adam

draw = np.random.default_rng(0)
X = draw.normal(size=(24, 3)).astype("float32")
Y = draw.normal(size=(24, 1)).astype("float32")
START = [draw.normal(size=(3, 1)).astype("float32"), np.zeros(1, "float32")]


def _weights(optimizer, batch_size):
    model = Sequential([Dense(1, input_shape=(3,), kernel_constraint="max_norm")])
    model.set_weights(START)
    model.compile(optimizer, "mse")
    model.fit(X, Y, batch_size=batch_size, epochs=3, shuffle=False, verbose=0)
    return model.get_weights()


@pytest.mark.parametrize(
    "make", [lambda **k: Adam(0.1, clipnorm=0.5, **k), lambda **k: SGD(0.1, **k), lambda **k: SGD(0.1, 0.9, **k)]
)
def test_equal_to_one_step_on_the_large_batch(make):
    large, small = _weights(make(), 12), _weights(make(gradient_accumulation_steps=3), 4)
    for a, b in zip(large, small, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_nothing_moves_until_the_last_of_the_steps():
    w = K.variable([1.0])
    optimizer = SGD(lambda step: 0.5 / (1.0 + step), gradient_accumulation_steps=2)
    for gradient, expected in [(1.0, 1.0), (3.0, 0.0), (2.0, 0.0), (2.0, -0.5)]:  # 1 - .5 * 2, 0 - .25 * 2
        optimizer.apply_gradients([(K.constant([gradient]), w)])
        assert w.numpy().tolist() == [expected]
    assert int(optimizer.iterations) == 4
    assert float(optimizer.lr) == pytest.approx(0.5 / 3)


def test_configuration_and_wrong_numbers():
    made = optimizers.deserialize(optimizers.serialize(Adam(gradient_accumulation_steps=4)))
    assert made.gradient_accumulation_steps == 4
    assert "gradient_accumulation_steps" not in Adam().get_config()
    with pytest.raises(ValueError, match="gradient_accumulation_steps"):
        Adam(gradient_accumulation_steps=1)

"""Activations that are layers: formulas beside Keras 3, PReLU's alpha, errors."""

import keras
import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import backend as K
from hornbeam.layers import ELU, Input, LeakyReLU, PReLU, ReLU, Softmax, ThresholdedReLU


def some(*shape):
    return np.random.default_rng(3).normal(size=shape).astype("float32") * 2


@pytest.mark.parametrize(
    ("layer", "kwargs", "shape"),
    [
        (LeakyReLU, {"alpha": 0.1}, (4,)),
        (LeakyReLU, {"negative_slope": 0.2}, (4,)),
        (PReLU, {"alpha_initializer": "ones", "alpha_regularizer": "l2", "alpha_constraint": "non_neg"}, (3, 4)),
        (PReLU, {"shared_axes": [1, 2]}, (None, None, 3)),
        (PReLU, {"shared_axes": 1}, (None, 3)),
        (ELU, {"alpha": 0.5}, (4,)),
        (ThresholdedReLU, {"theta": 0.5}, (None, 4)),
        (Softmax, {}, (4,)),
        (Softmax, {"axis": 1}, (3, 4)),
        (ReLU, {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.5}, (4,)),
    ],
)
def test_promises(layer, kwargs, shape):
    check_layer(layer, kwargs, input_shape=shape)


@pytest.mark.parametrize(
    ("layer", "oracle"),
    [
        (LeakyReLU(), keras.layers.LeakyReLU()),
        (LeakyReLU(0.1), keras.layers.LeakyReLU(0.1)),
        (ELU(0.7), keras.layers.ELU(0.7)),
        (Softmax(), keras.layers.Softmax()),
        (Softmax(1), keras.layers.Softmax(1)),
        (ReLU(), keras.layers.ReLU()),
        (ReLU(2.0), keras.layers.ReLU(2.0)),
        (ReLU(1.5, 0.2, 0.3), keras.layers.ReLU(1.5, 0.2, 0.3)),
        (ReLU(negative_slope=0.3), keras.layers.ReLU(negative_slope=0.3)),
        (ReLU(threshold=0.5), keras.layers.ReLU(threshold=0.5)),
        (PReLU("random_normal"), keras.layers.PReLU()),
        (PReLU("random_normal", shared_axes=[1]), keras.layers.PReLU(shared_axes=[1])),
    ],
    ids=lambda layer: layer.name,
)
def test_same_as_keras(layer, oracle):
    check_against_keras(layer, oracle, some(3, 4, 5))


def test_thresholded_relu_lets_through_what_is_above():
    x = np.array([[-2.0, 0.5, 1.0, 1.5]], "float32")
    np.testing.assert_array_equal(ThresholdedReLU()(x), [[0, 0, 0, 1.5]])  # 1 is not above 1


def test_leaky_relu_has_the_classic_slope_and_takes_both_names():
    x = np.array([[-1.0]], "float32")
    assert float(LeakyReLU()(x)[0, 0]) == pytest.approx(-0.3)
    assert float(LeakyReLU(negative_slope=0.5)(x)[0, 0]) == pytest.approx(-0.5)
    assert LeakyReLU(negative_slope=0.5).get_config()["alpha"] == 0.5


def test_prelu_learns_one_slope_a_position_or_a_channel():
    own, shared = PReLU(), PReLU(shared_axes=[1, 2])
    own(Input((2, 3, 4)))
    shared(Input((2, 3, 4)))
    assert own.get_weights()[0].shape == (2, 3, 4)
    assert shared.get_weights()[0].shape == (1, 1, 4)
    shared.set_weights([np.arange(4, dtype="float32").reshape(1, 1, 4)])
    y = K.get_value(shared(-np.ones((1, 2, 3, 4), "float32")))
    np.testing.assert_array_equal(y, np.broadcast_to([0, -1, -2, -3], (1, 2, 3, 4)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PReLU(name="p")(Input((None, 4))), "PReLU 'p' makes weights for axis 1 of its inputs, whose size is"),
        (lambda: PReLU(shared_axes=[3], name="p")(Input((2, 4))), r"PReLU 'p': shared_axes=\[3\], but 3 is not an"),
        (lambda: PReLU(shared_axes=[0], name="p")(Input((2,))), "0 is not an axis beside the batch"),
        (lambda: ReLU(max_value=-1), "ReLU: max_value must be a number of 0 or more; got -1"),
        (lambda: ReLU(negative_slope=-0.1), "ReLU: negative_slope must be a number of 0 or more; got -0.1"),
        (lambda: ThresholdedReLU(-1), "ThresholdedReLU: theta must be a number of 0 or more; got -1"),
        (lambda: LeakyReLU("steep"), "LeakyReLU: alpha must be a number; got 'steep'"),
        (lambda: ELU(None), "ELU: alpha must be a number; got None"),
        (lambda: Softmax(3, name="s")(Input((2,))), r"Softmax 's': inputs of shape \(None, 2\) have no axis 3"),
        (lambda: Softmax(name="s")(np.ones(3)), "Softmax 's' needs inputs of rank 2 or more"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()

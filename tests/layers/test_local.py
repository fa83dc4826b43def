"""Locally connected layers: worked numbers, and a convolution when all kernels are equal."""

import numpy as np
import pytest

from harness import check_layer
from hornbeam import backend as K
from hornbeam import layers


def images(*shape):
    return np.random.default_rng(5).normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    ("name", "shape", "kwargs"),
    [
        ("LocallyConnected1D", (6, 2), {"filters": 3, "kernel_size": 3, "strides": 2, "activation": "tanh"}),
        ("LocallyConnected2D", (5, 4, 2), {"filters": 3, "kernel_size": (2, 3), "bias_initializer": "random_normal"}),
        ("LocallyConnected2D", (2, 5, 4), {"filters": 3, "kernel_size": 2, "data_format": "channels_first"}),
    ],
)
def test_promises(name, shape, kwargs):
    check_layer(getattr(layers, name), kwargs, input_shape=shape)


def test_worked_numbers():
    # Windows (1, 2) and (2, 3) of the row 1, 2, 3; kernels (1, 10) and (100, 1000); biases 0.5 and 0.25.
    layer = layers.LocallyConnected1D(1, 2)
    layer.build((None, 3, 1))
    layer.set_weights([np.array([[[1.0], [10.0]], [[100.0], [1000.0]]]), np.array([[0.5], [0.25]])])
    assert K.get_value(layer(np.array([[[1.0], [2.0], [3.0]]]))).ravel().tolist() == [21.5, 3200.25]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_equal_kernels_make_a_convolution(data_format):
    x = images(2, 2, 6, 7) if data_format == "channels_first" else images(2, 6, 7, 2)
    conv = layers.Conv2D(3, (2, 3), 2, data_format=data_format)
    wanted = K.get_value(conv(x))
    kernel = conv.get_weights()[0]
    order = (2, 0, 1, 3) if data_format == "channels_first" else (0, 1, 2, 3)  # Keras 2 flattens windows as they lie
    flat = kernel.transpose(order).reshape(1, -1, 3)
    local = layers.LocallyConnected2D(3, (2, 3), 2, data_format=data_format, use_bias=False)
    local.build(x.shape)
    local.set_weights([np.repeat(flat, 9, axis=0)])
    np.testing.assert_allclose(K.get_value(local(x)), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.LocallyConnected1D(3, 3, padding="same"), "padding must be one of 'valid'; got 'same'"),
        (lambda: layers.LocallyConnected1D(3, 3)(layers.Input((None, 2))), "makes weights for axis 1"),
        (lambda: layers.LocallyConnected2D(3, 5)(layers.Input((4, 4, 2))), "Take a smaller window"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_words_check_the_kernel():
    with pytest.raises(ValueError, match=r"need a kernel of shape \(4, 6, filters\), got \(4, 5, 1\)"):
        K.local_conv1d(images(1, 6, 2), images(4, 5, 1), 3, 1)
    with pytest.raises(ValueError, match=r"output_shape must be \(2, 2\); got \(3, 2\)"):
        K.local_conv2d(images(1, 3, 3, 1), images(4, 4, 1), (2, 2), (1, 1), (3, 2))

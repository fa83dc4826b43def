"""Words of convolution, pooling and size: on symbols and on arrays, and errors that name the cure."""

import numpy as np
import pytest

from hornbeam import backend as K


def some(*shape):
    return np.random.default_rng(5).normal(size=shape).astype("float32")


KERNEL = some(3, 3, 2, 4)
CALLS = {
    "conv1d": ((5, 2), lambda x: K.conv1d(x, some(3, 2, 4), padding="causal", dilation_rate=2)),
    "conv2d": ((5, 6, 2), lambda x: K.conv2d(x, KERNEL, strides=(2, 2), padding="same")),
    "conv3d": ((3, 4, 5, 2), lambda x: K.conv3d(x, some(2, 2, 2, 2, 3))),
    "conv1d_transpose": ((4, 4), lambda x: K.conv1d_transpose(x, some(3, 2, 4), (None, 8, 2), 2, "same")),
    "conv2d_transpose": ((3, 3, 4), lambda x: K.conv2d_transpose(x, KERNEL, (K.shape(x)[0], 6, 5, 2), (2, 2), "same")),
    "conv3d_transpose": ((2, 2, 2, 3), lambda x: K.conv3d_transpose(x, some(2, 2, 2, 1, 3), (None, 3, 3, 3, 1))),
    "depthwise_conv1d": ((5, 2), lambda x: K.depthwise_conv1d(x, some(3, 2, 2))),
    "depthwise_conv2d": ((5, 6, 2), lambda x: K.depthwise_conv2d(x, some(3, 3, 2, 2), padding="same")),
    "separable_conv1d": ((5, 2), lambda x: K.separable_conv1d(x, some(3, 2, 2), some(1, 4, 3))),
    "separable_conv2d": ((5, 6, 2), lambda x: K.separable_conv2d(x, some(3, 3, 2, 1), some(1, 1, 2, 3))),
    "pool1d": ((5, 2), lambda x: K.pool1d(x, 2, 2, "same")),
    "pool2d": ((5, 6, 2), lambda x: K.pool2d(x, (2, 2), pool_mode="avg")),
    "pool3d": ((3, 4, 5, 2), lambda x: K.pool3d(x, (2, 2, 2), (2, 2, 2))),
    "resize_images": ((5, 6, 2), lambda x: K.resize_images(x, 2, 3, "channels_last", "bilinear")),
    "resize_volumes": ((3, 4, 5, 2), lambda x: K.resize_volumes(x, 2, 1, 2, "channels_last")),
    "local_conv1d": ((5, 2), lambda x: K.local_conv1d(x, some(3, 6, 4), 3, 1)),
    "local_conv2d": ((5, 6, 2), lambda x: K.local_conv2d(x, some(4, 12, 4), (2, 3), (2, 2), (2, 2))),
}


@pytest.mark.parametrize("name", CALLS)
def test_symbols_promise_what_arrays_give(name):
    shape, call = CALLS[name]
    x = K.placeholder((None, *shape))
    y = call(x)
    value = some(2, *shape)
    direct = K.get_value(call(value))
    assert y.shape == (None, *direct.shape[1:])
    np.testing.assert_allclose(K.function([x], [y])([value])[0], direct, rtol=1e-5, atol=1e-5)


def test_a_word_computes_the_formula():
    # y[t] = 1 x[t] + 10 x[t + 1]
    y = K.conv1d(np.array([[[1.0], [2.0], [3.0]]], "float32"), np.array([[[1.0]], [[10.0]]], "float32"))
    assert K.get_value(y).ravel().tolist() == [21, 32]


def test_transposed_is_the_way_back():
    # <conv(u), x> = <u, conv_transpose(x)> for every u and x.
    u, x = some(2, 6, 5, 2), some(2, 3, 3, 4)
    there = K.get_value(K.conv2d(u, KERNEL, (2, 2), "same"))
    back = K.get_value(K.conv2d_transpose(x, KERNEL, (2, 6, 5, 2), (2, 2), "same"))
    np.testing.assert_allclose(np.sum(there * x), np.sum(u * back), rtol=1e-4)


def test_gradients_of_symbols():
    x = K.placeholder((None, 4, 4, 1))
    gradient = K.gradients(K.sum(K.pool2d(x, (2, 2), (2, 2))), [x])
    values = np.arange(16.0).reshape(1, 4, 4, 1)
    found = K.function([x], gradient)([values])[0].ravel()
    assert np.flatnonzero(found).tolist() == [5, 7, 13, 15]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: K.conv2d(some(1, 5, 5), KERNEL), "K.conv2d needs x and a kernel of rank 4"),
        (lambda: K.conv2d(some(1, 5, 5, 3), KERNEL), "has 3 channels, which do not fit a kernel of shape"),
        (lambda: K.conv2d(some(1, 5, 5, 4), KERNEL, groups=2, padding="full"), "padding must be one of 'valid'"),
        (lambda: K.conv2d(some(1, 5, 5, 2), KERNEL, padding="causal"), "padding must be one of 'valid', 'same'"),
        (lambda: K.conv2d(some(1, 2, 5, 2), KERNEL), "the window covers 3 places.* has 2"),
        (lambda: K.conv2d(some(1, 5, 5, 2), KERNEL, (2, 2), dilation_rate=(2, 2)), "cannot both be above 1"),
        (lambda: K.conv2d(some(1, 5, 5, 2), KERNEL, data_format="rows"), "data_format must be one of"),
        (lambda: K.conv2d_transpose(some(1, 3, 3, 4), KERNEL, (1, 9, 6, 2), (2, 2), "same"), r"gives \(5, 3\), but x"),
        (lambda: K.conv2d_transpose(some(1, 3, 3, 4), KERNEL, (6, 6)), "output_shape must have 4 sizes"),
        (lambda: K.depthwise_conv2d(some(1, 5, 5, 3), KERNEL), "has 3 channels"),
        (lambda: K.separable_conv2d(some(1, 5, 5, 2), some(3, 3, 2, 1), KERNEL), r"must be \(1, 1\) wide"),
        (lambda: K.pool2d(some(1, 5, 5, 2), (2, 2), pool_mode="mean"), "pool_mode must be 'max' or 'avg'; got 'mean'"),
        (lambda: K.pool2d(some(1, 2, 5, 2), (3, 3)), r"a window of \(3, 3\) does not fit"),
        (lambda: K.resize_images(some(1, 2, 2, 1), 2, 2, None, "cubic"), "interpolation must be 'nearest' or"),
        (lambda: K.resize_images(some(1, 2, 2, 1), 0, 2, None), "each factor must be"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()

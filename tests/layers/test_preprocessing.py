"""Rescaling and Resizing beside Keras 3."""

import keras
import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam.layers import Input, Rescaling, Resizing


def some(*shape):
    return np.random.default_rng(3).normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    ("layer", "kwargs", "shape"),
    [
        (Rescaling, {"scale": 0.5}, (4,)),
        (Rescaling, {"scale": [1.0, 2.0], "offset": [0.0, 1.0]}, (3, 2)),
        (Resizing, {"height": 3, "width": 5}, (4, 4, 2)),
        (Resizing, {"height": 2, "width": 3, "interpolation": "nearest"}, (None, None, 1)),
        (Resizing, {"height": 3, "width": 5, "data_format": "channels_first"}, (2, 4, 4)),
    ],
)
def test_promises(layer, kwargs, shape):
    check_layer(layer, kwargs, input_shape=shape)


def test_bytes_become_floats():
    result, _ = check_layer(
        Rescaling, {"scale": 1 / 255}, inputs=np.array([[0, 255]], "uint8"), gradients=False, one_step=False
    )
    np.testing.assert_allclose(result, [[0, 1]], rtol=1e-6)


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize(("size", "antialias"), [((7, 9), False), ((3, 2), False), ((3, 2), True)])
def test_resizing_is_keras(interpolation, size, antialias):
    settings = {"interpolation": interpolation, "antialias": antialias}
    layer = Resizing(*size, **settings, data_format="channels_last")
    x = some(2, 5, 6, 3)
    if interpolation == "nearest":  # the classics have no gradient for it to compare
        np.testing.assert_array_equal(layer(x), keras.layers.Resizing(*size, **settings)(x))
    else:
        check_against_keras(layer, keras.layers.Resizing(*size, **settings), x)


@pytest.mark.parametrize("how", ["crop_to_aspect_ratio", "pad_to_aspect_ratio"])
@pytest.mark.parametrize("size", [(4, 4), (2, 6), (6, 3)])
def test_resizing_without_distortion_is_keras(how, size):
    x = some(2, 5, 8, 3)
    settings = {how: True, "fill_value": 2.0}
    wanted = np.asarray(keras.layers.Resizing(*size, **settings)(x))
    np.testing.assert_allclose(Resizing(*size, **settings)(x), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Resizing(0, 2), "Resizing: height must be an integer of at least 1; got 0"),
        (lambda: Resizing(2, 2, "linear"), "Unknown interpolation 'linear'. Did you mean 'bilinear'"),
        (lambda: Resizing(2, 2, fill_mode="reflect"), "fill_mode must be 'constant'; got 'reflect'"),
        (lambda: Resizing(2, 2, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "not both"),
        (lambda: Resizing(2, 2, name="r")(Input((4,))), "Resizing 'r' needs inputs of rank 4"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()

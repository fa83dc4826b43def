"""Zero padding, cropping and upsampling: the same as Keras 3 where it agrees with Keras 2, worked numbers elsewhere."""

import keras
import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import backend as K
from hornbeam import layers

SEQUENCE, IMAGE, VOLUME = (5, 2), (4, 5, 2), (4, 3, 5, 2)
CONFIGURATIONS = [
    ("ZeroPadding1D", SEQUENCE, {"padding": (2, 0)}),
    ("ZeroPadding2D", IMAGE, {"padding": (1, 2)}),
    ("ZeroPadding2D", IMAGE, {"padding": ((1, 0), (0, 2))}),
    ("ZeroPadding3D", VOLUME, {"padding": ((1, 0), (0, 2), (1, 1))}),
    ("Cropping1D", SEQUENCE, {"cropping": (0, 2)}),
    ("Cropping2D", IMAGE, {"cropping": ((1, 0), (0, 2))}),
    ("Cropping3D", VOLUME, {"cropping": 1}),
    ("UpSampling1D", SEQUENCE, {"size": 3}),
    ("UpSampling2D", IMAGE, {"size": (1, 3)}),
    ("UpSampling3D", VOLUME, {"size": (2, 1, 3)}),
]


def images(*shape):
    return np.random.default_rng(5).normal(size=shape).astype("float32")


@pytest.mark.parametrize(("name", "shape", "kwargs"), CONFIGURATIONS)
def test_keras(name, shape, kwargs):
    check_against_keras(getattr(layers, name)(**kwargs), getattr(keras.layers, name)(**kwargs), images(2, *shape))


@pytest.mark.parametrize(
    ("name", "shape", "kwargs"),
    [CONFIGURATIONS[0], CONFIGURATIONS[3], CONFIGURATIONS[4], CONFIGURATIONS[6], CONFIGURATIONS[7], CONFIGURATIONS[8]],
)
def test_promises(name, shape, kwargs):
    check_layer(getattr(layers, name), kwargs, input_shape=shape)


@pytest.mark.parametrize(("name", "shape", "kwargs"), [c for c in CONFIGURATIONS if c[0] != "UpSampling1D"])
def test_channels_first(name, shape, kwargs):
    x = images(2, *shape)
    y = K.get_value(getattr(layers, name)(**kwargs)(x))
    turned = getattr(layers, name)(**kwargs, data_format="channels_first")(np.moveaxis(x, -1, 1))
    np.testing.assert_array_equal(np.moveaxis(K.get_value(turned), 1, -1), y)


def test_lines_between_pixels_begin_at_their_left_edge():
    # Keras 2 puts result j at place j / factor of the input: 0, 1/2, 1, and 3/2, which is past the last pixel.
    x = np.array([[0.0, 4.0], [8.0, 12.0]], "float32").reshape(1, 2, 2, 1)
    y = layers.UpSampling2D(2, interpolation="bilinear")(x)
    assert K.get_value(y)[0, :, :, 0].tolist() == [[0, 2, 4, 4], [4, 6, 8, 8], [8, 10, 12, 12], [8, 10, 12, 12]]
    check_layer(layers.UpSampling2D, {"size": (2, 3), "interpolation": "bilinear"}, input_shape=IMAGE)


def test_defaults_of_keras_2():
    x = images(1, 4, 4, 1)
    np.testing.assert_array_equal(K.get_value(layers.Cropping2D()(x)), x)
    assert layers.Cropping1D().cropping == (1, 1)
    assert layers.Cropping3D().cropping == ((1, 1),) * 3
    assert layers.ZeroPadding2D().padding == ((1, 1), (1, 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.ZeroPadding1D((1, 2, 3)), "padding must be an integer, or a pair"),
        (lambda: layers.ZeroPadding2D((1, -2)), "padding must be an integer, 2 integers, or 2 pairs"),
        (lambda: layers.Cropping2D("1"), "cropping must be"),
        (lambda: layers.Cropping2D(2)(layers.Input((4, 8, 1))), "leaves nothing of inputs of shape"),
        (lambda: layers.UpSampling2D(0), "size must be"),
        (lambda: layers.UpSampling2D(2, interpolation="cubic"), "interpolation must be 'nearest' or 'bilinear'"),
        (lambda: layers.UpSampling1D(2)(layers.Input((4,))), "needs inputs of rank 3"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()

"""Convolution layers: any layer's promises, the same as Keras 3, both layouts, and errors that name the cure."""

import keras
import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import backend as K
from hornbeam import layers, registry
from hornbeam.legacy import OldSpelling

# Names, shape of one row, arguments. The smallest sizes at which a wrong edge would show.
SEQUENCE, IMAGE, VOLUME = (8, 4), (6, 7, 4), (4, 3, 5, 2)
CONFIGURATIONS = [
    ("Conv1D", SEQUENCE, {"filters": 3, "kernel_size": 3}),
    ("Conv1D", SEQUENCE, {"filters": 3, "kernel_size": 2, "padding": "same", "strides": 3}),
    ("Conv1D", SEQUENCE, {"filters": 3, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}),
    ("Conv1D", SEQUENCE, {"filters": 3, "kernel_size": 4, "padding": "causal", "strides": 2}),
    ("Conv1D", SEQUENCE, {"filters": 4, "kernel_size": 3, "groups": 2, "use_bias": False}),
    ("Conv1D", SEQUENCE, {"filters": 3, "kernel_size": 1, "activation": "tanh"}),
    ("Conv2D", IMAGE, {"filters": 3, "kernel_size": 3, "activation": "tanh"}),
    ("Conv2D", IMAGE, {"filters": 3, "kernel_size": (2, 3), "padding": "same"}),
    ("Conv2D", IMAGE, {"filters": 3, "kernel_size": (3, 2), "strides": (2, 3), "padding": "same"}),
    ("Conv2D", IMAGE, {"filters": 3, "kernel_size": 2, "strides": 3}),
    ("Conv2D", IMAGE, {"filters": 3, "kernel_size": 2, "dilation_rate": (2, 3)}),
    ("Conv2D", IMAGE, {"filters": 3, "kernel_size": 3, "dilation_rate": 2, "padding": "same"}),
    ("Conv2D", IMAGE, {"filters": 3, "kernel_size": 1}),
    ("Conv2D", IMAGE, {"filters": 3, "kernel_size": 1, "strides": 2, "padding": "same", "use_bias": False}),
    ("Conv2D", IMAGE, {"filters": 6, "kernel_size": 3, "groups": 2, "padding": "same"}),
    ("Conv2D", IMAGE, {"filters": 8, "kernel_size": 3, "groups": 4, "strides": 2}),
    ("Conv2D", (9, 9, 16), {"filters": 16, "kernel_size": 3, "padding": "same"}),
    ("Conv2D", (9, 9, 32), {"filters": 8, "kernel_size": 2, "padding": "same"}),
    ("Conv3D", VOLUME, {"filters": 3, "kernel_size": 2}),
    ("Conv3D", VOLUME, {"filters": 3, "kernel_size": (3, 1, 2), "padding": "same", "strides": (2, 1, 2)}),
    ("Conv1DTranspose", SEQUENCE, {"filters": 3, "kernel_size": 3, "strides": 2}),
    ("Conv1DTranspose", SEQUENCE, {"filters": 3, "kernel_size": 2, "strides": 3, "padding": "same"}),
    ("Conv2DTranspose", IMAGE, {"filters": 3, "kernel_size": 3}),
    ("Conv2DTranspose", IMAGE, {"filters": 3, "kernel_size": (4, 3), "strides": 2, "padding": "same"}),
    ("Conv2DTranspose", IMAGE, {"filters": 3, "kernel_size": 2, "strides": 3}),
    ("Conv2DTranspose", IMAGE, {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1}),
    ("Conv2DTranspose", IMAGE, {"filters": 3, "kernel_size": 3, "strides": 2, "output_padding": 1}),
    ("Conv2DTranspose", IMAGE, {"filters": 3, "kernel_size": 2, "dilation_rate": 2, "padding": "same"}),
    ("Conv3DTranspose", VOLUME, {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}),
    ("DepthwiseConv1D", SEQUENCE, {"kernel_size": 3, "depth_multiplier": 2}),
    ("DepthwiseConv2D", IMAGE, {"kernel_size": 3, "padding": "same"}),
    ("DepthwiseConv2D", IMAGE, {"kernel_size": 3, "strides": 2, "padding": "same", "depth_multiplier": 2}),
    ("DepthwiseConv2D", IMAGE, {"kernel_size": 2, "dilation_rate": 2}),
    ("SeparableConv1D", SEQUENCE, {"filters": 3, "kernel_size": 3, "strides": 2}),
    ("SeparableConv2D", IMAGE, {"filters": 3, "kernel_size": 3, "padding": "same", "depth_multiplier": 2}),
    ("SeparableConv2D", IMAGE, {"filters": 3, "kernel_size": (2, 3), "dilation_rate": 2}),
]
NAMED = [pytest.param(*c, id=f"{c[0]}-{'-'.join(str(v) for v in c[2].values())}") for c in CONFIGURATIONS]
# One of each kind for the slower check of all promises.
KINDS = {name: (shape, kwargs) for name, shape, kwargs in reversed(CONFIGURATIONS)}


def images(*shape):
    return np.random.default_rng(5).normal(size=shape).astype("float32")


def with_bias(kwargs):
    """A bias other than zero, so that a mistake in it shows."""
    return {"bias_initializer": "random_normal", **kwargs}


@pytest.mark.parametrize(("name", "shape", "kwargs"), NAMED)
def test_keras(name, shape, kwargs):
    layer = getattr(layers, name)(**with_bias(kwargs))
    check_against_keras(layer, getattr(keras.layers, name)(**kwargs), images(2, *shape), rtol=2e-5)


@pytest.mark.parametrize("name", KINDS)
def test_promises(name):
    shape, kwargs = KINDS[name]
    check_layer(getattr(layers, name), with_bias(kwargs), input_shape=shape)


@pytest.mark.parametrize("name", KINDS)
def test_channels_first(name):
    shape, kwargs = KINDS[name]
    x = images(2, *shape)
    last = getattr(layers, name)(**with_bias(kwargs))
    first = getattr(layers, name)(**kwargs, data_format="channels_first")
    y = K.get_value(last(x))
    turned = np.moveaxis(x, -1, 1)
    first.build(turned.shape)
    first.set_weights(last.get_weights())
    np.testing.assert_allclose(np.moveaxis(K.get_value(first(turned)), 1, -1), y, rtol=1e-5, atol=1e-5)
    assert first.compute_output_shape((None, *turned.shape[1:])) == (None, *np.moveaxis(y, -1, 1).shape[1:])


@pytest.mark.parametrize("name", ["Conv2D", "Conv2DTranspose", "SeparableConv2D"])
def test_unknown_sizes(name):
    layer = getattr(layers, name)(5, 3)
    y = layer(layers.Input((None, None, 2)))
    assert y.shape == (None, None, None, 5)
    assert K.get_value(layer(images(1, 4, 5, 2))).shape == layer.compute_output_shape((1, 4, 5, 2))


def test_one_dimensional_layers_have_channels_last_by_default():
    before = K.image_data_format()
    K.set_image_data_format("channels_first")
    try:
        assert layers.Conv1D(2, 3).data_format == "channels_last"
        assert layers.Conv2D(2, 3).data_format == "channels_first"
    finally:
        K.set_image_data_format(before)


def test_positions_of_arguments_are_those_of_keras_2():
    layer = layers.Conv2D(4, 3, 1, "same", "channels_first", 2, "relu", False)
    assert (layer.dilation_rate, layer.activation.__name__, layer.use_bias) == ((2, 2), "relu", False)
    assert layers.DepthwiseConv2D(3, 1, "same", 2, "channels_first", "relu").depth_multiplier == 2
    assert layers.Conv3DTranspose(4, 3, 1, "same", None, "channels_first", "relu", False).use_bias is False


def test_old_names():
    assert layers.Convolution2D is layers.Conv2D
    assert layers.Deconvolution2D is layers.Conv2DTranspose
    assert layers.AtrousConvolution2D(4, 3, atrous_rate=(2, 2)).dilation_rate == (2, 2)
    assert layers.AtrousConvolution1D(4, 3, dilation_rate=3).dilation_rate == (3,)
    assert registry.find("layer", "Deconvolution3D") is layers.Conv3DTranspose
    assert layers.Conv2D(1, 1).name.startswith("conv2d_")


def test_masks_are_refused():
    masked = layers.Masking()(layers.Input((8, 4)))
    with pytest.raises(TypeError, match="does not support masking"):
        layers.Conv1D(3, 3)(masked)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Conv2D(0, 3), "filters must be an integer of at least 1; got 0"),
        (lambda: layers.Conv2D(3, 0), r"kernel_size must be an integer or 2 integers, each at least 1; got 0"),
        (lambda: layers.Conv2D(3, (3, 3, 3)), "kernel_size must be"),
        (lambda: layers.Conv1D(3, 3, 1.5), "strides must be an integer of at least 1; got 1.5"),
        (lambda: layers.Conv2D(3, 3, padding="causal"), "padding must be one of 'valid', 'same'; got 'causal'"),
        (lambda: layers.Conv1D(3, 3, padding="smae"), "'valid', 'same', 'causal'; got 'smae'"),
        (lambda: layers.Conv2D(3, 3, data_format="last"), "Conv2D: data_format must be 'channels_last'"),
        (lambda: layers.Conv2D(3, 3, strides=2, dilation_rate=2), "cannot both be above 1"),
        (lambda: layers.Conv2D(3, 3, groups=2), r"filters must be divisible by groups \(2\); got 3"),
        (lambda: layers.Conv2D(4, 3, groups=2)(layers.Input((5, 5, 3))), "must be divisible by groups=2"),
        (lambda: layers.Conv2D(4, 3)(layers.Input((5, 5))), r"needs inputs of rank 4, got shape \(None, 5, 5\)"),
        (lambda: layers.Conv2D(4, 3)(layers.Input((5, 5, None))), "whose size is unknown"),
        (lambda: layers.Conv2D(4, 6)(layers.Input((5, 5, 1))), r"covers \(6, 6\) places.*padding='same'"),
        (lambda: layers.Conv2D(4, 3, dilation_rate=3)(images(1, 5, 5, 1)), r"covers \(7, 7\) places"),
        (lambda: layers.SeparableConv2D(4, 6)(layers.Input((5, 5, 1))), "Take a smaller window"),
        (lambda: layers.DepthwiseConv2D(6)(images(1, 5, 5, 1)), "Take a smaller window"),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier must be"),
        (lambda: layers.Conv2DTranspose(4, 3, 2, output_padding=2), r"output_padding must be smaller than strides"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_another_number_of_channels_is_an_error():
    layer = layers.Conv2D(2, 3)
    layer(images(1, 5, 5, 3))
    with pytest.raises(ValueError, match="was built for inputs of size 3 on axis -1"):
        layer(images(1, 5, 5, 4))


@pytest.mark.parametrize("name", ["DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"])
def test_arguments_for_a_kernel_that_separable_layers_lack_do_nothing(name):
    """Keras 2 accepted them in silence, and much code for Xception has them."""
    sizes = (3,) if name.startswith("Depthwise") else (2, 3)
    with pytest.warns(OldSpelling, match=f"{name}.kernel_regularizer. did nothing .* write depthwise_regularizer"):
        layer = getattr(layers, name)(*sizes, kernel_regularizer="l2", kernel_constraint=None)
    layer(layers.Input((5, 5, 2) if name.endswith("2D") else (5, 2)))
    assert layer.losses == []
    assert not any(key in layer.get_config() for key in ("kernel_regularizer", "kernel_constraint"))
    with pytest.raises(TypeError, match="takes no argument 'kernel_regulariser'"):
        getattr(layers, name)(*sizes, kernel_regulariser="l2")

"""Pooling layers: any layer's promises, the same as Keras 3, both layouts, masks, ties, NaN, errors."""

import keras
import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import backend as K
from hornbeam import layers

SEQUENCE, IMAGE, VOLUME = (7, 2), (6, 7, 3), (4, 3, 5, 2)
WINDOWS = [
    (SEQUENCE, {}),
    (SEQUENCE, {"pool_size": 3, "strides": 2, "padding": "same"}),
    (IMAGE, {}),
    (IMAGE, {"pool_size": 3, "strides": 2}),
    (IMAGE, {"pool_size": (2, 3), "strides": (3, 1), "padding": "same"}),
    (IMAGE, {"padding": "same"}),
    (IMAGE, {"pool_size": 2, "strides": 3}),
    (VOLUME, {}),
    (VOLUME, {"pool_size": (3, 2, 2), "strides": (1, 2, 1), "padding": "same"}),
]
NAMED = [
    pytest.param(f"{mode}Pooling{len(shape) - 1}D", shape, kwargs, id=f"{mode}{len(shape) - 1}D-{i}")
    for mode in ("Max", "Average")
    for i, (shape, kwargs) in enumerate(WINDOWS)
]
GLOBAL = [
    (f"Global{mode}Pooling{len(s) - 1}D", s) for mode in ("Max", "Average") for s in (SEQUENCE, IMAGE, VOLUME)
]


def images(*shape):
    return np.random.default_rng(5).normal(size=shape).astype("float32")


@pytest.mark.parametrize(("name", "shape", "kwargs"), NAMED)
def test_keras(name, shape, kwargs):
    oracle = getattr(keras.layers, name)(**{"pool_size": 2, **kwargs})
    check_against_keras(getattr(layers, name)(**kwargs), oracle, images(2, *shape))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("name", "shape"), GLOBAL)
def test_global_keras(name, shape, keepdims):
    oracle = getattr(keras.layers, name)(keepdims=keepdims)
    check_against_keras(getattr(layers, name)(keepdims=keepdims), oracle, images(2, *shape))


@pytest.mark.parametrize(
    ("name", "shape", "kwargs"),
    [
        ("MaxPooling1D", SEQUENCE, {"pool_size": 3, "strides": 2}),
        ("MaxPooling2D", IMAGE, {"padding": "same"}),
        ("AveragePooling2D", IMAGE, {"pool_size": 3, "strides": 2, "padding": "same"}),
        ("AveragePooling3D", VOLUME, {}),
        ("GlobalMaxPooling2D", IMAGE, {}),
        ("GlobalAveragePooling1D", (None, 2), {"keepdims": True}),
    ],
)
def test_promises(name, shape, kwargs):
    check_layer(getattr(layers, name), kwargs, input_shape=shape)


@pytest.mark.parametrize("name", ["MaxPooling1D", "AveragePooling2D", "MaxPooling3D", "GlobalAveragePooling2D"])
def test_channels_first(name):
    shape = {"1": SEQUENCE, "2": IMAGE, "3": VOLUME}[name[-2]]
    x = images(2, *shape)
    y = K.get_value(getattr(layers, name)()(x))
    first = getattr(layers, name)(data_format="channels_first")
    turned = K.get_value(first(np.moveaxis(x, -1, 1)))
    np.testing.assert_allclose(turned, y if "Global" in name else np.moveaxis(y, -1, 1), rtol=1e-6)


def test_strides_are_the_window_by_default():
    assert layers.MaxPooling2D((2, 3)).strides == (2, 3)
    assert layers.MaxPooling1D(3).get_config()["strides"] == [3]


def test_integers_stay_integers():
    x = np.array([[[3], [-5], [7], [-9]]], "int32")
    assert K.get_value(layers.MaxPooling1D(3, 2, "same")(x)).ravel().tolist() == [7, 7]
    assert layers.MaxPooling1D()(layers.Input((4, 1), dtype="int32")).dtype == "int32"


def test_average_passes_over_masked_steps():
    # Rows of 1, 2, 3 with 0 for padding: (1 + 2 + 3) / 3 without a mask; with one (1 + 2) / 2; nothing real gives 0.
    x = np.array([[[1.0], [2.0], [0.0]], [[0.0], [0.0], [0.0]]], "float32")
    masked = layers.Masking()(layers.Input((3, 1)))
    y = layers.GlobalAveragePooling1D()(masked)
    assert y._keras_mask is None
    assert K.function([masked._keras_history[0].input], [y])([x])[0].tolist() == [[1.5], [0.0]]
    first = layers.GlobalAveragePooling1D("channels_first")
    mask = K.constant([[1, 1, 0], [0, 0, 0]], "bool")
    assert K.get_value(first.call(K.constant(np.moveaxis(x, 1, 2)), mask=mask)).tolist() == [[1.5], [0.0]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.MaxPooling2D(0), "MaxPooling2D: pool_size must be"),
        (lambda: layers.MaxPooling2D(2, strides=(1, 2, 3)), "strides must be"),
        (lambda: layers.AveragePooling1D(padding="causal"), "padding must be one of 'valid', 'same'; got 'causal'"),
        (lambda: layers.MaxPooling2D(data_format="rows"), "data_format must be"),
        (lambda: layers.MaxPooling2D(3)(images(1, 2, 5, 1)), r"window covers \(3, 3\) places"),
        (lambda: layers.MaxPooling2D()(layers.Input((4, 1))), "needs inputs of rank 4"),
        (lambda: layers.GlobalMaxPooling1D()(layers.Input((4,))), "needs inputs of rank 3"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_other_names():
    assert layers.MaxPool2D is layers.MaxPooling2D
    assert layers.AvgPool1D is layers.AveragePooling1D
    assert layers.GlobalAvgPool3D is layers.GlobalAveragePooling3D

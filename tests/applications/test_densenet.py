"""DenseNet beside that of Keras 3."""

import keras
import numpy as np
import pytest

import hornbeam
from applications import beside_keras
from hornbeam.applications import densenet

TINY = {"blocks": (1, 2, 1, 1), "include_top": False, "input_shape": (32, 32, 3)}


@pytest.mark.parametrize("pooling", [None, "max"])
def test_layers(pooling):
    ours = densenet.DenseNet(weights=None, pooling=pooling, **TINY)
    beside_keras.same_layers(ours, beside_keras.keras_network("densenet.DenseNet", pooling=pooling, **TINY))
    assert ours.name == "densenet"


def test_blocks_by_themselves():
    x = hornbeam.Input((8, 8, 10))
    assert densenet.dense_block(x, 2, "a").shape == (None, 8, 8, 74)
    assert densenet.conv_block(x, 5, "b").shape == (None, 8, 8, 15)
    assert densenet.transition_block(x, 0.5, "c").shape == (None, 4, 4, 5)


def test_channels_first():
    hornbeam.backend.set_image_data_format("channels_first")
    try:
        ours = densenet.DenseNet(**{**TINY, "input_shape": (3, 32, 64)}, weights=None)
    finally:
        hornbeam.backend.set_image_data_format("channels_last")
    assert ours.output_shape == (None, 76, 1, 2)


def test_what_cannot_be():
    with pytest.raises(ValueError, match="four numbers"):
        densenet.DenseNet([6, 12, 24], weights=None)
    with pytest.raises(ValueError, match="Nobody published"):
        densenet.DenseNet([1, 1, 1, 1], include_top=False, input_shape=(32, 32, 3))


def test_preprocess_input():
    x = np.random.default_rng(1).integers(0, 256, (2, 3, 3, 3))
    expected = keras.applications.densenet.preprocess_input(x.astype("float32"))
    np.testing.assert_allclose(densenet.preprocess_input(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.nightly
def test_tiny_outputs():
    beside_keras.check("densenet.DenseNet", 32, arguments={"blocks": TINY["blocks"]})


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["DenseNet121", "DenseNet169", "DenseNet201"])
def test_layers_and_outputs(name):
    beside_keras.check(name, 64)


@pytest.mark.nightly
@pytest.mark.parametrize("depth", [121, 169, 201])
def test_with_head(depth):
    beside_keras.same_layers_with_head(f"DenseNet{depth}")
    blocks = densenet._BLOCKS[depth]
    assert densenet.DenseNet(list(blocks), False, None, input_shape=(32, 32, 3)).name == f"densenet{depth}"
    assert beside_keras.published(f"DenseNet{depth}") == densenet.PUBLISHED[depth]

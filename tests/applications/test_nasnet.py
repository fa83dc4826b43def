"""NASNet beside that of Keras 3."""

import keras
import numpy as np
import pytest

import hornbeam
from applications import beside_keras
from hornbeam.applications import nasnet

TINY = {"penultimate_filters": 96, "num_blocks": 1, "stem_block_filters": 4, "include_top": False}
VARIANTS = [
    {"skip_reduction": False},
    {"skip_reduction": True, "num_blocks": 2, "filter_multiplier": 1, "penultimate_filters": 48},
]


def test_layers():
    arguments = {**TINY, "input_shape": (32, 49, 3), **VARIANTS[0]}
    beside_keras.same_layers(nasnet.NASNet(**arguments), beside_keras.keras_network("nasnet.NASNet", **arguments))


def test_size():
    assert nasnet.NASNet(default_size=40, **TINY).input_shape == (None, 40, 40, 3)
    with pytest.raises(ValueError, match="fixed height and width"):
        nasnet.NASNet((None, None, 3), **TINY)
    with pytest.raises(ValueError, match="fixed height and width"):
        nasnet.NASNet(input_tensor=hornbeam.Input((None, 32, 3)), **TINY)


def test_what_cannot_be():
    with pytest.raises(ValueError, match="multiple of .* = 96; got 100"):
        nasnet.NASNet((32, 32, 3), penultimate_filters=100)
    with pytest.raises(ValueError, match="Nobody published"):
        nasnet.NASNet((32, 32, 3), weights="imagenet", default_size=32, **TINY)


def test_preprocess_input():
    x = np.random.default_rng(1).integers(0, 256, (2, 3, 3, 3))
    expected = keras.applications.nasnet.preprocess_input(x.astype("float32"))
    np.testing.assert_allclose(nasnet.preprocess_input(x), expected, rtol=1e-6)


@pytest.mark.nightly
@pytest.mark.parametrize("arguments", VARIANTS)
def test_tiny_outputs(arguments):
    beside_keras.check("nasnet.NASNet", 41, arguments={**TINY, **arguments})


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["NASNetMobile", "NASNetLarge"])
def test_layers_and_outputs(name):
    beside_keras.check(name, 64)


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "size"), [("NASNetMobile", 224), ("NASNetLarge", 331)])
def test_with_head(name, size):
    beside_keras.same_layers_with_head(name)
    expected = {include_top: entry[:2] for include_top, entry in nasnet.PUBLISHED[size].items()}
    assert beside_keras.published(name) == expected

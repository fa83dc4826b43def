"""MobileNet beside that of Keras 3."""

import keras
import numpy as np
import pytest

import hornbeam
from applications import beside_keras
from hornbeam.applications import mobilenet

SMALL = {"alpha": 0.25, "include_top": False, "input_shape": (33, 33, 3)}


def test_layers():
    arguments = {**SMALL, "depth_multiplier": 2}
    ours = mobilenet.MobileNet(weights=None, **arguments)
    beside_keras.same_layers(ours, beside_keras.keras_network("MobileNet", **arguments))
    assert ours.name == "mobilenet_0.25_33"


def test_head():
    ours = mobilenet.MobileNet((32, 32, 3), 0.25, 1, 0.3, weights=None, classes=7, classifier_activation=None)
    assert [layer.name for layer in ours.layers[-4:]] == ["dropout", "conv_preds", "reshape_2", "predictions"]
    assert ours.get_layer("dropout").rate == 0.3
    assert ours.get_layer("predictions").activation is hornbeam.activations.linear
    assert ours.output_shape == (None, 7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0.3}, "alpha=0.3"),
        ({"depth_multiplier": 2}, "depth_multiplier=2"),
        ({"input_shape": (100, 100, 3)}, r"\(224, 224, 3\)"),
        ({"alpha": 0.01, "weights": None}, "1/32"),
    ],
)
def test_what_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        mobilenet.MobileNet(**arguments)


def fetched(network, monkeypatch, **arguments):
    """The URL and the hash that `network` asks for."""
    asked = []

    def get_file(fname, origin, **others):
        asked.append((origin, others["file_hash"]))
        raise OSError

    monkeypatch.setattr("hornbeam.applications.building.get_file", get_file)
    with pytest.raises(OSError):
        network(**arguments)
    return asked[0]


def test_published_file_of_a_size(monkeypatch):
    url, md5 = fetched(mobilenet.MobileNet, monkeypatch, input_shape=(160, 160, 3), alpha=0.5, include_top=False)
    assert url.endswith("/mobilenet/mobilenet_5_0_160_tf_no_top.h5")
    assert md5 is None
    with pytest.warns(UserWarning, match="128, 160, 192, 224; those of 224 are taken for pictures of 96 x 96"):
        url, _ = fetched(mobilenet.MobileNet, monkeypatch, input_shape=(96, 96, 3), alpha=0.75, include_top=False)
    assert url.endswith("/mobilenet_7_5_224_tf_no_top.h5")


def test_old_names():
    assert mobilenet.relu6(hornbeam.backend.constant([-1.0, 3.0, 9.0])).tolist() == [0.0, 3.0, 6.0]
    assert mobilenet.DepthwiseConv2D is hornbeam.layers.DepthwiseConv2D


def test_preprocess_input():
    x = np.random.default_rng(1).integers(0, 256, (2, 3, 3, 3))
    expected = keras.applications.mobilenet.preprocess_input(x.astype("float32"))
    np.testing.assert_allclose(mobilenet.preprocess_input(x), expected, rtol=1e-6)


@pytest.mark.nightly
@pytest.mark.parametrize(
    "arguments", [{}, {"alpha": 0.5, "pooling": "max"}, {"alpha": 0.25, "depth_multiplier": 2, "pooling": None}]
)
def test_layers_and_outputs(arguments):
    beside_keras.check("MobileNet", 64, arguments=arguments)
    beside_keras.check("MobileNet", 33, arguments=arguments)


@pytest.mark.nightly
def test_layers_and_outputs_with_head():
    beside_keras.same_layers_with_head("MobileNet")
    beside_keras.check("MobileNet", 64, arguments={"include_top": True, "pooling": None, "classes": 11})


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore:.*Weights for input shape:UserWarning")  # Keras', where it is not told a size
def test_published_files(monkeypatch):
    expected = beside_keras.published("MobileNet")
    for include_top in (True, False):
        arguments = {"include_top": include_top, "input_shape": (224, 224, 3)}
        assert fetched(mobilenet.MobileNet, monkeypatch, **arguments) == expected[include_top]

"""EfficientNet beside that of Keras 3."""

import numpy as np
import pytest

import hornbeam
from applications import beside_keras
from hornbeam.applications import efficientnet

TINY = {"width_coefficient": 0.25, "depth_coefficient": 0.5, "default_size": 32}
BLOCKS = efficientnet.DEFAULT_BLOCKS_ARGS[:2]  # the second has one that is added to its input
NETWORKS = [f"EfficientNetB{number}" for number in range(8)]


@pytest.mark.parametrize("top", [{"classes": 5}, {"include_top": False, "pooling": "max", "input_shape": (33, 40, 3)}])
def test_layers(top):
    ours = efficientnet.EfficientNet(weights=None, **TINY, **top)
    beside_keras.same_layers(ours, beside_keras.keras_network("efficientnet.EfficientNet", **TINY, **top))


def test_rates():
    ours = efficientnet.EfficientNet(**TINY, weights=None, dropout_rate=0.3, drop_connect_rate=0.8)
    theirs = beside_keras.keras_network(
        "efficientnet.EfficientNet", **TINY, dropout_rate=0.3, drop_connect_rate=0.8
    )
    expected = [(layer.name, layer.rate) for layer in theirs.layers if hasattr(layer, "rate")]
    assert [(layer.name, layer.rate) for layer in ours.layers if hasattr(layer, "rate")] == expected
    assert expected[-1] == ("top_dropout", 0.3)


def test_old_keywords_reach_the_network():
    shape = {"input_shape": (32, 32, 3), "weights": None, "include_top": False, "blocks_args": BLOCKS}
    ours = efficientnet.EfficientNetB0(**shape, drop_connect_rate=0.6, model_name="mine")
    assert ours.name == "mine"
    rates = [layer.rate for layer in ours.layers if isinstance(layer, hornbeam.layers.Dropout)]
    assert rates == [pytest.approx(0.6 * 2 / 3)]
    with pytest.raises(TypeError, match="drop_rate"):
        efficientnet.EfficientNetB0(**shape, drop_rate=0.5)


def test_what_published_weights_need(monkeypatch):
    asked = []
    monkeypatch.setattr(hornbeam.models.Model, "load_weights", lambda *_: None)
    monkeypatch.setattr("hornbeam.applications.building.get_file", lambda *a, **_: asked.append(a[1]) or "file")
    ours = efficientnet.EfficientNetB0(include_top=False, input_shape=(32, 32, 3), blocks_args=BLOCKS)
    assert asked == ["https://storage.googleapis.com/keras-applications/efficientnetb0_notop.h5"]
    scales = [layer.scale for layer in ours.layers if isinstance(layer, hornbeam.layers.Rescaling)]
    assert scales[0] == 1 / 255
    np.testing.assert_allclose(np.square(scales[1]), [1 / 0.229, 1 / 0.224, 1 / 0.225])
    with pytest.raises(ValueError, match="Nobody published"):
        efficientnet.EfficientNet(**TINY)


def test_channels_first(monkeypatch):
    monkeypatch.setattr(hornbeam.models.Model, "load_weights", lambda *_: None)
    monkeypatch.setattr("hornbeam.applications.building.get_file", lambda *_, **__: "file")
    hornbeam.backend.set_image_data_format("channels_first")
    try:
        ours = efficientnet.EfficientNet(**TINY, include_top=False, input_shape=(3, 32, 64), weights_name="b0")
    finally:
        hornbeam.backend.set_image_data_format("channels_last")
    assert ours.output_shape == (None, 320, 1, 2)


def test_preprocess_input_does_nothing():
    x = np.array([[[1, 2, 3]]])
    assert efficientnet.preprocess_input(x) is x


@pytest.mark.nightly
def test_tiny_outputs():
    beside_keras.check("efficientnet.EfficientNet", 33, arguments=TINY, brightest=255)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NETWORKS)
def test_layers_and_outputs(name):
    beside_keras.check(name, 32, brightest=255)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NETWORKS)
def test_with_head(name):
    beside_keras.same_layers_with_head(name)
    assert beside_keras.published(name) == efficientnet.PUBLISHED[name[-2:].lower()]

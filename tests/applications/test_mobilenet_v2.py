"""MobileNetV2 beside that of Keras 3, and through files."""

import keras
import numpy as np
import pytest

import hornbeam
from applications import beside_keras
from hornbeam.applications import mobilenet_v2, sizes
from hornbeam.applications.mobilenet_v2 import MobileNetV2

SMALL = {"alpha": 0.35, "include_top": False, "pooling": "avg", "input_shape": (32, 32, 3)}


@pytest.fixture(scope="module")
def networks():
    """(ours, Keras'), with equal weights."""
    ours, theirs = MobileNetV2(weights=None, **SMALL), beside_keras.keras_network("MobileNetV2", **SMALL)
    beside_keras.same_outputs(ours, theirs, 32)
    return ours, theirs


def test_layers(networks):
    beside_keras.same_layers(*networks)
    assert networks[0].name == networks[1].name == "mobilenetv2_0.35_32"


@pytest.mark.parametrize("blocks", [5, pytest.param(17, marks=pytest.mark.nightly)])
def test_files(blocks, tmp_path, monkeypatch):
    monkeypatch.setattr(mobilenet_v2, "_BLOCKS", mobilenet_v2._BLOCKS[:blocks])
    ours = MobileNetV2(weights=None, **SMALL)
    x = np.random.default_rng(2).uniform(-1, 1, (2, 32, 32, 3)).astype("float32")
    expected = ours.predict(x)
    for ending in ("h5", "keras"):
        ours.save(tmp_path / f"model.{ending}")
        np.testing.assert_allclose(
            hornbeam.models.load_model(tmp_path / f"model.{ending}").predict(x), expected, rtol=1e-6, atol=1e-7
        )
    with beside_keras.weights_of_numpy():
        theirs = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(theirs.predict(x, verbose=0), expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_weights_of_a_file(networks, tmp_path):
    networks[0].save_weights(tmp_path / "weights.h5")
    again = MobileNetV2(**SMALL, weights=str(tmp_path / "weights.h5"))
    for found, expected in zip(again.get_weights(), networks[0].get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_input_tensor():
    picture = hornbeam.Input((16, 16, 1))
    tensor = hornbeam.layers.Conv2D(3, 1)(hornbeam.layers.UpSampling2D(2)(picture))
    ours = MobileNetV2(alpha=0.35, include_top=False, weights=None, input_tensor=tensor)
    assert ours.input_shape == (None, 16, 16, 1)
    assert ours.output_shape == (None, 1, 1, 1280)


def test_head():
    ours = MobileNetV2((32, 32, 3), 0.35, weights=None, classes=7, classifier_activation=None)
    assert ours.layers[-1].name == "predictions"
    assert ours.layers[-1].activation is hornbeam.activations.linear
    assert ours.output_shape == (None, 7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"alpha": 0.3}, "alpha"), ({"input_shape": (100, 100, 3)}, "224"), ({"depth_multiplier": 1}, None)],
)
def test_what_cannot_be(arguments, message):
    with pytest.raises(ValueError if message else TypeError, match=message):
        MobileNetV2(**arguments)


def test_preprocess_input():
    x = np.random.default_rng(1).integers(0, 256, (2, 3, 3, 3))
    expected = keras.applications.mobilenet_v2.preprocess_input(x.astype("float32"))
    np.testing.assert_allclose(mobilenet_v2.preprocess_input(x), expected, rtol=1e-6)


def test_padding_before_a_stride():
    assert sizes.padding_before(hornbeam.Input((7, 8, 1)), 3) == ((1, 1), (0, 1))
    assert sizes.padding_before(hornbeam.Input((None, 9, 1)), 5) == ((1, 2), (2, 2))


@pytest.mark.nightly
@pytest.mark.parametrize(
    "arguments", [{}, {"alpha": 0.5, "pooling": "max"}, {"alpha": 1.3, "pooling": None}, {"alpha": 1.4}]
)
def test_layers_and_outputs(arguments):
    beside_keras.check("MobileNetV2", 64, arguments=arguments)


@pytest.mark.nightly
def test_layers_and_outputs_with_head():
    beside_keras.same_layers_with_head("MobileNetV2")
    arguments = {"include_top": True, "pooling": None, "classes": 11, "alpha": 0.75}
    beside_keras.check("MobileNetV2", 65, arguments=arguments)


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore:.*Weights for input shape:UserWarning")  # Keras', where it is not told a size
def test_published_files(monkeypatch):
    expected = beside_keras.published("MobileNetV2")
    asked = []
    monkeypatch.setattr(
        "hornbeam.applications.building.get_file", lambda fname, origin, **others: asked.append((origin, None))
    )
    for include_top in (True, False):
        MobileNetV2((224, 224, 3), include_top=include_top)
    assert asked == [expected[True], expected[False]]

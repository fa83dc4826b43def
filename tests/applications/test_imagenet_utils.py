"""Pixels as Keras prepares them, and names of the classes."""

import hashlib
import json

import keras
import numpy as np
import pytest

from hornbeam import Input, Model, applications
from hornbeam import backend as K
from hornbeam.applications import imagenet_utils
from hornbeam.layers import Lambda

MODES = ("caffe", "tf", "torch")
FORMATS = ("channels_last", "channels_first")


def pictures(rank, data_format, kind):
    shape = (4, 5, 3) if data_format == "channels_last" else (3, 4, 5)
    shape = shape if rank == 3 else (2, *shape)
    return np.random.default_rng(0).integers(0, 256, shape).astype(kind)


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("rank", [3, 4])
@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("mode", MODES)
def test_arrays_as_in_keras(mode, data_format, rank, kind):
    x = pictures(rank, data_format, kind)
    expected = keras.applications.imagenet_utils.preprocess_input(x.copy(), data_format=data_format, mode=mode)
    got = imagenet_utils.preprocess_input(x.copy(), data_format, mode)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("mode", MODES)
def test_symbols_and_tensors_as_arrays(mode, data_format):
    x = pictures(4, data_format, "float32")
    expected = imagenet_utils.preprocess_input(x.copy(), data_format, mode)
    np.testing.assert_allclose(
        K.get_value(imagenet_utils.preprocess_input(K.constant(x), data_format, mode)), expected, atol=2e-5
    )
    symbol = Input(shape=x.shape[1:])
    model = Model(symbol, imagenet_utils.preprocess_input(symbol, data_format, mode))
    np.testing.assert_allclose(model.predict(x), expected, atol=2e-5)


def test_whole_numbers_as_symbols_become_floats():
    symbol = Input(shape=(2, 2, 3), dtype="uint8")
    prepared = Lambda(imagenet_utils.preprocess_input)(symbol)
    assert prepared.dtype == "float32"
    assert imagenet_utils.preprocess_input(symbol, mode="tf").dtype == "float32"


def test_integers_are_kept_and_floats_written_over():
    whole = pictures(4, "channels_last", "uint8")
    before = whole.copy()
    imagenet_utils.preprocess_input(whole)
    np.testing.assert_array_equal(whole, before)
    floats = before.astype("float32")
    prepared = imagenet_utils.preprocess_input(floats)
    assert np.shares_memory(prepared, floats)
    fixed = before.astype("float32")
    fixed.flags.writeable = False
    np.testing.assert_array_equal(imagenet_utils.preprocess_input(fixed), prepared)
    np.testing.assert_array_equal(fixed, before)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"mode": "rgb"}, "mode must be 'caffe', 'tf' or 'torch'"),
    ({"data_format": "last"}, "data_format"),
    ({"x": np.zeros((2, 2))}, "of rank 3"),
    ({"x": np.zeros((2, 2, 1))}, "of 3 channels on axis 2"),
])  # fmt: skip
def test_what_cannot_be_prepared(arguments, message):
    with pytest.raises(ValueError, match=message):
        imagenet_utils.preprocess_input(**{"x": np.zeros((2, 2, 3)), **arguments})


@pytest.mark.parametrize(("module", "mode"), [
    ("vgg16", "caffe"), ("vgg19", "caffe"), ("resnet", "caffe"), ("resnet50", "caffe"), ("resnet_v2", "tf"),
    ("inception_v3", "tf"), ("inception_resnet_v2", "tf"), ("xception", "tf"), ("resnext", "torch"),
])  # fmt: skip
def test_the_mode_of_each_network(module, mode):
    x = pictures(4, "channels_last", "uint8")
    np.testing.assert_array_equal(
        getattr(applications, module).preprocess_input(x), imagenet_utils.preprocess_input(x, mode=mode)
    )


@pytest.fixture
def names(tmp_path, monkeypatch):
    """A list of class names where the real one would be fetched to."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    text = json.dumps({str(i): [f"n{i:08d}", f"thing_{i}"] for i in range(1000)}).encode()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "imagenet_class_index.json").write_bytes(text)
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX_HASH", hashlib.md5(text).hexdigest())
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", None)


def test_predictions_by_name(names):
    scores = np.zeros((2, 1000), "float32")
    scores[0, [7, 500]] = 0.6, 0.4
    scores[1, 999] = 1.0
    found = applications.vgg16.decode_predictions(scores, top=2)
    assert found[0] == [("n00000007", "thing_7", np.float32(0.6)), ("n00000500", "thing_500", np.float32(0.4))]
    assert found[1][0] == ("n00000999", "thing_999", np.float32(1.0))
    assert applications.imagenet_utils.decode_predictions(K.constant(scores), top=1)[1] == found[1][:1]
    assert len(applications.xception.decode_predictions(scores)[0]) == 5


def test_only_rows_of_1000_can_be_named():
    for shape in ((1000,), (2, 10)):
        with pytest.raises(ValueError, match=r"of shape \(B, 1000\)"):
            imagenet_utils.decode_predictions(np.zeros(shape))


def test_where_the_names_come_from():
    from keras.src.applications import imagenet_utils as theirs

    assert imagenet_utils.CLASS_INDEX_PATH == theirs.CLASS_INDEX_PATH

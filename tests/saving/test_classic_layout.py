"""The classic part of .h5 files: what Keras 2 and 3 read in it, and that our own arrays come back bit for bit."""

import keras
import numpy as np
import pytest

import hornbeam
from hornbeam import layers as L
from hornbeam.models import Sequential
from hornbeam.saving import hdf5
from hornbeam.saving.classic_layout import laid_out, plan, restored


def filled(model):
    random = np.random.default_rng(3)
    model.set_weights([np.abs(random.normal(size=w.shape)) + 0.1 for w in model.get_weights()])
    return model


def cudnn():
    return Sequential([
        L.CuDNNGRU(3, return_sequences=True, input_shape=(4, 2)), L.Bidirectional(L.CuDNNLSTM(2)), L.Dense(1)
    ])  # fmt: skip


def local():
    return Sequential([L.LocallyConnected2D(2, 2, data_format="channels_first", input_shape=(3, 4, 3))])


def frozen():
    """A base with one frozen layer, as when a trained model is used again."""
    base = Sequential([L.Dense(3, input_shape=(3,)), L.BatchNormalization(), L.Dense(3)], name="base")
    base.layers[0].trainable = False
    return Sequential([base, L.Dense(2)])


@pytest.fixture(scope="module", params=[cudnn, local, frozen], ids=lambda make: make.__name__)
def saved(request, tmp_path_factory):
    model = request.param()
    if not model.built:
        model.build((None, 3))
    path = tmp_path_factory.mktemp("classic") / "m.h5"
    filled(model).save(path)
    return model, path


def without_manifest(path, target):
    import h5py

    target.write_bytes(path.read_bytes())
    with h5py.File(target, "r+") as file:
        del file.attrs[hdf5.MANIFEST], file.attrs[hdf5.MANIFEST_DIGEST]
    return target


def test_arrays_come_back_bit_for_bit_with_and_without_the_manifest(saved, tmp_path):
    model, path = saved
    for place in (path, without_manifest(path, tmp_path / "bare.h5")):
        again = hornbeam.models.load_model(place)
        for mine, found in zip(model.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, found)


def test_weights_load_into_a_model_that_is_frozen_otherwise(tmp_path):
    model, other = filled(frozen_and_built()), frozen_and_built()
    model.save_weights(tmp_path / "w.h5")
    other.layers[0].layers[0].trainable = True
    other.load_weights(tmp_path / "w.h5")
    for mine, found in zip(model.layers[0].layers, other.layers[0].layers, strict=True):
        for a, b in zip(mine.get_weights(), found.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def frozen_and_built():
    model = frozen()
    model.build((None, 3))
    return model


def test_cudnn_layers_are_read_by_a_plain_lstm_as_keras_2_does(tmp_path):
    """A plain layer recognises cuDNN's layout by the two biases; ours computes the same from it."""
    model = filled(Sequential([L.CuDNNLSTM(3, input_shape=(4, 2))]))
    model.save(tmp_path / "m.h5")
    plain = Sequential([L.LSTM(3, recurrent_activation="sigmoid", input_shape=(4, 2))])
    plain.load_weights(without_manifest(tmp_path / "m.h5", tmp_path / "bare.h5"))
    x = np.random.default_rng(0).normal(size=(2, 4, 2)).astype("float32")
    np.testing.assert_allclose(plain.predict(x), model.predict(x), atol=1e-6)


def test_how_cudnn_has_a_matrix():
    """Gate by gate, (units, inputs) row by row: the first gate [[0, 1], [6, 7]] becomes [[0, 6], [1, 7]]."""
    turned = laid_out(np.arange(12.0).reshape(2, 6), "cudnn_gru")
    assert turned.tolist() == [[0, 6, 2, 8, 4, 10], [1, 7, 3, 9, 5, 11]]


def test_a_frozen_layer_inside_a_model_opens_in_keras_3(tmp_path):
    model = filled(frozen_and_built())
    model.save(tmp_path / "m.h5")
    x = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
    theirs = keras.models.load_model(tmp_path / "m.h5", compile=False)
    np.testing.assert_allclose(theirs.predict(x, verbose=0), model.predict(x), atol=1e-5)
    assert [place for place, _ in plan(model.layers[0])] == [2, 3, 4, 5, 0, 1, 6, 7]


def test_layouts_and_their_reverse():
    bias = np.arange(24.0).reshape(2, 3, 4)
    there = laid_out(bias, "filters_first")
    assert there.reshape(4, 2, 3)[1].tolist() == bias[..., 1].tolist()
    np.testing.assert_array_equal(restored(there, "filters_first"), bias)
    with pytest.raises(ValueError, match="layout 'odd' .* not known"):
        restored(bias, "odd")

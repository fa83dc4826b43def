"""The small classic tools that live beside the aliases."""

import warnings

import h5py
import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import layers, legacy
from hornbeam.compat import data_utils, generic_utils, initializations, io_utils, keras1, layer_utils, test_utils
from hornbeam.compat.multi_gpu_utils import multi_gpu_model
from hornbeam.engines import engine
from hornbeam.models import Sequential


def test_lists_and_shapes():
    assert generic_utils.to_list((1, 2)) == [(1, 2)]
    assert generic_utils.to_list((1, 2), allow_tuple=True) == [1, 2]
    assert generic_utils.unpack_singleton([3]) == 3
    assert generic_utils.is_all_none([None, None])
    assert not generic_utils.is_all_none([None, 0])
    assert generic_utils.object_list_uid("a") == generic_utils.object_list_uid(["a"])
    x = np.arange(6)
    assert [part.tolist() for part in generic_utils.slice_arrays([x, x + 1], [0, 2])] == [[0, 2], [1, 3]]
    assert generic_utils.slice_arrays(x, 4).tolist() == [4, 5]
    assert generic_utils.slice_arrays(None) == [None]
    with pytest.raises(ValueError, match="leaves no room"):
        generic_utils.slice_arrays([x], [0, 1], 3)
    assert generic_utils.transpose_shape([9, 2, 3, 4, 5], "channels_first", (1, 2, 3)) == [9, 5, 2, 3, 4]


def test_objects_and_code():
    config = generic_utils.serialize_keras_object(layers.Dense(3))
    again = generic_utils.deserialize_keras_object(config, {"Dense": layers.Dense}, printable_module_name="layer")
    assert again.units == 3
    with pytest.raises(ValueError, match="Unknown thing 'nothing'"):
        generic_utils.deserialize_keras_object("nothing", {}, printable_module_name="thing")
    for refused in (generic_utils.func_dump, generic_utils.func_load):
        with pytest.raises(NotImplementedError, match="neither saves nor reads code"):
            refused(len)
    assert generic_utils.has_arg(np.mean, "axis")
    assert generic_utils.has_arg(lambda **rest: rest, "axis", accept_all=True)


def test_kernels_are_turned_and_rows_reordered():
    model = Sequential([layers.Conv2D(1, (2, 2), input_shape=(4, 4, 1)), layers.Flatten(), layers.Dense(2)])
    before = model.layers[0].get_weights()[0]
    layer_utils.convert_all_kernels_in_model(model)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], before[::-1, ::-1])
    # Rows of a kernel behind images (2, 2) of 3 channels, numbered by their place when channels come last.
    dense = layers.Dense(1, input_shape=(12,))
    Sequential([dense])
    dense.set_weights([np.arange(12.0)[:, None], np.zeros(1)])
    layer_utils.convert_dense_weights_data_format(dense, (3, 2, 2), "channels_first")
    assert dense.get_weights()[0].ravel().tolist() == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]
    layer_utils.convert_dense_weights_data_format(dense, (2, 2, 3), "channels_last")
    assert dense.get_weights()[0].ravel().tolist() == list(range(12))


def test_counts_and_sources():
    x, y = layers.Input((2,)), layers.Input((2,))
    dense = layers.Dense(3)
    total = layers.add([dense(x), dense(y)])
    assert layer_utils.get_source_inputs(total) == [x, y]
    assert layer_utils.count_params(dense.weights + dense.weights) == 9


def test_dicts_in_files(tmp_path):
    kept = io_utils.H5Dict(str(tmp_path / "kept.h5"))
    kept["layer"]["kernel"] = np.eye(2)
    kept.update({"names": np.array(["a", "b"]), "deep": {"er": 3}})
    kept["names"] = ["c"]
    assert (sorted(kept), len(kept), "layer" in kept) == (["deep", "layer", "names"], 3, True)
    kept.close()
    with io_utils.h5dict(str(tmp_path / "kept.h5"), mode="r") as back:
        assert back["layer"]["kernel"].tolist() == [[1, 0], [0, 1]]
        assert (back["deep"]["er"], back["names"].tolist(), back.get("none", 7)) == (3, [b"c"], 7)
        with pytest.raises(KeyError, match="'none' is not in the file"):
            back["none"]
        with pytest.raises(ValueError, match="opened to be read"):
            back["none"] = 1
    with h5py.File(tmp_path / "kept.h5", "r") as file:
        assert io_utils.H5Dict(file, "r")["deep"]["er"] == 3
    with pytest.raises(TypeError, match="a file name, an HDF5 group or a dict"):
        io_utils.H5Dict(3)


def test_a_question_is_asked_until_it_is_answered(monkeypatch):
    answers = iter(["what", "Y "])
    monkeypatch.setattr("builtins.input", lambda text: next(answers))
    assert io_utils.ask_to_proceed_with_overwrite("model.h5") is True


def test_what_worker_processes_called():
    data_utils.init_pool({3: ["first", "second"]})
    assert data_utils.get_index(3, 1) == "second"
    data_utils.init_pool_generator({1: iter("ab")}, random_seed=1)
    assert (data_utils.next_sample(1), data_utils.next_sample(1)) == ("a", "b")


def test_data_that_can_be_learned():
    (x, y), (x_test, y_test) = test_utils.get_test_data(200, 20, (3,), num_classes=3)
    assert (x.shape, y.shape, x_test.shape, set(y_test)) == ((200, 3), (200,), (20, 3), {0, 1, 2})
    assert abs(x[y == 2].mean() - 2) < 0.3
    (x, y), _ = test_utils.get_test_data(4, 1, (3,), (2, 2), classification=False)
    assert (y.shape, y.dtype) == ((4, 2, 2), "float32")
    with pytest.warns(legacy.OldSpelling, match="write num_train, num_classes"):
        test_utils.get_test_data(nb_train=4, num_test=1, nb_class=2)


class Wrong(layers.Layer):
    def call(self, x):
        return K.sum(x, axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape


def test_a_layer_is_tested():
    found = test_utils.layer_test(layers.Dense, {"units": 2}, input_shape=(3, 4))
    assert found.shape == (3, 2)
    with pytest.raises(ValueError, match="Wrong: its .*shape"):
        test_utils.layer_test(Wrong, input_shape=(3, 4))


def test_one_model_for_all_devices():
    model = Sequential([layers.Dense(2, input_shape=(3,))])
    with pytest.warns(legacy.OldSpelling, match="gives the model back as it is; its batches are not split"):
        assert multi_gpu_model(model, gpus=4) is model
    with pytest.raises(ValueError, match="gpus is a number from 2 on"):
        multi_gpu_model(model, gpus=1)


def test_old_scripts_find_the_gpus_there_are(monkeypatch):
    monkeypatch.setattr(engine.module, "device_names", lambda kind=None: ["gpu:0", "gpu:1", "gpu:2", "cpu:0"])
    for asked, found in [(2, ("gpu:0", "gpu:1")), ([0, 2], ("gpu:0", "gpu:2")), (8, ("gpu:0", "gpu:1", "gpu:2"))]:
        model = Sequential([layers.Dense(2, input_shape=(3,))])
        with pytest.warns(legacy.OldSpelling, match=f"split over {', '.join(found)}"):
            multi_gpu_model(model, gpus=asked)
        model.compile("sgd", "mse")
        assert model._distribution.devices == found


# --- Keras 1 ---


def test_first_values_of_keras_1():
    assert K.get_value(initializations.identity((2, 2), scale=3)).tolist() == [[3, 0], [0, 3]]
    assert np.abs(K.get_value(initializations.uniform((50, 50), scale=0.2))).max() == pytest.approx(0.2, rel=0.01)
    assert K.get_value(initializations.normal((100, 100), scale=0.5)).std() == pytest.approx(0.5, rel=0.05)
    assert type(initializations.normal(scale=0.02)).__name__ == "RandomNormal"
    assert initializations.get("normal") is not None
    assert K.get_value(initializations.glorot_uniform((2, 3))).shape == (2, 3)


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        ("sum", [[5.0, 7.0]]), ("mul", [[6.0, 10.0]]), ("ave", [[2.5, 3.5]]), ("max", [[3.0, 5.0]]),
        ("concat", [[2.0, 2.0, 3.0, 5.0]]), (lambda x: x[0] - x[1], [[-1.0, -3.0]]), ("dot", [[16.0]]),
    ],
)  # fmt: skip
def test_merge_by_mode(mode, found):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", legacy.OldSpelling)
        merged = keras1.Merge(mode=mode)([K.constant([[2.0, 2.0]]), K.constant([[3.0, 5.0]])])
    assert np.asarray(merged).tolist() == found


def test_classes_of_probabilities():
    assert keras1.probas_to_classes(np.array([[0.2], [0.7]])).tolist() == [0, 1]
    assert keras1.categorical_probas_to_classes(np.array([[0.1, 0.2, 0.7]])).tolist() == [2]

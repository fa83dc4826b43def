"""Classic HDF5 files: their layout, that they come back whole, that damage is found, and files of other ages."""

import json

import h5py
import numpy as np
import pytest

from hornbeam.saving import hdf5, reading
from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.stored import Origin, StoredLayer, StoredModel


def array(*shape, dtype="float32"):
    return np.random.default_rng(sum(shape) + 1).normal(size=shape).astype(dtype)


def dense(name, units, **settings):
    return {"class_name": "Dense", "config": {"name": name, "units": units, "activation": "linear", **settings}}


def small_model(**changes):
    architecture = {
        "class_name": "Sequential",
        "config": {"name": "s", "layers": [dense("d", 2), dense("e", 1)], "build_input_shape": [None, 3]},
        "keras_version": "2.2.4",
        "backend": "jax",
    }
    layers = [
        StoredLayer("d", [("d/kernel:0", array(3, 2)), ("d/bias:0", array(2))]),
        StoredLayer("e", [("e/kernel:0", array(2, 1)), ("e/bias:0", array(1))]),
    ]
    training = {
        "optimizer": {"class_name": "SGD", "config": {"lr": 0.5, "decay": 0.0, "momentum": 0.9}}, "loss": "mse",
        "metrics": ["mae"], "weighted_metrics": None, "loss_weights": None, "sample_weight_mode": None,
    }  # fmt: skip
    state = [np.int64(7), array(3, 2), array(2), array(2, 1), array(1)]
    found = StoredModel(architecture, layers, training, state, Origin("hornbeam", "2.2.4", "jax"))
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def assert_same(a, b):
    assert (a.architecture, a.training, a.origin) == (b.architecture, b.training, b.origin)
    assert [layer.name for layer in a.layers] == [layer.name for layer in b.layers]
    for one, other in zip(a.layers, b.layers):
        assert [name for name, _ in one.weights] == [name for name, _ in other.weights]
        for (_, x), (_, y) in zip(one.weights, other.weights):
            assert np.asarray(x).dtype == y.dtype
            assert np.array_equal(x, y)
    assert (a.optimizer_weights is None) == (b.optimizer_weights is None)
    for x, y in zip(a.optimizer_weights or [], b.optimizer_weights or []):
        assert np.array_equal(x, y)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.h5"


# --- The layout ---


def test_the_layout_is_that_of_keras_2(path):
    hdf5.write_model(small_model(), path)
    with h5py.File(path) as file:
        assert {"keras_version", "backend", "model_config", "training_config"} <= set(file.attrs)
        assert (file.attrs["keras_version"], file.attrs["backend"]) == ("2.2.4", "jax")
        assert json.loads(file.attrs["model_config"])["class_name"] == "Sequential"
        assert json.loads(file.attrs["training_config"])["optimizer_config"]["class_name"] == "SGD"
        group = file["model_weights"]
        assert group.attrs["layer_names"].tolist() == [b"d", b"e"]
        assert (group.attrs["keras_version"], group.attrs["backend"]) == ("2.2.4", "jax")
        assert group["d"].attrs["weight_names"].tolist() == [b"d/kernel:0", b"d/bias:0"]
        assert group["d/d/kernel:0"].shape == (3, 2)
        assert group["d/d/kernel:0"].chunks is None  # in one piece, so that it is written and read without copies
        names = file["optimizer_weights"].attrs["weight_names"]
        assert [file["optimizer_weights"][name].shape for name in names] == [(), (3, 2), (2,), (2, 1), (1,)]


def test_weights_only_lie_in_the_root(path):
    hdf5.write_weights(small_model(), path)
    with h5py.File(path) as file:
        assert file.attrs["layer_names"].tolist() == [b"d", b"e"]
        assert file["e/e/bias:0"].shape == (1,)
        assert "model_config" not in file.attrs
    assert_same(hdf5.read_weights(path), small_model(architecture=None, training=None, optimizer_weights=None))
    with pytest.raises(ModelFileError, match="weights only"):
        hdf5.read_model(path)


def test_equal_models_give_equal_files(path, tmp_path):
    hdf5.write_model(small_model(), path)
    hdf5.write_model(small_model(), tmp_path / "n.h5")
    assert path.read_bytes() == (tmp_path / "n.h5").read_bytes()


def test_long_lists_of_names_are_chopped_as_keras_does(path):
    from keras.src.legacy.saving.legacy_h5_format import load_attributes_from_hdf5_group

    names = [f"layer_{i}_{'x' * 200}" for i in range(700)]
    hdf5.write_weights(StoredModel(layers=[StoredLayer(name, []) for name in names]), path)
    with h5py.File(path) as file:
        assert "layer_names" not in file.attrs
        assert "layer_names2" in file.attrs
        assert load_attributes_from_hdf5_group(file, "layer_names") == names
        del file
    with h5py.File(path, "r+") as file:
        del file.attrs[hdf5.MANIFEST], file.attrs[hdf5.MANIFEST_DIGEST]
    assert [layer.name for layer in hdf5.read_weights(path).layers] == names


# --- There and back ---


@pytest.mark.parametrize("training", [True, False])
def test_a_model_comes_back_whole(path, training):
    model = small_model() if training else small_model(training=None, optimizer_weights=None)
    hdf5.write_model(model, path)
    assert_same(hdf5.read_model(path), model)
    weights = hdf5.read_weights(path)
    assert_same(weights, small_model(architecture=None, training=None, optimizer_weights=None))


def test_every_type_and_shape_of_weight_comes_back(path):
    import ml_dtypes

    values = [
        array(2, 3, dtype=kind)
        for kind in ("float16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", ml_dtypes.bfloat16)
    ]
    values += [np.array(True), np.float32(3), np.zeros((0, 4), "float32"), array(4, 5).T, array(6, 4)[::2]]
    values.append(array(2, 2).astype(">f4"))
    layers = [StoredLayer("a", [(f"w{i}:0", value) for i, value in enumerate(values)])]
    hdf5.write_weights(StoredModel(layers=layers), path)
    found = [value for _, value in hdf5.read_weights(path).layers[0].weights]
    for wanted, value in zip(values, found, strict=True):
        assert value.dtype == np.asarray(wanted).dtype.newbyteorder("=")
        assert value.shape == np.shape(wanted)
        assert np.array_equal(value, wanted)


def test_names_that_get_in_each_others_way(path):
    layers = [
        StoredLayer("a", [(name, array(1 + i)) for i, name in enumerate(["k:0", "k:0", "k:0/x:0", "k/y", "k"])]),
        StoredLayer("a/b", [("kernel:0", array(2))]),
        StoredLayer("top_level_model_weights", [("scale:0", array(5))]),
    ]
    hdf5.write_weights(StoredModel(layers=layers), path)
    found = hdf5.read_weights(path)
    sizes = [[v.size for _, v in layer.weights] for layer in found.layers]
    assert sizes == [[1, 2, 3, 4, 5], [2], [5]]
    with h5py.File(path, "r+") as file:
        assert file.attrs["layer_names"].tolist() == [b"a", b"a/b"]
        del file.attrs[hdf5.MANIFEST], file.attrs[hdf5.MANIFEST_DIGEST]
    found = hdf5.read_weights(path)  # as others read it
    assert [layer.name for layer in found.layers] == ["a", "a/b", "top_level_model_weights"]
    assert [v.size for _, v in found.layers[0].weights] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([StoredLayer("a", []), StoredLayer("a", [])], "Two layers"),
        ([StoredLayer("a", [("../x", array(1))])], "cannot stand"),
        ([StoredLayer("a\0", [])], "cannot stand"),
        ([StoredLayer("x" * 70000, [])], "at most 64512"),
        ([StoredLayer("a", [("w", np.array(["text"]))])], "the type <U4"),
        ([StoredLayer("a", [("w", np.array([1j]))])], "the type complex128"),
    ],
)
def test_what_cannot_be_written(path, layers, said):
    with pytest.raises(ValueError, match=said):
        hdf5.write_weights(StoredModel(layers=layers), path)


def test_a_whole_model_needs_an_architecture(path):
    with pytest.raises(ValueError, match="needs an architecture"):
        hdf5.write_model(small_model(architecture=None), path)


# --- Damage ---


def flipped_everywhere(path, count, read):
    """(loaded alike, refused) over `count` files with one flipped bit each."""
    content, random = path.read_bytes(), np.random.default_rng(0)
    # Beside even steps through the whole file, every place of the weights themselves.
    places = np.linspace(0, len(content) - 1, count).astype(int).tolist()
    alike = refused = 0
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << int(random.integers(8))
        path.write_bytes(changed)
        try:
            assert_same(read(path), small_model())
            alike += 1
        except ModelFileError:
            refused += 1
    return alike, refused


def test_a_flipped_bit_is_found_or_harmless(path):
    hdf5.write_model(small_model(), path)
    alike, refused = flipped_everywhere(path, 250, hdf5.read_model)
    assert alike + refused == 250
    assert refused > 20


@pytest.mark.nightly
def test_many_flipped_bits_are_found_or_harmless(path):
    hdf5.write_model(small_model(), path)
    alike, refused = flipped_everywhere(path, 20_000, hdf5.read_model)
    assert alike + refused == 20_000


def test_a_flipped_bit_in_a_weight_names_the_weight(path):
    hdf5.write_model(small_model(), path)
    with h5py.File(path) as file:
        names = ("model_weights/d/d/bias:0", "model_weights/e/e/kernel:0")
        places = {name: file[name].id.get_offset() for name in names}
    content = path.read_bytes()
    for name, place in places.items():
        for bit in (0, 7, 31, 63):
            changed = bytearray(content)
            changed[place + bit // 8] ^= 1 << bit % 8
            path.write_bytes(changed)
            with pytest.raises(ModelFileError, match=f"'{name}' does not have the values that were written"):
                hdf5.read_model(path)


def test_what_was_changed_on_purpose_says_how_to_load_it(path):
    hdf5.write_model(small_model(), path)
    with h5py.File(path, "r+") as file:
        file["model_weights/d/d/bias:0"][:] = 5
    with pytest.raises(ModelFileError, match="on purpose, delete its attributes 'hornbeam_manifest'"):
        hdf5.read_model(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["hornbeam_manifest"]
    with pytest.raises(ModelFileError, match="its manifest is damaged"):
        hdf5.read_model(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["hornbeam_manifest_sha256"]
    assert hdf5.read_model(path).layers[0].weights[1][1].tolist() == [5, 5]


def test_another_configuration_does_not_go_unseen(path):
    hdf5.write_model(small_model(), path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace("linear", "relu")
    with pytest.raises(ModelFileError, match="'model_config' is not what was written"):
        hdf5.read_model(path)


# --- Files of others ---


def test_a_file_of_keras_2_as_its_form_was(path):
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = b"2.1.6", b"theano"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": [dense("d", 2)]}).encode()
        file.attrs["training_config"] = json.dumps(
            {"optimizer_config": {"class_name": "SGD", "config": {"lr": 0.1}}, "loss": "mse", "metrics": []}
        ).encode()
        group = file.create_group("model_weights/d")
        file["model_weights"].attrs["layer_names"] = np.array([b"d"])
        group.attrs["weight_names"] = np.array([b"d/kernel:0", b"d/bias:0"])
        group["d/kernel:0"], group["d/bias:0"] = array(3, 2), array(2)
        state = file.create_group("optimizer_weights")
        state.attrs["weight_names"] = np.array([b"training/SGD/iterations:0"])
        state["training/SGD/iterations:0"] = 12
    found = hdf5.read_model(path)
    assert found.origin == Origin("h5", "2.1.6", "theano")
    assert found.architecture["config"] == [dense("d", 2)]
    assert found.architecture["keras_version"] == "2.1.6"
    assert found.training == {
        "optimizer": {"class_name": "SGD", "config": {"lr": 0.1}}, "loss": "mse", "metrics": []
    }  # fmt: skip
    assert np.array_equal(found.layers[0].weights[0][1], array(3, 2))
    assert found.optimizer_weights == [12]


def test_weights_of_keras_1_have_no_version(path):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([b"dense_1", b"flat"])
        for name, weights in (("dense_1", [b"dense_1_W", b"dense_1_b"]), ("flat", [])):
            file.create_group(name).attrs["weight_names"] = np.array(weights)
        file["dense_1/dense_1_W"], file["dense_1/dense_1_b"] = array(3, 2), array(2)
    found = hdf5.read_weights(path)
    assert found.origin == Origin("h5", "1", "")
    assert [(layer.name, len(layer.weights)) for layer in found.layers] == [("dense_1", 2), ("flat", 0)]


def test_weights_of_the_first_keras_have_numbers(path):
    with h5py.File(path, "w") as file:
        file.attrs["nb_layers"] = 2
        for i in range(2):
            file.create_group(f"layer_{i}").attrs["nb_params"] = 2 * i
        file["layer_1/param_0"], file["layer_1/param_1"] = array(3, 2), array(2)
    found = hdf5.read_weights(path)
    assert found.origin == Origin("h5", "0", "")
    assert [len(layer.weights) for layer in found.layers] == [0, 2]
    with h5py.File(path, "r+") as file:
        file.attrs["nb_layers"] = -1
    with pytest.raises(ModelFileError, match="no number of things"):
        hdf5.read_weights(path)


def test_files_without_layers_are_refused(path):
    with h5py.File(path, "w") as file:
        file["other"] = np.ones(3)
    for read in (hdf5.read_model, hdf5.read_weights):
        with pytest.raises(ModelFileError, match="holds no layers|weights only"):
            read(path)


@pytest.mark.parametrize("text", ["[1, 2]", "{", "[" * 100_000, "nul"])
def test_a_configuration_that_is_none(path, text):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = text
        file.create_group("model_weights").attrs["layer_names"] = []
    with pytest.raises(ModelFileError, match="model_config"):
        hdf5.read_model(path)


def test_names_that_lead_nowhere(path):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["a", "../b"]
        file.create_group("a").attrs["weight_names"] = ["gone:0"]
    with pytest.raises(ModelFileError, match="no dataset 'a/gone:0'"):
        hdf5.read_weights(path)


def test_a_user_block_is_refused_in_the_same_words_everywhere(tmp_path):
    path = tmp_path / "m.h5"
    with h5py.File(path, "w", userblock_size=1024):
        pass
    for read in (hdf5.read_model, hdf5.read_weights, reading.read_model, reading.kind_of):
        with pytest.raises(ModelFileError, match="after a user block of 1024 bytes, .*h5unjam"):
            read(path)

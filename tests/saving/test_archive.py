"""The .keras archive of our own: bit for bit back, damage found, places in the file as told; how HDF5 is streamed."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest

from hornbeam import layers, models, optimizers
from hornbeam.core import Input
from hornbeam.saving import ModelFileError, archive, model_files
from hornbeam.saving.hdf5_stream import Layout
from hornbeam.saving.stored import StoredModel


def sample():
    """A model with a nested one, a shared layer, weights beside the trained ones, and a used optimizer."""
    x = Input((4,))
    inner = models.Sequential([layers.Dense(3, input_shape=(4,)), layers.BatchNormalization()], name="inner")
    shared = layers.Dense(4, activation="hard_sigmoid", name="a/b")
    model = models.Model(x, layers.Dense(1)(inner(shared(shared(x)))))
    model.compile(optimizers.RMSprop(0.01, momentum=0.5), "mse", metrics=["mae"])
    grads = [np.ones(w.shape, "float32") for w in model.trainable_weights]
    model.optimizer.apply_gradients(list(zip(grads, model.trainable_weights, strict=True)))
    return model


def same(one, other):
    """Are two StoredModels equal, bit for bit?"""
    assert one.architecture == other.architecture
    assert one.training == other.training
    assert [layer.name for layer in one.layers] == [layer.name for layer in other.layers]
    for mine, theirs in zip(one.layers, other.layers, strict=True):
        assert [name for name, _ in mine.weights] == [name for name, _ in theirs.weights]
        for (_, a), (_, b) in zip(mine.weights, theirs.weights, strict=True):
            assert (a.dtype, a.tolist()) == (b.dtype, b.tolist())
    for a, b in zip(one.optimizer_weights or (), other.optimizer_weights or (), strict=True):
        assert (a.dtype, a.tolist()) == (b.dtype, b.tolist())


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "m.keras"
    stored = model_files.describe(sample())
    archive.write_model(stored, path)
    return stored, path


def test_comes_back_bit_for_bit(written):
    stored, path = written
    found = archive.read_model(path)
    same(stored, found)
    assert found.origin.format == "keras"
    assert found.origin.keras_version == "2.2.4"
    assert len(found.optimizer_weights) == 1 + 2 * 8  # updates; 8 trained weights: mean square, last step


def test_has_three_members_stored_without_packing(written):
    members = zipfile.ZipFile(written[1]).infolist()
    assert sorted(m.filename for m in members) == ["config.json", "metadata.json", "model.weights.h5"]
    assert {m.compress_type for m in members} == {zipfile.ZIP_STORED}


def test_paths_are_those_of_keras_3(written):
    file = h5py.File(io.BytesIO(zipfile.ZipFile(written[1]).read("model.weights.h5")))
    inner = "layers/sequential/layers/batch_normalization/vars"
    assert sorted(file[inner]) == ["0", "1", "2", "3"]
    assert file["layers/dense/vars/0"].shape == (4, 4)
    assert file["layers/dense_1/vars/0"].shape == (3, 1)
    assert file["optimizer/vars/0"][()] == 1
    assert file["layers/dense/vars"].attrs["name"] == "a/b"


def test_without_our_metadata_it_is_a_file_of_keras_3(written, tmp_path):
    """Another program may copy the three members and write its own metadata: what Keras's form says remains."""
    stored, path = written
    source, target = zipfile.ZipFile(path), tmp_path / "copy.keras"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in ("config.json", "model.weights.h5"):
            copy.writestr(name, source.read(name))
        copy.writestr("metadata.json", '{"keras_version": "3.9.0"}')
    found = archive.read_model(target)
    assert found.origin.keras_version == "3.9.0"
    for mine, theirs in zip(stored.layers, found.layers, strict=True):
        for (_, a), (_, b) in zip(mine.weights, theirs.weights, strict=True):
            assert np.array_equal(a, b)
    for a, b in zip(stored.optimizer_weights, found.optimizer_weights, strict=True):
        assert np.array_equal(a, b)


def test_a_changed_configuration_counts(written, tmp_path):
    source, target = zipfile.ZipFile(written[1]), tmp_path / "changed.keras"
    with zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            data = source.read(name)
            if name == "config.json":
                data = data.replace(b'"activation": "linear"', b'"activation": "tanh"')
            copy.writestr(name, data)
    assert "'tanh'" in str(archive.read_model(target).architecture)


def test_every_flipped_bit_of_an_array_is_found(written, tmp_path):
    stored, path = written
    data = bytearray(path.read_bytes())
    for array in (stored.layers[1].weights[0][1], stored.optimizer_weights[-1]):
        place = data.index(array.tobytes())
        target = tmp_path / "flipped.keras"
        for bit in (0, 7):
            damaged = bytearray(data)
            damaged[place + 1] ^= 1 << bit
            target.write_bytes(damaged)
            with pytest.raises(ModelFileError, match="SHA-256|CRC"):
                archive.read_model(target)


def test_places_outside_the_file_are_refused(written, tmp_path):
    source, target = zipfile.ZipFile(written[1]), tmp_path / "places.keras"
    metadata = json.loads(source.read("metadata.json"))
    first = metadata["hornbeam"]["layers"][1]["weights"][0]
    for change in ({"offset": 1 << 40}, {"offset": -8}, {"shape": [1 << 40]}, {"shape": [-1]}, {"dtype": "object"}):
        kept = dict(first)
        first.update(change)
        with zipfile.ZipFile(target, "w") as copy:
            for name in ("config.json", "model.weights.h5"):
                copy.writestr(name, source.read(name))
            copy.writestr("metadata.json", json.dumps(metadata))
        first.update(kept)
        with pytest.raises(ModelFileError):
            archive.read_model(target)


@pytest.mark.parametrize("cut", [10, 200, -30])
def test_a_file_cut_short_is_refused(written, tmp_path, cut):
    target = tmp_path / "cut.keras"
    target.write_bytes(written[1].read_bytes()[:cut])
    with pytest.raises(ModelFileError):
        archive.read_model(target)


def test_weights_alone_are_refused(tmp_path):
    with pytest.raises(ValueError, match="safetensors"):
        archive.write_model(StoredModel(), tmp_path / "m.keras")


def test_users_own_layers_keep_their_weights(tmp_path):
    class Scale(layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight("factor", (1,), initializer="ones")
            self.count = self.add_weight("count", (), trainable=False, initializer="zeros")
            super().build(input_shape)

        def call(self, inputs):
            return inputs * self.factor

    for model in (
        models.Sequential([Scale(input_shape=(2,)), layers.Dense(1)]),
        models.Sequential([models.Sequential([Scale(input_shape=(2,))]), layers.Dense(1)]),
    ):
        stored = model_files.describe(model)
        archive.write_model(stored, tmp_path / "m.keras")
        same(stored, archive.read_model(tmp_path / "m.keras"))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8", "bool"])
def test_streamed_hdf5_is_what_h5py_reads(dtype):
    draw = np.random.default_rng(0)
    arrays = {f"a/{i}/vars/{j}": (draw.normal(size=shape) * 9).astype(dtype) for i in range(40)
              for j, shape in enumerate([(), (3, 5), (0, 2), (1000,)])}  # fmt: skip
    layout = Layout(arrays, {"a/0/vars": "first"})
    data = b"".join(bytes(part) for part in layout.parts())
    assert len(data) == layout.size
    with h5py.File(io.BytesIO(data)) as file:
        assert file["a/0/vars"].attrs["name"] == "first"
        for path, value in arrays.items():
            found = file[path][()]
            assert found.dtype == value.dtype
            assert np.array_equal(found, value)
            if value.nbytes:
                place = layout.places[path]
                assert data[place : place + value.nbytes] == value.tobytes()

"""Data of every kind gives the same training: a test for each line of what fit, evaluate, predict take.

Torch, Hugging Face's datasets, grain and TensorFlow are not installed here: stand-ins behave as they do.
"""

import collections
import threading

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.callbacks import Callback
from hornbeam.layers import Dense, Embedding, GlobalAveragePooling1D, Input
from hornbeam.models import Model, Sequential
from hornbeam.training import data as data_module
from hornbeam.training.sources import buckets
from hornbeam.utils import HDF5Matrix, PyDataset, set_random_seed
from hornbeam.utils import Sequence as Batches
from sequences_to_send import Numbers

draw = np.random.default_rng(0)
X = draw.normal(size=(21, 5)).astype("float32")
Y = (X.sum(axis=1, keepdims=True) > 0).astype("float32")
W = draw.random(21).astype("float32")
ROWS = 4  # five full batches and a short one
STEPS = 6
COLUMNS = [f"c{i}" for i in range(5)]


def cut(*arrays, rows=ROWS):
    """The arrays in batches, as tuples."""
    return [tuple(a[at : at + rows] for a in arrays) for at in range(0, len(arrays[0]), rows)]


def forever(*arrays):
    while True:
        yield from cut(*arrays)


class Numbered(Batches):
    def __init__(self, *arrays):
        self.batches, self.ends = cut(*arrays), 0

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]

    def on_epoch_end(self):
        self.ends += 1


class Bench:
    """A model that is set back to where it began, so that one compiled program serves all tests."""

    def __init__(self):
        self.model = Sequential([Dense(4, activation="relu", input_shape=(5,)), Dense(1, activation="sigmoid")])
        self.model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        self.first = self.model.get_weights()

    def fit(self, *data, epochs=2, **kwargs):
        """(history, weights) of training from the beginning, without shuffling."""
        model = self.model
        model.set_weights(self.first)
        model.optimizer._states.clear()
        K.set_value(model.optimizer.iterations, 0)
        set_random_seed(1)
        kwargs = {"verbose": 0, "shuffle": False, **kwargs}
        history = model.fit(*data, epochs=epochs, **kwargs).history
        return {name: list(values) for name, values in history.items()}, model.get_weights()

    def outcome_of_arrays(self):
        """(what `fit` gives, predictions, evaluation), for :meth:`check`."""
        found = self.fit(X, Y, batch_size=ROWS)
        return found, self.model.predict(X, batch_size=ROWS), self.model.evaluate(X, Y, batch_size=ROWS, verbose=0)

    def check(self, wanted, x, y=None, inputs=None, reading=None, **kwargs):
        """`x` and `y` train, are evaluated and predicted (from `inputs`, or `x` itself) as the arrays are.

        `reading` are arguments of all three, `kwargs` of `fit` alone.
        """
        reading = reading or {}
        same(self.fit(x, y, **reading, **kwargs), wanted[0])
        found = self.model.predict(x if inputs is None else inputs, **reading)
        np.testing.assert_allclose(found, wanted[1], rtol=1e-5)
        assert self.model.evaluate(x, y, verbose=0, **reading) == pytest.approx(wanted[2], rel=1e-6)


def same(found, wanted):
    """Resident arrays and stacked batches are two programs, which may round otherwise in the last bit."""
    assert list(found[0]) == list(wanted[0])
    for name in found[0]:
        np.testing.assert_allclose(found[0][name], wanted[0][name], rtol=1e-5)
    for one, other in zip(found[1], wanted[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def bench():
    return Bench()


@pytest.fixture(scope="module")
def wanted(bench):
    """What arrays give."""
    return bench.outcome_of_arrays()


@pytest.fixture
def check(bench, wanted):
    def run(x, y=None, **kwargs):
        """`x` and `y` train, are evaluated and predicted as the arrays are."""
        batches = {} if y is None and not hasattr(x, "column_names") else {"batch_size": ROWS}
        bench.check(wanted, x, y, reading=batches, **kwargs)

    return run


# --- Arrays and what is like them ---


class Tensor:
    """As torch's: part of a graph, and on a device, until told otherwise."""

    def __init__(self, array, plain=False):
        self.array, self.plain = array, plain
        self.shape, self.dtype = array.shape, "torch.float32"

    def __len__(self):
        return len(self.array)

    def detach(self):
        return Tensor(self.array, "detached")

    def cpu(self):
        return Tensor(self.array, self.plain == "detached")

    def numpy(self):
        if self.plain is not True:
            raise RuntimeError("Can't call numpy() on a tensor that requires grad or is on a device.")
        return self.array


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X.astype("float64"), Y[:, 0]),
        (X.tolist(), Y.tolist()),
        ([X], [Y]),
        ({"dense_input": X}, Y),
        ((X,), (Y,)),
        (K.constant(X), K.constant(Y)),
        (Tensor(X), Tensor(Y)),
    ],
    ids=["numpy", "lists", "lists of arrays", "dict by name", "tuples", "engine", "torch tensors"],
)
def test_arrays_lists_dicts_tuples_and_tensors(check, bench, x, y):
    if isinstance(x, dict):
        x = {bench.model.input_names[0]: X}
    batches = {"batch_size": ROWS}
    same(bench.fit(x, y, **batches), bench.fit(X, Y, **batches))


def test_pandas_frames_and_series(check):
    pandas = pytest.importorskip("pandas")
    check(pandas.DataFrame(X, columns=COLUMNS), pandas.Series(Y[:, 0]))
    check(pandas.DataFrame(X, columns=COLUMNS).astype("Float64"), pandas.Series(Y[:, 0]).astype("Int64"))


def test_polars_frames_and_series(check):
    polars = pytest.importorskip("polars")
    check(polars.DataFrame(X, schema=COLUMNS), polars.Series(Y[:, 0]))


def test_pyarrow_tables(check):
    pyarrow = pytest.importorskip("pyarrow")
    check(pyarrow.table({name: X[:, i] for i, name in enumerate(COLUMNS)}), pyarrow.chunked_array([Y[:9, 0], Y[9:, 0]]))


def test_a_frame_gives_several_inputs_their_columns():
    pandas = pytest.importorskip("pandas")
    a, b = Input((1,), name="a"), Input((1,), name="b")
    model = Model([a, b], Dense(1)(a))
    frame = pandas.DataFrame({"b": [3.0, 4.0], "a": [1.0, 2.0]})
    np.testing.assert_array_equal(model.predict(frame), model.predict([frame["a"], frame["b"]]))


def test_sparse_matrices_are_made_dense_per_batch_never_whole(check):
    sparse = pytest.importorskip("scipy.sparse")
    seen = []

    class Watched(sparse.csr_matrix):
        def toarray(self, *args, **kwargs):
            seen.append(self.shape[0])
            return super().toarray(*args, **kwargs)

    check(sparse.coo_matrix(X), Y)
    check(Watched(X), Y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_module, "CHUNK_BYTES", 1)
        seen.clear()
        check(Watched(X), Y)
    assert max(seen) <= ROWS


# --- Files ---


class Counted:
    """A data set that notes how many rows are read at a time."""

    def __init__(self, data):
        self.data, self.most = data, 0
        self.shape, self.dtype = data.shape, data.dtype

    def __len__(self):
        return len(self.data)

    def __getitem__(self, key):
        found = self.data[key]
        self.most = max(self.most, len(found))
        return found


def test_memory_mapped_arrays_are_never_read_whole(check, tmp_path):
    for dtype in ("float32", "float64"):
        mapped = np.memmap(tmp_path / dtype, dtype, "w+", shape=X.shape)
        mapped[:] = X
        check(mapped, Y)
    np.save(tmp_path / "x.npy", X)
    check(np.load(tmp_path / "x.npy", mmap_mode="r"), Y)


def test_h5py_data_sets_and_hdf5_matrices_are_never_read_whole(check, tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = X, Y
        check(file["x"], file["y"])
    path = tmp_path / "a.h5"
    check(HDF5Matrix(path, "x"), HDF5Matrix(path, "y"))
    monkeypatch.setattr(data_module, "CHUNK_BYTES", 1)
    x = HDF5Matrix(path, "x")
    x.data = counted = Counted(x.data)
    check(x, HDF5Matrix(path, "y"))
    assert counted.most <= ROWS


def test_files_are_shuffled_split_and_weighted_like_arrays(bench, tmp_path):
    h5py = pytest.importorskip("h5py")
    settings = {
        "batch_size": ROWS, "shuffle": True, "validation_split": 0.3, "class_weight": {0: 1.0, 1: 3.0},
        "sample_weight": W,
    }  # fmt: skip
    wanted = bench.fit(X, Y, **settings)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = X, Y
        same(bench.fit(file["x"], file["y"], **settings), wanted)
        settings["shuffle"] = "batch"
        same(bench.fit(file["x"], file["y"], **settings), bench.fit(X, Y, **settings))


def test_wrong_labels_in_a_file_are_found_when_they_are_read(bench, tmp_path):
    y = np.memmap(tmp_path / "y", "float32", "w+", shape=Y.shape)
    y[:] = Y
    y[7] = -1
    with pytest.raises(ValueError, match="holds -1.0, but binary_crossentropy takes targets from 0"):
        bench.fit(X, y, batch_size=ROWS)


# --- Streams ---


def test_generators(check, bench, wanted):
    same(bench.fit(forever(X, Y), steps_per_epoch=STEPS), wanted[0])
    same(bench.fit((list(pair) for pair in forever(X, Y)), steps_per_epoch=STEPS), wanted[0])
    np.testing.assert_allclose(bench.model.predict(x for (x,) in cut(X)), wanted[1], rtol=1e-5)
    np.testing.assert_allclose(bench.model.predict(forever(X, Y), steps=STEPS), wanted[1], rtol=1e-5)
    assert bench.model.evaluate(iter(cut(X, Y)), verbose=0) == pytest.approx(wanted[2], rel=1e-6)


def test_sequences(check, bench, wanted):
    check(Numbered(X, Y))
    source = Numbered(X, Y)
    bench.fit(source, epochs=3)
    assert source.ends == 3
    for shuffle in (False, True):
        source, seen = Numbers(4), []
        source.__class__.__getitem__, kept = note(seen), source.__class__.__getitem__
        bench.fit(source, epochs=2, shuffle=shuffle)
        source.__class__.__getitem__ = kept
        assert [sorted(seen[:4]), sorted(seen[4:])] == [[0, 1, 2, 3]] * 2
        assert (seen == [0, 1, 2, 3] * 2) != shuffle


def note(seen):
    def get(self, index):
        seen.append(index)
        return X[:1], Y[:1]

    return get


def test_a_sequence_goes_on_where_an_epoch_of_few_steps_ended(bench, wanted):
    source = Numbered(X, Y)
    _, weights = bench.fit(source, steps_per_epoch=4, epochs=3)
    same(({}, weights), ({}, wanted[0][1]))  # twelve batches are two passes
    assert source.ends == 2


def test_py_datasets_say_themselves_how_they_are_read(check, bench, monkeypatch):
    monkeypatch.setattr("hornbeam.utils.workers.PATIENCE_S", 600)
    class Own(PyDataset):
        threads = set()
        together = threading.Barrier(3)  # without it, two quick workers may leave the third nothing to do

        def __len__(self):
            return STEPS

        def __getitem__(self, index):
            name = threading.current_thread().name
            if "worker" in name and name not in self.threads:
                self.together.wait(timeout=600)
            self.threads.add(name)
            return cut(X, Y)[index]

    check(Own(workers=3, max_queue_size=3))
    assert {name for name in Own.threads if "worker 3" in name}
    Own.threads.clear()
    bench.fit(Own(workers=3), workers=0, epochs=1)
    assert Own.threads == {threading.main_thread().name}


class Loader:
    """As torch's DataLoader, and as tf.data: begins anew, gives lists of tensors."""

    def __init__(self, *arrays, known=True):
        self.arrays, self.known = arrays, known

    def __len__(self):
        if not self.known:
            raise TypeError("the length is unknown")
        return STEPS

    def __iter__(self):
        return iter([[Tensor(a) for a in batch] for batch in cut(*self.arrays)])


@pytest.mark.parametrize("known", [True, False])
def test_loaders(check, known):
    check(Loader(X, Y, known=known))


class FromTensorFlow:
    """As tf.data: tensors know `numpy()` and `__array__`, the data set has no truth value."""

    element_spec = ()

    def __bool__(self):
        raise TypeError("no truth value")

    def __iter__(self):
        class Eager:
            def __init__(self, array):
                self.array, self.shape, self.dtype = array, array.shape, "<dtype: 'float32'>"

            def __array__(self, dtype=None, copy=None):
                return self.array

            def numpy(self):
                return self.array

        return iter([tuple(Eager(a) for a in batch) for batch in cut(X, Y)])


class Rows:
    """As Hugging Face's data sets: rows of named columns."""

    column_names = ["pixels", "label"]
    most = 0

    def with_format(self, kind):
        assert kind == "numpy"
        return self

    def __len__(self):
        return len(X)

    def __getitem__(self, key):
        Rows.most = max(Rows.most, np.size(key))
        return {"pixels": X[key], "label": Y[key]}


def test_tf_data(check):
    check(FromTensorFlow())


def test_grain(check):
    class Mapped:  # a grain MapDataset: batches by number, no end of epoch
        def __len__(self):
            return STEPS

        def __getitem__(self, index):
            return {"image": cut(X)[index][0], "label": cut(Y)[index][0]}

    check(Mapped())
    check(collections.namedtuple("Dataset", "source")(Mapped()).source)


def test_hugging_face_data_sets(check, bench, monkeypatch):
    check(Rows())
    same(bench.fit(Rows(), "label", batch_size=ROWS), bench.fit(X, Y, batch_size=ROWS))
    with pytest.raises(ValueError, match="Unknown column 'lable'. Did you mean 'label'"):
        bench.fit(Rows(), "lable")
    monkeypatch.setattr(data_module, "CHUNK_BYTES", 1)
    Rows.most = 0
    check(Rows())
    assert Rows.most <= ROWS


def test_sample_weights_and_class_weights_in_batches(bench):
    settings = {"class_weight": {0: 1.0, 1: 3.0}}
    wanted = bench.fit(X, Y, sample_weight=W, batch_size=ROWS, **settings)
    same(bench.fit(Numbered(X, Y, W), **settings), wanted)


def test_validation_data_may_be_a_stream(bench):
    wanted = bench.fit(X, Y, batch_size=ROWS, validation_data=(X, Y))[0]
    for given, steps in ((Numbered(X, Y), None), (forever(X, Y), STEPS), (Loader(X, Y), None)):
        found = bench.fit(X, Y, batch_size=ROWS, validation_data=given, validation_steps=steps)[0]
        assert found["loss"] == wanted["loss"]
        np.testing.assert_allclose(found["val_loss"], wanted["val_loss"], rtol=1e-6)
    history = bench.fit(Numbered(X, Y), epochs=4, validation_data=(X, Y), validation_freq=2)[0]
    assert len(history["val_loss"]) == 2


def test_callbacks_hear_of_every_batch_of_a_stream(bench, wanted):
    seen = []

    class Watch(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_train_batch_end(self, batch, logs=None):
            seen.append((batch, logs["size"]))

    for known in (True, False):
        seen.clear()
        same(bench.fit(Loader(X, Y, known=known), callbacks=[Watch()]), wanted[0])
        sizes = [4, 4, 4, 4, 4, 1]
        assert seen == [entry for i, n in enumerate(sizes) for entry in (("begin", i), (i, n))] * 2


# --- Ends ---


def test_a_generator_that_runs_dry_is_told_and_nothing_is_lost(bench):
    with pytest.warns(UserWarning, match=r"ran out after 15 batches; epoch 3 wanted 6. Training stops here"):
        history, weights = bench.fit(iter(cut(X, Y) * 2 + cut(X, Y)[:3]), steps_per_epoch=STEPS, epochs=9)
    assert len(history["loss"]) == 3
    bench.fit(forever(X, Y), steps_per_epoch=STEPS, epochs=2)
    last = bench.model.fit(X[:12], Y[:12], batch_size=ROWS, shuffle=False, verbose=0)
    assert last.history["loss"][0] == pytest.approx(history["loss"][2], rel=1e-6)
    for one, other in zip(bench.model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_generator_without_steps_is_one_epoch(bench, wanted):
    with pytest.warns(UserWarning, match="nothing was left for epoch 2"):
        history, _ = bench.fit(iter(cut(X, Y)), epochs=2)
    np.testing.assert_allclose(history["loss"], wanted[0][0]["loss"][:1], rtol=1e-5)


def test_a_generator_is_asked_for_no_more_batches_than_are_used(bench):
    source = forever(X, Y)
    bench.fit(source, steps_per_epoch=5, epochs=1, max_queue_size=50)
    np.testing.assert_array_equal(next(source)[0], X[20:])
    bench.model.predict(source, steps=2)
    np.testing.assert_array_equal(next(source)[0], X[8:12])


# --- Workers ---


@pytest.mark.parametrize("settings", [{"workers": 0}, {"workers": 4}, {"workers": 4, "max_queue_size": 1}])
def test_order_is_kept_whoever_makes_the_batches(bench, settings):
    wanted, found = bench.fit(Numbered(X, Y)), bench.fit(Numbered(X, Y), **settings)
    assert found[0] == wanted[0]
    for one, other in zip(found[1], wanted[1], strict=True):
        np.testing.assert_array_equal(one, other)  # to the bit


def test_processes_on_request(bench, monkeypatch):
    monkeypatch.setattr("hornbeam.utils.workers.PATIENCE_S", 600)  # a process is slow to start where many do
    settings = {"epochs": 2, "shuffle": True}
    wanted = bench.fit(Numbers(6), **settings, callbacks=None)[0]["accuracy"]
    set_random_seed(1)
    found = bench.fit(Numbers(6), workers=2, use_multiprocessing=True, **settings)[0]["accuracy"]
    assert len(found) == len(wanted) == 2
    with pytest.warns(UserWarning, match="a generator cannot be sent to other processes"):
        bench.fit(forever(X, Y), steps_per_epoch=2, workers=2, use_multiprocessing=True)


def test_a_workers_exception_is_raised_with_the_index(bench):
    for settings in ({}, {"workers": 3}):
        with pytest.raises(KeyError, match="no file for 3") as caught:
            bench.fit(Numbers(fault="raise"), **settings)
        assert "Raised while batch 3 was made." in caught.value.__notes__


def test_batches_that_do_not_fit_are_told_with_their_index(bench):
    with pytest.raises(ValueError, match="needs rows of shape") as caught:
        bench.fit(iter([*cut(X, Y)[:2], (X[:, :3], Y)]))
    assert "Raised while batch 2 was made." in caught.value.__notes__


# --- Lengths ---


def test_ragged_lengths_are_bucketed_on_request_so_that_few_shapes_compile(monkeypatch):
    monkeypatch.setattr(buckets, "MOST_BUCKETS", 2)
    rows = [draw.integers(1, 9, n) for n in draw.integers(1, 20, 24)]
    labels = np.array([len(row) > 10 for row in rows], "float32")
    model = Sequential([Embedding(9, 3, mask_zero=True), GlobalAveragePooling1D(), Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    shapes = set()
    prepare = model._prepare_batch
    model._prepare_batch = lambda batch, *args: shapes.add(batch[0].shape) or prepare(batch, *args)
    model.fit(rows, labels, batch_size=8, bucket_by_length=True, epochs=2, verbose=0)
    assert len({shape[1] for shape in shapes}) <= 2
    found = model.predict(rows, bucket_by_length=True)
    longest = max(map(len, rows))
    padded = np.array([[0] * (longest - len(row)) + row.tolist() for row in rows])
    np.testing.assert_allclose(found, model.predict(padded), rtol=1e-5)  # in the order that they came
    with pytest.raises(ValueError, match="different lengths.*bucket_by_length=True"):
        model.fit(rows, labels)


# --- What is refused ---


@pytest.mark.parametrize(
    ("call", "kind", "told"),
    [
        (lambda m: m.fit(forever(X, Y), Y, steps_per_epoch=2), ValueError, "y comes with the batches where x is a gen"),
        (lambda m: m.fit(Numbered(X, Y), sample_weight=W), ValueError, "sample_weight comes with the batches"),
        (lambda m: m.fit(Numbered(X, Y), batch_size=3), ValueError, "batch_size=3: the batches of a Numbered are what"),
        (lambda m: m.fit(Numbered(X, Y), validation_split=0.1), ValueError, "Give validation_data"),
        (lambda m: m.fit(forever, steps_per_epoch=2), TypeError, r"is a function. Call it.*forever\(\)"),
        (lambda m: m.fit(iter([])), ValueError, "gave no batch at all. A generator gives its batches once"),
        (lambda m: m.fit(Numbered(X[:0])), ValueError, "gave no batch at all"),
        (lambda m: m.fit(iter([(X, Y, W, W)])), ValueError, "A batch is .x, y., .* got a tuple of 4"),
        (lambda m: m.fit(iter([X])), ValueError, "The targets are missing"),
        (lambda m: m.fit(X, Y, validation_data=X), ValueError, "validation_data is .x_val, y_val."),
        (lambda m: m.fit(X, Y, steps_per_epoch=0), ValueError, "steps_per_epoch must be a whole number"),
        (lambda m: m.fit({1, 2}, Y), ValueError, "y comes with the batches where x is a set"),
    ],
)
def test_streams_that_cannot_serve(bench, call, kind, told):
    with pytest.raises(kind, match=told):
        call(bench.model)


def test_data_sets_of_single_rows_are_told_to_be_batched(bench):
    Dataset = type("Dataset", (), {"__module__": "torch.utils.data", "__getitem__": lambda s, i: (X[i], Y[i])})
    own = type("Own", (Dataset,), {})
    with pytest.raises(TypeError, match="Own gives single rows.*DataLoader"):
        bench.fit(own())

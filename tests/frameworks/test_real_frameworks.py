"""The frameworks themselves where other tests have stand-ins: their data trains as arrays do, they read our files.

None of them is installed with the tests; docs/decisions/0004-tests.md says how to run this.
"""

import warnings

import numpy as np
import pytest

from hornbeam import losses
from hornbeam.callbacks import OptunaPruning
from hornbeam.layers import LSTM, BatchNormalization, Conv2D, Dense, Embedding, Flatten, Input
from hornbeam.models import Model, Sequential, load_model
from training.test_data_in import ROWS, STEPS, Bench, W, X, Y, same

pytestmark = pytest.mark.nightly


def framework(name):
    """The module, or a skipped test: what it warns of while it is imported is its own business."""
    reason = f"{name} is not installed; decision 0004 has the line for pip"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip(name, reason=reason)
    if module.__file__ is None:  # a folder: where Hugging Face's datasets is missing, tests/datasets is found
        pytest.skip(reason)
    return module


@pytest.fixture(scope="module")
def bench():
    return Bench()


@pytest.fixture(scope="module")
def wanted(bench):
    return bench.outcome_of_arrays()


@pytest.fixture
def check(bench, wanted):
    def run(x, y=None, inputs=None, **kwargs):
        bench.check(wanted, x, y, inputs, reading=kwargs)

    return run


# --- PyTorch ---


def test_torch_tensors(check):
    torch = framework("torch")
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    check(x, y, batch_size=ROWS)
    check(x.clone().requires_grad_(), y[:, 0].to(torch.int64), batch_size=ROWS)
    check(x.double(), y.to(torch.bool), batch_size=ROWS)


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # the engine warns; torch's processes leave it alone
@pytest.mark.parametrize(("processes", "start"), [(0, None), (2, "fork"), (2, "forkserver"), (2, "spawn")])
def test_torch_data_loaders(check, bench, wanted, processes, start):
    torch = framework("torch")
    data = torch.utils.data
    rows = data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    settings = {"batch_size": ROWS, "num_workers": processes, "multiprocessing_context": start}
    loader = data.DataLoader(rows, persistent_workers=processes > 0, **settings)
    check(loader)
    if start in (None, "fork"):
        check(data.DataLoader(rows, **settings))  # processes begun anew for every pass
    found = bench.fit(X, Y, batch_size=ROWS, validation_data=loader)[0]
    np.testing.assert_allclose(found["val_loss"][-1], wanted[2][0], rtol=1e-6)


def test_a_torch_loader_without_a_length(check):
    torch = framework("torch")

    class Rows(torch.utils.data.IterableDataset):
        def __iter__(self):
            return zip(torch.from_numpy(X), torch.from_numpy(Y))

    check(torch.utils.data.DataLoader(Rows(), batch_size=ROWS))


def test_a_torch_loader_of_dicts_and_weights(bench):
    torch = framework("torch")

    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, index):
            return {bench.model.input_names[0]: X[index]}, Y[index], W[index]

    loader = torch.utils.data.DataLoader(Rows(), batch_size=ROWS)
    same(bench.fit(loader), bench.fit(X, Y, sample_weight=W, batch_size=ROWS))


# --- TensorFlow ---


def test_tensorflow_tensors(check):
    tensorflow = framework("tensorflow")
    check(tensorflow.constant(X), tensorflow.constant(Y), batch_size=ROWS)
    check(tensorflow.Variable(X), tensorflow.constant(Y[:, 0], "int32"), batch_size=ROWS)


def test_tf_data(check, bench, wanted):
    data = framework("tensorflow").data.Dataset
    rows = data.from_tensor_slices((X, Y))
    check(rows.batch(ROWS), inputs=data.from_tensor_slices(X).batch(ROWS))
    check(rows.batch(ROWS))  # predict leaves targets aside
    check(rows.shuffle(21, seed=0).batch(ROWS).take(0).concatenate(rows.batch(ROWS)).prefetch(2).cache())
    same(bench.fit(rows.batch(ROWS).repeat(), steps_per_epoch=STEPS), wanted[0])
    weighted = data.from_tensor_slices((X, Y, W)).batch(ROWS)
    same(bench.fit(weighted), bench.fit(X, Y, sample_weight=W, batch_size=ROWS))
    named = data.from_tensor_slices(({bench.model.input_names[0]: X}, Y)).batch(ROWS)
    same(bench.fit(named), wanted[0])


def test_tf_data_of_a_generator(check):
    tensorflow = framework("tensorflow")
    signature = (tensorflow.TensorSpec((5,), "float32"), tensorflow.TensorSpec((1,), "float32"))
    rows = tensorflow.data.Dataset.from_generator(lambda: zip(X, Y), output_signature=signature)
    check(rows.map(lambda x, y: (x, y), num_parallel_calls=2).batch(ROWS))


# --- Hugging Face's datasets ---


@pytest.mark.parametrize("kind", [None, "numpy", "torch"])
def test_hugging_face_data_sets(check, bench, wanted, kind):
    datasets = framework("datasets")
    if kind == "torch":
        framework("torch")
    rows = datasets.Dataset.from_dict({"pixels": X, "label": Y[:, 0]}).with_format(kind)
    check(rows, "label", inputs=rows.remove_columns("label"), batch_size=ROWS)
    same(bench.fit(rows, batch_size=ROWS), wanted[0])
    with pytest.raises(ValueError, match="Unknown column 'lable'. Did you mean 'label'"):
        bench.fit(rows, "lable")
    picked = rows.select(range(20, -1, -1)).select(range(20, -1, -1))  # by way of a table of indices
    same(bench.fit(picked, "label", batch_size=ROWS), wanted[0])


def test_hugging_face_streams(check):
    datasets = framework("datasets")
    rows = datasets.Dataset.from_dict({"pixels": X, "label": Y[:, 0]}).to_iterable_dataset()
    check(rows.with_format("numpy").batch(ROWS))


# --- Grain ---


def test_grain_data_sets(check):
    grain = framework("grain")
    rows = [{"image": x, "label": y} for x, y in zip(X, Y)]
    mapped = grain.MapDataset.source(rows).batch(ROWS)
    check(mapped)
    check(mapped.to_iter_dataset())
    check(grain.MapDataset.source(list(zip(X, Y))).batch(ROWS))


def test_grain_loaders(check, bench):
    grain = framework("grain")
    framework("absl.flags").FLAGS.mark_as_parsed()  # grain's processes read flags, which a program's main parses
    rows = [{"image": x, "label": y} for x, y in zip(X, Y)]

    def loader(processes):
        return grain.DataLoader(
            data_source=rows, sampler=grain.samplers.IndexSampler(21, num_epochs=1, shuffle=False),
            operations=[grain.transforms.Batch(ROWS, drop_remainder=False)], worker_count=processes,
        )  # fmt: skip

    check(loader(0))
    # Each process makes batches of rows of its own, so these are other batches; they are asked for and counted.
    batches = [(batch["image"], batch["label"]) for batch in loader(2)]
    assert sum(len(x) for x, _ in batches) == len(X)
    same(bench.fit(loader(2)), bench.fit(iter(batches * 2), steps_per_epoch=len(batches)))


# --- Optuna ---


def test_optuna_prunes():
    optuna = framework("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    lengths = []

    def objective(trial):
        model = Sequential([Dense(1, kernel_initializer="zeros", input_shape=(5,))])
        model.compile("sgd", "mse")
        model.optimizer.lr = [0.05, 0.0, 0.04][trial.number]
        history = model.fit(X, Y, epochs=6, verbose=0, callbacks=[OptunaPruning(trial, "loss")])
        lengths.append(len(history.history["loss"]))
        return history.history["loss"][-1]

    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=1))
    study.optimize(objective, n_trials=2)
    first, second = study.trials
    assert (first.state.name, second.state.name) == ("COMPLETE", "PRUNED")
    assert lengths == [6]
    assert sorted(first.intermediate_values) == list(range(6))
    assert sorted(second.intermediate_values) == [0, 1]
    assert study.best_trial.number == 0


# --- What Keras 2 itself reads ---


def images():
    model = Sequential([
        Conv2D(3, 3, padding="same", activation="relu", input_shape=(6, 6, 1)), BatchNormalization(), Flatten(),
        Dense(2, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", losses.categorical_crossentropy, metrics=["accuracy"])
    return model, np.random.rand(4, 6, 6, 1).astype("float32")


def words():
    ids = Input((5,), dtype="int32")
    model = Model(ids, Dense(1)(LSTM(3)(Embedding(9, 4, mask_zero=True)(ids))))
    model.compile("rmsprop", "mse")
    return model, np.array([[1, 2, 0, 0, 0], [3, 4, 5, 8, 2]], "int32")


@pytest.mark.parametrize("make", [images, words])
def test_tf_keras_reads_our_files_and_we_read_its(make, tmp_path):
    classic = framework("tf_keras")
    model, x = make()
    y = np.zeros_like(model.predict(x))
    model.fit(x, y, verbose=0)
    whole, weights, back = (str(tmp_path / f"{name}.h5") for name in ("whole", "w", "back"))
    model.save(whole)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = classic.models.load_model(whole)
        np.testing.assert_allclose(theirs.predict(x, verbose=0), model.predict(x), rtol=1e-5, atol=1e-6)
        model.fit(x, y, verbose=0)
        model.save_weights(weights)
        theirs.load_weights(weights)
        np.testing.assert_allclose(theirs.predict(x, verbose=0), model.predict(x), rtol=1e-5, atol=1e-6)
        theirs.fit(x, y, verbose=0)  # from our optimizer's state on
        theirs.save(back)
        wanted = theirs.predict(x, verbose=0)
    loaded = load_model(back)
    np.testing.assert_allclose(loaded.predict(x), wanted, rtol=1e-5, atol=1e-6)
    loaded.fit(x, y, verbose=0)

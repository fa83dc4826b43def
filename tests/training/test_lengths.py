"""Padded rows in order of length: how they are measured and ordered, who is sorted, and that nobody sees it."""

from types import SimpleNamespace

import numpy as np
import pytest

from hornbeam import Input, layers, losses, metrics, utils
from hornbeam import backend as K
from hornbeam.callbacks import BackupAndRestore, Callback
from hornbeam.models import Model, Sequential
from hornbeam.training import lengths
from hornbeam.training.data import ArrayData, plan_epoch

T, WORDS = 6, 20


def rows(count=50, front=True, seed=0):
    """(padded ids, their lengths): some rows are all padding, and every word but the padding is 1 or more."""
    random = np.random.default_rng(seed)
    sizes = random.integers(0, T + 1, count)
    places = np.arange(T)
    real = places >= T - sizes[:, None] if front else places < sizes[:, None]
    return np.where(real, random.integers(1, WORDS, (count, T)), 0).astype("int32"), sizes


# --- Measuring ---


def masked(*more, **kwargs):
    return Sequential([layers.Embedding(WORDS, 2, mask_zero=True, input_length=T), *more], **kwargs)


@pytest.mark.parametrize("front", [True, False])
def test_lengths_are_measured_on_the_side_that_is_padded(front, monkeypatch):
    monkeypatch.setattr(lengths, "_BLOCK", 7 * T)  # several blocks, the last one short
    x, sizes = rows(front=front)
    assert lengths.measured(masked(), ArrayData([x])).tolist() == sizes.tolist()
    features = np.where(x[..., None] > 0, np.float32(2), np.float32(9)) * np.ones(3, "float32")
    model = Sequential([layers.Masking(9.0, input_shape=(T, 3)), layers.SimpleRNN(2)])
    assert lengths.measured(model, ArrayData([features])).tolist() == sizes.tolist()


def test_gaps_belong_to_a_row_and_padding_is_known_where_the_first_layer_masks_it_alone():
    x = np.array([[0, 3, 0, 0, 2, 0], [0, 0, 0, 0, 0, 4]], "int32")
    assert lengths.measured(masked(), ArrayData([x])).tolist() == [5, 1]
    plain = Sequential([layers.Embedding(WORDS, 2, input_length=T)])
    later = Sequential([layers.Dense(2, input_shape=(T, 2)), layers.Masking()])
    for model in (plain, later):
        assert lengths.measured(model, ArrayData([x])) is None
    one, other = Input((3,)), Input((T,), dtype="int32")  # the second input is the one that is masked
    model = Model([one, other], layers.Concatenate()([one, layers.LSTM(2)(masked()(other))]))
    assert lengths.measured(model, ArrayData([x[:, :3], x])) is None  # a model within: not looked into
    inner = layers.Embedding(WORDS, 2, mask_zero=True)(other)
    model = Model([one, other], layers.Concatenate()([one, layers.LSTM(2)(inner)]))
    assert lengths.measured(model, ArrayData([x[:, :3], x])).tolist() == [5, 1]


# --- Order ---


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
@pytest.mark.parametrize(("count", "size"), [(1, 1), (5, 8), (64, 8), (1003, 4)])
def test_every_row_comes_once_and_batches_hold_rows_of_like_length(shuffle, count, size, monkeypatch):
    monkeypatch.setattr(lengths, "WINDOW", 50)
    sizes = np.random.default_rng(1).integers(1, 101, count)
    utils.set_random_seed(3)
    plan, counts = plan_epoch(count, size, shuffle, lengths=sizes)
    real = plan.reshape(-1)[:count]
    assert sorted(real) == list(range(count))
    assert counts is None or counts[-1] == count % size
    whole = real[: count - count % size].reshape(-1, size)
    if count == 1003:
        spread = np.ptp(sizes[whole], axis=1)
        assert spread.mean() < 3 < np.ptp(sizes[: count - count % size].reshape(-1, size), axis=1).mean()
    utils.set_random_seed(3)
    assert np.array_equal(plan_epoch(count, size, shuffle, lengths=sizes)[0], plan)
    if shuffle and count == 1003:
        assert not np.array_equal(plan_epoch(count, size, shuffle, lengths=sizes)[0], plan)


def test_without_shuffling_the_order_is_that_of_the_rows_but_for_sorting_within_windows(monkeypatch):
    monkeypatch.setattr(lengths, "WINDOW", 2)
    sizes = np.array([9, 1, 8, 2, 7, 3, 6, 4, 5])
    assert lengths.order_by_length(sizes, 2, False).tolist() == [1, 3, 2, 0, 5, 7, 6, 4, 8]
    plan, _ = plan_epoch(9, 2, False, steps=2, lengths=sizes)  # fewer steps than a pass: the first rows all the same
    assert plan.tolist() == [[1, 3], [2, 0]]


# --- Nobody sees it ---


class Watch(Callback):
    def on_predict_batch_end(self, batch, logs=None):
        """Looks at each batch."""

    def on_test_batch_end(self, batch, logs=None):
        """Looks at each batch."""


@pytest.fixture(scope="module")
def model():
    utils.set_random_seed(0)
    model = masked(layers.SimpleRNN(3), layers.BatchNormalization(), layers.Dense(1, activation="sigmoid"))
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture
def orders(monkeypatch):
    """Lengths by which runs were sorted; while `orders.off`, none is."""
    found, unseen = SimpleNamespace(all=[], off=False), lengths.unseen

    def watched(*args):
        found.all.append(None if found.off else unseen(*args))
        return found.all[-1]

    monkeypatch.setattr(lengths, "unseen", watched)
    return found


def test_predictions_and_evaluations_are_those_of_rows_in_order(model, orders):
    x, sizes = rows()
    y = (sizes > 2).astype("float32")
    predicted, evaluated = model.predict(x, batch_size=8), model.evaluate(x, y, batch_size=8, verbose=0)
    assert [found.tolist() for found in orders.all] == [sizes.tolist()] * 2
    orders.off = True
    np.testing.assert_allclose(predicted, model.predict(x, batch_size=8), rtol=0, atol=1e-7)
    np.testing.assert_allclose(evaluated, model.evaluate(x, y, batch_size=8, verbose=0), rtol=1e-6)
    orders.off = False
    assert np.array_equal(model.predict(x[:20], batch_size=8), predicted[:20])
    model.predict(x, batch_size=8, callbacks=[Watch()])
    model.evaluate(x, y, batch_size=8, callbacks=[Watch()], verbose=0)
    model.predict(x, batch_size=8, steps=2)
    model.predict(x, batch_size=len(x))
    assert orders.all[-4:] == [None] * 4


def stand_in(kind="predict", weights=(None,), **kwargs):
    return SimpleNamespace(kind=kind, data=ArrayData([rows()[0]], [], weights), batch_size=8, may_pad=True, **kwargs)


def test_who_could_see_the_order_is_not_sorted():
    sorted_ = lambda model, **kwargs: lengths.unseen(model, stand_in(**kwargs), None, False) is not None  # noqa: E731
    last = layers.Dense(1, activation="sigmoid")
    assert sorted_(masked(layers.LSTM(2), last))
    assert sorted_(masked(layers.Bidirectional(layers.GRU(2)), layers.Dropout(0.5)))
    assert not sorted_(masked(layers.GlobalAveragePooling1D()))  # no loop that would be shorter
    assert not sorted_(masked(layers.LSTM(2), layers.Lambda(lambda x: x + K.random_normal(K.shape(x)))))
    x = Input((T,), dtype="int32")
    drawn = layers.Dropout(0.5)(layers.LSTM(2)(layers.Embedding(WORDS, 2, mask_zero=True)(x)), training=True)
    assert not sorted_(Model(x, drawn))
    stateful = [layers.Embedding(WORDS, 2, mask_zero=True, batch_input_shape=(8, T)), layers.LSTM(2, stateful=True)]
    assert not sorted_(Sequential(stateful))
    K.set_learning_phase(1)
    try:
        assert not sorted_(masked(layers.LSTM(2)))
    finally:
        K.clear_session()


def test_losses_that_are_no_sums_over_rows_are_not_sorted():
    class Last(metrics.Metric):
        """The last batch's rows: a user's metric can be anything."""

        def __init__(self):
            super().__init__(name="last")
            self.seen = self.add_weight(name="seen", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.seen.assign(K.mean(y_pred))

        def result(self):
            return self.seen

    def sorted_(*more, loss="binary_crossentropy", asked=(), weights=(None,), units=1):
        model = masked(*more, layers.Dense(units, activation="sigmoid" if units == 1 else "softmax"))
        model.compile("sgd", loss, metrics=list(asked))
        model._objectives.build_metrics([np.zeros((50, 1), "float32")])
        return lengths.unseen(model, stand_in("test", weights), None, False) is not None

    assert sorted_(layers.LSTM(2), asked=["accuracy", metrics.Precision()])
    assert not sorted_(layers.LSTM(2), weights=(np.ones(50, "float32"),))
    assert not sorted_(layers.LSTM(2), asked=[Last()])
    assert not sorted_(layers.LSTM(2, return_sequences=True))  # the mask weighs the steps of a batch
    assert not sorted_(layers.LSTM(2), units=2, loss=losses.SparseCategoricalCrossentropy(ignore_class=0))


# --- Training, on request ---


def train(model, callbacks=(), **kwargs):
    x, sizes = rows(seed=2)
    utils.set_random_seed(5)
    model.set_weights([np.random.default_rng(i).random(w.shape) for i, w in enumerate(model.get_weights())])
    settings = {"batch_size": 8, "epochs": 2, "verbose": 0, "bucket_by_length": True, **kwargs}
    history = model.fit(x, (sizes > 2).astype("float32"), callbacks=list(callbacks), **settings)
    return history.history, [w.tobytes() for w in model.get_weights()]


def test_training_by_length_comes_again_and_goes_on_where_it_was_stopped(model, tmp_path):
    class Stop(Callback):
        def on_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyboardInterrupt

    wanted = train(model)
    assert train(model) == wanted
    with pytest.raises(KeyboardInterrupt):
        train(model, [Stop(), BackupAndRestore(tmp_path, 1)])
    assert train(model, [BackupAndRestore(tmp_path, 1)]) == wanted
    assert train(model, bucket_by_length=False) != wanted
    assert len([key for key in model._steps._programs if key[0] == "train"]) == 1


def test_training_by_length_learns_from_the_batches_of_the_plan(model, monkeypatch):
    monkeypatch.setattr(lengths, "WINDOW", 3)
    x, sizes = rows(seed=2)
    _, wanted = train(model, epochs=1, shuffle=False)
    order = lengths.order_by_length(sizes, 8, False)
    held = train(model, epochs=1, shuffle=False, bucket_by_length=False)[1]
    assert held != wanted
    utils.set_random_seed(5)
    model.set_weights([np.random.default_rng(i).random(w.shape) for i, w in enumerate(model.get_weights())])
    y = (sizes > 2).astype("float32")
    model.fit(x[order], y[order], batch_size=8, shuffle=False, verbose=0)
    assert [w.tobytes() for w in model.get_weights()] == wanted


def test_training_by_length_takes_what_other_training_takes(model, orders):
    x, sizes = rows(seed=2)
    y = (sizes > 2).astype("float32")
    train(model, epochs=1, shuffle="batch", validation_data=(x, y))
    weights = {"class_weight": {0: 1.0, 1: 2.0}, "sample_weight": np.linspace(1, 2, 50)}
    history, _ = train(model, epochs=1, validation_split=0.2, **weights)
    assert np.isfinite(history["val_loss"]).all()
    assert [None if found is None else len(found) for found in orders.all] == [50, None]  # weights came with a split


def test_an_array_whose_padding_nobody_masks_cannot_be_bucketed():
    model = Sequential([layers.Embedding(WORDS, 2, input_length=T), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="masks no padding.*mask_zero=True.*list of rows"):
        train(model)

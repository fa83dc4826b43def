"""Single batches, and the quick way to predict."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import metrics
from hornbeam.layers import LSTM, BatchNormalization, Dense, Dropout, Embedding, Flatten, Input, Layer, concatenate
from hornbeam.models import Model, Sequential
from hornbeam.training.one_batch import QuickForward
from hornbeam.utils import set_random_seed

draw = np.random.default_rng(0)
X = draw.normal(size=(12, 3)).astype("float32")
Y = draw.integers(0, 2, (12, 1)).astype("float32")


def network(**kwargs):
    set_random_seed(0)
    model = Sequential([Dense(4, activation="relu", input_shape=(3,)), Dropout(0.2), Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", **kwargs)
    return model


def test_steps_by_hand_learn_as_fit_does():
    by_hand, fitted = Sequential([Dense(1, input_shape=(3,))]), Sequential([Dense(1, input_shape=(3,))])
    fitted.set_weights(by_hand.get_weights())
    for model in (by_hand, fitted):
        model.compile("adam", "mse")
    losses = [by_hand.train_on_batch(X[i : i + 4], Y[i : i + 4]) for i in (0, 4, 8)]
    history = fitted.fit(X, Y, batch_size=4, shuffle=False, verbose=0).history
    assert np.mean(losses) == pytest.approx(history["loss"][0], rel=1e-6)
    for one, other in zip(by_hand.get_weights(), fitted.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_what_they_return():
    model = network(metrics=["accuracy", metrics.AUC()])
    assert isinstance(network().train_on_batch(X, Y), float)
    found = model.train_on_batch(X, Y)
    assert len(found) == 3
    assert list(model.train_on_batch(X, Y, return_dict=True)) == ["loss", "accuracy", "auc"] == model.metrics_names
    named = model.test_on_batch(X, Y, return_dict=True)
    assert named["accuracy"] == pytest.approx(((model.predict(X) > 0.5) == Y).mean())
    assert list(named.values()) == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)


def test_metric_objects_may_go_on_over_batches():
    model = network(metrics=[metrics.Recall(name="recall")])
    first = model.test_on_batch(X[:6], Y[:6])[1]
    second = model.test_on_batch(X[6:], Y[6:], reset_metrics=False)[1]
    whole = model.test_on_batch(X, Y)[1]
    assert second == pytest.approx(whole)
    assert model.test_on_batch(X[:6], Y[:6])[1] == pytest.approx(first)


def test_weights_of_rows_and_classes():
    model = network()
    rows = np.where(Y[:, 0] == 1, 3.0, 1.0)
    weighted = model.test_on_batch(X, Y, sample_weight=rows)
    p = model.predict(X)
    expected = np.mean(-np.log(np.where(Y == 1, p, 1 - p))[:, 0] * rows)
    assert weighted == pytest.approx(expected, rel=1e-4)
    first = network()
    first.layers[1].rate = 0.0
    assert first.train_on_batch(X, Y, class_weight={0: 1.0, 1: 3.0}) > 0


def test_test_on_batch_changes_nothing():
    model = Sequential([BatchNormalization(input_shape=(3,)), Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.test_on_batch(X, Y)
    for one, other in zip(before, model.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_several_inputs():
    a, b = Input((3,)), Input((3,))
    model = Model([a, b], [Dense(1, name="p")(a), Dense(1, name="q")(b)])
    model.compile("sgd", "mse")
    assert len(model.train_on_batch([X, X], [Y, Y])) == 3
    assert [p.shape for p in model.predict_on_batch([X, X])] == [(12, 1), (12, 1)]


def test_before_compile_they_say_so():
    model = Sequential([Dense(1, input_shape=(3,))])
    for use in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(RuntimeError, match="on_batch: the model is not compiled"):
            use(X, Y)
    assert model.predict_on_batch(X).shape == (12, 1)


# --- The quick way ---


def test_rows_are_rounded_up_so_that_few_shapes_compile():
    model = network()
    for rows in (1, 2, 3, 4, 5, 6, 7, 8):
        assert model.predict(X[:rows]).shape == (rows, 1)
    assert model._quick_forward.program._cache_size() == 4  # 1, 2, 4, 8


def test_layers_that_mix_rows_are_not_padded():
    class Centre(Layer):
        def call(self, inputs):
            return inputs - K.mean(inputs, axis=0, keepdims=True)

    model = Sequential([Centre(input_shape=(3,))])
    np.testing.assert_allclose(model.predict(X[:3]), X[:3] - X[:3].mean(0), atol=1e-6)
    assert isinstance(model._quick_forward, QuickForward)


def words():
    return Sequential([Embedding(9, 4, mask_zero=True), LSTM(3), Dense(2)])


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32", "float64", "bool"])
def test_arrays_of_any_type_take_the_quick_way_to_the_same_outputs(dtype):
    x = np.array([[1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 0, 0]], dtype)
    for model in (words(), Sequential([Dense(2, input_shape=(4,))])):
        model.build((None, 4))
        long = model.predict(x, callbacks=[])
        assert model.__dict__.get("_quick_forward") is None
        np.testing.assert_allclose(model.predict(x), long, rtol=1e-5, atol=1e-6)
        assert model._quick_forward.serves([x])


@pytest.mark.parametrize("form", [list, tuple, dict])
def test_several_inputs_take_the_quick_way_in_any_form(form):
    user, numbers = Input((1,), dtype="int32", name="user"), Input((3,), name="numbers")
    hidden = concatenate([Flatten()(Embedding(7, 2)(user)), Dense(2)(numbers)])
    model = Model([user, numbers], [Dense(1)(hidden), Dense(2)(hidden)])
    given = {"user": np.array([[3], [6], [0]]), "numbers": X[:3].astype("float64")}
    x = given if form is dict else form(given.values())
    long = model.predict(x, callbacks=[])
    assert model.__dict__.get("_quick_forward") is None
    for ours, theirs in zip(model.predict(x), long, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert model._quick_forward.program._cache_size() == 1
    with pytest.raises(ValueError, match="ids 0 to 6, but row 1"):
        model.predict([np.array([[3], [7], [0]]), X[:3]])
    with pytest.raises(ValueError, match="need the same number of rows"):
        model.predict([np.array([[3], [5]]), X[:3]])
    with pytest.raises(ValueError, match="numbers"):
        model.predict({"user": given["user"], "number": X[:3]})


def test_rows_of_other_lengths_and_types_keep_their_programs():
    model = words()
    short, long = np.array([[3, 1]]), np.array([[3, 1, 2, 4, 5]])
    wanted = [model.predict(x) for x in (short, long, short.astype("float32"))]
    program = model._quick_forward.program
    compiled = program._cache_size()
    again = [model.predict(x) for x in (short, long, short.astype("float32"))]
    assert model._quick_forward.program is program
    assert program._cache_size() == compiled == 3
    for one, other in zip(again, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_numbers_that_the_engine_or_a_table_has_not_are_errors_in_the_quick_way_too():
    model = words()
    model.predict(np.array([[3, 1]]))
    with pytest.raises(ValueError, match=r"ids 0 to 8, but row 1 of its input holds 9"):
        model.predict(np.array([[3, 1], [2, 9]]))
    with pytest.raises(ValueError, match="holds -1"):
        model.predict(np.array([[3, -1]], "int32"))
    dense = Sequential([Dense(2, input_shape=(2,))])
    dense.predict(np.array([[3, 1]]))
    with pytest.raises(ValueError, match="input 'dense"):
        dense.predict(np.array([[3, 1 << 40]]))


def test_what_the_quick_way_does_not_serve_goes_the_long_way():
    model = Sequential([Dense(1, input_shape=(None, 3))])
    assert model.predict(np.ones((1, 2, 3), "float32")).shape == (1, 2, 1)
    assert model.predict(np.ones((1, 5, 3), "float32")).shape == (1, 5, 1)
    with pytest.raises(ValueError, match="needs rows of shape"):
        model.predict(np.ones((1, 3), "float32"))
    whole = network()
    assert whole.predict(X.astype("float64")[:2]).shape == (2, 1)
    assert whole.predict(X, batch_size=5).shape == (12, 1)


def test_a_hundred_calls_leave_nothing_behind():
    import gc

    import psutil

    model = network()
    for _ in range(200):
        model.predict(X[:1])

    def growth():
        gc.collect()
        objects, memory = len(gc.get_objects()), psutil.Process().memory_info().rss
        for _ in range(2000):
            model.predict(X[:1])
        gc.collect()
        return len(gc.get_objects()) - objects, psutil.Process().memory_info().rss - memory

    # What the calls leave behind they leave behind every time; what another thread allocates meanwhile comes once.
    found = []
    while len(found) < 5 and not any(objects < 50 and memory < 2_000_000 for objects, memory in found):
        found.append(growth())
    objects, memory = found[-1]
    assert objects < 50, found
    assert memory < 2_000_000, found

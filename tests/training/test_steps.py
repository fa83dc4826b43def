"""The steps: a short last batch costs no compilation and changes no number; the numbers are those of Keras 3."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import regularizers
from hornbeam.layers import (
    Activation,
    BatchNormalization,
    Concatenate,
    Dense,
    Dropout,
    Flatten,
    Input,
    Lambda,
    Layer,
    Masking,
)
from hornbeam.models import Model, Sequential
from hornbeam.training.steps import Steps
from hornbeam.utils import set_random_seed

draw = np.random.default_rng(0)
ROWS = 10  # in batches of 4: the last one is short
X = draw.normal(size=(ROWS, 3)).astype("float32")
Y = draw.normal(size=(ROWS, 2)).astype("float32")
LABELS = draw.integers(0, 2, ROWS)
SERIES = draw.normal(size=(ROWS, 5, 2)).astype("float32")
SERIES[2:6, 3:] = 0  # masked steps
SERIES[7, 1:] = 0
WEIGHTS = draw.random(ROWS).astype("float32")
WEIGHTS[[1, 4, 9]] = 0


def programs(model, kind="train"):
    return [run for (this, *_), (run, _) in model._steps._programs.items() if this == kind]


def compilations(model, kind="train"):
    return sum(run._cache_size() for run in programs(model, kind))


# --- Padding changes nothing ---


def _dense():
    return Sequential([Dense(4, activation="tanh", input_shape=(3,)), Dense(2)])


def _two_outputs():
    x = Input((3,))
    h = Dense(4, activation="relu")(x)
    return Model(x, [Dense(2, name="a")(h), Dense(1, activation="sigmoid", name="b")(h)])


CASES = {
    "plain": (_dense, ("mse", ["mae"]), (X, Y), {}),
    "sample_weight": (_dense, ("mse", ["mae"]), (X, Y), {"sample_weight": WEIGHTS}),
    "weighted_metrics": (_dense, ("mse", [], {"weighted_metrics": ["mae"]}), (X, Y), {"sample_weight": WEIGHTS}),
    "class_weight": (
        lambda: Sequential([Dense(2, activation="softmax", input_shape=(3,))]),
        ("sparse_categorical_crossentropy", ["accuracy"]), (X, LABELS), {"class_weight": {0: 1.0, 1: 5.0}},
    ),
    "batch_normalization": (
        lambda: Sequential([
            Dense(4, input_shape=(3,), use_bias=False), BatchNormalization(), Activation("relu"), Dense(2),
        ]),
        ("mse", ["mae"]), (X, Y), {},
    ),
    "dropout": (
        lambda: Sequential([Dense(8, input_shape=(3,)), Dropout(0.5), Dense(2)]), ("mse", ["mae"]), (X, Y), {},
    ),
    "weight_penalties": (
        lambda: Sequential([Dense(2, input_shape=(3,), kernel_regularizer=regularizers.l2(0.1))]),
        ("mse", []), (X, Y), {},
    ),
    "series": (
        lambda: Sequential([Dense(2, input_shape=(5, 2))]), ("mse", ["mae"]), (SERIES, SERIES * 2), {},
    ),
    "series_masked": (
        lambda: Sequential([Masking(input_shape=(5, 2)), Dense(2)]), ("mse", ["mae"]), (SERIES, SERIES * 2), {},
    ),
    "series_masked_weighted": (
        lambda: Sequential([Masking(input_shape=(5, 2)), Dense(2)]), ("mse", ["mae"]), (SERIES, SERIES * 2),
        {"sample_weight": draw.random((ROWS, 5)).astype("float32")},
    ),
    "two_outputs": (
        _two_outputs,
        ({"a": "mse", "b": "binary_crossentropy"}, {"a": ["mae"], "b": ["accuracy"]}, {"loss_weights": [1, 0.3]}),
        (X, [Y, LABELS]), {"sample_weight": {"b": WEIGHTS}},
    ),
    "lambda_of_rows": (
        lambda: Sequential([Lambda(lambda x: x * 2, input_shape=(3,)), Dense(2)]), ("mse", []), (X, Y), {},
    ),
    "custom_loss_by_row": (
        _dense, (lambda t, p: K.mean(K.square(t - p), axis=-1), [lambda t, p: K.max(K.abs(t - p), axis=-1)]),
        (X, Y), {},
    ),
}  # fmt: skip


def train(case, monkeypatch=None):
    make, (loss, metrics, *more), (x, y), kwargs = CASES[case]
    if monkeypatch is not None:
        monkeypatch.setattr(Steps, "_study", unpadded)
    set_random_seed(0)
    model = make()
    model.compile("adam", loss, metrics, **(more[0] if more else {}))
    if case == "two_outputs" and "sample_weight" in kwargs:
        kwargs = dict(kwargs)
    history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0, **kwargs).history
    weights = kwargs.get("sample_weight")
    evaluated = model.evaluate(x, y, batch_size=4, verbose=0, sample_weight=weights, return_dict=True)
    return model, history, evaluated


_study = Steps._study


def unpadded(self, kind, step, data):
    _study(self, kind, step, data)
    return False


@pytest.mark.parametrize("case", CASES)
def test_a_short_last_batch_gives_the_numbers_it_gives_by_itself(case, monkeypatch):
    model, history, evaluated = train(case)
    padded = compilations(model), compilations(model, "test")
    other, plain_history, plain_evaluated = train(case, monkeypatch)
    assert set(history) == set(plain_history)
    for name, values in history.items():
        np.testing.assert_allclose(values, plain_history[name], rtol=2e-5, err_msg=name)
    for name, value in evaluated.items():
        assert value == pytest.approx(plain_evaluated[name], rel=2e-5), name
    for one, wanted in zip(model.get_weights(), other.get_weights()):
        np.testing.assert_allclose(one, wanted, rtol=1e-4, atol=1e-6)
    if case != "lambda_of_rows":  # a user's function might look at the whole batch
        assert padded == (1, 1)


# --- What cannot be padded is not, and is exact all the same ---


def _spread(y_true, y_pred):
    """A scalar over the batch: no row can be left out of it afterwards."""
    return K.mean(K.square(y_true - y_pred)) + K.max(K.abs(y_true - y_pred))


class Centre(Layer):
    """Mixes the rows of a batch."""

    def call(self, inputs):
        return inputs - K.mean(inputs, axis=0, keepdims=True)


def _penalised():
    return Sequential([Dense(2, input_shape=(3,), activity_regularizer=regularizers.l2(0.1))])


@pytest.mark.parametrize(
    ("make", "loss", "metrics"),
    [
        (_dense, _spread, []),
        (_dense, "mse", [_spread]),
        (lambda: Sequential([Centre(input_shape=(3,)), Dense(2)]), "mse", []),
        (_penalised, "mse", []),
    ],
    ids=["scalar_loss", "scalar_metric", "mixing_layer", "activity"],
)
def test_what_looks_at_the_whole_batch_sees_only_real_rows(make, loss, metrics):
    set_random_seed(0)
    model = make()
    model.compile("sgd", loss, metrics)
    first = model.get_weights()
    losses = []
    for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):  # each by itself: nothing to pad
        losses.append(np.atleast_1d(model.train_on_batch(X[rows], Y[rows])))
    wanted = model.get_weights()
    expected = np.average(losses, axis=0, weights=[4, 4, 2])
    model.set_weights(first)
    history = model.fit(X, Y, batch_size=4, shuffle=False, verbose=0).history
    np.testing.assert_allclose([v[0] for k, v in history.items()], expected, rtol=1e-5)
    for one, other in zip(model.get_weights(), wanted):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


# --- Parity with Keras 3 ---


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_training_is_that_of_keras_3_with_a_short_last_batch(keras, optimizer):
    def classic(layers, **kwargs):
        return [layers.Dense(6, activation="tanh", **kwargs), layers.Dense(2, activation="softmax")]

    theirs = keras.Sequential([keras.Input((3,)), *classic(keras.layers)])
    import hornbeam

    ours = Sequential(classic(hornbeam.layers, input_shape=(3,)))
    ours.set_weights(theirs.get_weights())
    targets = np.eye(2, dtype="float32")[LABELS]
    kwargs = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0, "validation_split": 0.2}
    rates = {"sgd": {"momentum": 0.9}, "adam": {}}[optimizer]
    theirs.compile(getattr(keras.optimizers, optimizer.upper() if optimizer == "sgd" else "Adam")(0.05, **rates),
                   "categorical_crossentropy", metrics=["accuracy", "mse"])  # fmt: skip
    ours.compile(getattr(hornbeam.optimizers, optimizer.upper() if optimizer == "sgd" else "Adam")(0.05, **rates),
                 "categorical_crossentropy", metrics=["accuracy", "mse"])  # fmt: skip
    wanted = theirs.fit(X, targets, **kwargs).history
    found = ours.fit(X, targets, **kwargs).history
    for name in ("loss", "accuracy", "mse", "val_loss", "val_accuracy", "val_mse"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, err_msg=name)
    for one, other in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    found, wanted = (m.evaluate(X, targets, batch_size=3, verbose=0) for m in (ours, theirs))
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X, verbose=0), rtol=1e-4)


def test_masked_series_have_the_loss_of_keras_3(keras):
    theirs = keras.Sequential([keras.Input((5, 2)), keras.layers.Masking(), keras.layers.Dense(2)])
    ours = Sequential([Masking(input_shape=(5, 2)), Dense(2)])
    ours.set_weights(theirs.get_weights())
    theirs.compile("sgd", "mse")
    ours.compile("sgd", "mse")
    rows = np.full(ROWS, 1.0, "float32")
    wanted = theirs.fit(SERIES, SERIES * 2, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"]
    found = ours.fit(SERIES, SERIES * 2, batch_size=4, epochs=2, shuffle=False, verbose=0, sample_weight=rows).history
    np.testing.assert_allclose(found["loss"], wanted, rtol=1e-5)


# --- Classic weighting, by hand ---


def test_sample_weights_divide_by_the_number_that_are_not_zero():
    # Two rows of errors 1 and 3, squares 1 and 9. Weights (0.5, 0): classic 0.5 * 1 / 1, Keras 3 would say 0.25.
    model = Sequential([Lambda(lambda x: x, input_shape=(1,))])
    model.compile("sgd", "mse", metrics=["mse"], weighted_metrics=["mae"])
    x, y = np.array([[1.0], [3.0]]), np.zeros((2, 1))
    found = model.evaluate(x, y, sample_weight=np.array([0.5, 0.0]), verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(0.5)
    assert found["mse"] == pytest.approx(5.0)  # plain metrics do not weigh
    assert found["mae"] == pytest.approx(0.5)
    # Over batches of one row: losses 0.5 and 0, averaged by rows.
    assert model.evaluate(x, y, sample_weight=np.array([0.5, 0.0]), batch_size=1, verbose=0)[0] == pytest.approx(0.25)


def test_class_weights_are_sample_weights_by_class():
    model = Sequential([Dense(2, activation="softmax", input_shape=(3,))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    by_class = model.fit(X, LABELS, class_weight={0: 1.0, 1: 3.0}, verbose=0, shuffle=False, epochs=1).history["loss"]
    one_hot = np.eye(2)[LABELS]
    other = Sequential([Dense(2, activation="softmax", input_shape=(3,))])
    other.compile("sgd", "categorical_crossentropy")
    first = [w.copy() for w in other.get_weights()]
    p = np.log(other.predict(X))
    expected = np.mean(-(one_hot * p).sum(1) * np.where(LABELS, 3.0, 1.0))
    for weights in ({"class_weight": {0: 1, 1: 3}}, {"sample_weight": np.where(LABELS, 3.0, 1.0)}):
        other.set_weights(first)
        found = other.fit(X, one_hot, verbose=0, **weights).history["loss"][0]
        assert found == pytest.approx(expected, rel=1e-4)
    assert len(by_class) == 1


def test_weights_by_time_step_leave_steps_out():
    # Errors 1 at every step; weights 0 on the last two of three: (1 + 0 + 0) / count(w != 0) of each batch.
    model = Sequential([Lambda(lambda x: x, input_shape=(3, 1))])
    model.compile("sgd", "mse", sample_weight_mode="temporal")
    x = np.array([[[1.0], [5.0], [5.0]], [[1.0], [5.0], [5.0]]])
    weights = np.array([[1.0, 0, 0], [1.0, 0, 0]])
    assert model.evaluate(x, 0 * x, sample_weight=weights, verbose=0) == pytest.approx(1.0)


# --- Programs ---


def test_other_sizes_of_data_compile_anew_only_where_shapes_differ():
    model = _dense()
    model.compile("sgd", "mse")
    for rows in (10, 10, 10):
        model.fit(X[:rows], Y[:rows], batch_size=4, verbose=0)
    assert compilations(model) == 1
    model.fit(X, Y, batch_size=4, epochs=3, verbose=0)
    assert compilations(model) == 1
    model.evaluate(X, Y, batch_size=4, verbose=0)
    model.evaluate(X, Y, batch_size=4, verbose=0)
    assert compilations(model, "test") == 1


def test_compiling_a_model_again_trains_by_the_new_rules():
    model = _dense()
    model.compile("sgd", "mse")
    before = model.evaluate(X, Y, verbose=0)
    model.compile("sgd", "mae")
    assert model.evaluate(X, Y, verbose=0) != before


def test_batch_normalization_uses_its_averages_in_evaluation():
    model = Sequential([BatchNormalization(input_shape=(3,), momentum=0.5)])
    model.compile("sgd", "mse")
    model.fit(X, X, batch_size=4, verbose=0, shuffle=False)
    gamma, beta, mean, variance = model.get_weights()
    expected = (X - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-4, atol=1e-5)
    # Averages of three batches of 4, 4 and 2 real rows, momentum one half.
    wanted = np.zeros(3)
    for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):
        wanted = 0.5 * wanted + 0.5 * X[rows].mean(0)
    np.testing.assert_allclose(mean, wanted, rtol=1e-4, atol=1e-6)


def test_models_of_several_inputs_pad_all_of_them():
    a, b = Input((3,)), Input((2,))
    model = Model([a, b], Dense(1)(Concatenate()([a, b])))
    model.compile("sgd", "mse")
    history = model.fit([X, Y], LABELS.astype("float32"), batch_size=4, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert compilations(model) == 1


def test_images_are_flattened_batch_by_batch():
    model = Sequential([Flatten(input_shape=(5, 2)), Dense(2)])
    model.compile("sgd", "mse")
    model.fit(SERIES, Y, batch_size=4, verbose=0)
    assert compilations(model) == 1

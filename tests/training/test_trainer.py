"""compile, fit, evaluate, predict: what users hand over and what they get."""

import numpy as np
import pytest

import hornbeam
from hornbeam import backend as K
from hornbeam import constraints, losses, optimizers
from hornbeam.callbacks import Callback, LearningRateScheduler
from hornbeam.layers import BatchNormalization, Dense, Dropout, Input, Lambda
from hornbeam.models import Model, Sequential
from hornbeam.training import one_batch
from hornbeam.utils import set_random_seed

draw = np.random.default_rng(0)
X = draw.normal(size=(20, 3)).astype("float32")
Y = draw.normal(size=(20, 1)).astype("float32")


def linear(optimizer="sgd", loss="mse", units=1, **kwargs):
    model = Sequential([Dense(units, input_shape=(3,), name="out")])
    model.compile(optimizer, loss, **kwargs)
    return model


@pytest.fixture(scope="module")
def shared():
    """A model for tests that do not mind how it stands."""
    return linear(metrics=["mae"])


class Log(Callback):
    def __init__(self):
        self.epochs, self.begun, self.params_seen = [], [], None

    def on_train_begin(self, logs=None):
        self.params_seen = dict(self.params)

    def on_epoch_begin(self, epoch, logs=None):
        self.begun.append(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append((epoch, dict(logs)))


# --- What training does, by hand ---


def test_a_step_of_gradient_descent_by_hand():
    # loss = mean((x w + b - y)^2); by w: 2 mean(x (x w + b - y)), by b: 2 mean(x w + b - y).
    model = linear(optimizers.SGD(lr=0.1))
    w, b = model.get_weights()
    error = X @ w + b - Y
    history = model.fit(X, Y, batch_size=20, verbose=0).history
    assert history["loss"][0] == pytest.approx(np.mean(error**2), rel=1e-5)
    found = model.get_weights()
    np.testing.assert_allclose(found[0], w - 0.1 * 2 * X.T @ error / 20, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[1], b - 0.1 * 2 * error.mean(0), rtol=1e-4, atol=1e-6)


def test_constraints_hold_after_every_step():
    model = Sequential([Dense(4, input_shape=(3,), kernel_constraint=constraints.NonNeg()), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=3, verbose=0)
    assert (model.get_weights()[0] >= 0).all()


def test_each_output_has_its_loss_and_its_weight():
    x = Input((3,))
    model = Model(x, [Dense(1, name="a")(x), Dense(2, name="b")(x)])
    targets = [Y, np.hstack([Y, Y])]
    a, b = (np.mean((p - t) ** 2) for p, t in zip(model.predict(X), targets))
    mae = np.mean(np.abs(model.predict(X)[1] - targets[1]))
    forms = [
        ({"loss": "mse", "loss_weights": [1.0, 0.5]}, a + 0.5 * b),
        ({"loss": ["mse", "mae"]}, a + mae),
        ({"loss": {"a": "mse", "b": "mae"}, "loss_weights": {"b": 10.0}}, a + 10 * mae),
        ({"loss": {"b": losses.mean_absolute_error}}, mae),
        ({"loss": ["mse", None]}, a),
        ({"loss": "mse", "loss_weights": [K.variable(2.0), 0.0]}, 2 * a),
    ]
    for settings, expected in forms:
        model.compile("sgd", **settings)
        found = model.evaluate(X, targets, verbose=0, return_dict=True)
        assert found["loss"] == pytest.approx(expected, rel=1e-5), settings
    model.compile("sgd", "mse", metrics={"b": ["mae"]})
    assert model.metrics_names == ["loss", "a_loss", "b_loss", "b_mae"]
    values = model.evaluate(X, {"a": Y, "b": targets[1]}, verbose=0)
    np.testing.assert_allclose(values, [a + b, a, b, mae], rtol=1e-5)
    history = model.fit(X, dict(zip("ab", targets)), verbose=0, validation_split=0.5).history
    assert list(history) == [
        "loss", "a_loss", "b_loss", "b_mae", "val_loss", "val_a_loss", "val_b_loss", "val_b_mae",
    ]  # fmt: skip


def test_the_weight_of_a_loss_may_be_a_variable_that_a_callback_moves():
    share = K.variable(1.0)
    x = Input((3,))
    model = Model(x, [Lambda(lambda v: v, name="a")(x), Lambda(lambda v: 2 * v, name="b")(x)])
    model.compile("sgd", "mse", loss_weights=[share, 1.0])

    class Move(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            K.set_value(share, 10.0**epoch)

    a = np.mean(X**2)
    found = model.fit(X, [0 * X, 0 * X], epochs=3, verbose=0, callbacks=[Move()]).history["loss"]
    np.testing.assert_allclose(found, [a + 4 * a, 10 * a + 4 * a, 100 * a + 4 * a], rtol=1e-5)


# --- Epochs, validation ---


def test_initial_epoch_and_epochs(shared):
    log = Log()
    history = shared.fit(X, Y, epochs=5, initial_epoch=3, verbose=0, callbacks=[log])
    assert log.begun == [3, 4]
    assert history.epoch == [3, 4]
    assert len(history.history["loss"]) == 2
    assert shared.fit(X, Y, epochs=2, initial_epoch=2, verbose=0).history == {}


def test_the_facts_of_the_run_reach_callbacks(shared):
    log = Log()
    shared.fit(X, Y, batch_size=8, epochs=2, validation_split=0.5, verbose=0, callbacks=[log])
    seen = log.params_seen
    assert (seen["epochs"], seen["samples"], seen["batch_size"], seen["verbose"]) == (2, 10, 8, 0)
    assert seen["do_validation"] is True
    assert seen["metrics"] == ["loss", "mae", "val_loss", "val_mae"]
    assert list(log.epochs[0][1]) == ["loss", "mae", "val_loss", "val_mae"]


def test_the_last_rows_are_set_aside_before_shuffling():
    # A target that is 0 in the first 15 rows and 1 in the last 5; a model frozen at 0.
    model = linear(optimizers.SGD(lr=0.0))
    model.set_weights([np.zeros((3, 1)), np.zeros(1)])
    y = np.r_[np.zeros(15), np.ones(5)]
    history = model.fit(X, y, validation_split=0.25, epochs=2, verbose=0).history
    assert history["loss"] == [0, 0]
    assert history["val_loss"] == [1, 1]


def test_validation_data_with_and_without_weights():
    model = linear(optimizers.SGD(lr=0.0))
    model.set_weights([np.zeros((3, 1)), np.zeros(1)])
    y = np.arange(4.0)
    weights = np.array([1.0, 1.0, 0.0, 2.0])
    plain = model.fit(X, Y, validation_data=(X[:4], y), verbose=0).history["val_loss"]
    weighted = model.fit(X, Y, validation_data=[X[:4], y, weights], verbose=0).history["val_loss"]
    assert plain == [pytest.approx(14 / 4)]
    assert weighted == [pytest.approx((1 + 2 * 9) / 3)]  # three weights are not zero


def test_validation_frequency_and_batch_size(shared):
    for frequency, seen in ((2, [2, 4]), ([1, 4], [1, 4])):
        log = Log()
        kwargs = {"validation_freq": frequency, "validation_batch_size": 3}
        history = shared.fit(
            X, Y, epochs=4, validation_data=(X, Y), verbose=0, callbacks=[log], **kwargs
        ).history  # fmt: skip
        assert [epoch + 1 for epoch, logs in log.epochs if "val_loss" in logs] == seen
        assert len(history["val_loss"]) == 2


def test_validation_leaves_the_training_as_it_is():
    def run(**kwargs):
        set_random_seed(3)
        model = Sequential([Dense(4, input_shape=(3,)), BatchNormalization(), Dropout(0.5), Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        history = model.fit(X, Y, epochs=2, batch_size=8, verbose=0, **kwargs).history
        return history["loss"], history["mae"], model.get_weights()

    with_it, without = run(validation_data=(X, Y)), run()
    assert with_it[:2] == without[:2]
    for one, other in zip(with_it[2], without[2]):
        np.testing.assert_array_equal(one, other)


# --- Steps an epoch, order ---


def test_steps_per_epoch_count_batches_and_data_comes_round_again(shared):
    for steps in (2, 7):
        seen = []
        watch = Callback()
        watch.on_batch_end = lambda batch, logs=None, seen=seen: seen.append((batch, logs["size"]))
        shared.fit(X, Y, batch_size=8, steps_per_epoch=steps, verbose=0, callbacks=[watch])
        assert seen == [(i, 8) for i in range(steps)]
    assert np.isfinite(shared.evaluate(X, Y, steps=2, batch_size=4, verbose=0)[0])
    assert shared.predict(X, steps=2, batch_size=4).shape == (8, 1)


def test_without_shuffling_batches_come_in_order():
    model = Sequential([Lambda(lambda x: x, input_shape=(1,))])
    model.compile("sgd", "mae")
    rows = np.arange(10.0)[:, None]

    def batches(**kwargs):
        seen = []
        watch = Callback()
        watch.on_batch_end = lambda batch, logs=None: seen.append(logs["loss"])
        model.fit(rows, 0 * rows, batch_size=2, verbose=0, callbacks=[watch], **kwargs)
        return seen

    assert batches(shuffle=False) == [0.5, 2.5, 4.5, 6.5, 8.5]
    whole = batches(shuffle="batch")
    assert sorted(whole) == [0.5, 2.5, 4.5, 6.5, 8.5]
    set_random_seed(1)
    first, second = batches(), batches()
    assert first != second  # a new order every time
    assert sum(first) == pytest.approx(22.5)


# --- Learning rates ---


class Rates(Callback):
    def __init__(self, values):
        self.values = values

    def on_epoch_begin(self, epoch, logs=None):
        K.set_value(self.model.optimizer.lr, self.values[epoch])


def test_a_rate_set_by_a_callback_takes_effect_at_once():
    model = linear(optimizers.SGD(lr=1.0))
    weights = [model.get_weights()[0]]
    watch = Callback()
    watch.on_epoch_end = lambda epoch, logs=None: weights.append(model.get_weights()[0])
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[Rates([0.0, 0.1, 0.0]), watch])
    moved = [not np.array_equal(a, b) for a, b in zip(weights, weights[1:])]
    assert moved == [False, True, False]
    model.optimizer.lr = 0.5
    assert float(K.get_value(model.optimizer.lr)) == 0.5
    assert float(K.get_value(model.optimizer.learning_rate)) == 0.5


def test_schedules_of_both_kinds():
    # SGD on loss = w, whose gradient is 1: each step takes its rate off.
    def fall(optimizer, **kwargs):
        model = Sequential([Dense(1, use_bias=False, input_shape=(1,), kernel_initializer="zeros")])
        model.compile(optimizer, lambda t, p: K.mean(p, axis=-1))
        model.fit(np.ones((3, 1)), np.ones((3, 1)), batch_size=1, verbose=0, **kwargs)
        return -float(model.get_weights()[0][0, 0])

    rates = [1.0, 0.1, 0.1]
    schedule = optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.1])
    assert fall(optimizers.SGD(schedule)) == pytest.approx(sum(rates), rel=1e-6)
    assert fall(optimizers.SGD(1.0, decay=1.0)) == pytest.approx(1 + 1 / 2 + 1 / 3, rel=1e-6)
    by_epoch = LearningRateScheduler(lambda epoch: [1.0, 0.5][epoch])
    assert fall(optimizers.SGD(9.0), epochs=2, callbacks=[by_epoch]) == pytest.approx(3 + 1.5, rel=1e-6)


def test_optax_transformations_are_optimizers():
    optax = pytest.importorskip("optax")
    ours, theirs = linear(optimizers.SGD(lr=0.05, momentum=0.9)), linear(optax.sgd(0.05, momentum=0.9))
    theirs.set_weights(ours.get_weights())
    for model in (ours, theirs):
        model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    for one, other in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    chained = linear(optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-2)))
    assert len(chained.fit(X, Y, epochs=2, verbose=0).history["loss"]) == 2


def test_training_stops_when_told():
    class Stop(Callback):
        def __init__(self, hook):
            setattr(self, hook, lambda *args: setattr(self.model, "stop_training", True))

    model = linear()
    assert len(model.fit(X, Y, epochs=5, verbose=0, callbacks=[Stop("on_epoch_end")]).history["loss"]) == 1
    history = model.fit(X, Y, epochs=5, batch_size=4, verbose=0, callbacks=[Stop("on_batch_end")])
    assert len(history.history["loss"]) == 1
    assert len(model.fit(X, Y, epochs=2, verbose=0).history["loss"]) == 2  # the wish does not last


# --- Predicting ---


@pytest.fixture(scope="module")
def network():
    model = Sequential([Dense(16, activation="relu", input_shape=(3,)), Dropout(0.5), Dense(4, activation="softmax")])
    model.predict(X)
    return model


def test_prediction_does_not_depend_on_the_batch_size(network):
    x = draw.normal(size=(70, 3)).astype("float32")
    whole = network.predict(x, batch_size=70)
    for size in (1, 7, 32, 64, 1000):
        np.testing.assert_allclose(network.predict(x, batch_size=size), whole, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(whole.sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 20, 31, 32])
def test_the_quick_way_to_predict_gives_what_the_long_way_gives(network, rows, monkeypatch):
    x = draw.normal(size=(rows, 3)).astype("float32")
    quick = network.predict(x)
    called = K.get_value(network(x))
    on_batch = network.predict_on_batch(x)
    monkeypatch.setattr(one_batch.OneBatch, "_predict_quickly", lambda *args: None)
    slow = network.predict(x)
    for found in (quick, called, on_batch):
        np.testing.assert_allclose(found, slow, rtol=1e-6, atol=1e-7)
        assert found.dtype == np.float32
        assert found.shape == (rows, 4)


def test_calling_a_model_gives_the_bits_that_predict_gives(network):
    for rows in (1, 2, 4, 8, 16, 32):
        x = draw.normal(size=(rows, 3)).astype("float32")
        np.testing.assert_array_equal(K.get_value(network(x)), network.predict(x))


def test_what_predict_gives_belongs_to_the_user(network):
    first = network.predict(X[:1])
    kept = first.copy()
    network.predict(X[1:2])
    np.testing.assert_array_equal(first, kept)
    first[:] = 0  # and may be written to


def test_predicting_sees_weights_as_they_are(network):
    weights = network.get_weights()
    before = network.predict(X[:1])
    network.set_weights([w * 2 for w in weights])
    after = network.predict(X[:1])
    network.set_weights(weights)
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(network.predict(X[:1]), before)


def test_inputs_of_any_kind(network):
    wanted = network.predict(X)
    for given in (X.astype("float64"), X.tolist(), [X], K.constant(X), np.asfortranarray(X)):
        np.testing.assert_allclose(network.predict(given), wanted, rtol=1e-5)
    pandas = pytest.importorskip("pandas")
    np.testing.assert_allclose(network.predict(pandas.DataFrame(X)), wanted, rtol=1e-5)
    sparse = pytest.importorskip("scipy.sparse")
    np.testing.assert_allclose(network.predict(sparse.csr_matrix(X)), wanted, rtol=1e-5)


def test_rows_of_numbers_may_come_without_their_last_axis():
    model = Sequential([Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    column = np.arange(5.0)
    model.fit(column, column, verbose=0)
    assert model.predict(column).shape == (5, 1)
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": column, "b": column})
    model.fit(frame["a"], frame["b"], verbose=0)


def test_shapes_may_stay_open():
    model = Sequential([Dense(2, input_shape=(None, 3))])
    assert model.predict(np.ones((2, 4, 3))).shape == (2, 4, 2)
    assert model.predict(np.ones((2, 7, 3))).shape == (2, 7, 2)


# --- Evaluating ---


@pytest.mark.parametrize("size", [1, 7, 20, 32])
def test_evaluation_does_not_depend_on_the_batch_size(shared, size):
    error = shared.predict(X) - Y
    found = shared.evaluate(X, Y, batch_size=size, verbose=0)
    np.testing.assert_allclose(found, [np.mean(error**2), np.mean(np.abs(error))], rtol=1e-5)


def test_what_evaluate_gives(shared, capsys):
    assert isinstance(linear().evaluate(X, Y, verbose=0), float)
    assert shared.metrics_names == ["loss", "mae"]
    assert list(shared.evaluate(X, Y, verbose=0, return_dict=True)) == ["loss", "mae"]
    assert capsys.readouterr().out == ""
    shared.evaluate(X, Y)
    assert "20/20" in capsys.readouterr().out


def test_evaluation_and_prediction_call_their_hooks(shared):
    seen = []

    class Watch(Callback):
        def on_test_begin(self, logs=None):
            seen.append("test")

        def on_test_batch_end(self, batch, logs=None):
            seen.append(("test", batch, logs["size"]))

        def on_predict_batch_end(self, batch, logs=None):
            seen.append(("predict", batch, logs["outputs"][0].shape))

    shared.evaluate(X, Y, batch_size=8, verbose=0, callbacks=[Watch()])
    assert seen == ["test", ("test", 0, 8), ("test", 1, 8), ("test", 2, 4)]
    seen.clear()
    shared.predict(X, batch_size=16, callbacks=[Watch()])
    assert [s[:2] for s in seen] == [("predict", 0), ("predict", 1)]


# --- History ---


def test_history_answers_to_old_and_new_names():
    model = Sequential([Dense(2, activation="softmax", input_shape=(3,))])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
    history = model.fit(X, (Y[:, 0] > 0).astype(int), validation_split=0.2, verbose=0, epochs=2)
    assert history.history["acc"] == history.history["accuracy"]
    assert history.history["val_acc"] == history.history["val_accuracy"]
    assert model.history is history
    assert all(type(v) is float for v in history.history["loss"])


def test_two_models_of_a_session_train_side_by_side():
    first, second = linear(), linear("adam")
    for _ in range(2):
        first.fit(X, Y, verbose=0)
        second.fit(X, Y, verbose=0)
    assert np.isfinite(first.predict(X)).all()


def test_models_with_integer_inputs():
    model = Sequential([Lambda(lambda x: K.one_hot(x, 4), input_shape=(2,), dtype="int32"), Dense(1)])
    ids = np.array([[0, 1], [2, 3]])
    model.compile("sgd", "mse")
    model.fit(ids, np.zeros((2, 2, 1)), verbose=0)
    assert model.predict(ids).shape == (2, 2, 1)


def test_precision_follows_floatx(run_python):
    """Double precision is a mode of the whole process, so it is tried in another one."""
    told = run_python("""
        import numpy as np
        from hornbeam import backend as K
        K.set_floatx("float64")
        from hornbeam.layers import Dense
        from hornbeam.models import Sequential
        model = Sequential([Dense(1, input_shape=(3,))])
        model.compile("adam", "mse", metrics=["mae"])
        x = np.random.rand(10, 3)
        history = model.fit(x, x[:, :1], batch_size=4, verbose=0).history
        print(model.get_weights()[0].dtype, model.predict(x).dtype, np.isfinite(history["loss"][0]))
    """)
    assert told.split() == ["float64", "float64", "True"]


def test_the_face_offers_what_scripts_import():
    import hornbeam as keras
    from hornbeam.callbacks import EarlyStopping  # noqa: F401

    assert keras.models.Sequential is keras.Sequential
    assert keras.callbacks.EarlyStopping
    assert keras.utils.to_categorical([1], 2).tolist() == [[0, 1]]
    assert keras.backend is K
    assert hornbeam.losses.mse is losses.mean_squared_error

"""Hold-out, K-fold and iterated K-fold: the numbers of separate fits, one compiled program, no leaks."""

import numpy as np
import pytest

from hornbeam import Sequential
from hornbeam.layers import Dense, Dropout
from hornbeam.optimizers import Adam
from hornbeam.utils import set_random_seed
from hornbeam.utils.splits import fold_rows, hold_out_rows
from hornbeam.validation import hold_out, iterated_k_fold, k_fold

draw = np.random.default_rng(0)
X = draw.normal(3, 2, (41, 5)).astype("float32")  # no multiple of the number of folds, nor of the batch
Y = (X @ draw.normal(size=(5, 1)) + 1).astype("float32")
LABELS = (np.median(Y) < Y[:, 0]).astype("int32") + (Y[:, 0] > np.quantile(Y, 0.8))
SETTINGS = {"epochs": 3, "batch_size": 4}


def build():
    model = Sequential([Dense(8, activation="tanh", input_shape=(5,)), Dense(1)])
    model.compile("rmsprop", "mse", metrics=["mae"])
    return model


def by_hand(folds, make=build, x=X, y=Y, **settings):
    """What one would write without the library: a fit for each fold."""
    found = []
    for rest, held_out in folds:
        model = make()
        history = model.fit(x[rest], y[rest], validation_data=(x[held_out], y[held_out]), verbose=0, **settings).history
        found.append(history)
    return {name: np.array([history[name] for history in found]) for name in found[0]}


def assert_same(result, curves):
    assert set(result.fold_curves) == set(curves)
    for name, values in curves.items():
        np.testing.assert_allclose(result.fold_curves[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(result.curves[name], values.mean(axis=0), rtol=1e-5, atol=1e-6)
        if name.startswith("val_"):
            np.testing.assert_allclose(result.scores[name[4:]], values[:, -1], rtol=1e-5, atol=1e-6)
            assert result.mean[name[4:]] == pytest.approx(values[:, -1].mean(), rel=1e-5)
            assert result.std[name[4:]] == pytest.approx(values[:, -1].std(), rel=1e-4)


class Compilations:
    """Counts what the engine compiles."""

    def __init__(self):
        import jax

        self.count = 0
        jax.monitoring.register_event_duration_secs_listener(self._heard)

    def _heard(self, event, seconds, **_):
        self.count += event == "/jax/core/compile/backend_compile_duration"


@pytest.fixture(scope="module")
def compilations():
    return Compilations()


def test_k_fold_gives_the_numbers_of_separate_fits():
    set_random_seed(1)
    result = k_fold(build, X, Y, k=3, seed=3, verbose=0, **SETTINGS)
    set_random_seed(1)
    assert_same(result, by_hand(fold_rows(41, 3, seed=3), **SETTINGS))


def test_no_fold_is_compiled(compilations):
    settings = {"epochs": 2, "batch_size": 4, "verbose": 0, "shuffle": False}
    k_fold(build, X, Y, k=2, **settings)  # small operations of the first call

    def counted(work):
        before = compilations.count
        work()
        return compilations.count - before

    few = counted(lambda: k_fold(build, X, Y, k=2, **settings))
    many = counted(lambda: k_fold(build, X, Y, k=7, **settings).refit())
    assert 1 <= few <= 2
    assert many == few, "folds of 34, 35 and 36 rows are one program, and so are all rows"


def test_metrics_with_state_start_anew_with_every_epoch_and_fold():
    def make():
        model = Sequential([Dense(1, activation="sigmoid", input_shape=(5,))])
        model.compile(Adam(0.01), "binary_crossentropy", metrics=["accuracy", "AUC"])
        return model

    y = (np.median(Y) < Y).astype("float32")

    def seeded():
        set_random_seed(1)
        return make()

    (fold, _) = fold_rows(41, 2, "stratified", y[:, 0], seed=3)
    result = k_fold(seeded, X, y, split=[fold, fold], verbose=0, **SETTINGS)
    assert_same(
        result, {name: np.repeat(v, 2, axis=0) for name, v in by_hand([fold], seeded, X, y, **SETTINGS).items()}
    )


def test_dropout_draws_what_it_would_draw():
    def make():
        model = Sequential([Dense(8, activation="relu", input_shape=(5,)), Dropout(0.4), Dense(1)])
        model.compile("sgd", "mse")
        return model

    fold = [(np.arange(30), np.arange(30, 41))]
    set_random_seed(1)
    result = k_fold(make, X, Y, split=fold, verbose=0, epochs=2, batch_size=4)
    set_random_seed(1)
    assert_same(result, by_hand(fold, make, epochs=2, batch_size=4))


def test_weights_of_rows_and_classes():
    weights = draw.random(41).astype("float32")
    classes = {0: 1.0, 1: 3.0, 2: 0.5}

    def make():
        model = Sequential([Dense(3, activation="softmax", input_shape=(5,))])
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    set_random_seed(1)
    settings = {"class_weight": classes, **SETTINGS}
    rest, held_out = fold_rows(41, 2, shuffle=False)[0]
    result = k_fold(make, X, LABELS, split=[(rest, held_out)], sample_weight=weights, verbose=0, **settings)
    set_random_seed(1)
    validation = (X[held_out], LABELS[held_out], weights[held_out])
    history = make().fit(
        X[rest], LABELS[rest], sample_weight=weights[rest], validation_data=validation, verbose=0, **settings
    )
    for name, values in history.history.items():
        np.testing.assert_allclose(result.curves[name], values, rtol=1e-5, err_msg=name)


def test_standardisation_knows_the_training_part_only():
    x = X.copy()
    x[30:] += 1000  # what is held out is of another kind
    rest, held_out = np.arange(30), np.arange(30, 41)
    set_random_seed(1)
    result = k_fold(build, x, Y, split=[(rest, held_out)], standardize=True, verbose=0, **SETTINGS)
    set_random_seed(1)
    ours = (x - x[rest].mean(axis=0)) / x[rest].std(axis=0)
    assert_same(result, by_hand([(rest, held_out)], x=ours, **SETTINGS))
    np.testing.assert_allclose(result.standardize(x), (x - x.mean(axis=0)) / x.std(axis=0), atol=1e-5)


def test_time_refuses_to_shuffle():
    calls = []
    for ask in (
        lambda: k_fold(calls.append, X, Y, split="time", shuffle=True),
        lambda: hold_out(calls.append, X, Y, split="time", shuffle=True),
        lambda: iterated_k_fold(calls.append, X, Y, split="time"),
    ):
        with pytest.raises(ValueError, match="must not be shuffled"):
            ask()
    assert not calls, "before any model is built"


def test_hold_out():
    set_random_seed(1)
    result = hold_out(build, X, Y, fraction=0.3, seed=2, verbose=0, **SETTINGS)
    set_random_seed(1)
    assert_same(result, by_hand([hold_out_rows(41, 0.3, seed=2)], **SETTINGS))


def test_iterated_k_fold_and_one_progress_line(capsys):
    from sklearn.model_selection import RepeatedKFold

    result = iterated_k_fold(build, X, Y, k=2, iterations=2, seed=5, verbose=1, **SETTINGS)
    folds = list(RepeatedKFold(n_splits=2, n_repeats=2, random_state=5).split(X))
    assert [held.tolist() for _, held in result.folds] == [held.tolist() for _, held in folds]
    assert result.scores["mae"].shape == (4,)
    assert result.fold_curves["val_loss"].shape == (4, 3)
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert printed.startswith("12/12 [====")
    assert "val_mae: " in printed


def test_folds_from_elsewhere():
    from sklearn.model_selection import StratifiedGroupKFold

    groups = np.arange(41) // 3
    splitter = StratifiedGroupKFold(2)
    result = k_fold(build, X, Y, split=splitter, labels=LABELS, groups=groups, verbose=0, epochs=1)
    assert [h.tolist() for _, h in result.folds] == [h.tolist() for _, h in splitter.split(X, LABELS, groups)]
    for wrong, words in (
        ([([0, 1], [1, 2])], "holds out rows that it is trained on"),
        ([([0, 1], [41])], "outside 0 to 40"),
        ([([0, 1], [])], "neither empty"),
        ([], "there is no fold"),
    ):
        with pytest.raises(ValueError, match=words):
            k_fold(build, X, Y, split=wrong, verbose=0)


def test_wrong_arguments():
    for wrong, words in (
        (build(), "without brackets behind build_model"),
        (lambda: None, "returned NoneType"),
        (lambda: Sequential([Dense(1, input_shape=(5,))]), "a model that is not compiled"),
    ):
        with pytest.raises(TypeError, match=words):
            k_fold(wrong, X, Y, verbose=0)
    one = build()
    with pytest.raises(ValueError, match="same model twice"):
        k_fold(lambda: one, X, Y, verbose=0)
    with pytest.raises(ValueError, match="Did you mean 'val_mae'"):
        k_fold(build, X, Y, monitor="val_maee", verbose=0)
    with pytest.raises(ValueError, match="Did you mean 'stratified'"):
        k_fold(build, X, Y, split="stratify", verbose=0)
    with pytest.raises(ValueError, match="epochs must be an integer of at least 1"):
        k_fold(build, X, Y, epochs=0, verbose=0)

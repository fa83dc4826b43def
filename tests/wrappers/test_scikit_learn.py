"""Models as scikit-learn estimators: the classic contract first, then scikit-learn's own checks."""

import copy
import pickle
import sys
from collections import Counter

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks

from hornbeam import Input, Model, Sequential, models
from hornbeam import backend as K
from hornbeam.layers import Dense, add
from hornbeam.optimizers import Adam
from hornbeam.utils import to_categorical
from hornbeam.wrappers import scikit_learn, shared_programs
from hornbeam.wrappers.scikit_learn import BaseWrapper, KerasClassifier, KerasRegressor

RNG = np.random.RandomState(0)
Y = np.arange(24) % 3
X = RNG.normal(size=(24, 4)) + 3 * np.eye(4)[Y]
WORDS = np.array(["red", "green", "blue"])[Y]
QUIET = {"epochs": 20, "verbose": 0}


def classes_model(units=3, rate=0.1, loss="categorical_crossentropy"):
    model = Sequential([Dense(units, activation="softmax")])
    model.compile(Adam(rate), loss, metrics=["accuracy"])
    return model


def binary_model():
    model = Sequential([Dense(1, activation="sigmoid")])
    model.compile(Adam(0.1), "binary_crossentropy")
    return model


def numbers_model(units=1):
    model = Sequential([Dense(units)])
    model.compile(Adam(0.1), "mse")
    return model


class Builder:
    def __call__(self, rate=0.1):
        return classes_model(rate=rate)


class OwnClassifier(KerasClassifier):
    def __call__(self, rate=0.1):
        return classes_model(rate=rate)


@pytest.fixture(scope="module")
def fitted():
    return KerasClassifier(classes_model, random_state=1, **QUIET).fit(X, WORDS)


# --- The classic contract ---


@pytest.mark.parametrize(
    "make",
    [
        lambda **given: KerasClassifier(classes_model, **given),
        lambda **given: KerasClassifier(Builder(), **given),
        lambda **given: OwnClassifier(**given),
        lambda **given: KerasClassifier(model=classes_model, **given),
        lambda **given: KerasClassifier(model=Builder().__call__, **given),
    ],
    ids=["function", "object", "subclass", "model=", "method"],
)
def test_ways_to_say_how_the_model_is_built(make):
    classifier = make(rate=0.125, epochs=2, verbose=0)
    classifier.fit(X, Y)
    assert float(K.get_value(classifier.model_.optimizer.lr)) == 0.125
    assert classifier.predict(X).shape == (24,)
    with pytest.raises(ValueError, match=r"'rat' is not a legal parameter .* Did you mean 'rate'\?"):
        make(rat=0.1)


def test_parameters_go_by_name():
    classifier = KerasClassifier(classes_model, rate=0.5, epochs=3, batch_size=7, verbose=0, sample_weight=None)
    assert classifier.filter_sk_params(classes_model) == {"rate": 0.5}
    assert classifier.filter_sk_params(Sequential.fit, {"epochs": 9}) == {
        "epochs": 9, "batch_size": 7, "verbose": 0, "sample_weight": None,
    }  # fmt: skip
    assert classifier.filter_sk_params(Sequential.predict) == {"batch_size": 7, "verbose": 0}
    own = {"build_fn": classes_model, "model": None, "random_state": None}
    assert classifier.get_params() == {**own, **classifier.sk_params}


def test_setting_parameters():
    classifier = KerasClassifier(classes_model, rate=0.5)
    assert classifier.set_params(epochs=4) is classifier
    assert classifier.sk_params == {"rate": 0.5, "epochs": 4}
    with pytest.raises(ValueError, match="'epoch' is not a legal parameter"):
        classifier.set_params(epoch=5)
    assert classifier.sk_params == {"rate": 0.5, "epochs": 4}
    with pytest.raises(ValueError, match="'depth' is not a legal parameter"):
        classifier.set_params(build_fn=numbers_model, depth=2)
    assert classifier.build_fn is classes_model
    KerasClassifier(lambda **anything: classes_model(), depth=2)


def test_prefixes_say_where_to():
    classifier = KerasClassifier(classes_model, model__rate=0.125, fit__epochs=2, fit__verbose=0, predict__batch_size=5)
    classifier.fit(X, Y)
    assert classifier.epoch == [0, 1]
    assert float(K.get_value(classifier.model_.optimizer.lr)) == 0.125
    assert classifier.filter_sk_params(Sequential.predict) == {"batch_size": 5}


def test_words_as_labels(fitted):
    assert fitted.classes_.tolist() == ["blue", "green", "red"]
    assert fitted.n_classes_ == 3
    assert (fitted.predict(X) == WORDS).mean() > 0.9
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (24, 3)
    assert (fitted.classes_[probabilities.argmax(1)] == fitted.predict(X)).all()
    assert fitted.score(X, WORDS) == pytest.approx((fitted.predict(X) == WORDS).mean())


def test_fit_gives_the_history_and_the_estimator():
    classifier = KerasClassifier(classes_model, **QUIET)
    history = classifier.fit(X, Y, epochs=3)
    assert history is classifier
    assert len(history.history["loss"]) == 3
    assert history.epoch == [0, 1, 2]
    assert classifier.history_ is history.history


def test_the_trained_model_is_there(fitted):
    assert fitted.model is fitted.model_
    assert isinstance(fitted.model, Sequential)
    with pytest.raises(AttributeError, match="not fitted yet"):
        _ = KerasClassifier(classes_model).model
    given = KerasClassifier(model=classes_model, epochs=1, verbose=0)
    given.fit(X, Y)
    assert given.model is classes_model
    other = copy.deepcopy(fitted)
    other.model = classes_model()
    assert other.model_ is not fitted.model_


def test_one_hot_rows_and_numbers():
    classifier = KerasClassifier(classes_model, random_state=0, **QUIET).fit(X, Y)
    assert classifier.score(X, Y) > 0.9
    rows = clone(classifier).fit(X, to_categorical(Y, 3))
    assert rows.classes_.tolist() == [0, 1, 2]
    assert rows.target_type_ == "multiclass-onehot"
    np.testing.assert_array_equal(rows.predict(X), classifier.predict(X))
    assert rows.score(X, to_categorical(Y, 3)) == classifier.score(X, Y)
    assert rows.score(X, to_categorical(Y, 3), sample_weight=np.ones(24)) == classifier.score(X, Y)


def test_two_classes_with_one_output():
    y = np.where(Y == 0, "no", "yes")
    classifier = KerasClassifier(binary_model, **QUIET).fit(X, y)
    probabilities = classifier.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-6)
    assert (classifier.predict(X) == np.where(probabilities[:, 1] > 0.5, "yes", "no")).all()
    # No metric 'accuracy' was compiled: it is counted.
    assert classifier.score(X, y) == (classifier.predict(X) == y).mean()
    right = (classifier.predict(X) == y)[y == "no"]
    assert classifier.score(X, y, sample_weight=np.where(y == "no", 1, 0)) == right.mean()


def test_a_regressor():
    y = X @ [1.0, 2, 0, -1]
    regressor = KerasRegressor(numbers_model, epochs=3, verbose=0).fit(X, y)
    predicted = regressor.predict(X)
    assert predicted.shape == (24,)
    assert regressor.predict(X[:1]).shape == (1,)
    assert regressor.score(X, y) == pytest.approx(-np.mean((predicted - y) ** 2), rel=1e-4)
    weights = np.arange(24) % 2
    # Keras divides by the number of rows that count, which is the sum of such weights.
    expected = -np.mean((predicted - y)[weights == 1] ** 2)
    assert regressor.score(X, y, sample_weight=weights) == pytest.approx(expected, rel=1e-4)


def test_class_weights_and_validation_data_in_the_user_s_labels():
    classifier = KerasClassifier(classes_model, epochs=2, verbose=0, random_state=0)
    plain = clone(classifier).fit(X, WORDS, validation_data=(X, WORDS))
    assert len(plain.history_["val_accuracy"]) == 2
    weighted = clone(classifier).fit(X, WORDS, class_weight={"red": 9.0, "green": 1.0, "blue": 1.0})
    numbered = clone(classifier).fit(X, WORDS, class_weight={0: 1.0, 1: 1.0, 2: 9.0})
    assert weighted.history_["loss"] == numbered.history_["loss"]
    by_row = clone(classifier).fit(X, WORDS, sample_weight=np.where(WORDS == "red", 9.0, 1.0))
    assert by_row.history_["loss"] == weighted.history_["loss"]
    assert weighted.history_["loss"] != plain.history_["loss"]


def test_several_inputs_and_outputs():
    def build(meta):
        a, b = Input(shape=(4,), name="a"), Input(shape=(4,), name="b")
        model = Model([a, b], Dense(meta["n_outputs_"])(add([a, b])))
        model.compile("sgd", "mse")
        return model

    given = {"a": X, "b": X}
    regressor = KerasRegressor(build, epochs=1, verbose=0).fit(given, np.stack([Y, Y], 1))
    assert regressor.predict(given).shape == (24, 2)
    assert scikit_learn._is_several([X, X])
    assert not scikit_learn._is_several(X.tolist())
    assert not scikit_learn._is_several(list(X))


def test_the_dtype_of_images_and_their_axes_are_kept():
    def build(X, y, meta):
        assert X.shape == meta["X_shape_"] == (6, 2, 2)
        assert X.dtype == "uint8"
        assert y.tolist() == [0, 1] * 3
        from hornbeam.layers import Flatten

        model = Sequential([Flatten(), Dense(1, activation="sigmoid")])
        model.compile("sgd", "binary_crossentropy")
        return model

    images = np.arange(24, dtype="uint8").reshape(6, 2, 2)
    classifier = KerasClassifier(model=build, epochs=1, verbose=0).fit(images, [5, 7] * 3)
    assert set(classifier.predict(images)) <= {5, 7}


# --- Today's model= ---


def test_a_compiled_model_is_copied_not_trained():
    model = classes_model()
    model.build((None, 4))
    before = model.get_weights()
    classifier = KerasClassifier(model=model, epochs=2, verbose=0).fit(X, Y)
    assert all((a == b).all() for a, b in zip(before, model.get_weights()))
    assert any((a != b).any() for a, b in zip(before, classifier.model_.get_weights()))


def test_compiling_can_be_left_to_the_estimator():
    def build(units):
        return Sequential([Dense(units, activation="softmax")])

    given = {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    classifier = KerasClassifier(model=build, units=3, epochs=1, verbose=0, **given).fit(X, Y)
    assert type(classifier.model_.optimizer).__name__ == "SGD"
    with pytest.raises(ValueError, match="the model is not compiled. Compile it in the building function"):
        KerasClassifier(model=build, units=3, epochs=1, verbose=0).fit(X, Y)


def test_what_builds_no_model():
    with pytest.raises(TypeError, match="building function must return a model, got list"):
        KerasClassifier(list).fit(X, Y)
    with pytest.raises(ValueError, match="KerasClassifier needs build_fn .or model.: a function .* got None"):
        KerasClassifier().fit(X, Y)


# --- scikit-learn around it ---


def test_a_copy_without_training():
    classifier = KerasClassifier(classes_model, rate=0.3, callbacks=[], random_state=4)
    other = clone(classifier)
    assert other.get_params() == classifier.get_params()
    assert not hasattr(other, "model_")
    with pytest.raises(NotFittedError):
        other.predict(X)


def test_the_seed_repeats_and_leaves_others_alone():
    np.random.seed(3)
    expected = np.random.rand(2)
    np.random.seed(3)
    one = KerasClassifier(classes_model, random_state=5, epochs=2, verbose=0).fit(X, Y)
    np.testing.assert_array_equal(np.random.rand(2), expected)
    two = clone(one).fit(X, Y)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    three = clone(one).set_params(random_state=6).fit(X, Y)
    assert (one.predict_proba(X) != three.predict_proba(X)).any()


def test_grid_search_and_pipeline_share_programs(monkeypatch):
    compiled = []
    compile_steps = K.engine.compile_steps
    monkeypatch.setattr(K.engine, "compile_steps", lambda *given: compiled.append(1) or compile_steps(*given))
    shared_programs._known.clear()
    pipeline = make_pipeline(StandardScaler(), KerasClassifier(classes_model, random_state=0, verbose=0))
    grid = {"kerasclassifier__epochs": [1, 25], "kerasclassifier__rate": [0.1]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, WORDS)
    assert search.best_params_["kerasclassifier__epochs"] == 25
    assert search.best_score_ > 0.6
    assert search.predict(X).shape == (24,)
    # Five models were trained: one program to train, one to evaluate, one to predict.
    assert len(compiled) == 2
    ((_, quick),) = shared_programs._known.values()
    assert search.best_estimator_[-1].model_._quick_forward.program is quick.program
    assert quick.program._cache_size() == 1


def test_shared_programs_change_no_number():
    def train(seed):
        return KerasClassifier(classes_model, random_state=seed, epochs=2, verbose=0).fit(X, Y).predict_proba(X)

    first, shared = train(2), train(3)
    assert (first != shared).any()
    shared_programs._known.clear()
    np.testing.assert_array_equal(train(3), shared)


def test_large_models_are_not_kept(monkeypatch):
    shared_programs._known.clear()
    monkeypatch.setattr(shared_programs, "_MOST_WEIGHTS", 3)
    shared_programs.share_programs(numbers_model(), X, X[:, 0])
    assert not shared_programs._known
    monkeypatch.undo()
    one, two = numbers_model(), numbers_model()
    for model in (one, two):
        shared_programs.share_programs(model, X, X[:, 0])
    assert one._steps._programs is two._steps._programs
    shared_programs.share_programs(one := numbers_model(units=2), X, X[:, :2])
    assert one._steps._programs is not two._steps._programs


def test_partial_fit_goes_on():
    classifier = KerasClassifier(classes_model, random_state=0, verbose=0)
    classifier.partial_fit(X, ["red"] * 24, classes=["red", "green", "blue"])
    model = classifier.model_
    losses = [classifier.partial_fit(X, WORDS).history["loss"][0] for _ in range(3)]
    assert classifier.model_ is model
    assert losses[2] < losses[0]
    assert int(K.get_value(model.optimizer.iterations)) == 4
    assert classifier.classes_.tolist() == ["blue", "green", "red"]
    with pytest.raises(ValueError, match=r"was not told of the classes \['black'\]"):
        classifier.partial_fit(X[:1], ["black"])


def test_pickling(fitted):
    there = pickle.loads(pickle.dumps(fitted))  # noqa: S301
    np.testing.assert_array_equal(there.predict_proba(X), fitted.predict_proba(X))
    assert there.get_params() == fitted.get_params()
    assert there.history_ == fitted.history_
    there.partial_fit(X, WORDS)


def test_models_saved_the_old_way(fitted, tmp_path):
    fitted.model.save(tmp_path / "model.h5")
    other = copy.deepcopy(fitted)
    other.model = models.load_model(tmp_path / "model.h5")
    np.testing.assert_allclose(other.predict_proba(X), fitted.predict_proba(X), rtol=1e-5)


def test_sample_weights_that_leave_nothing_to_learn():
    given = KerasClassifier(classes_model)
    with pytest.raises(ValueError, match="at least one non-zero number"):
        given.fit(X, Y, sample_weight=np.zeros(24))
    with pytest.raises(ValueError, match="all rows but those of one class have sample weight zero"):
        given.fit(X, Y, sample_weight=Y == 1)


def test_feature_names():
    import pandas

    frame = pandas.DataFrame(X, columns=list("abcd"))
    regressor = KerasRegressor(numbers_model, epochs=1, verbose=0).fit(frame, X[:, 0])
    assert regressor.feature_names_in_.tolist() == list("abcd")
    assert regressor.n_features_in_ == 4
    with pytest.raises(ValueError, match="feature names should match"):
        regressor.predict(frame[list("dcba")])


def test_wrong_targets():
    with pytest.raises(ValueError, match=r"rows of y must be one-hot, or zeros and ones; got shape \(24, 2\)"):
        KerasClassifier(classes_model).fit(X, np.stack([Y, Y + 5], 1))
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        KerasClassifier(classes_model).fit(X, Y + 0.5)


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for name in [n for n in sys.modules if n.startswith("sklearn.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "hornbeam.wrappers.scikit_learn")
    with pytest.raises(ImportError, match=r'wrappers.scikit_learn needs sklearn.*pip install "hornbeam\[data\]"'):
        import hornbeam.wrappers.scikit_learn  # noqa: F401


def test_the_base_is_for_subclasses():
    assert issubclass(KerasClassifier, BaseWrapper)
    assert issubclass(KerasRegressor, BaseWrapper)


# --- scikit-learn's own checks ---


def checked_classifier(meta):
    """Double precision, for weights must equal repetition to the seventh digit; Adam, that the scale of a loss leaves
    alone, for scikit-learn's mean over weighted rows is not Keras'."""
    outputs, several = meta["n_outputs_"], meta["target_type_"] == "multiclass"
    model = Sequential([Dense(outputs, activation="softmax" if several else "sigmoid", dtype="float64")])
    loss = "sparse_categorical_crossentropy" if several else "binary_crossentropy"
    model.compile(Adam(0.1, epsilon=1e-30), loss)
    return model


def checked_regressor(meta):
    model = Sequential([Dense(meta["n_outputs_"], dtype="float64")])
    model.compile(Adam(0.1, epsilon=1e-30), "mse")
    return model


WHOLE = {"epochs": 20, "batch_size": 512, "shuffle": False, "verbose": 0}
CHECKED = {
    "classifier": (KerasClassifier(checked_classifier, **WHOLE), 67),
    "regressor": (KerasRegressor(checked_regressor, **WHOLE), 60),
}
# Skipped by scikit-learn, for its own networks as well: there is no decision_function, and no array API in scipy.
SKIPPED = {"check_array_api_input", "check_classifiers_multilabel_output_format_decision_function"}

# The ones for every day: they compile few programs.
QUICK = """
check_estimator_cloneable check_estimator_tags_renamed check_valid_tag_types check_estimator_repr check_set_params
check_no_attributes_set_in_init check_estimators_unfitted check_do_not_raise_errors_in_init_or_set_params
check_mixin_order check_get_params_invariance check_parameters_default_constructible check_requires_y_none
check_all_zero_sample_weights_error check_complex_data check_estimators_empty_data_messages check_fit1d
check_supervised_y_no_nan check_classifiers_one_label_sample_weights
check_sample_weight_equivalence_on_dense_data check_sample_weight_equivalence_on_sparse_data
""".split()


@pytest.mark.parametrize("kind", CHECKED)
def test_quick_checks_of_scikit_learn(kind):
    estimator, _ = CHECKED[kind]
    done = 0
    for given, check in estimator_checks.estimator_checks_generator(estimator):
        name = getattr(check, "func", check).__name__
        if name in QUICK and (kind == "classifier" or "equivalence" not in name):
            check(given)
            done += 1
    assert done >= len(QUICK) - 3


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", CHECKED)
def test_all_checks_of_scikit_learn(kind):
    estimator, number = CHECKED[kind]
    found = estimator_checks.check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(found) >= number
    assert {r["check_name"]: str(r["exception"]) for r in found if r["status"] == "failed"} == {}
    assert not any(r["expected_to_fail"] for r in found)
    counts = Counter(r["status"] for r in found)
    assert {r["check_name"] for r in found if r["status"] == "skipped"} <= SKIPPED
    assert counts["passed"] + counts["skipped"] == len(found)

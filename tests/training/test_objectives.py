"""Losses and metrics of a compiled model: exact over an epoch whatever the batches, of every form users write."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import losses, metrics
from hornbeam.layers import Dense, Input, Lambda, Masking
from hornbeam.models import Model, Sequential
from hornbeam.training.objectives import Objectives

draw = np.random.default_rng(1)
N = 50
LABELS = draw.integers(0, 3, N)
ONE_HOT = np.eye(3)[LABELS]
LOGITS = draw.normal(size=(N, 3)) + 2 * ONE_HOT * draw.integers(0, 2, (N, 1))
PROBABILITIES = (np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)).astype("float32")
TRUTH = draw.integers(0, 2, N)
SCORES = np.clip(TRUTH * 0.3 + draw.random(N) * 0.7, 0.01, 0.99).astype("float32")
SIZES = [1, 7, 32, N]


def passing(width, **kwargs):
    """A model that hands its inputs on: what it predicts is what it is given."""
    model = Sequential([Lambda(lambda x: x, input_shape=(width,))])
    model.compile("sgd", **kwargs)
    return model


def evaluated(model, x, y, size, **kwargs):
    return model.evaluate(x, y, batch_size=size, verbose=0, return_dict=True, **kwargs)


# --- Exact for every batch size ---


@pytest.fixture(scope="module")
def several():
    names = ["accuracy", "mse", "categorical_crossentropy", "top_k_categorical_accuracy"]
    return passing(3, loss="categorical_crossentropy", metrics=names)


@pytest.mark.parametrize("size", SIZES)
def test_metrics_of_classes_are_those_of_scikit_learn(several, size):
    from sklearn.metrics import accuracy_score, log_loss

    found = evaluated(several, PROBABILITIES, ONE_HOT, size)
    assert found["accuracy"] == pytest.approx(accuracy_score(LABELS, PROBABILITIES.argmax(1)), rel=1e-6)
    assert found["loss"] == pytest.approx(log_loss(LABELS, PROBABILITIES), rel=1e-4)
    assert found["categorical_crossentropy"] == pytest.approx(found["loss"], rel=1e-6)
    assert found["mse"] == pytest.approx(np.mean((PROBABILITIES - ONE_HOT) ** 2), rel=1e-5)
    assert found["top_k_categorical_accuracy"] == 1.0


@pytest.fixture(scope="module")
def binary():
    objects = [metrics.Precision(), metrics.Recall(), metrics.AUC(num_thresholds=2000)]
    return passing(1, loss="binary_crossentropy", metrics=["acc", *objects])


@pytest.mark.parametrize("size", SIZES)
def test_metric_objects_add_up_over_batches(binary, size):
    from sklearn.metrics import accuracy_score, precision_score, recall_score, roc_auc_score

    found = evaluated(binary, SCORES[:, None], TRUTH, size)
    guess = SCORES > 0.5
    assert found["acc"] == pytest.approx(accuracy_score(TRUTH, guess), rel=1e-6)
    assert found["precision"] == pytest.approx(precision_score(TRUTH, guess), rel=1e-6)
    assert found["recall"] == pytest.approx(recall_score(TRUTH, guess), rel=1e-6)
    assert found["auc"] == pytest.approx(roc_auc_score(TRUTH, SCORES), abs=2e-3)


def test_metric_objects_begin_anew_each_epoch_and_report_while_training(binary):
    history = binary.fit(SCORES[:, None], TRUTH, epochs=2, batch_size=7, verbose=0).history
    guess = SCORES > 0.5
    precision = (guess & (TRUTH == 1)).sum() / guess.sum()
    np.testing.assert_allclose(history["precision"], [precision] * 2, rtol=1e-6)
    assert binary.metrics_names == ["loss", "acc", "precision", "recall", "auc"]


@pytest.mark.parametrize("size", SIZES)
def test_training_reports_the_mean_over_rows(size):
    model = passing(1, loss="mae", metrics=[lambda t, p: K.abs(t - p)[:, 0] * 2])
    rows = np.arange(float(N))[:, None]
    history = model.fit(rows, 0 * rows, batch_size=size, verbose=0, shuffle=True).history
    assert history["loss"][0] == pytest.approx((N - 1) / 2, rel=1e-6)
    assert history["<lambda>"][0] == pytest.approx(N - 1, rel=1e-6)


# --- Forms of metrics ---


def both(y_true, y_pred):
    """Several named values at once."""
    error = K.abs(y_true - y_pred)
    return {"mean_error": K.mean(error, axis=-1), "largest": K.max(error, axis=-1)}


def scalar(y_true, y_pred):
    return K.mean(K.square(y_true - y_pred))


class Largest(metrics.Metric):
    """As in Keras 3: state in weights."""

    def __init__(self, name="largest_ever", **kwargs):
        super().__init__(name=name, **kwargs)
        self.value = self.add_weight(name="value", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        error = K.abs(y_true - y_pred)
        if sample_weight is not None:
            error = error * K.reshape(sample_weight, (-1, 1))
        self.value.assign(K.maximum(self.value, K.max(error)))

    def result(self):
        return self.value

    def reset_state(self):
        self.value.assign(0.0)


@pytest.mark.parametrize("size", [1, 7, N])
def test_functions_may_return_dicts_rows_or_scalars_and_objects_anything(size):
    model = passing(3, loss="mse", metrics=[both, scalar, Largest()])
    found = evaluated(model, PROBABILITIES, ONE_HOT, size)
    error = np.abs(PROBABILITIES - ONE_HOT)
    assert found["mean_error"] == pytest.approx(error.mean(), rel=1e-5)
    assert found["largest"] == pytest.approx(error.max(1).mean(), rel=1e-5)
    assert found["scalar"] == pytest.approx((error**2).mean(), rel=1e-5)
    assert found["largest_ever"] == pytest.approx(error.max(), rel=1e-6)
    assert model.evaluate(PROBABILITIES, ONE_HOT, verbose=0)[0] == pytest.approx(found["loss"], rel=1e-5)


def test_an_object_without_sample_weight_sees_only_real_rows():
    class Count(metrics.Metric):
        def __init__(self):
            super().__init__(name="count")
            self.rows = self.add_weight(name="rows", initializer="zeros")

        def update_state(self, y_true, y_pred):
            self.rows.assign_add(K.cast(K.shape(y_pred)[0], "float32"))

        def result(self):
            return self.rows

    model = passing(3, loss="mse", metrics=[Count()])
    assert evaluated(model, PROBABILITIES, ONE_HOT, 7)["count"] == N
    assert model.fit(PROBABILITIES, ONE_HOT, batch_size=32, verbose=0).history["count"] == [N]


@pytest.mark.parametrize(
    ("loss", "target", "function"),
    [
        ("categorical_crossentropy", ONE_HOT, "categorical_accuracy"),
        ("sparse_categorical_crossentropy", LABELS, "sparse_categorical_accuracy"),
        ("sparse_categorical_crossentropy", LABELS[:, None], "sparse_categorical_accuracy"),
        (losses.sparse_categorical_crossentropy, LABELS, "sparse_categorical_accuracy"),
        ("binary_crossentropy", ONE_HOT, "binary_accuracy"),
    ],
)
def test_accuracy_means_what_the_loss_means(loss, target, function):
    model = passing(3, loss=loss, metrics=["accuracy", function])
    found = evaluated(model, PROBABILITIES, target, 7)
    assert found["accuracy"] == found[function]
    right = (PROBABILITIES > 0.5) == ONE_HOT if "binary" in function else PROBABILITIES.argmax(1) == LABELS
    assert found["accuracy"] == pytest.approx(right.mean(), rel=1e-6)


def test_metrics_by_output():
    x = Input((3,))
    outputs = [Lambda(lambda v: v, name="a")(x), Lambda(lambda v: v[:, :1], name="b")(x)]
    model = Model(x, outputs)
    targets = [ONE_HOT, TRUTH]
    for given, names in (
        ({"a": "mse", "b": ["acc"]}, ["a_mse", "b_acc"]),
        ([["mse"], []], ["a_mse"]),
        (["mae"], ["a_mae", "b_mae"]),
        ([[], [both]], ["b_mean_error", "b_largest"]),
    ):
        model.compile("sgd", "mse", metrics=given)
        assert list(evaluated(model, PROBABILITIES, targets, N))[3:] == names


def test_weighted_metrics_count_with_weights_and_plain_ones_without():
    weights = np.zeros(N)
    weights[:10] = 2.0
    model = passing(3, loss="mse", metrics=["mae"], weighted_metrics=["mse"])
    found = evaluated(model, PROBABILITIES, ONE_HOT, N, sample_weight=weights)
    error = np.abs(PROBABILITIES - ONE_HOT)
    assert found["mae"] == pytest.approx(error.mean(), rel=1e-5)
    assert found["mse"] == pytest.approx(2 * (error[:10] ** 2).mean(), rel=1e-5)  # sum(w m) / count(w != 0)


def test_masked_steps_do_not_count_in_loss_nor_metrics():
    x = np.array([[[1.0], [2.0], [0.0]], [[3.0], [0.0], [0.0]]])
    model = Sequential([Masking(input_shape=(3, 1)), Lambda(lambda v: v, mask=lambda v, mask: mask)])
    model.compile("sgd", "mae", metrics=["mse"])
    found = evaluated(model, x, np.full((2, 3, 1), 0.0), 2)
    assert found["loss"] == pytest.approx((1 + 2 + 3) / 3)
    assert found["mse"] == pytest.approx((1 + 4 + 9) / 3)


# --- Forms of losses ---


@pytest.mark.parametrize(
    "loss",
    ["mse", "MSE", "mean_squared_error", losses.mean_squared_error, losses.MeanSquaredError(),
     lambda t, p: K.mean(K.square(t - p), axis=-1), lambda t, p: K.square(t - p), scalar],
)  # fmt: skip
def test_a_loss_by_name_alias_function_or_object(loss):
    model = passing(3, loss=loss)
    expected = np.mean((PROBABILITIES - ONE_HOT) ** 2)
    assert model.evaluate(PROBABILITIES, ONE_HOT, batch_size=N, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_a_custom_loss_may_compare_shapes_that_differ():
    def triplet(y_true, y_pred):
        return K.maximum(0.0, y_pred[:, 0] - y_pred[:, 1] + 1.0)

    model = passing(3, loss=triplet)
    expected = np.maximum(0, PROBABILITIES[:, 0] - PROBABILITIES[:, 1] + 1).mean()
    assert model.evaluate(PROBABILITIES, np.zeros(N), verbose=0) == pytest.approx(expected, rel=1e-5)


def test_what_users_write_sees_targets_without_a_column_as_a_column():
    def squared(y_true, y_pred):
        return K.mean(K.square(y_true - y_pred))  # over (B, B) if y_true had no column

    class Shape(metrics.Metric):
        def __init__(self):
            super().__init__(name="shape")
            self.rank = self.add_weight(name="rank", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.rank.assign(K.cast(K.ndim(y_true), "float32"))

        def result(self):
            return self.rank

    x = np.random.rand(N, 3).astype("float32")
    y = np.random.rand(N).astype("float32")
    model = Sequential([Dense(1, input_shape=(3,))])
    model.compile("sgd", squared, metrics=["mse", squared, Shape()])
    expected = np.mean((model.predict(x)[:, 0] - y) ** 2)
    found = model.evaluate(x, y, batch_size=7, verbose=0)
    assert found == pytest.approx([expected, expected, expected, 2], rel=1e-5)


def test_a_loss_with_settings_made_by_a_function():
    def weighted(factor):
        def loss(y_true, y_pred):
            return factor * losses.mean_absolute_error(y_true, y_pred)

        return loss

    model = passing(3, loss=weighted(3.0), metrics=[weighted(1.0)])
    found = evaluated(model, PROBABILITIES, ONE_HOT, 7)
    assert found["loss"] == pytest.approx(3 * found["loss_1"], rel=1e-5)  # both functions are called 'loss'
    assert found["loss"] == pytest.approx(3 * np.abs(PROBABILITIES - ONE_HOT).mean(), rel=1e-5)


def test_labels_of_every_position_of_a_series():
    x = draw.random((4, 5, 3)).astype("float32")
    x /= x.sum(-1, keepdims=True)
    labels = draw.integers(0, 3, (4, 5))
    model = Sequential([Lambda(lambda v: v, input_shape=(5, 3))])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    expected = -np.log(np.take_along_axis(x, labels[..., None], -1)).mean()
    for target in (labels, labels[..., None]):
        found = evaluated(model, x, target, 3)
        assert found["loss"] == pytest.approx(expected, rel=1e-4)
        assert found["accuracy"] == pytest.approx((x.argmax(-1) == labels).mean(), rel=1e-6)


def test_terms_are_matched_to_outputs_when_made():
    made = Objectives(["a", "b"], [(None, 1), (None, 2)], {"b": "mse"}, ["mae"], {"b": 2.0})
    assert made.losses[0] is None
    assert made.losses[1].name == "mean_squared_error"
    assert made.losses[1].weight == 2.0
    assert [[term.name for term in terms] for terms in made.metrics] == [["mae"], ["mae"]]
    assert made.stateful_metrics == []


def test_a_model_learns_from_a_penalty_on_its_own_output():
    model = Sequential([Dense(1, input_shape=(3,), kernel_regularizer="l2", activity_regularizer="l2")])
    model.compile("sgd", "mse")
    first = model.evaluate(PROBABILITIES, TRUTH, batch_size=N, verbose=0)
    kernel, _ = model.get_weights()
    out = model.predict(PROBABILITIES, batch_size=N)
    expected = np.mean((out - TRUTH[:, None]) ** 2) + 0.01 * (kernel**2).sum() + 0.01 * (out**2).sum()
    assert first == pytest.approx(expected, rel=1e-4)

"""Metrics: parity with Keras and scikit-learn over several weighted batches, worked numbers, names, compiled steps."""

import keras
import numpy as np
import pytest
import sklearn.metrics

from hornbeam import backend as K
from hornbeam import losses, metrics, registry
from hornbeam.engines import engine


def near(found, wanted, rtol=2e-5, atol=2e-6):
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=rtol, atol=atol)


def probabilities(*shape):
    raw = np.random.rand(*shape) + 0.05
    return (raw / raw.sum(-1, keepdims=True)).astype("float32")


def one_hot(*shape):
    return np.eye(shape[-1], dtype="float32")[np.random.randint(0, shape[-1], shape[:-1])]


def uniform(*shape):
    return np.random.rand(*shape).astype("float32")


def positive(*shape):
    return uniform(*shape) + 0.1


def any_sign(*shape):
    return np.random.randn(*shape).astype("float32") * 3


def signs(*shape):
    return np.random.choice([-1.0, 1.0], shape).astype("float32")


def answers(*shape):
    return np.random.randint(0, 2, shape).astype("float32")


def numbers(*shape):
    return np.random.randint(0, shape[-1], shape[:-1])


def small_numbers(*shape):
    return np.random.randint(0, 4, shape)


# --- Functions ---


@pytest.mark.parametrize("lead", [(6,), (4, 3)])
def test_accuracy_functions_agree_with_keras(lead):
    y_true, y_pred, ids = one_hot(*lead, 7), probabilities(*lead, 7), numbers(*lead, 7)
    pairs = [
        (metrics.categorical_accuracy(y_true, y_pred), keras.metrics.categorical_accuracy(y_true, y_pred)),
        (metrics.sparse_categorical_accuracy(ids, y_pred), keras.metrics.sparse_categorical_accuracy(ids, y_pred)),
        (
            metrics.top_k_categorical_accuracy(y_true, y_pred, k=2),
            keras.metrics.top_k_categorical_accuracy(y_true, y_pred, k=2),
        ),
        (
            metrics.sparse_top_k_categorical_accuracy(ids, y_pred),
            keras.metrics.sparse_top_k_categorical_accuracy(ids, y_pred),
        ),
        (metrics.pearson_correlation(y_true, y_pred), keras.metrics.pearson_correlation(y_true, y_pred)),
        (metrics.concordance_correlation(y_true, y_pred), keras.metrics.concordance_correlation(y_true, y_pred)),
    ]
    for found, wanted in pairs:
        assert found.shape == lead
        near(found, wanted)
    column = metrics.sparse_categorical_accuracy(ids[..., None], y_pred)
    near(column, pairs[1][1])


def test_binary_accuracy_rounds_and_means_over_the_last_axis():
    y_true, y_pred = answers(6, 4), uniform(6, 4)
    near(metrics.binary_accuracy(y_true, y_pred), np.mean(keras.metrics.binary_accuracy(y_true, y_pred), axis=-1))
    # A linear unit predicts counts: 1.7 rounds to 2. The comparison with 0.5 of Keras 3 would find 1, and 2 != 1.
    near(metrics.binary_accuracy([[2.0], [1.0]], [[1.7], [1.7]]), [1.0, 0.0])
    near(metrics.binary_accuracy([[1.0], [1.0]], [[1.7], [0.6]], threshold=0.65), [1.0, 0.0])
    near(metrics.binary_accuracy([[0.0]], [[0.5]]), [1.0])  # halves round to the even number


def test_functions_work_on_symbolic_tensors():
    y_true, y_pred = K.placeholder((None, 3, 4)), K.placeholder((None, 3, 4))
    names = ["categorical_accuracy", "binary_accuracy", "top_k_categorical_accuracy", "mse"]
    outputs = [metrics.get(name)(y_true, y_pred) for name in names]
    values = [one_hot(5, 3, 4), probabilities(5, 3, 4)]
    for name, found in zip(names, K.function([y_true, y_pred], outputs)(values)):
        assert found.shape == (5, 3)
        near(found, metrics.get(name)(*values))


# --- Objects: the same batches through ours and theirs; weights of some rows are 0 in the second pass ---

OBJECTS = [
    ("BinaryAccuracy", answers, uniform, {"threshold": 0.3}),
    ("Accuracy", small_numbers, small_numbers, {}),
    ("CategoricalAccuracy", one_hot, probabilities, {}),
    ("SparseCategoricalAccuracy", numbers, probabilities, {}),
    ("TopKCategoricalAccuracy", one_hot, probabilities, {"k": 2}),
    ("SparseTopKCategoricalAccuracy", numbers, probabilities, {"k": 3}),
    ("MeanSquaredError", any_sign, any_sign, {}),
    ("RootMeanSquaredError", any_sign, any_sign, {}),
    ("MeanAbsoluteError", any_sign, any_sign, {}),
    ("MeanAbsolutePercentageError", any_sign, any_sign, {}),
    ("MeanSquaredLogarithmicError", any_sign, any_sign, {}),
    ("LogCoshError", any_sign, any_sign, {}),
    ("Poisson", positive, positive, {}),
    ("CosineSimilarity", any_sign, any_sign, {}),
    ("PearsonCorrelation", any_sign, any_sign, {}),
    ("ConcordanceCorrelation", any_sign, any_sign, {}),
    ("Hinge", signs, any_sign, {}),
    ("SquaredHinge", signs, any_sign, {}),
    ("CategoricalHinge", one_hot, any_sign, {}),
    ("KLDivergence", probabilities, probabilities, {}),
    ("BinaryCrossentropy", answers, uniform, {"label_smoothing": 0.1}),
    ("CategoricalCrossentropy", one_hot, any_sign, {"from_logits": True}),
    ("SparseCategoricalCrossentropy", numbers, probabilities, {}),
    ("TruePositives", answers, uniform, {}),
    ("FalsePositives", answers, uniform, {"thresholds": [0.2, 0.7]}),
    ("TrueNegatives", answers, uniform, {"thresholds": 0.4}),
    ("FalseNegatives", answers, uniform, {}),
    ("Precision", answers, uniform, {}),
    ("Precision", answers, uniform, {"thresholds": [0.1, 0.5, 0.9]}),
    ("Precision", one_hot, probabilities, {"top_k": 2}),
    ("Precision", one_hot, probabilities, {"class_id": 1, "thresholds": 0.2}),
    ("Recall", answers, uniform, {}),
    ("Recall", one_hot, probabilities, {"top_k": 2, "class_id": 0}),
    ("AUC", answers, uniform, {}),
    ("AUC", answers, uniform, {"curve": "PR"}),
    ("AUC", answers, uniform, {"curve": "PR", "summation_method": "majoring", "num_thresholds": 30}),
    ("AUC", answers, uniform, {"summation_method": "minoring", "thresholds": [0.3, 0.6]}),
    ("AUC", answers, any_sign, {"from_logits": True}),
    ("AUC", answers, uniform, {"multi_label": True, "num_labels": 5}),
    ("AUC", answers, uniform, {"multi_label": True, "curve": "PR", "label_weights": [1.0, 2.0, 3.0, 4.0, 5.0]}),
    ("PrecisionAtRecall", answers, uniform, {"recall": 0.6}),
    ("RecallAtPrecision", answers, uniform, {"precision": 0.55}),
    ("SensitivityAtSpecificity", answers, uniform, {"specificity": 0.4, "num_thresholds": 50}),
    ("SpecificityAtSensitivity", answers, uniform, {"sensitivity": 0.4}),
    ("F1Score", one_hot, probabilities, {}),
    ("F1Score", answers, uniform, {"threshold": 0.5, "average": "micro"}),
    ("FBetaScore", one_hot, probabilities, {"beta": 2.0, "average": "macro"}),
    ("FBetaScore", one_hot, probabilities, {"beta": 0.5, "average": "weighted"}),
    ("R2Score", any_sign, any_sign, {}),
    ("R2Score", any_sign, any_sign, {"class_aggregation": None}),
    ("R2Score", any_sign, any_sign, {"class_aggregation": "variance_weighted_average", "num_regressors": 2}),
    ("OneHotIoU", one_hot, probabilities, {"num_classes": 5, "target_class_ids": [0, 3]}),
    ("OneHotMeanIoU", one_hot, probabilities, {"num_classes": 5}),
    ("MeanIoU", numbers, probabilities, {"num_classes": 5, "sparse_y_pred": False, "ignore_class": 2}),
]  # fmt: skip
LABELS = [f"{name}-{'-'.join(map(str, settings.values()))}" for name, _, _, settings in OBJECTS]


def batches_of(targets, predictions, sizes=(6, 6)):
    return [(targets(n, 5), predictions(n, 5), positive(n)) for n in sizes]


# Keras asks the engine for int64 indices in its confusion matrices and is told that it gets int32.
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning")
@pytest.mark.parametrize(("name", "targets", "predictions", "settings"), OBJECTS, ids=LABELS)
def test_objects_agree_with_keras_over_weighted_batches(name, targets, predictions, settings):
    ours, theirs = getattr(metrics, name)(**settings), getattr(keras.metrics, name)(**settings)
    batches = batches_of(targets, predictions)
    for weighted in (False, True):
        if weighted and "IoU" in name:
            theirs = getattr(keras.metrics, name)(**settings, dtype="float32")
        for y_true, y_pred, weights in batches:
            weights = weights if weighted else None
            ours.update_state(y_true, y_pred, sample_weight=weights)
            theirs.update_state(y_true, y_pred, sample_weight=weights)
        near(ours.result(), theirs.result())
        ours.reset_state()
        theirs.reset_state()
    assert theirs.name.startswith(ours.name)  # Keras numbers the names of a process, ours stay the same


@pytest.mark.parametrize(("name", "targets", "predictions", "settings"), OBJECTS, ids=LABELS)
def test_rows_of_weight_zero_change_nothing_in_a_compiled_step(name, targets, predictions, settings):
    metric = getattr(metrics, name)(**settings)
    (y_true, y_pred, weights), (more_true, more_pred, _) = batches_of(targets, predictions, (6, 3))
    metric.build(y_true.shape, y_pred.shape)
    start = metric.stateless_reset_state()
    step = engine.compile_function(metric.stateless_update_state)
    padded = [np.concatenate(pair) for pair in ((y_true, more_true), (y_pred, more_pred), (weights, np.zeros(3)))]
    found = metric.stateless_result(step(start, *padded))
    assert all(not np.any(K.get_value(v)) for v in metric.variables)
    metric.update_state(y_true, y_pred, sample_weight=weights)
    near(found, metric.result())


@pytest.mark.parametrize(("name", "settings"), [(row[0], row[3]) for row in OBJECTS], ids=LABELS)
def test_objects_survive_their_configuration(name, settings):
    metric = getattr(metrics, name)(**settings, name="mine")
    again = metrics.get(metrics.serialize(metric))
    assert type(again) is type(metric)
    assert again.name == "mine"
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize(("name", "settings"), [(row[0], row[3]) for row in OBJECTS], ids=LABELS)
def test_configurations_that_keras_wrote_are_read(name, settings):
    theirs = getattr(keras.metrics, name)(**settings, name="mine")
    if settings.get("label_weights"):
        theirs.label_weights = settings["label_weights"]  # Keras cannot write its array
    again = metrics.deserialize(keras.metrics.serialize(theirs))
    assert again.get_config() == {
        **getattr(metrics, name)(**settings, name="mine").get_config(), "dtype": again.dtype,
    }  # fmt: skip


# --- scikit-learn, over all rows at once ---


@pytest.fixture(scope="module")
def many():
    """320 rows of targets and predictions that know something about them, in batches of 64."""
    draw = np.random.default_rng(7)
    y_true = draw.integers(0, 2, 320)
    y_pred = np.clip(draw.normal(0.4 + 0.2 * y_true, 0.1), 0, 1).astype("float32")
    return y_true, y_pred, draw.uniform(0.5, 2.0, 320).astype("float32")


def over_batches(metric, *columns):
    for start in range(0, len(columns[0]), 64):
        metric.update_state(*(c[start : start + 64] for c in columns))
    return metric.result()


def test_precision_recall_and_f1_agree_with_sklearn(many):
    y_true, y_pred, weights = many
    decided = y_pred > 0.5
    near(
        over_batches(metrics.Precision(), *many),
        sklearn.metrics.precision_score(y_true, decided, sample_weight=weights),
    )
    near(over_batches(metrics.Recall(), *many), sklearn.metrics.recall_score(y_true, decided, sample_weight=weights))
    columns = (y_true[:, None], y_pred[:, None], weights)
    found = over_batches(metrics.get("f1"), *columns)
    near(found, sklearn.metrics.f1_score(y_true, decided, sample_weight=weights))


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_f1_of_classes_agrees_with_sklearn(average):
    y_true, y_pred, weights = np.random.randint(0, 4, 128), probabilities(128, 4), positive(128)
    wanted = sklearn.metrics.f1_score(y_true, y_pred.argmax(-1), average=average, sample_weight=weights)
    near(over_batches(metrics.F1Score(average), y_true, y_pred, weights), wanted)  # class numbers, not one-hot


def test_areas_agree_with_sklearn(many):
    y_true, y_pred, weights = many
    roc = sklearn.metrics.roc_auc_score(y_true, y_pred, sample_weight=weights)
    near(over_batches(metrics.AUC(), *many), roc, rtol=1e-3)
    near(over_batches(metrics.AUC(num_thresholds=5000), *many), roc, rtol=2e-4)
    steps = sklearn.metrics.average_precision_score(y_true, y_pred, sample_weight=weights)
    near(over_batches(metrics.AUC(curve="PR", num_thresholds=2000), *many), steps, rtol=5e-3)


def test_r2_agrees_with_sklearn_far_from_zero():
    y_true = np.random.randn(300, 2) + 3000.0
    y_pred = y_true + 0.5 * np.random.randn(300, 2)
    # In float32 the squares alone, about 9e6, would leave no digit of a variance of 1.
    near(over_batches(metrics.R2Score(), y_true, y_pred), sklearn.metrics.r2_score(y_true, y_pred), rtol=2e-3)


def test_mean_iou_agrees_with_sklearn():
    y_true, y_pred = np.random.randint(0, 3, (90, 2)), np.random.randint(0, 3, (90, 2))
    wanted = sklearn.metrics.jaccard_score(y_true.ravel(), y_pred.ravel(), average="macro")
    near(over_batches(metrics.MeanIoU(3), y_true, y_pred), wanted)
    near(metrics.BinaryIoU()(answers(0, 1), uniform(0, 1)), 0.0)
    truth, scores = answers(50, 1), uniform(50, 1)
    wanted = sklearn.metrics.jaccard_score(truth, scores >= 0.5, average="macro")
    near(metrics.BinaryIoU()(truth, scores), wanted)


# --- Worked numbers where the classic ones differ ---


def test_hinge_and_cosine_strings_keep_the_classic_meaning():
    # Targets 0/1 are taken as given: (max(1 - 0, 0) + max(1 - 0.4, 0)) / 2 = 0.8.
    near(metrics.Hinge()([[0.0, 1.0]], [[0.4, 0.4]]), 0.8)
    assert metrics.get("cosine") is losses.cosine_proximity  # negative
    near(metrics.get("cosine_similarity")([[3.0, 4.0]], [[2.0, 0.0]]), 0.6)


def test_weights_of_rows_reach_every_time_step():
    # Rows weigh 1 and 3: (1 * (1 + 2) + 3 * (3 + 4)) / (1 * 2 + 3 * 2).
    mean = metrics.Mean()
    mean.update_state([[1.0, 2.0], [3.0, 4.0]], sample_weight=[1.0, 3.0])
    near(mean.result(), 3.0)
    mean.reset_state()
    near(mean.result(), 0.0)
    # Weights of time steps: (1 * 1 + 3 * 3) / (1 + 3).
    mean.update_state([[1.0, 2.0], [3.0, 4.0]], sample_weight=[[1.0, 0.0], [3.0, 0.0]])
    near(mean.result(), 2.5)


def test_the_ignored_class_leaves_the_mean():
    y_pred = np.array([[0.5, 0.5], [0.1, 0.9]])
    near(metrics.SparseCategoricalCrossentropy(ignore_class=-1)([0, -1], y_pred), np.log(2))
    near(metrics.SparseCategoricalCrossentropy(ignore_class=-1)([[0], [-1]], y_pred, [2.0, 5.0]), np.log(2))


def test_class_numbers_serve_where_columns_are_wanted():
    ids, y_pred = np.random.randint(0, 3, 20), probabilities(20, 3)
    for metric in (metrics.Precision(), metrics.Recall(top_k=1), metrics.AUC(), metrics.F1Score("macro")):
        wanted = metric(np.eye(3)[ids], y_pred)
        for y_true in (ids, ids[:, None]):
            metric.reset_state()
            near(metric(y_true, y_pred), wanted)


# --- Base ---


class Largest(metrics.Metric):
    def __init__(self, floor=-1.0, name=None, dtype=None):
        super().__init__(name, dtype)
        self.floor = floor
        self.value = self.add_weight("value", initializer=floor)
        self.mean = metrics.Mean()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value.assign(K.maximum(self.value, K.max(y_pred)))
        self.mean.update_state(y_pred)

    def result(self):
        return self.value.value


def test_a_metric_of_ones_own():
    metric = Largest()
    assert metric.name == "largest"
    assert [v.name for v in metric.variables] == ["largest/value", "mean/total", "mean/count"]
    assert float(metric(None, np.array([1.0, 3.0]))) == 3.0
    assert float(metric.mean.result()) == 2.0
    metric.reset_states()
    assert float(metric.result()) == -1.0
    assert float(metric.mean.result()) == 0.0
    with registry.custom_object_scope({"Largest": Largest}):
        assert metrics.get(metrics.serialize(Largest(floor=-5.0))).floor == -5.0


def test_reset_written_for_an_older_keras_is_found():
    class Old(metrics.Mean):
        def reset_states(self):
            self.total.assign(10.0)
            self.count.assign(1.0)

    old = Old()
    old.reset_state()
    assert float(old.result()) == 10.0


def test_metrics_refuse_what_they_cannot_do():
    with pytest.raises(TypeError, match="symbolic tensors have none"):
        metrics.Mean()(K.placeholder((None, 1)))
    with pytest.raises(NotImplementedError, match="needs a method result"):
        metrics.Metric().result()
    step = engine.compile_function(metrics.F1Score().stateless_update_state)
    with pytest.raises(ValueError, match="must be built before a compiled step"):
        step([], answers(2, 2), uniform(2, 2))
    with pytest.raises(ValueError, match=r"targets of shape \(4, 2\) and predictions of shape \(4, 3\)"):
        metrics.Precision()(answers(4, 2), uniform(4, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Precision(thresholds=1.5), "Precision: thresholds must be a number in"),
        (lambda: metrics.AUC(curve="ROK"), "AUC: curve must be one of"),
        (lambda: metrics.AUC(summation_method="trapezoid"), "AUC: summation_method must be one of"),
        (lambda: metrics.AUC(num_thresholds=1), "AUC: num_thresholds must be 2 or more"),
        (lambda: metrics.PrecisionAtRecall(1.2), "PrecisionAtRecall: recall must be a number in"),
        (lambda: metrics.FBetaScore(beta=0.0), "FBetaScore: beta must be a number above 0"),
        (lambda: metrics.F1Score(average="mean"), "F1Score: average must be one of"),
        (lambda: metrics.FBetaScore(threshold=2.0), "FBetaScore: threshold must be"),
        (lambda: metrics.R2Score(class_aggregation="sum"), "R2Score: class_aggregation must be one of"),
        (lambda: metrics.R2Score(num_regressors=-1), "R2Score: num_regressors must be 0 or more"),
        (lambda: metrics.IoU(2, [2]), "IoU: target_class_ids must be class numbers from 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# --- Names ---


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("mse", metrics.mean_squared_error), ("MAE", metrics.mean_absolute_error), ("logcosh", metrics.logcosh),
        ("kullback_leibler_divergence", metrics.kullback_leibler_divergence),
        ("binary_accuracy", metrics.binary_accuracy), ("categorical_accuracy", metrics.categorical_accuracy),
        ("sparse_categorical_accuracy", metrics.sparse_categorical_accuracy),
        ("top_k_categorical_accuracy", metrics.top_k_categorical_accuracy),
        ("sparse_top_k_categorical_accuracy", metrics.sparse_top_k_categorical_accuracy),
        ("sparse_categorical_crossentropy", metrics.sparse_categorical_crossentropy), ("hinge", metrics.hinge),
    ],
)  # fmt: skip
def test_names_of_functions(name, function):
    assert metrics.get(name) is function
    assert metrics.deserialize(metrics.serialize(function)) is function


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("precision", metrics.Precision), ("recall", metrics.Recall), ("auc", metrics.AUC), ("f1", metrics.F1Score),
        ("f1_score", metrics.F1Score), ("rmse", metrics.RootMeanSquaredError), ("r2_score", metrics.R2Score),
        ("true_positives", metrics.TruePositives), ("cosine_similarity", metrics.CosineSimilarity),
    ],
)  # fmt: skip
def test_names_of_objects_are_their_names(name, kind):
    metric = metrics.get(name)
    assert isinstance(metric, kind)
    assert metric.name == name
    assert metrics.get(name) is not metric
    y_true, y_pred = answers(6, 3), uniform(6, 3)
    assert np.shape(metric(y_true, y_pred)) == ()


def test_get_takes_functions_classes_objects_and_none():
    auc = metrics.AUC()
    assert metrics.get(auc) is auc
    assert metrics.get(metrics.binary_accuracy) is metrics.binary_accuracy
    assert metrics.get(None) is None
    assert isinstance(metrics.get(metrics.AUC), metrics.AUC)
    assert metrics.get("AUC").name == "auc"


def test_unknown_names_are_answered():
    with pytest.raises(ValueError, match="Unknown metric 'precission'. Did you mean 'precision'"):
        metrics.get("precission")
    with pytest.raises(ValueError, match="'accuracy' means another function for each loss and output"):
        metrics.get("accuracy")


def custom(y_true, y_pred):
    return K.mean(y_pred - y_true, axis=-1)


@pytest.mark.parametrize(
    ("loss", "y_true_shape", "output_shape", "kind"),
    [
        ("mse", (None, 1), (None, 1), "binary"),
        ("binary_crossentropy", (None, 5), (None, 5), "binary"),
        (losses.BinaryCrossentropy(), (None, 5), (None, 5), "binary"),
        ("sparse_categorical_crossentropy", (None,), (None, 5), "sparse"),
        (losses.SparseCategoricalCrossentropy(), None, (None, 5), "sparse"),
        ("categorical_crossentropy", (None, 5), (None, 5), "categorical"),
        ("mse", None, (None, 5), "categorical"),
        (custom, (None, 1), (None, 5), "sparse"),
        (custom, (None, 7, 5), (None, 7, 5), "categorical"),
    ],
)
def test_what_accuracy_and_crossentropy_mean(loss, y_true_shape, output_shape, kind):
    prefix = {"binary": "binary", "sparse": "sparse_categorical", "categorical": "categorical"}[kind]
    accuracy = metrics.resolve_accuracy(loss, y_true_shape, output_shape)
    assert accuracy is getattr(metrics, f"{prefix}_accuracy")
    crossentropy = metrics.resolve_crossentropy(loss, y_true_shape, output_shape)
    assert crossentropy is getattr(metrics, f"{prefix}_crossentropy")


def test_accuracy_of_logits_is_cut_at_zero():
    accuracy = metrics.resolve_accuracy(losses.BinaryCrossentropy(from_logits=True), (None, 1), (None, 1))
    near(accuracy([[1.0], [0.0]], [[0.2], [-7.0]]), [1.0, 1.0])


def test_targets_that_are_class_numbers_say_so():
    assert metrics.sparse_categorical_accuracy.integer_targets
    assert metrics.SparseTopKCategoricalAccuracy().integer_targets
    assert metrics.MeanIoU(2).integer_targets
    assert not metrics.OneHotMeanIoU(2).integer_targets
    assert not metrics.CategoricalAccuracy().integer_targets


def test_function_metrics_offer_their_function():
    metric = metrics.TopKCategoricalAccuracy(k=1)
    y_true, y_pred = one_hot(5, 4), probabilities(5, 4)
    near(metric.fn(y_true, y_pred), metrics.categorical_accuracy(y_true, y_pred))
    assert not hasattr(metrics.RootMeanSquaredError(), "fn")


def test_metrics_that_are_no_plain_mean_offer_no_function():
    class Rooted(metrics.MeanSquaredError):
        def result(self):
            return K.sqrt(super().result())

    assert Rooted().fn is None
    assert metrics.SparseCategoricalCrossentropy(ignore_class=0).fn is None
    assert metrics.SparseCategoricalCrossentropy().fn is not None

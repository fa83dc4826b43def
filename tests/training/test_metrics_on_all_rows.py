"""What `evaluate` reports is what scikit-learn computes on all rows at once, whatever the batch size."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from hornbeam import Sequential
from hornbeam import metrics as ours
from hornbeam.layers import Dropout

draw = np.random.default_rng(0)
ROWS = 101
SIZES = [1, 7, 101, 512]  # a short last batch, exactly one, and more than there are rows
BINARY = draw.integers(0, 2, ROWS)
CHANCES = np.clip(draw.normal(0.35 + 0.3 * BINARY, 0.25), 0.01, 0.99).astype("float32")
QUANTITY = draw.normal(5, 2, (ROWS, 2)).astype("float32")
GUESSES = QUANTITY + draw.normal(0, 1, (ROWS, 2)).astype("float32")
CLASSES = draw.integers(0, 4, ROWS)
SHARES = draw.dirichlet(np.ones(4), ROWS) + 0.5 * np.eye(4)[CLASSES]
SHARES = (SHARES / SHARES.sum(axis=1, keepdims=True)).astype("float32")
WEIGHTS = draw.uniform(0.5, 2.0, ROWS)

BINARY_ANSWERS = {
    "loss": theirs.log_loss(BINARY, CHANCES),
    "accuracy": theirs.accuracy_score(BINARY, CHANCES > 0.5),
    "precision": theirs.precision_score(BINARY, CHANCES > 0.5),
    "recall": theirs.recall_score(BINARY, CHANCES > 0.5),
    "auc": theirs.roc_auc_score(BINARY, CHANCES),
}
QUANTITY_ANSWERS = {
    "loss": theirs.mean_squared_error(QUANTITY, GUESSES),
    "mae": theirs.mean_absolute_error(QUANTITY, GUESSES),
    "mape": 100 * theirs.mean_absolute_percentage_error(QUANTITY, GUESSES),
    "root_mean_squared_error": theirs.root_mean_squared_error(QUANTITY.ravel(), GUESSES.ravel()),
    "r2_score": theirs.r2_score(QUANTITY, GUESSES),
}
CLASS_ANSWERS = {
    "loss": theirs.log_loss(CLASSES, SHARES),
    "accuracy": theirs.accuracy_score(CLASSES, SHARES.argmax(axis=1)),
    "sparse_top_k_categorical_accuracy": theirs.top_k_accuracy_score(CLASSES, SHARES, k=2),
}


def model_of(size, loss, metrics, weighted=()):
    """A model whose outputs, outside training, are its inputs."""
    model = Sequential([Dropout(0.5, input_shape=(size,))])
    model.compile("sgd", loss, metrics=metrics, weighted_metrics=list(weighted))
    return model


@pytest.fixture(scope="module")
def models():
    steps = 5000  # thresholds of the curve, which is exact where no two chances fall between two of them
    return {
        "binary": (model_of(1, "binary_crossentropy", ["accuracy", ours.Precision(), ours.Recall(),
                                                       ours.AUC(num_thresholds=steps)]),
                   CHANCES[:, None], BINARY[:, None], BINARY_ANSWERS, 2e-3),
        "quantity": (model_of(2, "mse", ["mae", "mape", ours.RootMeanSquaredError(), ours.R2Score()]),
                     GUESSES, QUANTITY, QUANTITY_ANSWERS, 1e-5),
        "class": (model_of(4, "sparse_categorical_crossentropy",
                           ["accuracy", ours.SparseTopKCategoricalAccuracy(2)]),
                  SHARES, CLASSES, CLASS_ANSWERS, 1e-5),
    }  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["binary", "quantity", "class"])
def test_evaluate_is_scikit_learn_on_all_rows(models, kind, size):
    model, x, y, answers, curve_tolerance = models[kind]
    found = model.evaluate(x, y, batch_size=size, verbose=0, return_dict=True)
    assert set(found) == set(answers)
    for name, answer in answers.items():
        tolerance = curve_tolerance if name == "auc" else 1e-5
        assert found[name] == pytest.approx(answer, rel=tolerance), name


@pytest.mark.parametrize("size", [7, 101])
def test_with_weights(size):
    model = model_of(2, "mse", ["mae"], [ours.RootMeanSquaredError()])
    found = model.evaluate(GUESSES, QUANTITY, size, 0, sample_weight=WEIGHTS, return_dict=True)
    squares = ((GUESSES - QUANTITY) ** 2).mean(axis=1)
    answers = {
        # The loss divides by the number of rows, as classic Keras does; scikit-learn by the sum of the weights.
        "loss": (WEIGHTS * squares).mean(),
        "mae": theirs.mean_absolute_error(QUANTITY, GUESSES),  # named in metrics, so weights do not count
        "root_mean_squared_error": np.sqrt(theirs.mean_squared_error(QUANTITY, GUESSES, sample_weight=WEIGHTS)),
    }
    assert set(found) == set(answers)
    for name, answer in answers.items():
        assert found[name] == pytest.approx(answer, rel=1e-5), name

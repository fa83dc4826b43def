"""The result: table, best epoch, frame, picture, refit."""

import re

import numpy as np
import pytest

from hornbeam import Sequential
from hornbeam.layers import Dense
from hornbeam.validation import k_fold

draw = np.random.default_rng(0)
X = draw.normal(size=(22, 3)).astype("float32")
Y = (X @ draw.normal(size=(3, 1))).astype("float32")


def build():
    model = Sequential([Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


@pytest.fixture(scope="module")
def result():
    return k_fold(build, X, Y, k=3, epochs=6, batch_size=4, seed=0, monitor="mae", verbose=0)


def test_the_table(result):
    lines = repr(result).splitlines()
    assert lines[0] == "k_fold: 3 folds, 6 epochs"
    assert lines[1].split() == ["fold", "trained", "on", "held", "out", "loss", "mae"]
    assert lines[3].split()[:3] == ["1", "14", "8"]
    assert re.fullmatch(rf" *mean +{result.mean['loss']:.4f} +{result.mean['mae']:.4f}", lines[-3])
    assert lines[-1].startswith(f"val_mae is best in epoch {result.best_epoch} of 6: ")


def test_the_best_epoch(result):
    curve = result.fold_curves["val_mae"].mean(axis=0)
    assert result.best_epoch == int(curve.argmin()) + 1
    assert result.best["mae"] == pytest.approx(curve.min())
    assert result.scores["mean_absolute_error"] is result.scores["mae"]


def test_to_frame(result):
    frame = result.to_frame()
    assert list(frame.columns) == ["trained_on", "held_out", "loss", "mae"]
    assert frame.index.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(frame["mae"], result.scores["mae"])


def test_plot(result, tmp_path):
    figure = result.plot(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5000
    assert len(figure.axes) == 2
    assert len(figure.axes[0].collections) == 2  # the ranges of training and validation
    assert "Mean over 3 folds" in figure._supxlabel.get_text()


def test_refit_trains_on_all_rows_and_stands_alone(result):
    model = result.refit(epochs=40)
    weights = model.get_weights()
    assert int(model.optimizer.iterations) == 40 * 6  # 22 rows are six batches
    assert model.evaluate(X, Y, verbose=0)[0] < result.mean["loss"]
    other = result.refit()
    assert other is not model
    assert int(other.optimizer.iterations) == result.best_epoch * 6
    for before, now in zip(weights, model.get_weights()):
        np.testing.assert_array_equal(before, now)
    with pytest.raises(ValueError, match="standardize=True"):
        result.standardize(X)

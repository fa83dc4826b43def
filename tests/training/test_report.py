"""The compile report, and the compilations that history counts."""

import numpy as np
import pytest

from hornbeam import layers, regularizers
from hornbeam.models import Model, Sequential


def test_the_loss_and_metrics_resolved_for_each_output(capsys):
    x = layers.Input((3,))
    hidden = layers.Dense(4, kernel_regularizer=regularizers.l2(0.1))(x)
    one = layers.Dense(2, "softmax", name="kind")(hidden)
    two = layers.Dense(1, name="size")(hidden)
    model = Model(x, [one, two, layers.Dense(1, name="free")(hidden)])
    model.compile("sgd", {"kind": "sparse_categorical_crossentropy", "size": "mae"},
                  metrics={"kind": ["acc"]}, loss_weights={"size": 0.5})  # fmt: skip
    model.compile_report()
    told = capsys.readouterr().out
    assert "optimizer: SGD(lr=0.01, momentum=0.0, decay=0.0, nesterov=False)" in told
    assert "output 'kind' (None, 2)\n    loss: sparse_categorical_crossentropy\n" in told
    assert "    metric: acc (sparse_categorical_" in told
    assert "output 'size' (None, 1)\n    loss: mean_absolute_error, counts 0.5 times" in told
    assert "output 'free' (None, 1)\n    loss: none, it is not trained" in told
    assert "trains: 36 numbers in 8 weights; 0 others" in told  # 16 + 10 + 5 + 5
    assert "the penalties of 1 weights" in told


def test_a_model_without_shapes_says_so_and_one_that_is_not_compiled_is_refused():
    lines = []
    model = Sequential([layers.Dense(1)])
    with pytest.raises(RuntimeError, match="compile_report: the model is not compiled"):
        model.compile_report()
    model.compile("adam", "mse")
    model.compile_report(lines.append)
    assert lines[-1].endswith("resolved when the model sees its first data")


def test_history_counts_compilations_and_their_seconds():
    model = Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3)), np.ones((4, 1))
    first = model.fit(x, y, epochs=2, verbose=0, validation_data=(x, y))
    for what in ("training", "validation"):
        (seconds,) = [s for name, s in first.compilations if name == what]
        assert 0 < seconds < 600
    again = model.fit(x, y, epochs=2, verbose=0, validation_data=(x, y))
    assert again.compilations == []  # nothing is compiled twice

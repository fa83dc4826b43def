"""ConvLSTM2D: every promise, Keras 3 beside it, both layouts, dropout and masks."""

import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import scope
from hornbeam.core import Input
from hornbeam.engines import numpy as numpy_engine
from hornbeam.layers import Bidirectional, ConvLSTM2D, ConvLSTM2DCell, ConvRNN2D, Dense

X = np.random.default_rng(0).normal(size=(2, 3, 5, 4, 2)).astype("float32")


def test_conv_lstm_keeps_every_promise():
    form = {"filters": 2, "kernel_size": 2, "padding": "same", "return_state": True}
    check_layer(ConvLSTM2D, form, input_shape=(3, 4, 4, 1), engines=hasattr(numpy_engine, "conv"))


@pytest.mark.parametrize(
    "form",
    [
        {"return_sequences": True, "strides": 2},
        {"padding": "same", "go_backwards": True, "use_bias": False},
    ],
    ids=str,
)
def test_conv_lstm_is_that_of_keras(form):
    import keras

    layer = ConvLSTM2D(3, 2, recurrent_activation="sigmoid", **form)
    check_against_keras(layer, keras.layers.ConvLSTM2D(3, 2, recurrent_activation="sigmoid", **form), X)


def test_channels_may_come_first():
    last = ConvLSTM2D(3, 2, return_sequences=True)
    want = np.asarray(last(X))
    first = ConvLSTM2D(3, 2, return_sequences=True, data_format="channels_first", weights=last.get_weights())
    np.testing.assert_allclose(np.moveaxis(first(np.moveaxis(X, -1, 2)), 2, -1), want, atol=1e-5)
    assert tuple(first(Input((None, 2, 5, 4))).shape) == (None, None, 3, 4, 3)


def test_walking_with_all_inputs_convolved_first_is_walking_step_by_step():
    layer = ConvLSTM2D(3, 2, dropout=0.4, recurrent_dropout=0.3, padding="same")
    steps, results = ConvRNN2D(layer.cell), []
    mask = np.array([[True, False, True], [True, True, False]])
    for walk in (layer, steps):
        with scope.Scope(training=True, seed=np.uint32(3)):
            results.append(np.asarray(walk(X, mask=mask, training=True)))
    np.testing.assert_allclose(*results, atol=1e-5)


def test_both_ways_and_kept_states():
    both = Bidirectional(ConvLSTM2D(3, 2, return_sequences=True))
    assert both(X).shape == (2, 3, 4, 3, 6)
    kept = ConvLSTM2D(3, 2, stateful=True)
    whole = ConvLSTM2D(3, 2)
    kept(X[:, :1])
    whole(X)
    whole.set_weights(kept.get_weights())
    np.testing.assert_allclose(kept(X[:, 1:]), whole(X), atol=1e-5)


def test_errors():
    with pytest.raises(ValueError, match="larger than its inputs"):
        ConvLSTM2D(3, 7)(X)
    with pytest.raises(ValueError, match="rank 5 or more"):
        ConvLSTM2D(3, 2)(X[0])
    with pytest.raises(ValueError, match="Dense has no"):
        ConvRNN2D(Dense(3))
    layer = ConvLSTM2D(3, 2)
    layer(X)
    with pytest.raises(ValueError, match="built for inputs of size 2 on axis -1"):
        layer(X[..., :1])
    assert ConvLSTM2DCell(3, 2).state_size == [3, 3]

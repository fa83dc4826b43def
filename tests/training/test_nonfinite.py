"""A loss that is not finite names epoch and step; on request the first layer and the rows, and good weights stay."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.layers import BatchNormalization, Dense, Input, Lambda
from hornbeam.models import Model, Sequential
from hornbeam.training.runner import Run

X = np.arange(1, 13, dtype="float32").reshape(12, 1) / 10
Y = X * 2


def _rooted():
    x = Input((1,))
    h = Lambda(lambda v: K.log(v), name="logarithm")(Dense(1, name="first", kernel_initializer="ones")(x))
    model = Model(x, Dense(1, name="last")(BatchNormalization()(h)))
    model.compile("sgd", "mse")
    return model


def test_a_warning_names_epoch_and_step():
    model = Sequential([Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    x = X.copy()
    x[7] = np.nan
    with pytest.warns(UserWarning, match=r"nan from epoch 1, step 4 on.*debug_nans"):
        model.fit(x, Y, batch_size=2, shuffle=False, verbose=0)


def test_debug_nans_names_the_first_layer_and_the_rows():
    model = _rooted()
    x = X.copy()
    x[[2, 9]] = -3.0  # their logarithms are none
    before = model.get_weights()
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 2.*layer 'logarithm', in 2 of 12 rows: 2, 9\."):
        model.fit(x, Y, batch_size=2, shuffle=False, verbose=0, debug_nans=True)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert len(model.get_weights()) == len(before)


def test_debug_nans_names_data_that_is_no_number():
    x, y = X.copy(), Y.copy()
    y[5] = np.inf
    with pytest.raises(FloatingPointError, match=r"target 1, in 1 of 12 rows: 5\."):
        _rooted().fit(x, y, batch_size=4, shuffle=False, verbose=0, debug_nans=True)


def test_the_last_good_weights_are_kept():
    model = Sequential([Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    model.optimizer.lr = 1e30  # diverges within a few steps
    with pytest.warns(UserWarning, match="the last good ones again"):
        history = model.fit(X, Y, batch_size=4, epochs=20, verbose=0, keep_last_good=True)
    assert len(history.history["loss"]) < 20
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_the_optimizers_state_is_set_back_with_the_weights(monkeypatch):
    monkeypatch.setattr(Run, "_length", lambda self, left, refresh_s: left)  # not by the time that steps take
    model = Sequential([Dense(1, input_shape=(1,))])
    model.compile("adam", "mse")
    broken = np.vstack([X, X])
    broken[14] = np.nan  # in the second of two batches
    with pytest.warns(UserWarning, match="the optimizer's state.*the last good ones"):
        model.fit(broken, np.vstack([Y, Y]), batch_size=12, shuffle=False, verbose=0, keep_last_good=True)
    assert model.optimizer.iterations.value == 0
    assert all(np.isfinite(w).all() for w in model.optimizer.get_weights())
    model.fit(X, Y, batch_size=12, verbose=0)
    weights, state = model.get_weights(), model.optimizer.get_weights()
    assert state[0] == 1
    with pytest.warns(UserWarning, match="the last good ones again"):
        model.fit(broken, np.vstack([Y, Y]), batch_size=12, shuffle=False, verbose=0, keep_last_good=True)
    for one, other in zip(model.get_weights() + model.optimizer.get_weights(), weights + state, strict=True):
        np.testing.assert_array_equal(one, other)


def test_debug_nans_names_the_batch_of_a_stream():
    model = Sequential([Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    x = np.vstack([X, X])
    x[13] = np.nan
    batches = ((x[at : at + 4], np.zeros((4, 1))) for at in range(0, 24, 4))
    with pytest.raises(FloatingPointError, match="batch 3 of the stream's epoch, counted from 0"):
        model.fit(batches, steps_per_epoch=6, verbose=0, debug_nans=True)

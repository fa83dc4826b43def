"""Adafactor: Keras 3 agrees, and the state stays small."""

import keras
import pytest

from hornbeam import backend as K
from hornbeam.optimizers import Adafactor
from hornbeam.optimizers.schedules import ExponentialDecay


@pytest.mark.parametrize("settings", [
    {}, {"learning_rate": 0.5, "clip_threshold": 0.3}, {"beta_2_decay": -0.3, "epsilon_1": 1e-3, "epsilon_2": 0.7},
])  # fmt: skip
def test_like_keras(run, run_keras, assert_close, settings):
    assert_close(run(Adafactor(**settings)), run_keras(keras.optimizers.Adafactor(**settings)))


def test_like_keras_under_a_schedule(run, run_keras, assert_close):
    theirs = keras.optimizers.Adafactor(keras.optimizers.schedules.ExponentialDecay(0.3, 10, 0.5), relative_step=False)
    assert_close(run(Adafactor(ExponentialDecay(0.3, 10, 0.5), relative_step=False)), run_keras(theirs))


def test_state_of_a_matrix_is_a_column_and_a_row():
    state = Adafactor().init([K.variable([[1.0] * 5] * 7), K.variable([1.0] * 5)])
    assert [state[name][0].shape for name in ("r", "c", "v")] == [(7,), (5,), ()]
    assert [state[name][1].shape for name in ("r", "c", "v")] == [(), (), (5,)]

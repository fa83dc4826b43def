"""What stays in memory of models that are gone, and of calls that are over."""

import gc
import weakref

import numpy as np
import psutil
import pytest

from hornbeam import backend as K
from hornbeam.layers import Dense
from hornbeam.models import Sequential

X, Y = np.zeros((8, 8), "float32"), np.zeros((8, 1), "float32")


def train_one():
    model = Sequential([Dense(16, input_shape=(8,)), Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.predict(X)
    return model


def resident():
    """What is held once free memory is given back: where it lies free is chance, and made 12 MB in 500 rounds."""
    gc.collect()
    K.engine.give_memory_back(0)
    return psutil.Process().memory_info().rss


def test_a_trained_model_is_gone_with_its_programs_when_nobody_holds_it():
    model = train_one()
    watched = [weakref.ref(thing) for thing in (model, model._steps, model.layers[0], model.optimizer)]
    del model
    gc.collect()
    assert [ref() for ref in watched] == [None] * 4


def test_clear_session_frees_the_models_nobody_holds():
    watched = weakref.ref(train_one())
    gc.disable()
    try:
        K.clear_session()
    finally:
        gc.enable()
    assert watched() is None


@pytest.mark.nightly
def test_500_models_built_trained_and_deleted_leave_nothing():
    for _ in range(250):  # the allocator and the engine reach their level, 5 MB above that of the first rounds
        train_one()
    before = resident()
    for _ in range(500):
        train_one()
    # The engine alone, given a program to compile for training and one for prediction, keeps 0.8 kB a round; here it
    # was 1. Any array of a lost model, or any program, is more than the 6 kB allowed.
    assert resident() - before < 3_000_000


@pytest.mark.nightly
def test_100_000_predictions_of_one_row_leave_nothing():
    model, row = train_one(), X[:1]
    for _ in range(1000):
        model.predict(row)
    before = resident()
    for _ in range(100_000):
        model.predict(row)
    assert resident() - before < 2_000_000

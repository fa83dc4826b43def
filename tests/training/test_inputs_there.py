"""Programs get what lies there already, so that the thread that calls them carries them out (`memory`)."""

import jax
import numpy as np
import pytest

import hornbeam
from hornbeam import backend as K
from hornbeam import layers
from hornbeam.training.runner import FEW_BYTES

SIDE = 420  # an array of such images is copied when it is handed over, longer than a call takes


@pytest.fixture
def calls(monkeypatch):
    """For each call of a program: was all of it there?"""
    calls = []

    def listening(compile_):
        def compiled(*args, **kwargs):
            program = compile_(*args, **kwargs)

            def call(*given):
                calls.append(all(map(is_there, jax.tree.leaves(given))))
                return program(*given)

            return call

        return compiled

    for word in ("compile_steps", "compile_function"):
        monkeypatch.setattr(K.engine, word, listening(getattr(K.engine, word)))
    return calls


def is_there(array):
    return array.is_ready() if isinstance(array, jax.Array) else np.asarray(array).nbytes <= FEW_BYTES


def images(count):
    """Images that do not begin where 64 bytes do, so that the engine has to copy them."""
    size = count * SIDE * SIDE * 3
    room = np.ones(size + 16, np.float32)
    begin = 1 + (-room.ctypes.data // 4) % 16
    return room[begin : begin + size].reshape(count, SIDE, SIDE, 3)


USES = {
    "fit": lambda model, x, y: model.fit(x, y, batch_size=4, verbose=0),
    "evaluate": lambda model, x, y: model.evaluate(x, y, batch_size=4, verbose=0),
    "predict": lambda model, x, y: model.predict(x, batch_size=4, verbose=0),
    "predict few": lambda model, x, y: model.predict(x[:8], verbose=0),
    "train_on_batch": lambda model, x, y: model.train_on_batch(x, y),
    "test_on_batch": lambda model, x, y: model.test_on_batch(x, y),
    "call": lambda model, x, y: model(x),
    "function": lambda model, x, y: K.function([model.input], [model.output])([x]),
    "fit generator": lambda model, x, y: model.fit(((x[:4], y[:4]) for _ in range(2)), verbose=0),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_nothing_is_on_its_way(calls, use):
    model = hornbeam.Sequential([layers.GlobalAveragePooling2D(input_shape=(SIDE, SIDE, 3)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = images(16)
    for _ in range(3):
        use(model, x, np.ones((len(x), 1)))
    assert len(calls) >= 3
    assert all(calls)

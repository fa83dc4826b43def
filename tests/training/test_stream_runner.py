"""Runs over streams: batches are stacked in places that stay as many, and what is cut how changes nothing."""

import numpy as np
import pytest

from hornbeam.layers import BatchNormalization, Dense
from hornbeam.models import Sequential
from hornbeam.training import stream_runner
from hornbeam.utils import set_random_seed

X = np.random.default_rng(0).normal(size=(30, 5)).astype("float32")
Y = X[:, :1]


def cut(*sizes):
    ends = np.cumsum(sizes)
    return [(X[end - n : end], Y[end - n : end]) for n, end in zip(sizes, ends)]


def trained(model, first, source, **kwargs):
    model.set_weights(first)
    set_random_seed(0)
    loss = model.fit(source, verbose=0, **kwargs).history["loss"]
    return loss, model.get_weights()


@pytest.fixture(scope="module")
def model():
    model = Sequential([Dense(3, activation="tanh", input_shape=(5,)), Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_stacks_of_any_height_give_the_same_bits(model, monkeypatch):
    first, found = model.get_weights(), []
    for steps in (32, 2):
        monkeypatch.setattr(stream_runner, "STACKED_STEPS", steps)
        found.append(trained(model, first, iter(cut(4, 4, 4, 4, 2))))
    assert found[0][0] == found[1][0]
    for one, other in zip(found[0][1], found[1][1]):
        np.testing.assert_array_equal(one, other)


def test_batches_may_grow_and_shrink(model):
    first = model.get_weights()
    loss, _ = trained(model, first, iter(cut(4, 2, 6, 6, 3, 1)))
    model.set_weights(first)
    by_hand = [n * model.train_on_batch(x, y) for n, (x, y) in zip((4, 2, 6, 6, 3, 1), cut(4, 2, 6, 6, 3, 1))]
    assert loss[0] == pytest.approx(sum(by_hand) / 22, rel=1e-5)
    np.testing.assert_allclose(model.predict(x for x, _ in cut(4, 2, 6, 6, 3, 1)), model.predict(X[:22]), rtol=1e-4)


def test_layers_whose_rows_meet_get_short_batches_as_they_are():
    model = Sequential([BatchNormalization(input_shape=(5,)), Dense(1)])
    model.compile("sgd", "mse")
    first = model.get_weights()
    loss, weights = trained(model, first, iter(cut(4, 4, 3)))
    model.set_weights(first)
    by_hand = [n * model.train_on_batch(x, y) for n, (x, y) in zip((4, 4, 3), cut(4, 4, 3))]
    assert loss[0] == pytest.approx(sum(by_hand) / 11, rel=1e-5)
    for one, other in zip(weights, model.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_progress_counts_batches(model, capsys):
    model.evaluate(iter(cut(4, 4)))
    assert "2/Unknown" in capsys.readouterr().out
    model.evaluate(iter(cut(4, 4)), steps=2)
    assert "2/2" in capsys.readouterr().out


def test_a_pass_without_an_end_is_told_of_once(model, monkeypatch):
    monkeypatch.setattr(stream_runner, "SUSPICIOUS_STEPS", 8)

    def many(count):
        for _ in range(count):
            yield X[:4], Y[:4]

    with pytest.warns(UserWarning, match="has given .* steps_per_epoch") as told:
        model.fit(many(200), verbose=0)
    assert len(told) == 1
    with pytest.warns(UserWarning, match="validation_steps"):
        model.evaluate(many(200), verbose=0)
    model.fit(many(200), steps_per_epoch=100, verbose=0)  # who says how many is not warned: warnings are errors here

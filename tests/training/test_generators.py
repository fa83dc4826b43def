"""fit_generator and its sisters: classic arguments, and those of Keras 1."""

import numpy as np
import pytest

from hornbeam.layers import Dense
from hornbeam.models import Sequential
from sequences_to_send import Numbers

X = np.random.default_rng(0).normal(size=(12, 5)).astype("float32")
Y = X[:, :1]


def batches(rows=4):
    while True:
        for at in range(0, 12, rows):
            yield X[at : at + rows], Y[at : at + rows]


@pytest.fixture(scope="module")
def model():
    model = Sequential([Dense(1, input_shape=(5,))])
    model.compile("sgd", "mse")
    return model


@pytest.fixture
def fitted(model, monkeypatch):
    """What fit, evaluate and predict are called with."""
    seen = {}
    for name in ("fit", "evaluate", "predict"):
        monkeypatch.setattr(model, name, lambda *args, name=name, **kwargs: seen.update(kwargs, args=args))
    return seen


def test_classic_positions(model):
    history = model.fit_generator(batches(), 3, 2, 0, None, batches(), 3, None, 5, 1, False, True, 1)
    assert history.epoch == [1]
    assert list(history.history) == ["loss", "val_loss"]
    assert model.evaluate_generator(batches(), 3, 5, 1, False, 0) == pytest.approx(model.evaluate(X, Y, verbose=0))
    np.testing.assert_allclose(model.predict_generator(batches(), 3, 5, 1, False, 0), model.predict(X), rtol=1e-5)
    assert len(model.fit_generator(Numbers(2), verbose=0).history["loss"]) == 1


def test_the_arguments_of_keras_1_mean_samples(model, fitted):
    with pytest.warns(UserWarning, match=r"fit_generator\(samples_per_epoch, .*The old numbers count samples"):
        model.fit_generator(
            batches(), samples_per_epoch=10, nb_epoch=7, validation_data=batches(3), nb_val_samples=12, nb_worker=2,
            max_q_size=3, pickle_safe=True,
        )  # fmt: skip
    assert fitted["steps_per_epoch"] == 3  # ten samples need three batches of four
    assert fitted["validation_steps"] == 4
    assert fitted["epochs"] == 7
    assert (fitted["workers"], fitted["max_queue_size"], fitted["use_multiprocessing"]) == (2, 3, True)
    np.testing.assert_array_equal(next(fitted["args"][0])[0], X[:4])  # the batch that was looked at is not lost
    with pytest.warns(UserWarning, match=r"evaluate_generator\(val_samples\) is the spelling of Keras 1; write steps"):
        model.evaluate_generator(batches(), val_samples=8)
    assert fitted["steps"] == 2
    with pytest.warns(UserWarning, match="spelling of Keras 1"):
        model.predict_generator(batches(), val_samples=9)
    assert fitted["steps"] == 3


def test_fit_takes_the_old_name_of_epochs(model):
    with pytest.warns(UserWarning, match=r"fit\(nb_epoch\) is the spelling of Keras 1; write epochs"):
        history = model.fit(X, Y, nb_epoch=3, verbose=0)
    assert len(history.history["loss"]) == 3


def test_a_source_that_knows_its_batch_size_is_believed(model, fitted):
    source = Numbers()
    source.batch_size = 5
    with pytest.warns(UserWarning, match="count samples"):
        model.fit_generator(source, samples_per_epoch=11)
    assert fitted["steps_per_epoch"] == 3


def test_a_generator_needs_a_number_of_steps(model):
    for call, name in (
        (lambda: model.fit_generator(batches()), "fit_generator.*steps_per_epoch"),
        (lambda: model.fit_generator(batches(), 2, validation_data=batches()), "fit_generator.*validation_steps"),
        (lambda: model.evaluate_generator(batches()), "evaluate_generator.*steps="),
        (lambda: model.predict_generator(batches()), "predict_generator.*steps="),
    ):
        with pytest.raises(ValueError, match=name + ".*Only a Sequence knows"):
            call()
    with pytest.raises(TypeError, match="takes no argument 'worker'"):
        model.fit_generator(batches(), 2, worker=3)

"""Which models count as configured alike."""

import pytest

from hornbeam import Input, Model, Sequential
from hornbeam import backend as K
from hornbeam.layers import Dense, Lambda
from hornbeam.optimizers import SGD, Adam
from hornbeam.training.validation.fingerprint import fingerprint


def make(units=4, activation="relu", optimizer="sgd", loss="mse", frozen=False, factor=2.0):
    x = Input(shape=(3,))
    first = Dense(units, activation=activation)
    h = Lambda(lambda t: t * factor)(first(x))
    model = Model(x, Dense(1)(h + 1.0))
    first.trainable = not frozen
    model.compile(optimizer, loss, metrics=["mae", lambda t, p: K.abs(t - p)])
    return model


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("settings", [
    {"units": 5}, {"activation": "tanh"}, {"optimizer": "adam"}, {"optimizer": SGD(0.5)}, {"loss": "mae"},
    {"frozen": True}, {"factor": 3.0},
])  # fmt: skip
def test_a_difference_is_seen(settings):
    assert fingerprint(make()) == fingerprint(make())
    assert fingerprint(make(**settings)) == fingerprint(make(**settings))
    assert fingerprint(make()) != fingerprint(make(**settings))


def test_connections_count():
    def joined(in_a_row):
        x = Input(shape=(3,))
        first = Dense(3)(x)
        model = Model(x, first + Dense(3)(first if in_a_row else x))
        model.compile("sgd", "mse")
        return fingerprint(model)

    assert joined(False) == joined(False)
    assert joined(False) != joined(True)


def test_optimizers_of_others():
    import optax

    def made(rate):
        model = Sequential([Dense(1, input_shape=(3,))])
        model.compile(optax.adam(rate), "mse")
        return fingerprint(model)

    assert made(0.1) == made(0.1)
    assert made(0.1) != made(0.2)


def test_objects_of_the_user_are_told_by_what_they_hold():
    class Scaled:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, y_true, y_pred):
            return self.factor * K.square(y_true - y_pred)

    def made(factor):
        model = Sequential([Dense(1, input_shape=(3,))])
        model.compile(Adam(), Scaled(factor))
        return fingerprint(model)

    assert made(2.0) == made(2.0)
    assert made(2.0) != made(3.0)


def test_a_variable_in_a_closure_is_not_shared():
    def made():
        rate = K.variable(1.0)
        model = Sequential([Dense(1, input_shape=(3,)), Lambda(lambda t: t * rate)])
        model.compile("sgd", "mse")
        return fingerprint(model)

    assert made() != made()

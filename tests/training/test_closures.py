"""Losses and metrics that close over tensors of the model."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import losses
from hornbeam.layers import Dense, Input, Lambda
from hornbeam.models import Model

X = np.random.default_rng(0).random((10, 3)).astype("float32")


def auto_encoder():
    """The variational auto-encoder of a thousand tutorials, without its noise so that numbers can be checked."""
    x = Input((3,))
    mean, log_variance = Dense(2, name="mean")(x), Dense(2, name="variance")(x)
    z = Lambda(lambda args: args[0] + 0 * K.exp(args[1] / 2))([mean, log_variance])
    model = Model(x, Dense(3, activation="sigmoid")(z))

    def divergence(y_true, y_pred):
        return -0.5 * K.mean(1 + log_variance - K.square(mean) - K.exp(log_variance), axis=-1)

    def loss(y_true, y_pred):
        return losses.binary_crossentropy(y_true, y_pred) + divergence(y_true, y_pred)

    return model, Model(x, [mean, log_variance]), loss, divergence


@pytest.mark.parametrize("size", [4, 10])
def test_a_loss_and_a_metric_may_look_inside_the_model(size):
    model, encoder, loss, divergence = auto_encoder()
    model.compile("adam", loss, metrics=[divergence])
    mean, log_variance = encoder.predict(X)
    inner = (-0.5 * (1 + log_variance - mean**2 - np.exp(log_variance)).mean(-1)).mean()
    p = model.predict(X)
    outer = -(X * np.log(p) + (1 - X) * np.log(1 - p)).mean()
    found = model.evaluate(X, X, batch_size=size, verbose=0, return_dict=True)
    assert found["divergence"] == pytest.approx(inner, rel=1e-4)
    assert found["loss"] == pytest.approx(inner + outer, rel=1e-4)
    history = model.fit(X, X, batch_size=size, epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_noise_within_the_model_is_drawn_once_for_both():
    x = Input((3,))
    noisy = Lambda(lambda v: v + K.random_normal(K.shape(v)))(x)
    model = Model(x, K.identity(noisy))
    model.compile("sgd", lambda y_true, y_pred: K.mean(K.abs(y_pred - noisy), axis=-1))
    assert model.train_on_batch(X, X) == 0


def test_functions_that_look_at_their_arguments_only_stay_as_they_are():
    x = Input((3,))
    model = Model(x, Dense(2)(x))

    def plain(y_true, y_pred):
        return K.mean(K.abs(y_true - y_pred), axis=-1)

    model.compile("sgd", plain)
    model.test_on_batch(X, X[:, :2])
    assert model._objectives.losses[0].function is plain
    assert model._objectives.tied_tensors == []

"""Which last layer belongs with which loss."""

from types import SimpleNamespace

import pytest

from hornbeam import activations, losses
from hornbeam.layers import Activation, Dense, Flatten, Lambda
from hornbeam.training.advice import check_pair, last_activation


def term(name, given=None):
    return SimpleNamespace(name=name, given=given)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (Dense(2), "linear"),
        (Dense(2, activation="softmax"), "softmax"),
        (Dense(2, activation=activations.relu), "relu"),
        (Activation("tanh"), "tanh"),
        (Flatten(), None),
        (Lambda(lambda x: x), None),
    ],
)
def test_the_activation_a_layer_ends_with(layer, name):
    assert last_activation(layer) == name


def test_every_loss_is_at_peace_with_what_suits_it_and_warns_of_the_rest():
    check_pair(term("categorical_crossentropy"), Dense(2, activation="softmax"), (None, 2))
    check_pair(term("mean_squared_error"), Dense(2), (None, 2))
    check_pair(term("mean_squared_error"), Dense(1, activation="tanh"), (None, 1))
    check_pair(term("my_own"), Dense(2, activation="relu"), (None, 2))
    check_pair(None, Dense(2, activation="relu"), (None, 2))
    check_pair(term("categorical_crossentropy"), Lambda(lambda x: x), (None, 2))
    with pytest.warns(UserWarning, match="expects a rate: activation='linear'"):
        check_pair(term("poisson"), Dense(2, activation="tanh"), (None, 2))


def test_losses_that_take_logits_want_no_softmax():
    loss = losses.CategoricalCrossentropy(from_logits=True)
    check_pair(term("categorical_crossentropy", loss), Dense(3), (None, 3))
    with pytest.warns(UserWarning, match="expects scores as they are .from_logits=True.: activation='linear'"):
        check_pair(term("categorical_crossentropy", loss), Dense(3, activation="softmax", name="d"), (None, 3))


def test_one_unit():
    with pytest.raises(ValueError, match="Dense 'd' is a softmax over one unit"):
        check_pair(term("mse"), Dense(1, activation="softmax", name="d"), (None, 1))
    with pytest.raises(ValueError, match="is always 0"):
        check_pair(term("categorical_crossentropy"), Dense(1, activation="sigmoid"), (None, 1))

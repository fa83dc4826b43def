"""Copies of models: clone_model, copy.deepcopy, pickle."""

import copy
import pickle

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.layers import (
    LSTM,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Input,
    Lambda,
    TimeDistributed,
)
from hornbeam.models import Model, Sequential, clone_model
from hornbeam.optimizers import Adam

X = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(6, 2)).astype("float32")


def by_pickle(thing):
    return pickle.loads(pickle.dumps(thing))  # noqa: S301


WAYS = pytest.mark.parametrize("again", [copy.deepcopy, by_pickle], ids=["deepcopy", "pickle"])


def twice(x):
    return 2 * x


class Scale(Dense):
    """A layer of the user's own."""


def same(first, second):
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def branched():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    shared = Scale(4, activation=twice, name="shared")
    joined = Concatenate()([shared(a), Lambda(lambda x: -x)(shared(b))])
    return Model([a, b], [Dense(2, name="big")(joined), Sequential([Dense(1)], name="small")(joined)])


# --- clone_model ---


def test_a_clone_has_the_architecture_and_weights_of_its_own():
    model = branched()
    made = clone_model(model)
    assert [la.name for la in made.layers] == [la.name for la in model.layers]
    assert made.output_names == model.output_names
    assert not set(made.weights) & set(model.weights)
    made.set_weights(model.get_weights())
    for one, other in zip(made.predict([X, X]), model.predict([X, X]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_clones_on_other_tensors():
    model = branched()
    x, y = Input((3,), name="x"), Input((3,), name="y")
    assert [t is u for t, u in zip(clone_model(model, [x, y]).inputs, [x, y], strict=True)] == [True, True]
    stack = Sequential([Dense(2, input_shape=(3,))])
    made = clone_model(stack, x)
    assert made.inputs[0] is x
    assert made.output_shape == (None, 2)
    assert clone_model(Sequential([Dense(2)])).built is False
    with pytest.raises(ValueError, match="has 2 inputs, got 1 input_tensors"):
        clone_model(model, [x])
    with pytest.raises(ValueError, match="has one input, got 2"):
        clone_model(stack, [x, y])


def test_clones_with_layers_made_by_a_function():
    def without_dropout(layer):
        return Lambda(lambda x: x, name=layer.name) if isinstance(layer, Dropout) else Dense(5, name=layer.name)

    stack = Sequential([Dense(2, input_shape=(3,)), Dropout(0.5)])
    made = clone_model(stack, clone_function=without_dropout)
    assert made.output_shape == (None, 5)
    x = Input((3,))
    made = clone_model(Model(x, Dropout(0.5)(Dense(2)(x))), clone_function=without_dropout)
    assert [type(la).__name__ for la in made.layers] == ["InputLayer", "Dense", "Lambda"]
    assert made.output_shape == (None, 5)


class Own(Model):
    def __init__(self, units=2):
        super().__init__()
        self.dense = Dense(units)
        self.blocks = {"norm": BatchNormalization()}

    def call(self, inputs):
        return self.blocks["norm"](self.dense(inputs))


def test_a_model_of_ones_own_is_not_cloned():
    with pytest.raises(ValueError, match="Own 'own.*' is a class of your own"):
        clone_model(Own())


class Built(Model):
    """A class of the user's own that makes a graph."""

    def __init__(self, width):
        self.width = width
        x = Input((3,))
        super().__init__(x, Dense(width)(x))


class Stack(Sequential):
    """The same as a stack."""

    def __init__(self):
        super().__init__([Dense(2, input_shape=(3,))])

    def answer(self):
        return 42


@WAYS
def test_classes_that_make_their_own_graph(again):
    model, stack = Built(2), Stack()
    assert type(clone_model(model)) is Model
    made = again(model)
    assert type(made) is Built
    same(model, made)
    made = again(stack)
    assert made.answer() == 42
    same(stack, made)


# --- deepcopy and pickle ---


@WAYS
def test_a_trained_model_goes_on_as_the_original(again):
    model = Sequential([Scale(4, activation=twice, input_shape=(3,)), BatchNormalization(), Dropout(0.5), Dense(2)])
    model.layers[0].trainable = False
    model.compile(Adam(0.1), "mse", metrics=["mae"])
    model.fit(X, Y, batch_size=3, verbose=0)
    made = again(model)
    same(model, made)
    assert made.layers[0].activation is twice
    assert not made.layers[0].trainable
    assert made.metrics_names == model.metrics_names
    for one in (model, made):
        np.random.seed(5)
        one.fit(X, Y, batch_size=3, verbose=0)
    same(model, made)


def test_lambdas_and_optimizers_of_functions_are_copied_too():
    optax = pytest.importorskip("optax")
    model = branched()
    model.compile(optax.sgd(0.1, momentum=0.9), "mse")
    model.train_on_batch([X, X], [Y, Y[:, :1]])
    made = copy.deepcopy(model)
    same(model, made)
    for one, other in zip(made.optimizer.get_weights(), model.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    refused = (pickle.PicklingError, AttributeError)
    with pytest.raises(refused, match="lambda"), pytest.warns(UserWarning, match="again"):
        pickle.dumps(model)


@WAYS
def test_layers_and_wrappers(again):
    x = Input((4, 3))
    for layer in (Bidirectional(LSTM(2, return_sequences=True)), TimeDistributed(Scale(2, activation=twice))):
        result = Model(x, layer(x))
        made = again(layer)
        assert made._inbound_nodes == []
        same(layer, made)
        assert not set(made.weights) & set(layer.weights)
        data = np.ones((1, 4, 3), "float32")
        np.testing.assert_allclose(K.get_value(made(data)), result.predict(data), rtol=1e-5)
    unbuilt = again(Dense(3, name="d"))
    assert unbuilt(Input((2,))).shape == (None, 3)


@WAYS
def test_models_of_ones_own(again):
    model = Own()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    made = again(model)
    assert made.dense is not model.dense
    assert made.layers == [made.dense, made.blocks["norm"]]
    same(model, made)
    for one in (model, made):
        one.train_on_batch(X, Y)
    same(model, made)
    assert made.predict(X).shape == (6, 2)


@WAYS
def test_stacks_that_are_not_built(again):
    model = Sequential([Dense(2), Dense(1)])
    model.compile("sgd", "mse")
    made = again(model)
    made.fit(X, Y[:, :1], verbose=0)
    assert len(made.weights) == 4
    assert model.weights == []

"""Recurrent and ConvRecurrent2D: subclasses as users of Keras 1 and Keras 2.0 wrote them."""

import numpy as np
import pytest

from harness import check_layer
from hornbeam import activations, initializers
from hornbeam import backend as K
from hornbeam.layers import (
    Bidirectional,
    ConvRecurrent2D,
    Dense,
    Input,
    InputSpec,
    Masking,
    Recurrent,
    SimpleRNN,
)
from hornbeam.models import Model, Sequential


def some(*shape):
    return np.random.default_rng(3).normal(size=shape).astype("float32")


class First(Recurrent):
    """A simple recurrent layer, Keras 1."""

    def __init__(self, output_dim, init="glorot_uniform", activation="tanh", **kwargs):
        self.output_dim = output_dim
        self.init = initializers.get(init)
        self.activation = activations.get(activation)
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.input_spec = [InputSpec(shape=input_shape)]
        if self.stateful:
            self.reset_states()
        else:
            self.states = [None]
        self.W = self.add_weight((input_shape[2], self.output_dim), initializer=self.init, name=f"{self.name}_W")
        self.U = self.add_weight((self.output_dim, self.output_dim), initializer="orthogonal", name=f"{self.name}_U")
        self.b = self.add_weight((self.output_dim,), initializer="zero", name=f"{self.name}_b")
        self.built = True

    def get_initial_states(self, x):
        start = K.sum(K.zeros_like(x), axis=(1, 2))
        return [K.tile(K.expand_dims(start), [1, self.output_dim]) for _ in self.states]

    def preprocess_input(self, x):
        return K.dot(x, self.W) + self.b

    def get_constants(self, x):
        return [K.cast_to_floatx(1.0)]

    def step(self, x, states):
        output = self.activation(x + K.dot(states[0] * states[1], self.U))
        return output, [output]


class Second(Recurrent):
    """A layer with two states and dropout, Keras 2.0."""

    def __init__(self, units, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dropout = dropout
        self.state_spec = [InputSpec(shape=(None, units)), InputSpec(shape=(None, units))]

    def build(self, input_shape):
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        self.input_dim = input_shape[2]
        self.input_spec[0] = InputSpec(shape=(input_shape[0] if self.stateful else None, None, self.input_dim))
        self.states = [None, None]
        if self.stateful:
            self.reset_states()
        self.kernel = self.add_weight(shape=(self.input_dim, self.units), name="kernel", initializer="glorot_uniform")
        self.built = True

    def get_constants(self, inputs, training=None):
        ones = K.tile(K.ones_like(K.reshape(inputs[:, 0, 0], (-1, 1))), (1, self.input_dim))
        return [[K.in_train_phase(lambda: K.dropout(ones, self.dropout), ones, training=training)]]

    def step(self, inputs, states):
        total, count, (mask,) = states
        total = total + K.dot(inputs * mask, self.kernel)
        return total / (count + 1), [total, count + 1]

    def get_config(self):
        return {**super().get_config(), "units": self.units, "dropout": self.dropout}


class Images(ConvRecurrent2D):
    def build(self, input_shape):
        self.states = [None]
        self.kernel = self.add_weight(shape=(*self.kernel_size, input_shape[-1], self.filters), name="kernel")
        self.built = True

    def step(self, inputs, states):
        total = states[0] + K.conv2d(inputs, self.kernel, self.strides, self.padding)
        return total, [total]


OWN = {"First": First, "Second": Second, "Images": Images}


@pytest.mark.parametrize(
    ("layer", "kwargs", "shape"),
    [
        (First, {"output_dim": 3, "return_sequences": True, "consume_less": "gpu"}, (4, 2)),
        (Second, {"units": 3, "return_state": True, "go_backwards": True}, (None, 2)),
        (Images, {"filters": 2, "kernel_size": 2, "return_sequences": True}, (3, 3, 4, 1)),
    ],
)
def test_promises(layer, kwargs, shape):
    check_layer(layer, kwargs, shape, custom_objects=OWN)


@pytest.mark.parametrize("masked", [False, True])
def test_a_layer_of_keras_1_trains_as_simple_rnn_does(masked):
    x, y = some(10, 4, 2), some(10, 1)
    x[::2, 2:] = 0.0
    models = []
    for layer in (First(3, input_shape=(4, 2)), SimpleRNN(3, input_shape=(4, 2))):
        model = Sequential(([Masking(input_shape=(4, 2))] if masked else []) + [layer, Dense(1)])
        draw = np.random.default_rng(1)
        model.set_weights([draw.normal(size=w.shape) for w in model.get_weights()])
        model.compile("sgd", "mse")
        history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        models.append((model, history.history["loss"]))
    (one, losses), (other, wanted) = models
    np.testing.assert_allclose(losses, wanted, rtol=1e-6)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_initial_states_and_final_ones():
    x, total, count = Input((5, 2)), Input((3,)), Input((3,))
    layer = Second(3, return_state=True)
    model = Model([x, total, count], layer(x, initial_state=[total, count]))
    values = [some(2, 5, 2), some(2, 3), np.full((2, 3), 2.0, "float32")]
    output, last, number = model.predict(values)
    np.testing.assert_allclose(last, values[1] + values[0].sum(1) @ layer.get_weights()[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(number, np.full((2, 3), 7.0))
    np.testing.assert_allclose(output, last / 7, rtol=1e-6)
    with pytest.raises(ValueError, match="2 states, got 1 initial states"):
        layer(values[0], initial_state=[values[1]])


def test_stateful_layers_go_on_until_they_are_reset():
    layer = First(3, stateful=True, batch_input_shape=(2, 4, 2))
    model = Sequential([layer])
    x = some(2, 4, 2)
    first, second = model.predict(x, batch_size=2), model.predict(x, batch_size=2)
    whole = SimpleRNN(3, weights=layer.get_weights())
    np.testing.assert_allclose(second, whole(np.concatenate([x, x], 1)), rtol=1e-5)
    model.reset_states()
    np.testing.assert_allclose(model.predict(x, batch_size=2), first, rtol=1e-6)
    with pytest.raises(ValueError, match="must know the batch size"):
        First(3, stateful=True)(Input((4, 2)))


def test_dropout_of_constants_is_there_in_training_only():
    layer, x = Second(3, dropout=0.5), np.ones((50, 4, 2), "float32")
    assert np.unique(np.round(layer(x), 4), axis=0).shape[0] == 1
    assert np.unique(np.round(layer(x, training=True), 4), axis=0).shape[0] == 4  # two inputs, dropped or not


def test_bidirectional_takes_them():
    layer = Bidirectional(First(3), input_shape=(4, 2))
    model = Sequential([layer])
    x = some(2, 4, 2)
    way_back = SimpleRNN(3, go_backwards=True, weights=layer.get_weights()[3:])
    np.testing.assert_allclose(model.predict(x)[:, 3:], way_back(x), rtol=1e-5)


def test_a_missing_step_or_size_is_named():
    with pytest.raises(TypeError, match="ConvRecurrent2D does not say what a step is"):
        ConvRecurrent2D(2, 2)(some(1, 4, 3, 3, 1))
    with pytest.raises(ValueError, match="'sum' must set self.units"):
        Recurrent(name="sum")(Input((4, 2)))

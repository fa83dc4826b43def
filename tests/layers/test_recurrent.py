"""Recurrent layers: SimpleRNN, GRU, LSTM and RNN over any cell, beside Keras 3 and by hand."""

import jax
import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import backend as K
from hornbeam import scope
from hornbeam.core import Input, Layer
from hornbeam.layers import (
    GRU,
    LSTM,
    RNN,
    CuDNNGRU,
    CuDNNLSTM,
    Dense,
    GRUCell,
    LSTMCell,
    Masking,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
)
from hornbeam.models import Model, Sequential
from hornbeam.utils import set_random_seed

X = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
SIGMOID = {"recurrent_activation": "sigmoid"}
LAYERS = {
    "SimpleRNN": (SimpleRNN, {}),
    "GRU": (GRU, {**SIGMOID, "reset_after": False}),
    "GRU reset after": (GRU, {**SIGMOID, "reset_after": True}),
    "LSTM": (LSTM, SIGMOID),
}


# --- What any layer promises ---


@pytest.mark.parametrize(
    ("make", "kwargs"),
    [
        (SimpleRNN, {"return_sequences": True, "go_backwards": True}),
        (GRU, {"dropout": 0.3, "recurrent_dropout": 0.2}),
        (LSTM, {"return_sequences": True, "return_state": True}),
        (LSTM, {"activation": "softsign"}),  # no fused loop knows it
        (CuDNNLSTM, {}),
    ],
)
def test_recurrent_layers_keep_every_promise(make, kwargs):
    check_layer(make, {"units": 3, **kwargs}, input_shape=(None, 2), random="dropout" in kwargs)


def test_stacked_cells_keep_every_promise():
    check_layer(RNN, {"cell": [LSTMCell(3), GRUCell(2)], "return_state": True}, input_shape=(4, 2))


# --- Beside Keras 3 ---


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(
    "form",
    [
        {},
        {"return_sequences": True, "return_state": True, "go_backwards": True},
        {"activation": "relu", "use_bias": False},
        {"activation": "softsign", "unroll": True, "return_sequences": True},
    ],
    ids=str,
)
def test_results_and_gradients_are_those_of_keras(name, form):
    import keras

    make, own = LAYERS[name]
    with jax.enable_x64(False):  # a test before may have asked for double precision, which Keras's loops do not stand
        oracle = getattr(keras.layers, make.__name__)(3, **{**own, **form})
        check_against_keras(make(3, **own, **form), oracle, X)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("activation", ["tanh", "softsign"])
def test_masks_work_as_in_keras(name, activation):
    import keras

    make, own = LAYERS[name]
    own = {**own, "activation": activation, "return_sequences": True, "return_state": True}
    mask = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]], bool)
    layer, oracle = make(3, **own), getattr(keras.layers, make.__name__)(3, **own)
    oracle.build(X.shape)
    found = layer(X, mask=mask)
    oracle.set_weights(layer.get_weights())
    for one, other in zip(found, oracle(X, mask=mask), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_initial_states_come_as_in_keras():
    import keras

    states = [np.random.default_rng(i).normal(size=(3, 3)).astype("float32") for i in (1, 2)]
    layer, oracle = LSTM(3, **SIGMOID), keras.layers.LSTM(3)
    as_keyword = layer(X, initial_state=states)
    oracle.build(X.shape)
    oracle.set_weights(layer.get_weights())
    np.testing.assert_allclose(as_keyword, oracle(X, initial_state=states), atol=1e-5)
    np.testing.assert_allclose(as_keyword, layer([X, *states]), atol=1e-7)


# --- Classic formulas, by hand ---


def test_hard_sigmoid_is_the_default_of_the_gates():
    # One unit, x = 1, all weights 1, no bias: gates 0.2 * 1 + 0.5 = 0.7; c = 0.7 tanh 1; h = 0.7 tanh c.
    layer = LSTM(1, kernel_initializer="ones", recurrent_initializer="ones", unit_forget_bias=False)
    c = 0.7 * np.tanh(1)
    np.testing.assert_allclose(layer(np.ones((1, 1, 1), "float32")), [[0.7 * np.tanh(c)]], atol=1e-6)


def test_gru_resets_before_the_product_by_default():
    # One unit, x = 1, h = 0.5, all weights 1: z = r = 0.2 * 1.5 + 0.5 = 0.8; candidate tanh(1 + 0.8 * 0.5) = tanh 1.4.
    layer = GRU(1, kernel_initializer="ones", recurrent_initializer="ones")
    found = layer(np.ones((1, 1, 1), "float32"), initial_state=np.full((1, 1), 0.5, "float32"))
    np.testing.assert_allclose(found, [[0.8 * 0.5 + 0.2 * np.tanh(1.4)]], atol=1e-6)
    assert layer.cell.bias.shape == (3,)
    assert GRU(1, reset_after=True, input_shape=(1, 1)).cell.units == 1


def test_the_forget_gate_starts_open():
    layer = LSTM(2)
    layer(X)
    np.testing.assert_array_equal(layer.get_weights()[2], [0, 0, 1, 1, 0, 0, 0, 0])


def test_names_of_the_gpu_versions_have_their_weights():
    lstm, plain = CuDNNLSTM(3), LSTM(3, **SIGMOID)
    lstm(X), plain(X)
    kernel, recurrent, bias = lstm.get_weights()
    assert bias.shape == (24,)
    np.testing.assert_array_equal(bias.reshape(8, 3)[:, 0], [0, 0, 0, 0, 0, 1, 0, 0])
    plain.set_weights([kernel, recurrent, bias[:12] + bias[12:]])
    np.testing.assert_allclose(lstm(X), plain(X), atol=1e-6)
    gru, plain = CuDNNGRU(3), GRU(3, **SIGMOID, reset_after=True)
    gru(X), plain(X)
    kernel, recurrent, bias = gru.get_weights()
    bias = np.random.default_rng(3).normal(size=18)
    gru.set_weights([kernel, recurrent, bias])
    plain.set_weights([kernel, recurrent, bias.reshape(2, 9)])
    np.testing.assert_allclose(gru(X), plain(X), atol=1e-6)


# --- One walk, two ways: fused, and step by step ---


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("implementation", [1, 2])
def test_dropout_drops_the_same_at_every_step_fused_or_not(name, implementation, monkeypatch):
    make, own = LAYERS[name]
    own = dict(own) if make is SimpleRNN else {**own, "implementation": implementation}
    layer = make(3, dropout=0.4, recurrent_dropout=0.3, return_sequences=True, **own)
    steps = RNN(layer.cell, return_sequences=True)
    monkeypatch.setattr(steps, "_walk_names", lambda: None)
    results = []
    for walk in (layer, steps):
        with scope.Scope(training=True, seed=np.uint32(3)):
            results.append(np.asarray(walk(X, training=True)))
    np.testing.assert_allclose(*results, atol=1e-5)
    assert np.abs(results[0] - np.asarray(layer(X))).max() > 1e-3


def test_dropped_inputs_stay_dropped_for_the_whole_sequence():
    # SimpleRNN that adds its single input to its state: with the input dropped the sum stays 0, else it grows by 2.
    layer = SimpleRNN(
        1, activation="linear", use_bias=False, kernel_initializer="ones", recurrent_initializer="ones", dropout=0.5
    )
    sums = np.asarray(layer(np.ones((64, 5, 1), "float32"), training=True))
    assert set(np.round(sums[:, 0], 4)) == {0.0, 10.0}


# --- Functional models, states, sequences ---


def test_encoder_states_start_a_decoder():
    source, target = Input((None, 2)), Input((None, 2))
    _, h, c = LSTM(3, return_state=True)(source)
    decoded = LSTM(3, return_sequences=True)(target, initial_state=[h, c])
    model = Model([source, target], Dense(1)(decoded))
    assert model.predict([X, X[:, :2]]).shape == (3, 2, 1)
    again = Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict([X, X]), model.predict([X, X]), atol=1e-6)


def test_masked_steps_change_nothing():
    padded = np.concatenate([X, np.zeros((3, 2, 2), "float32")], 1)
    model = Sequential([Masking(input_shape=(None, 2)), GRU(3)])
    np.testing.assert_allclose(model.predict(padded), model.predict(X), atol=1e-6)


def test_stateful_layers_go_on_where_they_stopped():
    model = Sequential([LSTM(3, stateful=True, batch_input_shape=(3, 2, 2))])
    whole = LSTM(3)
    whole(X)
    whole.set_weights(model.get_weights())
    model.predict(X[:, :2], batch_size=3)
    np.testing.assert_allclose(model.predict(X[:, 2:], batch_size=3), whole(X), atol=1e-6)
    model.reset_states()
    np.testing.assert_allclose(model.predict(X[:, :2], batch_size=3), whole(X[:, :2]), atol=1e-6)
    layer = model.layers[0]
    layer.reset_states([np.ones((3, 3)), np.zeros((3, 3))])
    np.testing.assert_allclose(K.get_value(layer.states[0]), 1)
    assert not set(layer.states) & set(model.weights)


def test_states_are_kept_from_batch_to_batch_of_a_fit():
    model = Sequential([LSTM(3, stateful=True, return_sequences=True, batch_input_shape=(1, 4, 2)), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[..., :1], batch_size=1, epochs=1, shuffle=False, verbose=0)
    h = model.layers[0].states[0]
    assert np.abs(K.get_value(h)).max() > 0
    K.set_value(h, np.full((1, 3), np.nan))
    model.reset_states()
    np.testing.assert_array_equal(K.get_value(h), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="stateful for batches of 1 rows, got 3"):
        model.layers[0](X)


class Attending(Layer):
    """A user's cell: adds constants times its weight to a sum of another width than its second state."""

    state_size = (2, 1)

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (1,), initializer="ones")
        super().build(input_shape)

    def call(self, inputs, states, constants=None, training=None):
        total = states[0] + inputs + (constants[0] * self.scale if constants else 0)
        return K.concatenate([total, states[1]]), [total, states[1] + 1]


def test_a_users_cell_gets_constants_and_its_gradient():
    x, extra = Input((4, 2)), Input((2,))
    layer = RNN(Attending(), return_sequences=True)
    result = layer(x, constants=extra)
    assert tuple(result.shape) == (None, 4, 3)
    found, gradient = K.function([x, extra], [result, *K.gradients(K.sum(result), layer.weights)])([X, X[:, 0]])
    want = np.cumsum(X + X[:, :1], 1)
    np.testing.assert_allclose(found[..., :2], want, atol=1e-5)
    np.testing.assert_allclose(found[..., 2], np.broadcast_to(np.arange(4), (3, 4)))
    np.testing.assert_allclose(gradient, [X[:, 0].sum() * 10], rtol=1e-4)  # 1 + 2 + 3 + 4 additions each
    config = layer.get_config()
    assert config["num_constants"] == 1
    again = RNN.from_config(config, custom_objects={"Attending": Attending})
    again(x, constants=extra)
    assert [w.shape for w in again.weights] == [(1,)]


def test_states_of_stacked_cells_come_last_first():
    stack = StackedRNNCells([LSTMCell(2), SimpleRNNCell(3)])
    assert stack.state_size == [3, 2, 2]
    output, top, h, c = RNN(stack, return_state=True)(X)
    np.testing.assert_array_equal(output, top)
    assert h.shape == c.shape == (3, 2)


class StepByStep(Layer):
    """Any cell of the house inside one of the user's, which no fused word can know."""

    def __init__(self, cell, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.state_size, self.output_size = cell, cell.state_size, cell.output_size

    def build(self, input_shape):
        self.cell.build(input_shape)
        super().build(input_shape)

    def call(self, inputs, states):
        return self.cell.call(inputs, states)


def walks(cell, how):
    """What `RNN(cell)` gives on masked rows from given states, and its gradients by inputs and weights."""
    x = K.placeholder((3, 4, 2))
    mask = K.constant([[True, False, True, True], [False, True, True, False], [False] * 4])
    layer = RNN(cell, return_state=True, **how)
    begin = [K.constant(np.full((3, size), 0.1 * (1 + i))) for i, size in enumerate(cell.state_size)]
    results = layer(x, initial_state=begin, mask=mask)
    gradients = K.gradients(sum(K.sum(K.square(r)) for r in results), [x, *cell.weights])
    return layer, K.function([x], [*results, *gradients])([X])


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_cells_of_the_house_walk_as_their_layers_do_with_the_results_of_single_steps(backwards, sequences):
    how = {"go_backwards": backwards, "return_sequences": sequences}
    twice = SimpleRNNCell(3)  # on top of itself
    stack = StackedRNNCells([LSTMCell(2), GRUCell(4, reset_after=True), SimpleRNNCell(3), twice, twice])
    layer, whole = walks(stack, how)
    assert layer.leaves_cores_idle
    assert layer.passes_over_padding
    other, single = walks(StepByStep(stack), how)
    assert not other.leaves_cores_idle
    for found, want in zip(whole, single, strict=True):
        np.testing.assert_allclose(found, want, atol=2e-6)


def test_a_stacks_walk_in_one_drops_what_its_single_steps_drop(monkeypatch):
    def trained(whole):
        set_random_seed(0)
        layer = RNN([GRUCell(4, dropout=0.4, recurrent_dropout=0.3, seed=5), LSTMCell(3, dropout=0.2, seed=11)])
        if not whole:
            monkeypatch.setattr(layer, "_walk_names", lambda: None)
        model = Sequential([Input((4, 2)), layer])
        model.compile("sgd", "mse")
        return model.fit(X, X[:, 0, :1] * np.ones(3), epochs=4, verbose=0).history["loss"]

    whole = trained(True)
    np.testing.assert_allclose(whole, trained(False), rtol=1e-5)
    assert len(set(whole)) == 4


class Doubling(LSTMCell):
    """A user's version of a cell of the house."""

    def call(self, inputs, states, training=None):
        output, new = super().call(2 * inputs, states, training)
        return 2 * output, new


def test_a_cell_whose_step_is_the_users_own_is_walked_by_that_step():
    layer, plain = RNN([LSTMCell(3), Doubling(2)], return_sequences=True), LSTM(3, return_sequences=True)
    found = layer(X)
    assert not layer.leaves_cores_idle
    plain(X)
    plain.set_weights(layer.get_weights()[:3])
    top = LSTM(2, return_sequences=True)
    top(2 * plain(X))
    top.set_weights(layer.get_weights()[3:])
    np.testing.assert_allclose(found, 2 * top(2 * plain(X)), atol=1e-6)
    assert not RNN(LSTMCell(3, activation="softsign")).leaves_cores_idle


def test_penalties_and_frozen_weights():
    layer = GRU(3, kernel_regularizer="l2", recurrent_constraint="maxnorm", activity_regularizer="l1")
    layer(X)
    assert [v.name for v, _ in layer.weight_penalties()] == [f"{layer.name}/kernel:0"]
    assert layer.cell.recurrent_kernel.constraint is not None
    with scope.Scope() as here:
        layer(X)
    assert len(here.losses) == 1
    layer.trainable = False
    assert not layer.trainable_weights
    assert len(layer.non_trainable_weights) == 3


def test_training_learns_and_a_short_last_batch_is_padded():
    model = Sequential([SimpleRNN(4, input_shape=(None, 2)), Dense(1)])
    model.compile("adam", "mse")
    y = X.sum((1, 2))[:, None]
    losses = model.fit(X, y, batch_size=2, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


# --- Errors ---


def test_errors_name_the_layer_and_the_cure():
    with pytest.raises(ValueError, match=r"LSTM 'a' needs inputs of rank 3, got shape \(3, 4\)"):
        LSTM(3, name="a")(X[..., 0])
    with pytest.raises(ValueError, match="batch_input_shape"):
        GRU(3, stateful=True)(Input((4, 2)))
    with pytest.raises(ValueError, match="2 states, got 1 initial states"):
        LSTM(3)(X, initial_state=[np.zeros((3, 3), "float32")])
    with pytest.raises(ValueError, match=r"shape \(3, 2\); with this input .* must be \(3, 3\)"):
        GRU(3)(X, initial_state=[np.zeros((3, 2), "float32")])
    with pytest.raises(ValueError, match=r"dropout must be a number in \[0, 1\); got 1.5"):
        GRU(3, dropout=1.5)
    with pytest.raises(ValueError, match="has no state_size"):
        RNN(Dense(3))
    with pytest.raises(ValueError, match="keeps no states"):
        LSTM(3).reset_states()
    layer = LSTM(3)
    layer(X)
    with pytest.raises(ValueError, match=r"built for inputs of size 2 on axis -1, got shape \(3, 4, 1\)"):
        layer(X[..., :1])

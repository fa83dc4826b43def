"""Recurrent layers as ONNX: every layer, every way to call it, masks with gaps, in front, over whole rows."""

import numpy as np
import pytest

from export.onnx_checks import check, numbers, onnx_model, plain_engine, session_of  # noqa: F401
from hornbeam import layers as L
from hornbeam.core import Input
from hornbeam.models import Model

# Padding behind, before and between; nothing real; nothing masked. Zeros are masked.
REAL = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
GAPS = numbers(5, 5, 3) * REAL[:, :, None]
KINDS = ("SimpleRNN", "GRU", "LSTM")
HOW = [
    {}, {"return_sequences": True}, {"return_sequences": True, "go_backwards": True},
    {"return_sequences": True, "return_state": True}, {"return_state": True, "go_backwards": True},
]  # fmt: skip


pytestmark = pytest.mark.usefixtures("plain_engine")


def masked(layer, states=0, units=2):
    """A model with a mask before the layer, an open time axis, and inputs for initial states."""
    x = Input((None, 3))
    begin = [Input((units,)) for _ in range(states)]
    found = layer(L.Masking()(x), initial_state=begin) if begin else layer(L.Masking()(x))
    return Model([x, *begin], found)


def settle(model):
    """Weights that all matter."""
    draw = np.random.default_rng(5)
    model.set_weights([draw.uniform(-0.7, 0.7, w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("how", HOW, ids=str)
@pytest.mark.parametrize("name", KINDS)
def test_masks_of_any_form(name, how):
    model = settle(masked(getattr(L, name)(2, **how)))
    session = check(model, GAPS)
    check(model, GAPS[:, :2], session)
    kinds = {node.op_type for node in onnx_model(model).graph.node}
    assert {"SimpleRNN": "RNN"}.get(name, name) in kinds
    assert "Scan" not in kinds


@pytest.mark.parametrize("how", [HOW[1], HOW[2], HOW[4]], ids=str)
@pytest.mark.parametrize("name", KINDS)
def test_initial_states_with_masks(name, how):
    count = 2 if name == "LSTM" else 1
    model = settle(masked(getattr(L, name)(2, **how), states=count))
    check(model, [GAPS, *(numbers(5, 2, seed=i) for i in range(count))])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("SimpleRNN", {"activation": "relu", "use_bias": False}), ("SimpleRNN", {"activation": "linear"}),
        ("GRU", {"reset_after": True}), ("GRU", {"activation": "relu", "recurrent_activation": "sigmoid"}),
        ("GRU", {"reset_after": True, "use_bias": False}), ("LSTM", {"activation": None}),
        ("LSTM", {"recurrent_activation": "sigmoid", "use_bias": False}), ("CuDNNGRU", {}), ("CuDNNLSTM", {}),
        # No operator has these activations, so the cells are written step by step.
        ("SimpleRNN", {"activation": "softsign"}), ("GRU", {"activation": "elu", "reset_after": True}),
        ("LSTM", {"recurrent_activation": "softmax", "return_state": True}),
    ],
    ids=str,
)  # fmt: skip
def test_settings(name, settings):
    model = settle(masked(getattr(L, name)(2, return_sequences=True, **settings)))
    check(model, GAPS)
    x = Input((4, 3))
    check(settle(Model(x, getattr(L, name)(2, **settings)(x))), numbers(2, 4, 3))


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave", None])
def test_bidirectional(merge):
    check(settle(masked(L.Bidirectional(L.LSTM(2, return_sequences=True, return_state=True), merge))), GAPS)
    check(settle(masked(L.Bidirectional(L.GRU(2), merge))), GAPS)


def test_bidirectional_with_states_and_a_layer_of_its_own_for_the_way_back():
    layer = L.Bidirectional(L.GRU(2, return_sequences=True), backward_layer=L.GRU(2, activation="relu",
                            return_sequences=True, go_backwards=True))  # fmt: skip
    check(settle(masked(layer, states=2)), [GAPS, numbers(5, 2), numbers(5, 2, seed=4)])


def test_cells_in_stacks_with_masks():
    cells = [L.LSTMCell(2), L.GRUCell(4, reset_after=True), L.SimpleRNNCell(3)]
    check(settle(masked(L.RNN(cells, return_sequences=True, return_state=True))), GAPS)
    check(settle(masked(L.RNN(L.StackedRNNCells(cells[:2]), go_backwards=True))), GAPS)


class Carry(L.Layer):
    """A cell whose output has another size than its state, and which is given a constant."""

    state_size, output_size = 2, 3

    def build(self, input_shape):
        self.kernel = self.add_weight("kernel", (3, 2))
        self.built = True

    def call(self, inputs, states, constants=None):
        from hornbeam import backend as K

        state = K.tanh(K.dot(inputs, self.kernel) + states[0]) + constants[0]
        return inputs * K.sum(state, axis=-1, keepdims=True), [state]


def test_a_cell_of_ones_own_with_constants_and_masks():
    x, given = Input((None, 3)), Input((2,))
    outputs = L.RNN(Carry(), return_sequences=True, return_state=True)(L.Masking()(x), constants=[given])
    check(settle(Model([x, given], outputs)), [GAPS, numbers(5, 2)])


SAME = {"padding": "same", "return_sequences": True, "return_state": True, "go_backwards": True}


@pytest.mark.parametrize("settings", [SAME, {"strides": 2}], ids=str)
def test_conv_lstm(settings):
    x, movie = Input((None, 4, 4, 2)), numbers(2, 3, 4, 4, 2)
    check(settle(Model(x, L.ConvLSTM2D(2, 2, **settings)(x))), movie)


def test_conv_lstm_with_masks_and_states():
    x, real = Input((3, 4, 4, 2)), Input((3,), dtype="bool")
    h, c = Input((2, 3, 3)), Input((2, 3, 3))
    movie, mask = numbers(2, 3, 4, 4, 2), np.array([[1, 0, 1], [0, 0, 0]], bool)
    first = L.ConvLSTM2D(2, 2, padding="same", return_sequences=True)(x, mask=real)
    check(settle(Model([x, real], first)), [movie, mask])
    x = Input((3, 2, 4, 4))
    layer = L.ConvLSTM2D(2, 2, data_format="channels_first", return_sequences=True)
    states = [numbers(2, 2, 3, 3), numbers(2, 2, 3, 3, seed=4)]
    check(settle(Model([x, h, c], layer(x, initial_state=[h, c]))), [movie.transpose(0, 1, 4, 2, 3), *states])


def test_an_encoder_and_a_decoder():
    x, y = Input((None,), dtype="int32"), Input((None,), dtype="int32")
    embedding = L.Embedding(7, 3, mask_zero=True)
    _, *states = L.LSTM(4, return_state=True)(embedding(x))
    decoded = L.LSTM(4, return_sequences=True)(embedding(y), initial_state=states)
    model = settle(Model([x, y], L.TimeDistributed(L.Dense(3, activation="softmax"))(decoded)))
    ids = np.random.default_rng(2).integers(0, 7, (3, 6)).astype("int32")
    check(model, [ids, ids[:, ::-1][:, :4].copy()])


def test_stateful_layers_are_refused():
    x = Input(batch_shape=(2, 3, 4))
    with pytest.raises(ValueError, match=r"LSTM 'kept' .*stateful=True.*initial_state"):
        session_of(Model(x, L.LSTM(2, stateful=True, name="kept")(x)))

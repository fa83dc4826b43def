"""Wrappers: TimeDistributed and Bidirectional, beside Keras 3 and against their parts."""

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
    BatchNormalization,
    Bidirectional,
    Dense,
    Embedding,
    Masking,
    SimpleRNN,
    TimeDistributed,
)
from hornbeam.models import Model, Sequential

X = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
SIGMOID = {"recurrent_activation": "sigmoid"}


# --- A last batch that is padded ---


def masked_steps():
    return Sequential([Masking(9.0, input_shape=(2, 1)), BatchNormalization(momentum=0.5)])


@pytest.mark.parametrize(
    ("make", "inner"),
    [
        (lambda: BatchNormalization(momentum=0.5), (2,)),
        (masked_steps, (2, 1)),
        (lambda: TimeDistributed(BatchNormalization(momentum=0.5)), (2, 1)),
    ],
)
def test_rows_of_padding_do_not_enter_the_statistics_of_steps(make, inner):
    x, y = np.random.default_rng(1).normal(size=(7, 3, *inner)), np.zeros((7, 3, *inner))
    models = []
    for padded in (True, False):
        model = Sequential([TimeDistributed(make(), input_shape=(3, *inner))])
        model.compile("sgd", lambda y_true, y_pred: K.mean(K.square(y_pred), axis=-1))
        if padded:
            model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
        for rows in () if padded else (slice(0, 4), slice(4, 7)):
            model.train_on_batch(x[rows], y[rows])
        models.append(model)
    weights = [model.get_weights() for model in models]
    assert list(models[0]._steps._may_pad.values()) == [True]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
    mean = weights[0][2]  # of two batches, beginning at 0, at momentum 0.5: m = 0.25 mean_1 + 0.5 mean_2
    axes = tuple(range(x.ndim - 1))
    np.testing.assert_allclose(mean, 0.25 * x[:4].mean(axes) + 0.5 * x[4:].mean(axes), rtol=1e-5)


# --- Bidirectional ---


def test_bidirectional_keeps_every_promise():
    check_layer(Bidirectional, {"layer": GRU(2, return_sequences=True), "merge_mode": "sum"}, input_shape=(None, 2))


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("sequences", [False, True])
def test_bidirectional_is_that_of_keras(merge_mode, sequences):
    import keras

    layer = Bidirectional(LSTM(2, **SIGMOID, return_sequences=sequences), merge_mode=merge_mode)
    oracle = keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=sequences), merge_mode=merge_mode)
    check_against_keras(layer, oracle, X)


def test_unmerged_with_states_and_initial_states():
    layer = Bidirectional(LSTM(2, return_sequences=True, return_state=True), merge_mode=None)
    states = [np.full((3, 2), i, "float32") for i in range(4)]
    forward, backward, *found = layer(X, initial_state=states)
    assert len(found) == 4
    alone, h, c = layer.forward_layer(X, initial_state=states[:2])
    np.testing.assert_allclose(forward, alone, atol=1e-6)
    np.testing.assert_allclose(found[1], c, atol=1e-6)
    alone, h, _ = layer.backward_layer(X, initial_state=states[2:])
    np.testing.assert_allclose(backward, np.asarray(alone)[:, ::-1], atol=1e-6)
    np.testing.assert_allclose(found[2], h, atol=1e-6)
    symbols = [Input((4, 2)), *(Input((2,)) for _ in range(4))]
    model = Model(symbols, layer(symbols[0], initial_state=symbols[1:]))
    np.testing.assert_allclose(model.predict([X, *states])[1], backward, atol=1e-6)
    with pytest.raises(ValueError, match="an even number; got 1"):
        layer(X, initial_state=states[:1])


def test_masks_reach_both_ways():
    padded = np.concatenate([X, np.zeros((3, 2, 2), "float32")], 1)
    model = Sequential([Masking(input_shape=(None, 2)), Bidirectional(SimpleRNN(3))])
    np.testing.assert_allclose(model.predict(padded), model.predict(X), atol=1e-6)
    symbol = Bidirectional(GRU(2, return_sequences=True))(Masking()(Input((4, 2))))
    assert symbol._keras_mask is not None
    assert Bidirectional(GRU(2))(Masking()(Input((4, 2))))._keras_mask is None


def test_names_weights_and_states_of_both_ways():
    layer = Bidirectional(GRU(2, stateful=True, name="g"), batch_input_shape=(3, 4, 2))
    layer(X)
    assert [layer.forward_layer.name, layer.backward_layer.name] == ["forward_g", "backward_g"]
    assert layer.weights[0].name == "forward_g/kernel:0"
    assert len(layer.weights) == 6
    assert len(layer.state_variables) == 2
    assert np.abs(K.get_value(layer.state_variables[0])).max() > 0
    layer.reset_states()
    assert np.abs(K.get_value(layer.state_variables[1])).max() == 0
    config = layer.get_config()
    assert config["layer"]["config"]["name"] == "g"
    again = Bidirectional.from_config(config)
    assert again.backward_layer.go_backwards


def test_weights_may_be_given():
    first = Bidirectional(SimpleRNN(2))
    want = first(X)
    np.testing.assert_allclose(Bidirectional(SimpleRNN(2), weights=first.get_weights())(X), want, atol=1e-7)


def test_a_users_cell_walks_both_ways():
    class Sum(Layer):
        state_size = 2

        def call(self, inputs, states):
            return states[0] + inputs, [states[0] + inputs]

    forward, backward = Bidirectional(RNN(Sum(), return_sequences=True), merge_mode=None)(X)
    np.testing.assert_allclose(forward, np.cumsum(X, 1), atol=1e-5)
    np.testing.assert_allclose(backward, np.cumsum(X[:, ::-1], 1)[:, ::-1], atol=1e-5)


def test_bidirectional_errors():
    with pytest.raises(ValueError, match="merge_mode must be .* got 'add'"):
        Bidirectional(LSTM(2), merge_mode="add")
    with pytest.raises(ValueError, match="Dense has no go_backwards"):
        Bidirectional(Dense(2))
    with pytest.raises(ValueError, match="goes around a layer; got str"):
        Bidirectional("lstm")


# --- TimeDistributed ---


def test_time_distributed_keeps_every_promise():
    check_layer(TimeDistributed, {"layer": Dense(3, activation="tanh")}, input_shape=(None, 2))


def test_time_distributed_is_that_of_keras():
    import keras

    check_against_keras(TimeDistributed(Dense(3)), keras.layers.TimeDistributed(keras.layers.Dense(3)), X)


def test_models_and_recurrent_layers_go_inside():
    inner = Sequential([Dense(3, input_shape=(2,)), Dense(1)])
    x = Input((None, 2))
    model = Model(x, TimeDistributed(inner)(x))
    found = model.predict(X)
    np.testing.assert_allclose(found[:, 1], inner.predict(X[:, 1]), atol=1e-6)
    sentences = np.stack([X, X + 1], 1)  # (B, sentences, words, D)
    layer = GRU(2)
    found = TimeDistributed(layer)(sentences)
    np.testing.assert_allclose(found[:, 1], layer(X + 1), atol=1e-6)


def test_masks_of_steps_and_in_steps():
    steps = Input((4, 2))
    assert TimeDistributed(Dense(2))(Masking()(steps))._keras_mask is not None
    ids = Input((3, 5), dtype="int32")  # (B, sentences, words): padding words are skipped, empty sentences too
    words = TimeDistributed(Embedding(7, 2, mask_zero=True))(ids)
    values = np.array([[[1, 2, 0, 0, 0], [3, 0, 0, 0, 0], [0, 0, 0, 0, 0]]], "int32")
    np.testing.assert_array_equal(K.function([ids], [words._keras_mask])([values])[0], [[True, True, False]])


def test_batch_normalization_sees_all_steps_and_no_padding_rows():
    layer = TimeDistributed(BatchNormalization())
    layer(X)
    results = []
    for rows, values in ((None, X[:2]), (2, X)):
        with scope.Scope(dict.fromkeys(()), training=True, seed=np.uint32(0), valid_rows=rows) as here:
            here.values.update((v, v.value) for v in layer.weights)
            results.append(np.asarray(layer(values, training=True))[:2])
    np.testing.assert_allclose(*results, atol=1e-5)
    np.testing.assert_allclose(results[0].mean((0, 1)), 0, atol=1e-5)


def test_time_distributed_needs_time():
    with pytest.raises(ValueError, match="rank 3 or more"):
        TimeDistributed(Dense(2))(X[:, 0])

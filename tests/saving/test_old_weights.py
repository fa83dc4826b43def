"""Layouts of weights in old files, array by array; whole files are in test_old_files.py."""

import numpy as np
import pytest

from hornbeam.layers import LSTM, Conv1D, Conv2D, CuDNNLSTM, Dense, Highway, Input
from hornbeam.models import Sequential
from hornbeam.saving.old_weights import for_layer, optimizer_state
from hornbeam.saving.stored import Origin

KERAS_1, KERAS_2 = Origin("h5", "1.2.2", ""), Origin("h5", "2.2.4", "tensorflow")
THEANO = Origin("h5", "2.2.4", "theano")
CURRENT = [Origin("keras", "3.8.0", ""), Origin("hornbeam", "2.2.4", "jax"), Origin("npz", "2.2.4", "")]


def built(layer, shape):
    layer(Input(shape))
    return layer


def numbers(*shapes):
    return [np.arange(np.prod(s), dtype="float32").reshape(s) + 100 * i for i, s in enumerate(shapes)]


def test_plain_weights_go_into_a_cudnn_layer_with_the_bias_in_two_halves():
    kernel, recurrent, bias = numbers((2, 12), (3, 12), (12,))
    found = for_layer(built(CuDNNLSTM(3), (4, 2)), [kernel, recurrent, bias], KERAS_2)
    np.testing.assert_array_equal(found[0], kernel)
    np.testing.assert_array_equal(found[2][:12] + found[2][12:], bias)


def test_gates_of_keras_1_are_put_side_by_side():
    arrays = numbers(*[(2, 3), (3, 3), (3,)] * 4)  # i, c, f, o
    kernel, recurrent, bias = for_layer(built(LSTM(3), (4, 2)), arrays, KERAS_1)
    np.testing.assert_array_equal(kernel, np.concatenate([arrays[i] for i in (0, 6, 3, 9)], 1))
    np.testing.assert_array_equal(recurrent, np.concatenate([arrays[i] for i in (1, 7, 4, 10)], 1))
    np.testing.assert_array_equal(bias, np.concatenate([arrays[i] for i in (2, 8, 5, 11)]))


def test_matrices_of_a_highway_had_their_biases_beside_them():
    arrays = numbers((2, 2), (2,), (2, 2), (2,))
    found = for_layer(built(Highway(), (2,)), arrays, KERAS_1)
    assert [np.shape(a) for a in found] == [(2, 2), (2, 2), (2,), (2,)]
    np.testing.assert_array_equal(found[1], arrays[2])
    np.testing.assert_array_equal(found[2], arrays[1])


def test_kernels_of_conv1d_had_four_axes():
    layer = built(Conv1D(2, 3), (8, 4))
    (old,) = numbers((2, 4, 3, 1))  # (filters, channels, length, 1), before 1.1
    np.testing.assert_array_equal(for_layer(layer, [old], KERAS_1)[0], old[..., 0].transpose(2, 1, 0))
    (newer,) = numbers((3, 1, 4, 2))
    np.testing.assert_array_equal(for_layer(layer, [newer], KERAS_1)[0], newer[:, 0])


def test_kernels_of_theano_are_turned_round():
    layer = built(Conv2D(2, (3, 1)), (5, 5, 1))
    kernel, bias = numbers((3, 1, 1, 2), (2,))
    np.testing.assert_array_equal(for_layer(layer, [kernel, bias], THEANO)[0], kernel[::-1])
    for names, turned in ((["c_W", "c_b"], True), (["c_W:0", "c_b:0"], False)):
        found = for_layer(layer, [kernel, bias], KERAS_1, names)[0]
        np.testing.assert_array_equal(found, kernel[::-1] if turned else kernel)


def test_frozen_weights_of_a_model_inside_a_model_come_last():
    model = Sequential([Dense(2, input_shape=(1,)), Dense(2), Dense(1)])
    model.layers[0].trainable = False
    first, *others = [layer.weights for layer in model.layers]
    arrays = numbers(*(w.shape for ws in (*others, first) for w in ws))
    found = for_layer(model, arrays, KERAS_2)
    for mine, array in zip(found, [*arrays[-2:], *arrays[:-2]], strict=True):
        np.testing.assert_array_equal(mine, array)


@pytest.mark.parametrize("origin", CURRENT)
def test_current_files_are_left_alone(origin):
    arrays = numbers((2, 12), (3, 12), (24,))
    found = for_layer(built(CuDNNLSTM(3), (4, 2)), arrays, origin)
    assert all(mine is array for mine, array in zip(found, arrays, strict=True))


def test_slots_of_an_optimizer_are_sorted():
    shapes = [(2, 3), (3,)]
    m, b = numbers(*shapes)
    state = [np.array(7), m, m + 1, b, b + 1]
    origin = Origin("h5", "2.15.1", "tensorflow")
    for given in (state, [state[0], np.array(0.1), *state[1:]]):
        found = optimizer_state(given, shapes, origin)
        assert [f.tolist() for f in found] == [w.tolist() for w in (state[0], m, b, m + 1, b + 1)]
    assert optimizer_state([np.array(0)], shapes, origin) is None
    assert optimizer_state(state, shapes, KERAS_2)[2] is state[2]

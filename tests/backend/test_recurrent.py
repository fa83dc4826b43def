"""Words that walk along an axis: `rnn`, `map_fn`, folds, on arrays and on symbolic tensors."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import scope

X = np.arange(12, dtype="float32").reshape(2, 3, 2)
ZERO = np.zeros((2, 2), "float32")


def add_up(x, states):
    total = states[0] + x
    return total, [total]


def values(nested):
    return [np.asarray(v) for v in nested]


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_rnn_walks_and_keeps_the_order_of_processing(unroll, backwards):
    last, outputs, states = K.rnn(add_up, X, [ZERO], go_backwards=backwards, unroll=unroll)
    walked = np.cumsum(X[:, ::-1] if backwards else X, 1)
    np.testing.assert_allclose(outputs, walked)
    np.testing.assert_allclose(last, walked[:, -1])
    np.testing.assert_allclose(states[0], walked[:, -1])


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("spread", [False, True])
def test_masked_steps_repeat_the_output_and_keep_the_states(unroll, spread):
    mask = np.array([[True, False, True], [False, True, False]])
    last, outputs, states = K.rnn(add_up, X, [ZERO], mask=mask[..., None] if spread else mask, unroll=unroll)
    # Row 0 skips (2, 3); row 1 takes (8, 9) only, and begins with its first state, zeros.
    want = [[[0, 1], [0, 1], [4, 6]], [[0, 0], [8, 9], [8, 9]]]
    np.testing.assert_allclose(outputs, want)
    np.testing.assert_allclose(last, [[4, 6], [8, 9]])
    np.testing.assert_allclose(states[0], last)


def test_outputs_of_another_size_than_the_state_repeat_from_zeros():
    mask = np.array([[False, True, False], [True, True, True]])

    def step(x, states):
        return K.sum(x, -1, keepdims=True), [states[0] + x]

    _, outputs, _ = K.rnn(step, X, [ZERO], mask=mask)
    np.testing.assert_allclose(np.asarray(outputs)[..., 0], [[0, 5, 5], [13, 17, 21]])


def test_constants_come_after_the_states():
    last, _, _ = K.rnn(lambda x, s: (x * s[1], [s[0]]), X, [ZERO], constants=[np.full((2, 2), 10, "float32")])
    np.testing.assert_allclose(last, X[:, -1] * 10)


def test_no_steps_give_the_initial_states():
    last, outputs, states = K.rnn(add_up, X[:, :0], [ZERO + 1])
    assert outputs.shape == (2, 0, 2)
    np.testing.assert_allclose(states[0], ZERO + 1)
    np.testing.assert_allclose(last, ZERO)


def test_symbolic_rnn_sees_variables_and_outer_tensors():
    x, extra, factor = K.placeholder((None, None, 2)), K.placeholder((None, 2)), K.variable(2.0)
    doubled = extra * 2

    def step(s, states):
        total = states[0] + s * factor + doubled
        return total, [total]

    last, outputs, states = K.rnn(step, x, [K.zeros_like(extra)])
    assert tuple(outputs.shape) == (None, None, 2)
    assert tuple(last.shape) == (None, 2)
    run = K.function([x, extra], [last, outputs, states[0]])
    ones = np.ones((2, 2), "float32")
    np.testing.assert_allclose(run([X, ones])[1], np.cumsum(2 * X + 2, 1))
    K.set_value(factor, 3.0)  # a variable in a step is read when the function runs
    np.testing.assert_allclose(run([X, ones])[0], (3 * X + 2).sum(1))


def test_gradients_pass_through_symbolic_rnn():
    x, factor = K.placeholder((2, 3, 2)), K.variable(2.0)
    last, _, _ = K.rnn(lambda s, states: (states[0] * factor + s, [states[0] * factor + s]), x, [ZERO])
    by_x, by_factor = K.function([x], K.gradients(K.sum(last), [x, factor]))([X])
    np.testing.assert_allclose(by_x[0, :, 0], [4, 2, 1])
    np.testing.assert_allclose(by_factor, (X[:, 0] * 4 + X[:, 1]).sum())  # d/df of x0 f^2 + x1 f + x2 at f = 2


def test_noise_differs_from_step_to_step_and_losses_are_counted_at_each():
    def step(x, states):
        here = scope.current()
        here.losses.append(("owner", K.sum(x)))
        return K.dropout(K.ones_like(x), 0.5), states

    with scope.Scope(training=True, seed=np.uint32(5)) as here:
        _, outputs, _ = K.rnn(step, np.ones((1, 8, 32), "float32"), [np.zeros((1, 32), "float32")])
    noise = np.asarray(outputs)[0]
    assert len({tuple(row) for row in noise}) == 8
    assert [(owner, float(loss)) for owner, loss in here.losses] == [("owner", 256.0)]


def test_rnn_errors_say_what_came():
    with pytest.raises(ValueError, match=r"batch and time axes.*\(3,\)"):
        K.rnn(add_up, np.ones(3), [])
    with pytest.raises(ValueError, match="unroll only a known number"):
        K.rnn(add_up, K.placeholder((2, None, 2)), [ZERO], unroll=True)


def test_map_fn_on_one_and_several_tensors():
    np.testing.assert_allclose(K.map_fn(lambda row: K.sum(row, 0), X), X.sum(1))
    both = K.map_fn(lambda pair: pair[0] - pair[1], (X, X * 2))
    np.testing.assert_allclose(both, -X)
    assert K.map_fn(lambda row: row[0] > 1, X, dtype="int32").dtype == "int32"


def test_symbolic_map_and_folds():
    x, offset = K.placeholder((None, 2)), K.variable([1.0, 2.0])
    mapped = K.map_fn(lambda row: row * 2 + offset, x)
    left = K.foldl(lambda a, row: a * 10 + row, x)
    right = K.foldr(lambda a, row: a * 10 + row, x, initializer=np.zeros(2, "float32"))
    assert tuple(mapped.shape) == (None, 2)
    rows = np.array([[1, 2], [3, 4], [5, 6]], "float32")
    got = K.function([x], [mapped, left, right])([rows])
    np.testing.assert_allclose(got[0], rows * 2 + [1, 2])
    np.testing.assert_allclose(got[1], [135, 246])
    np.testing.assert_allclose(got[2], [531, 642])


def test_folding_nothing_needs_a_start():
    np.testing.assert_allclose(K.foldl(lambda a, x: a + x, X[:0], initializer=np.ones((3, 2), "float32")), 1)
    with pytest.raises(ValueError, match="needs an initializer"):
        K.foldr(lambda a, x: a + x, X[:0])


@pytest.mark.parametrize("go_backwards", [False, True])
def test_fused_words_record_nodes(go_backwards):
    x = K.placeholder((None, 3, 2))
    weights = [K.variable(np.random.randn(*s) * 0.3) for s in [(2, 8), (2, 8), (8,)]]
    states = [K.zeros_like(x[:, 0]), K.zeros_like(x[:, 0])]
    last, outputs, finals = K.lstm(x, states, *weights, go_backwards=go_backwards, return_sequences=True)
    assert tuple(outputs.shape) == (None, 3, 2)
    got = K.function([x], [last, outputs, *finals])([X])
    np.testing.assert_allclose(got[0], got[1][:, -1])
    np.testing.assert_allclose(got[0], got[2])


def test_hard_sigmoid_lstm_step_by_hand():
    # One unit, x = 1, h = c = 0, all kernels 1, no bias: every gate sees 1. i = f = o = 0.2 * 1 + 0.5 = 0.7 (Keras 3's
    # gate would be 4/6), g = tanh 1 = 0.761594; c = 0.7 * 0.761594 = 0.533116; h = 0.7 * tanh(0.533116) = 0.341495.
    one, zero = np.ones((1, 1, 1), "float32"), np.zeros((1, 1), "float32")
    kernel = np.ones((1, 4), "float32")
    last, outputs, (_, c) = K.lstm(one, [zero, zero], kernel, kernel, recurrent_activation="hard_sigmoid")
    assert outputs is None
    assert float(c[0, 0]) == pytest.approx(0.7 * np.tanh(1), abs=1e-6)
    assert float(last[0, 0]) == pytest.approx(0.7 * np.tanh(0.7 * np.tanh(1)), abs=1e-6)


def test_gru_with_the_reset_before_the_product_by_hand():
    # One unit, x = 1, h = 0.5, kernels 1, recurrent kernels 1 for z and r and 2 for the candidate, hard_sigmoid gates:
    # z = r = 0.2 * 1.5 + 0.5 = 0.8; candidate = tanh(1 + 2 * (0.8 * 0.5)) = tanh 1.8; h' = 0.8 * 0.5 + 0.2 * tanh 1.8.
    one, kernel = np.ones((1, 1, 1), "float32"), np.ones((1, 3), "float32")
    state, recurrent = np.full((1, 1), 0.5, "float32"), np.array([[1, 1, 2]], "float32")
    last, _, _ = K.gru(one, [state], kernel, recurrent, recurrent_activation="hard_sigmoid")
    assert float(last[0, 0]) == pytest.approx(0.4 + 0.2 * np.tanh(1.8), abs=1e-6)
    # With reset_after and a recurrent bias of 3 the candidate is tanh(1 + r (2 * 0.5 + 3)); gates see 4.5.
    bias = np.array([[0, 0, 0], [3, 3, 3]], "float32")
    last, _, _ = K.gru(one, [state], kernel, recurrent, bias, recurrent_activation="hard_sigmoid", reset_after=True)
    assert float(last[0, 0]) == pytest.approx(1.0 * 0.5, abs=1e-6)  # z = clip(0.2 * 4.5 + 0.5) = 1 keeps the state


@pytest.mark.parametrize("activation", K.fused_activations())
@pytest.mark.parametrize("gates", [1, 3, 4])
def test_the_readable_engine_means_the_same(activation, gates):
    draw = np.random.default_rng(gates)
    state = draw.normal(size=(2, 2)).astype("float32")
    weights = [draw.normal(size=shape).astype("float32") for shape in [(2, 2 * gates), (2, 2 * gates), (2 * gates,)]]
    settings = {"activation": activation, "mask": np.array([[1, 0, 1], [0, 1, 1]], bool), "go_backwards": True}
    settings |= {"return_sequences": True, "recurrent_mask": [draw.random((2, 2)).astype("float32")]}
    name, states = {1: "simple_rnn", 3: "gru", 4: "lstm"}[gates], [state] * (2 if gates == 4 else 1)
    if gates > 1:
        settings["recurrent_activation"] = "hard_sigmoid"
    fast = getattr(K, name)(X / 10, states, *weights, **settings)
    with K.use_engine("numpy"):
        plain = getattr(K, name)(X / 10, states, *weights, **settings)
    for one, other in zip([*fast[:2], *fast[2]], [*plain[:2], *plain[2]], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_loops_mean_the_same_on_the_readable_engine():
    def results():
        mask = np.array([[True, False, True], [False, True, False]])
        last, outputs, states = K.rnn(add_up, X, [ZERO], mask=mask, go_backwards=True)
        return [last, outputs, *states, K.map_fn(lambda r: r * 2, X), K.foldl(lambda a, r: a + r, X)]

    fast = values(results())
    with K.use_engine("numpy"):
        plain = values(results())
    for one, other in zip(fast, plain, strict=True):
        np.testing.assert_allclose(one, other)

"""Recurrent layers on the NumPy engine: one step at a time, one gate at a time."""

import numpy as np

_ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "linear": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
}


def fused_activations():
    return tuple(_ACTIVATIONS)


def _walk(step, gates, x, states, kernel, recurrent_kernel, bias, mask, drop, backwards, sequences):
    """`step(z, recurrent, states)` along time; z: projected inputs; recurrent(h, gate): h times that block."""
    xs = x if isinstance(x, (list, tuple)) else [x] * gates
    drop = [1.0] * gates if not drop else list(drop) * (gates if len(drop) == 1 else 1)
    blocks, rows = np.split(kernel, gates, -1), np.split(recurrent_kernel, gates, -1)
    biases = np.split(np.zeros(kernel.shape[-1], kernel.dtype) if bias is None else bias, gates)
    states, outputs, steps = list(states), [], range(xs[0].shape[1])
    for t in reversed(steps) if backwards else steps:
        z = [x[:, t] @ block + b for x, block, b in zip(xs, blocks, biases, strict=True)]
        new = step(z, lambda h, gate: (h * drop[gate]) @ rows[gate], states)
        if mask is not None:
            new = [np.where(mask[:, t, None], n, s) for n, s in zip(new, states, strict=True)]
        states = [n.astype(s.dtype) for n, s in zip(new, states, strict=True)]
        outputs.append(states[0])
    empty = np.zeros((len(states[0]), 0, states[0].shape[-1]), states[0].dtype)
    return (np.stack(outputs, 1) if outputs else empty) if sequences else None, tuple(states)


def lstm(
    x, states, kernel, recurrent_kernel, bias=None, mask=None, recurrent_mask=None, activation="tanh",
    recurrent_activation="sigmoid", backwards=False, sequences=False,
):  # fmt: skip
    act, gate = _ACTIVATIONS[activation], _ACTIVATIONS[recurrent_activation]

    def step(z, recurrent, states):
        h, c = states
        i, f, o = (gate(z[j] + recurrent(h, j)) for j in (0, 1, 3))
        c = f * c + i * act(z[2] + recurrent(h, 2))
        return [o * act(c), c]

    return _walk(step, 4, x, states, kernel, recurrent_kernel, bias, mask, recurrent_mask, backwards, sequences)


def gru(
    x, states, kernel, recurrent_kernel, bias=None, recurrent_bias=None, mask=None, recurrent_mask=None,
    activation="tanh", recurrent_activation="sigmoid", reset_after=False, backwards=False, sequences=False,
):  # fmt: skip
    act, gate = _ACTIVATIONS[activation], _ACTIVATIONS[recurrent_activation]
    extra = [0, 0, 0] if recurrent_bias is None else np.split(recurrent_bias, 3)

    def step(z, recurrent, states):
        (h,) = states
        update, reset = (gate(z[j] + recurrent(h, j) + extra[j]) for j in (0, 1))
        inner = reset * (recurrent(h, 2) + extra[2]) if reset_after else recurrent(reset * h, 2)
        return [update * h + (1 - update) * act(z[2] + inner)]

    return _walk(step, 3, x, states, kernel, recurrent_kernel, bias, mask, recurrent_mask, backwards, sequences)


def simple_rnn(
    x, states, kernel, recurrent_kernel, bias=None, mask=None, recurrent_mask=None, activation="tanh",
    backwards=False, sequences=False,
):  # fmt: skip
    def step(z, recurrent, states):
        return [_ACTIVATIONS[activation](z[0] + recurrent(states[0], 0))]

    return _walk(step, 1, x, states, kernel, recurrent_kernel, bias, mask, recurrent_mask, backwards, sequences)

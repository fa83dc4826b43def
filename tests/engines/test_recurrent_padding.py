"""Masked recurrent loops that pass over padded columns: equal to the loop over all columns, derivatives too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbeam.engines import numpy as plain
from hornbeam.engines.jax import recurrent, recurrent_inputs, recurrent_padding

B, T, D, H = 3, 7, 2, 3


pytestmark = pytest.mark.usefixtures("double_precision")


def masks(rows=B, steps=T):
    """Padding in front and behind, gaps, columns and rows without a real step, nothing real, everything real."""
    random = np.random.default_rng(3)
    lengths = np.array([3, 1, 4])[:rows, None]
    yield np.arange(steps) >= steps - lengths
    yield np.arange(steps) < lengths
    yield np.isin(np.arange(steps), (1, 4)) & (random.random((rows, steps)) < 0.8)
    yield np.arange(rows)[:, None] * np.ones(steps) > 0
    yield np.zeros((rows, steps), bool)
    yield np.ones((rows, steps), bool)
    for share in (0.1, 0.2, 0.3, 0.5, 0.8):
        yield random.random((rows, steps)) < share


def cell_of(kind, *settings):
    return recurrent._cell(getattr(recurrent, kind), *settings)


def operands_of(cell, split=False, rows=B, steps=T):
    random = np.random.default_rng(0)
    normal = lambda *shape: random.normal(size=shape) * 0.6  # noqa: E731
    gates, states = cell.gates, 2 if cell.gates == 4 else 1
    weights = (normal(H, gates * H),) + ((normal(gates * H),) if getattr(cell, "reset_after", False) else ())
    drop = tuple((random.random((rows, H)) > 0.3) / 0.7 for _ in range(gates)) if split else ()
    xs = tuple(normal(rows, steps, D) for _ in range(gates if split else 1))
    return (xs, tuple(normal(rows, H) for _ in range(states)), normal(D, gates * H), weights,
            None if split else normal(gates * H)), drop  # fmt: skip


def derivatives(cell, form, learnt, drop, mask, second):
    """Results and gradients; or these and the gradients of a number made of gradients."""

    def loss(learnt):
        found = recurrent._run(cell, form, recurrent_inputs.Operands(*learnt, mask, drop))
        return sum((jnp.sin(leaf * jnp.arange(1, H + 1))).sum() for leaf in jax.tree.leaves(found))

    if not second:
        return jax.value_and_grad(loss)(learnt)

    def steepness(learnt):
        value, gradient = jax.value_and_grad(loss)(learnt)
        return sum((g * g * 0.1).sum() for g in jax.tree.leaves(gradient)), (value, gradient)

    return jax.value_and_grad(steepness, has_aux=True)(learnt)


CASES = [
    ("_LSTM", ("tanh", "sigmoid"), (False, True), False),
    ("_GRU", ("tanh", "sigmoid", True), (True, True), True),
    ("_GRU", ("tanh", "hard_sigmoid", False), (False, False), False),
    ("_SimpleRNN", ("tanh",), (True, False), False),
]


def compare(kind, settings, form, split, parts, second, monkeypatch):
    cell = cell_of(kind, *settings)
    learnt, drop = operands_of(cell, split)
    flops = 2 * learnt[0][0].size * learnt[2].shape[-1]
    monkeypatch.setattr(recurrent_padding, "_PART_FLOPS", flops // parts)
    passing = jax.jit(lambda learnt, mask: derivatives(cell, form, learnt, drop, mask, second))
    found = [passing(learnt, mask) for mask in masks()]
    monkeypatch.setattr(recurrent, "_passes_over", lambda mask: False)
    whole = jax.jit(lambda learnt, mask: derivatives(cell, form, learnt, drop, mask, second))
    for mask, one in zip(masks(), found, strict=True):
        wanted = whole(learnt, mask)
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("case", "parts"), [(1, 1), (3, 3)])
def test_columns_that_are_passed_over_change_nothing(case, parts, monkeypatch):
    compare(*CASES[case], parts, False, monkeypatch)


@pytest.mark.nightly
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize(("kind", "settings", "form", "split"), CASES, ids=str)
def test_nor_do_they_change_second_derivatives(kind, settings, form, split, parts, monkeypatch):
    compare(kind, settings, form, split, parts, True, monkeypatch)


@pytest.mark.parametrize(("rows", "steps"), [(B, T), (2, 1)])
def test_results_are_those_of_the_plain_specification(rows, steps):
    cell = cell_of("_LSTM", "tanh", "sigmoid")
    (xs, states, kernel, weights, bias), _ = operands_of(cell, rows=rows, steps=steps)
    for mask in masks(rows, steps):
        arguments = xs[0], states, kernel, weights[0], bias, mask
        settings = {"backwards": rows == 2, "sequences": True}
        found, wanted = recurrent.lstm(*arguments, **settings), plain.lstm(*arguments, **settings)
        for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_columns_without_a_real_step_cost_no_step(monkeypatch):
    """Counted on the host: how often the loops' bodies run, forwards and backwards."""
    seen = []
    cell = cell_of("_SimpleRNN", "tanh")
    step, back = recurrent._SimpleRNN.step, recurrent._SimpleRNN.back

    def counted(name, method):
        def run(self, *args):
            jax.debug.callback(lambda: seen.append(name))
            return method(self, *args)

        return run

    monkeypatch.setattr(recurrent._SimpleRNN, "step", counted("forward", step))
    monkeypatch.setattr(recurrent._SimpleRNN, "back", counted("backward", back))
    learnt, drop = operands_of(cell)

    def loss(learnt, mask):
        return recurrent._run(cell, (False, True), recurrent_inputs.Operands(*learnt, mask, drop))[0].sum()

    gradient = jax.jit(jax.grad(loss))
    for mask in masks():
        del seen[:]
        jax.block_until_ready(gradient(learnt, mask))
        jax.effects_barrier()
        real = int(mask.any(0).sum())
        assert (seen.count("forward"), seen.count("backward")) == (real, real)


def test_without_a_mask_the_program_has_one_loop_of_known_length(monkeypatch):
    cell = cell_of("_LSTM", "tanh", "sigmoid")
    learnt, drop = operands_of(cell)
    monkeypatch.setattr(recurrent_padding, "forward", None)
    outputs, _ = recurrent._run(cell, (False, True), recurrent_inputs.Operands(*learnt, None, drop))
    assert outputs.shape == (T, B, H)

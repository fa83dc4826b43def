"""Fused recurrent layers on the JAX engine: whole sequences of LSTM, GRU and SimpleRNN with gradients by hand.

What was measured (docs/decisions, two cores, T=100 B=100 D=256 H=128): inputs are projected before the loop and cut
into one (T, B, H) array a gate, so that no loop step slices a wide row; the backward loop emits one (B, gates * H)
row and takes weight gradients after it as three large products. Masks and returned sequences cost nothing. A plain
differentiated scan takes 1.15 (AVX2) to 1.3 times (AVX-512) as long.

Shapes: x (B, T, D); kernel (D, G H); recurrent_kernel (H, G H); bias (G H,); mask (B, T) bool, False where a step
changes nothing. `x` may also be a list of G arrays, and `recurrent_mask` a list of 1 or G arrays (B, H): the dropped
inputs and states of each gate. Everything below is made of differentiable words, backward passes too, so second-order
gradients come by differentiating them again. With a mask, `recurrent_padding` computes the same in less time, and is
differentiated as if it were these loops.
"""

import functools
from collections import abc

import jax
import jax.numpy as jnp
from jax import custom_derivatives as _derivatives

from hornbeam.engines.jax import barriers as _barriers
from hornbeam.engines.jax import devices as _devices
from hornbeam.engines.jax import look_up_sources as _sources
from hornbeam.engines.jax import products
from hornbeam.engines.jax import recurrent_inputs as _inputs
from hornbeam.engines.jax import recurrent_padding as _padding
from hornbeam.engines.jax import recurrent_products as _products
from hornbeam.engines.jax import recurrent_scan as _loops
from hornbeam.engines.jax import recurrent_shared as _shared
from hornbeam.engines.jax.tensors import accelerated

# name -> (function, its derivative from its result): what these loops know; others go step by step through `scan`
_ACTIVATIONS = {
    "tanh": (jnp.tanh, lambda y: 1 - y * y),
    "relu": (lambda x: jnp.maximum(x, 0), lambda y: (y > 0).astype(y.dtype)),
    "linear": (lambda x: x, jnp.ones_like),
    "sigmoid": (jax.nn.sigmoid, lambda y: y * (1 - y)),
    "hard_sigmoid": (
        lambda x: jnp.clip(0.2 * x + 0.5, 0, 1),
        lambda y: jnp.where((y > 0) & (y < 1), jnp.asarray(0.2, y.dtype), jnp.zeros((), y.dtype)),
    ),
}
# Those that the compiler computes once for all readers; the others are cheap, and it computes them in each of them.
_COMPUTED_ONCE = {"tanh", "sigmoid"}


# --- The cells: a step, its gradient, and the recurrent kernel's gradient after the loop ---
# step(weights, drop, z, state) -> (state, saved); first of what is saved are as many arrays of the form of `z`, what
# activations gave, all of them such as are computed once if `computed_once` says so
# back(weights, drop, saved, dstate) -> (dstate, d, aside): `d` the gradient of the projected inputs, as one row


class _LSTM:
    """i, f, o = gates; g = activation; c' = f c + i g; h' = o activation(c')."""

    gates = 4

    def __init__(self, activation, gate):
        self.act, self.slope = _ACTIVATIONS[gate]
        self.main, self.main_slope = _ACTIVATIONS[activation]
        self.computed_once = {gate, activation} <= _COMPUTED_ONCE

    def step(self, weights, drop, z, state):
        h, c = state
        zi, zf, zg, zo = (a + b for a, b in zip(z, _products.recur(h, weights[0], drop, 4), strict=True))
        i, f, g, o = self.act(zi), self.act(zf), self.main(zg), self.act(zo)
        new_c = f * c + i * g
        squashed = self.main(new_c)
        return (o * squashed, new_c), (i, f, g, o, c)

    def back(self, turned, drop, h, saved, dstate):
        i, f, g, o, c = saved
        dh, dc = dstate
        squashed = self.main(f * c + i * g)  # keeping it takes as long, and an array more
        dc = dc + dh * o * self.main_slope(squashed)
        d = (dc * g * self.slope(i), dc * c * self.slope(f), dc * i * self.main_slope(g), dh * squashed * self.slope(o))
        d = jnp.concatenate(_barriers.bar(d), -1)  # else each product of the loop computes the gates again
        return (_products.recur_back(d, turned[0], drop, 4), dc * f), d, ()

    def weight_gradients(self, drop, h, saved, d, aside):
        return (_products.recur_kernel(h, d, drop, 4),)


class _GRU:
    """z, r = gates; h' = z h + (1 - z) activation(x W + (r h) U), or with `reset_after` of x W + r (h U + b)."""

    gates = 3

    def __init__(self, activation, gate, reset_after):
        self.act, self.slope = _ACTIVATIONS[gate]
        self.main, self.main_slope = _ACTIVATIONS[activation]
        self.computed_once = {gate, activation} <= _COMPUTED_ONCE
        self.reset_after = reset_after

    def step(self, weights, drop, z, state):
        (h,) = state
        if self.reset_after:
            yz, yr, yh = _products.recur(h, weights[0], drop, 3)
            yz, yr, yh = (y + b for y, b in zip((yz, yr, yh), _products.cut(weights[1], 3), strict=True))
            update, reset = self.act(z[0] + yz), self.act(z[1] + yr)
            candidate = self.main(z[2] + reset * yh)
            return (update * h + (1 - update) * candidate,), (update, reset, candidate, yh)
        units = h.shape[-1]
        yz, yr = _products.recur(h, weights[0][:, : 2 * units], drop[:2], 2)
        update, reset = self.act(z[0] + yz), self.act(z[1] + yr)
        (yh,) = _products.recur(reset * h, weights[0][:, 2 * units :], drop[-1:], 1)
        candidate = self.main(z[2] + yh)
        return (update * h + (1 - update) * candidate,), (update, reset, candidate)

    def back(self, turned, drop, h, saved, dstate):
        update, reset, candidate = saved[:3]
        (dh,) = dstate
        dcandidate = dh * (1 - update) * self.main_slope(candidate)
        dupdate = dh * (h - candidate) * self.slope(update)
        if self.reset_after:
            dreset = dcandidate * saved[3] * self.slope(reset)
            dupdate, dreset, dcandidate, aside = _barriers.bar((dupdate, dreset, dcandidate, dcandidate * reset))
            through = _products.recur_back(jnp.concatenate((dupdate, dreset, aside), -1), turned[0], drop, 3)
            return (dh * update + through,), jnp.concatenate((dupdate, dreset, dcandidate), -1), (aside,)
        units = h.shape[-1]
        dcandidate = _barriers.bar(dcandidate)
        dgated = _products.recur_back(dcandidate, turned[0][2 * units :], drop[-1:], 1)
        dupdate, dreset = _barriers.bar((dupdate, dgated * h * self.slope(reset)))
        through = _products.recur_back(jnp.concatenate((dupdate, dreset), -1), turned[0][: 2 * units], drop[:2], 2)
        return (dh * update + dgated * reset + through,), jnp.concatenate((dupdate, dreset, dcandidate), -1), ()

    def weight_gradients(self, drop, h, saved, d, aside):
        units = h.shape[-1]
        if self.reset_after:
            d = jnp.concatenate((d[..., : 2 * units], aside[0]), -1)
            return _products.recur_kernel(h, d, drop, 3), d.sum((0, 1))
        gates = _products.recur_kernel(h, d[..., : 2 * units], drop[:2], 2)
        return (jnp.concatenate((gates, _products.recur_kernel(saved[1] * h, d[..., 2 * units :], drop[-1:], 1)), -1),)


class _SimpleRNN:
    """h' = activation(x W + h U)."""

    gates = 1

    def __init__(self, activation):
        self.main, self.main_slope = _ACTIVATIONS[activation]
        self.computed_once = activation in _COMPUTED_ONCE

    def step(self, weights, drop, z, state):
        h = self.main(z[0] + _products.recur(state[0], weights[0], drop, 1)[0])
        return (h,), (h,)

    def back(self, turned, drop, h, saved, dstate):
        d = _barriers.bar(dstate[0] * self.main_slope(saved[0]))
        return (_products.recur_back(d, turned[0], drop, 1),), d, ()

    def weight_gradients(self, drop, h, saved, d, aside):
        return (_products.recur_kernel(h, d, drop, 1),)


# --- The loop over time, and its gradient ---

_LARGE = 1 << 24  # numbers that a loop emits, from which on memory counts for more than a plain program


def _with_gradient_of(plain) -> abc.Callable[..., abc.Callable]:
    """Decorator: a function (settings, arrays) with the derivatives of `plain`, which computes the same."""

    def decorate(quick):
        held = jax.custom_vjp(quick, nondiff_argnums=(0,))
        held.defvjp(
            lambda settings, arrays: (quick(settings, arrays), arrays),
            lambda settings, arrays, gradient: jax.vjp(lambda a: plain(settings, a), arrays)[1](gradient),
        )
        return held

    return decorate


def _turned(mask):
    return None if mask is None else mask.T[:, :, None]


def _step(settings, operands):
    """Step of the loop over (z, mask): (state, slices) -> (new state, (output, saved))."""
    cell, (_, sequences), save = settings

    def step(state, slices):
        z, m = slices
        new, saved = cell.step(operands.weights, operands.drop, z, state)
        if m is not None:
            new = tuple(jnp.where(m, a, b) for a, b in zip(new, state, strict=True))
        return new, (new[0] if sequences else None, (state[0], saved) if save else None)

    return step


def _scan(settings, operands):
    cell, (reverse, _), save = settings
    state, mask = operands.state, operands.mask
    step, projected = _step(settings, operands), _inputs.inputs_of(operands, cell.gates).projection()
    z = projected(0, operands.xs[0].shape[1])
    if not save:
        return jax.lax.scan(step, state, (z, _turned(mask)), reverse=reverse)
    if not cell.computed_once:
        return _loops.scan(step, state, (z, _turned(mask)), reverse)

    def in_place(state, m, z):
        state, (output, (before, saved)) = step(state, (z, m))  # pyright: ignore[reportGeneralTypeIssues]  (saved here)
        return state, (output, before, saved[cell.gates :]), saved[: cell.gates]

    last, (outputs, before, others), gates = _loops.scan_in_place(in_place, state, _turned(mask), reverse, z)
    return last, (outputs, (before, (*gates, *others)))


def _plain_scan(settings, operands):
    last, (outputs, saved) = _scan(settings, operands._replace(words=None))
    if operands.plan is not None:
        saved = operands.plan.pack(settings[1][0], saved)
    return last, (outputs, saved)


@_with_gradient_of(_plain_scan)
def _quick_scan(settings, operands):
    """The same by what is known of mask and words, in loops whose end is known only at run time."""
    cell, (reverse, _), _ = settings
    if _passes_over(operands.mask):
        return _padding.forward(cell, reverse, operands, _step(settings, operands))
    if operands.plan is None:
        return _scan(settings, operands)
    by_word = functools.partial(_shared.forward, cell, reverse, operands, _step(settings, operands))
    return jax.lax.cond(operands.plan.few, by_word, lambda: _scan(settings, operands._replace(words=None)))


def _passes_over(mask):
    """Not where sizes are left open, as exported programs have them, nor on an accelerator: there a loop whose end is
    not known asks the host after each step, which was not measured."""
    return mask is not None and products.at_least(mask.size, 1) and not accelerated()


def _is_quick(operands):
    return operands.words is not None or _passes_over(operands.mask)


def _forward(cell, form, operands, save):
    walk = _quick_scan if _is_quick(operands) else _scan
    last, (outputs, saved) = walk((cell, form, save), operands)
    return (outputs, last), saved


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _run(cell, form, operands):
    return _forward(cell, form, _planned(form, operands, state_is_learnt=False), save=False)[0]


def _planned(form, operands, state_is_learnt):
    return operands._replace(plan=_shared.plan_of(operands, form[0], state_is_learnt))


def _run_forward(cell, form, operands):
    state_is_learnt = any(s.perturbed for s in operands.state)
    operands = _planned(form, _derivatives.custom_vjp_primal_tree_values(operands), state_is_learnt)
    result, saved = _forward(cell, form, operands, save=True)
    return result, (operands, saved)


def _step_back(settings, operands):
    """Step of the loop backwards: (gradient of the state, slices) -> (that of the state before, (d, aside))."""
    cell, (_, sequences) = settings
    turned = tuple(w.T for w in operands.weights)

    def step(dstate, slices):
        h, saved, dout, m = slices
        if sequences:
            dstate = (dstate[0] + dout, *dstate[1:])
        inner = dstate if m is None else tuple(jnp.where(m, d, 0) for d in dstate)
        dprevious, d, aside = cell.back(turned, operands.drop, h, saved, inner)
        if m is not None:
            dprevious = tuple(jnp.where(m, new, old) for new, old in zip(dprevious, dstate, strict=True))
        return dprevious, (d, aside)

    return step


def _slices(operands, before, saved, doutputs):
    return before, saved, doutputs, _turned(operands.mask)


def _as_one(loop, after, size):
    """`loop()`, by `recurrent_scan.as_one` if the numbers that it emits, `size`, are many. Not on an accelerator, which
    would ask the host what comes next, nor for rows on several devices, which would have to agree."""
    large = products.at_least(size, _LARGE) and not accelerated() and not _devices.is_split()
    return _loops.as_one(loop, after) if large else loop()


def _scan_back(settings, arrays):
    cell, (reverse, _) = settings
    operands, (before, saved), (doutputs, dlast) = arrays
    slices = _slices(operands, before, saved, doutputs)
    step = _step_back(settings, operands)

    def loop():
        dstate, (d, aside) = _loops.scan(step, dlast, slices, not reverse)
        return dstate, d, cell.weight_gradients(operands.drop, before, saved, d, aside)

    dstate, d, dweights = _as_one(loop, dlast[0], before.size * cell.gates)
    dxs, dkernel, dbias = _inputs.inputs_of(operands, cell.gates).gradients(d)
    return dxs, dstate, dkernel, dweights, None if operands.bias is None else dbias


def _plain_scan_back(settings, arrays):
    operands, saved, gradient = arrays
    if operands.plan is not None:
        saved = operands.plan.unpack(settings[1][0], saved)
    return _scan_back(settings, (operands._replace(words=None), saved, gradient))


@_with_gradient_of(_plain_scan_back)
def _quick_scan_back(settings, arrays):
    cell, (reverse, _) = settings
    operands, (before, saved), (doutputs, dlast) = arrays
    passes_over = _passes_over(operands.mask)
    if not passes_over and operands.plan is None:
        return _scan_back(settings, arrays)
    slices, step = _slices(operands, before, saved, doutputs), _step_back(settings, operands)
    if passes_over:
        return _padding.backward(cell, reverse, operands, slices, dlast, step)
    by_word = functools.partial(_shared.backward, cell, reverse, operands, slices, dlast, step)
    plain = operands._replace(words=None), *arrays[1:]
    return jax.lax.cond(operands.plan.few, by_word, lambda: _scan_back(settings, plain))


def _array(given):
    is_zero = isinstance(given, _derivatives.SymbolicZero)
    return jnp.zeros(given.aval.shape, given.aval.dtype) if is_zero else given


def _run_back(cell, form, residuals, gradient):
    operands, saved = residuals
    gradient = jax.tree.map(_array, gradient)
    walk = _quick_scan_back if _is_quick(operands) else _scan_back
    dxs, dstate, dkernel, dweights, dbias = walk((cell, form), (operands, saved, gradient))
    ddrop = tuple(jnp.zeros_like(m) for m in operands.drop)  # dropout masks are drawn, not learnt
    return (_inputs.Operands(dxs, dstate, dkernel, dweights, dbias, None, ddrop),)


_run.defvjp(_run_forward, _run_back, symbolic_zeros=True)


@functools.cache
def _cell(kind, *settings):
    return kind(*settings)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _fused(cell, backwards, sequences, operands):
    found = _run(cell, (backwards, sequences), operands)
    outputs, last = found  # pyright: ignore[reportGeneralTypeIssues]  (the decorator hides the type)
    if outputs is not None:
        outputs = jnp.swapaxes(outputs, 0, 1)
        outputs = jnp.flip(outputs, 1) if backwards else outputs
    return outputs, last


def _walk(cell, backwards, sequences, x, state, kernel, weights, bias, mask, drop):
    xs = tuple(x) if isinstance(x, (list, tuple)) else (x,)
    ids, size = _sources.source_of(x) or (None, 0)
    mask = None if mask is None else jnp.asarray(mask, bool)

    def walk(by_rows, whole):
        (xs, ids, *rows), (kernel, weights, bias) = by_rows, whole
        if ids is not None:
            _sources.remember(xs[0], ids, size)
        words = _inputs.words_of(xs[0], kernel) if len(xs) == 1 else None
        state, mask, drop = rows
        return _fused(cell, backwards, sequences, _inputs.Operands(xs, state, kernel, weights, bias, mask, drop, words))

    by_rows = xs, ids, tuple(state), mask, tuple(drop or ())
    return _devices.each_its_rows(walk, by_rows, (kernel, tuple(weights), bias))


def fused_activations():
    """Names of the activations the loops of this file take."""
    return tuple(_ACTIVATIONS)


def lstm(
    x, states, kernel, recurrent_kernel, bias=None, mask=None, recurrent_mask=None, activation="tanh",
    recurrent_activation="sigmoid", backwards=False, sequences=False,
):  # fmt: skip
    """A whole LSTM, gates in the order i, f, c, o: (outputs (B, T, H) or None, (h, c)), in the order of processing."""
    cell, weights = _cell(_LSTM, activation, recurrent_activation), (recurrent_kernel,)
    return _walk(cell, backwards, sequences, x, states, kernel, weights, bias, mask, recurrent_mask)


def gru(
    x, states, kernel, recurrent_kernel, bias=None, recurrent_bias=None, mask=None, recurrent_mask=None,
    activation="tanh", recurrent_activation="sigmoid", reset_after=False, backwards=False, sequences=False,
):  # fmt: skip
    """A whole GRU, gates in the order z, r, h: (outputs (B, T, H) or None, (h,)). `recurrent_bias` (3 H,) is for
    `reset_after`; without it, `bias` is all there is."""
    weights = (recurrent_kernel,)
    if reset_after:
        zero = jnp.zeros(recurrent_kernel.shape[-1:], recurrent_kernel.dtype)
        weights = (recurrent_kernel, zero if recurrent_bias is None else recurrent_bias)
    cell = _cell(_GRU, activation, recurrent_activation, reset_after)
    return _walk(cell, backwards, sequences, x, states, kernel, weights, bias, mask, recurrent_mask)


def simple_rnn(
    x, states, kernel, recurrent_kernel, bias=None, mask=None, recurrent_mask=None, activation="tanh",
    backwards=False, sequences=False,
):  # fmt: skip
    """A whole SimpleRNN: (outputs (B, T, H) or None, (h,))."""
    cell, weights = _cell(_SimpleRNN, activation), (recurrent_kernel,)
    return _walk(cell, backwards, sequences, x, states, kernel, weights, bias, mask, recurrent_mask)

"""`scan` in less memory, for the loops over time: nothing begins as zeros, and results take the place of operands.

To the compiler zeros are a constant: it keeps them for as long as the training program runs, and copies them for every
stacked array of all loops at the beginning of each step. Here each stacked array begins as a number that follows from
the inputs. With the gates in the place of the projected inputs besides, a training step of the bidirectional LSTM of
benchmarks/sentiment.py (T 100, B 1000) needs 1.44 GB of scratch memory where it needed 2.16.
"""

import jax
import jax.numpy as jnp

from hornbeam.engines.jax.barriers import zero_after


def scan(step, state, slices, reverse):
    """Loop over the first axis: (state, new stacked), from a step (state, slices) -> (state, new)."""
    return scan_in_place(lambda state, now, _: (*step(state, now), ()), state, slices, reverse, ())[:2]


def scan_in_place(step, state, slices, reverse, taken_over):
    """:func:`scan` that puts some of what is new where what it came from stood.

    Only for what the compiler computes once, as tanh. What is cheap, as a sum or a maximum, it computes again for each
    reader, from what was to be overwritten: it copies those arrays, whole, in each turn of the loop.

    Args:
        step: (state, slices, taken over) -> (state, new, what is put where the latter stood).
        slices: nest of arrays with time first, which are read.
        taken_over: tuple of arrays with time first, which are overwritten as the loop goes.

    Returns:
        (state, new stacked, what stands where `taken_over` stood).
    """
    first = jax.tree.leaves((taken_over, slices))[0]
    length = first.shape[0]

    def body(k, carry):
        state, stacked, over = carry
        i = length - 1 - k if reverse else k
        state, new, instead = step(state, at(slices, i), at(over, i))
        return state, put(stacked, new, i), put(over, instead, i)

    examples = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), (slices, taken_over))
    form, tree = jax.tree.flatten(jax.eval_shape(step, state, *examples)[1])
    numbers = (state[0] + first[0]).reshape(-1) if first.size else jnp.zeros(1)  # one each: equal ones would be copies
    stacked = [jnp.full((length, *a.shape), numbers[k % numbers.size], a.dtype) for k, a in enumerate(form)]
    carry = state, jax.tree.unflatten(tree, stacked), taken_over
    return jax.lax.fori_loop(0, length, body, carry) if length else carry


def as_one(loop, after):
    """`loop()` in a condition that always holds, but follows from the numbers `after`: one instruction to the compiler.
    Otherwise it makes the arrays that independent loops begin with before it runs the first of them. The step above
    needs 1.13 GB, for 1.29 with its two loops backwards as they are."""

    def never():
        return jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(loop))

    return jax.lax.cond(zero_after(after) == 0, loop, never)


def at(tree, i):
    """Number `i` of each array."""
    return jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, i, 0, keepdims=False), tree)


def put(tree, rows, i):
    """The arrays with `rows` in the place of their number `i`."""
    return jax.tree.map(lambda a, row: jax.lax.dynamic_update_index_in_dim(a, row, i, 0), tree, rows)


def span(tree, first, length, axis=0):
    """Numbers `first` to `first + length - 1` of each array along an axis."""
    return jax.tree.map(lambda a: jax.lax.dynamic_slice_in_dim(a, first, length, axis), tree)

"""The one compiled thing of training: many steps over many batches in a single program.

A Python loop pays 20 microseconds a step for the call alone, more than a whole step of a small network takes. The
program below walks `start` to `stop` inside, and both are arguments: one compilation serves any number of steps, and
N steps at once are the same machine code as N times one step, so the results are equal to the bit.
"""

import functools

import jax
import jax.numpy as jnp
from jax.extend.core import jaxpr_as_fun as _jaxpr_as_fun

from hornbeam.engines.jax.devices import split_over as _split_over
from hornbeam.engines.jax.tensors import accelerated
from hornbeam.engines.jax.transforms import compile_function


def compile_steps(step, devices=()):
    """Compile a loop over steps.

    Args:
        step: pure function (fixed, state, batch, valid) -> (state, logs). `fixed` are arrays it only reads, `state`
            those it carries on (their memory is reused), `batch` arrays with rows first, `valid` the number of rows
            that are real, or None. `logs` is any nest of arrays.
        devices: names of the devices that each batch is split over (`device_names`); none for the usual one.

    Returns:
        run(fixed, state, data, plan, valid, start, stop) -> (state, logs).
        `data` holds whole arrays (N, ...) and `plan` (S, B) says which rows each step takes; or, with `plan` None,
        `data` holds stacked batches (S, B, ...). `valid` is (S,) or None. `logs` has a leading axis of S, filled
        from `start` to `stop`, zero elsewhere.
    """

    split = _split_over(tuple(devices)) if devices else None

    def run(fixed, state, data, plan, valid, start, stop):
        steps = plan.shape[0] if plan is not None else jax.tree.leaves(data)[0].shape[0]

        def one(i, state):
            batch = _stacked_at(data, i) if plan is None else _rows_at(data, plan, i, together=split is not None)
            real = None if valid is None else valid[i]
            return step(fixed, state, batch, real) if split is None else split.run(step, fixed, state, batch, real)

        traced, (_, logs) = _traced(one, jnp.int32(0), state)
        return _walk(traced, state, _empty(logs, steps), start, stop)

    return compile_function(run, donate=(1,)) if split is None else split.compile(run)


def compile_epochs(train, test, turn):
    """Compile a loop over epochs: training steps, then steps that only look, over other rows of the same arrays.

    Args:
        train, test: pure functions (fixed, state, batch, valid) -> (state, logs), as for `compile_steps`; one state
            serves both.
        turn: pure function (fixed, state) -> (state, kept), called at the end of the training steps and of the
            testing ones. `kept` is any nest of arrays.

    Returns:
        run(fixed, state, data, plans, valid, steps, start, stop) -> (state, logs, kept).
        `data`, `plans`, `valid` and `steps` are pairs, for training and testing: dict or nest of whole arrays (N, ...);
        plans (E, S, B) and (T, C), which rows each step takes; (S,) and (T,) or None, how many of them are real; how
        many steps of the S and T are to be done. Epochs from `start` to `stop` are carried out. Their `logs` are a
        pair of arrays with leading axes (E, S) and (E, T), their `kept` a pair with leading axis E.
    """

    def run(fixed, state, data, plans, valid, steps, start, stop):
        epochs = plans[0].shape[0]

        def one_train(plan, i, state):
            return train(fixed, state, _rows_at(data[0], plan, i), None if valid[0] is None else valid[0][i])

        def one_test(i, state):
            return test(fixed, state, _rows_at(data[1], plans[1], i), None if valid[1] is None else valid[1][i])

        train_traced, (_, train_logs) = _traced(one_train, plans[0][0], jnp.int32(0), state)
        test_traced, (_, test_logs) = _traced(one_test, jnp.int32(0), state)
        turn_traced, (_, kept_at_turn) = _traced(lambda state: turn(fixed, state), state)
        empty = _empty(train_logs, plans[0].shape[1]), _empty(test_logs, plans[1].shape[0])

        def body(carry):
            epoch, state, logs, kept = carry
            plan = _at(plans[0], epoch)
            state, own = _walk(functools.partial(train_traced, plan), state, empty[0], 0, steps[0])
            state, first = turn_traced(state)
            state, seen = _walk(test_traced, state, empty[1], 0, steps[1])
            state, second = turn_traced(state)
            return epoch + 1, state, _put(logs, (own, seen), epoch), _put(kept, (first, second), epoch)

        carry = (start, state, _empty(empty, epochs), _empty((kept_at_turn, kept_at_turn), epochs))
        _, state, logs, kept = jax.lax.while_loop(lambda carry: carry[0] < stop, body, carry)
        return state, logs, kept

    return compile_function(run, donate=(1,))


def _stacked_at(data, i):
    return jax.tree.map(lambda a: _at(a, i), data)


def _rows_at(data, plan, i, together=False):
    """Row i of `plan` says which rows of the arrays in `data` make a batch. `together`: not copied one by one."""
    rows = _at(plan, i)
    return jax.tree.map(
        lambda a: a.at[rows].get(mode="promise_in_bounds") if together or not _shared(a, rows) else _copied(a, rows),
        data,
    )


def _shared(array, rows):
    """Would the compiler share these few rows among threads, though that takes longer than to copy them?

    It goes by the size of the array that they come from, half a megabyte or more. A step of 64-64-64-10 with 32 rows
    takes 41 microseconds for 55 without it, 175 for 263 as a call of its own, for which the other thread must wake up.
    From 64 kB on sharing is worth it: 180 for 200 with 784 numbers a row.
    """
    few = len(rows) <= 512 and array.nbytes // len(array) * len(rows) < 1 << 16
    return few and array.nbytes >= 1 << 19 and not accelerated()


def _copied(array, rows):
    """The rows, copied one after another by the thread that walks the steps."""

    def copy(k, batch):
        row = jax.lax.dynamic_slice_in_dim(array, _at(rows, k), 1, allow_negative_indices=False)
        return jax.lax.dynamic_update_slice_in_dim(batch, row, k, 0, allow_negative_indices=False)

    return jax.lax.fori_loop(0, len(rows), copy, jnp.zeros((len(rows), *array.shape[1:]), array.dtype))


def _at(array, i):
    return jax.lax.dynamic_index_in_dim(array, i, 0, keepdims=False, allow_negative_indices=False)


def _traced(function, *given):
    """`function`, and the form of its results, by one walk through the Python code that it is made of.

    The form of a step's logs must be known before the loop that fills them. Asking for it and making the loop then were
    two walks, a second or two each for a model of a hundred layers.
    """
    traced, form = jax.make_jaxpr(function, return_shape=True)(*given)
    compute, results = _jaxpr_as_fun(traced), jax.tree.structure(form)
    return lambda *given: jax.tree.unflatten(results, compute(*jax.tree.leaves(given))), form


def _empty(form, *steps):
    return jax.tree.map(lambda a: jnp.zeros((*steps, *a.shape), a.dtype), form)


def _put(stacked, new, i):
    put = functools.partial(jax.lax.dynamic_update_index_in_dim, axis=0, allow_negative_indices=False)
    return jax.tree.map(lambda all_, row: put(all_, row, i), stacked, new)


def _walk(one, state, logs, start, stop):
    """Steps `start` to `stop` of state, logs = one(i, state)."""

    def body(carry):
        i, state, logs = carry
        state, new = one(i, state)
        return i + 1, state, _put(logs, new, i)

    _, state, logs = jax.lax.while_loop(lambda carry: carry[0] < stop, body, (jnp.int32(start), state, logs))
    return state, logs

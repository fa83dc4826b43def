"""The one compiled thing of training: many steps over many batches in a single program.

A Python loop pays 20 microseconds a step for the call alone, more than a whole step of a small network takes. The
program below walks `start` to `stop` inside, and both are arguments: one compilation serves any number of steps, and
N steps at once are the same machine code as N times one step, so the results are equal to the bit.
"""

import jax
import jax.numpy as jnp

from hornbeam.engines.jax import devices as _devices
from hornbeam.engines.jax.transforms import compile_function


def compile_steps(step, shards=1):
    """Compile a loop over steps.

    Args:
        step: pure function (fixed, state, batch, valid) -> (state, logs). `fixed` are arrays it only reads, `state`
            those it carries on (their memory is reused), `batch` arrays with rows first, `valid` the number of rows
            that are real, or None. `logs` is any nest of arrays.
        shards: number of devices that each batch is split over; `data` must then be stacked batches, `plan` None, and
            `step` make its results equal on all of them (`sum_over_shards`).

    Returns:
        run(fixed, state, data, plan, valid, start, stop) -> (state, logs).
        `data` holds whole arrays (N, ...) and `plan` (S, B) says which rows each step takes; or, with `plan` None,
        `data` holds stacked batches (S, B, ...). `valid` is (S,) or None. `logs` has a leading axis of S, filled
        from `start` to `stop`, zero elsewhere.
    """

    def run(fixed, state, data, plan, valid, start, stop):
        steps = plan.shape[0] if plan is not None else jax.tree.leaves(data)[0].shape[0]

        def batch_at(i):
            if plan is None:
                return jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, i, 0, keepdims=False), data)
            rows = jax.lax.dynamic_index_in_dim(plan, i, 0, keepdims=False)
            return jax.tree.map(lambda a: a.at[rows].get(mode="promise_in_bounds"), data)

        def one(i, state):
            return step(fixed, state, batch_at(i), None if valid is None else valid[i])

        _, log_form = jax.eval_shape(one, jnp.int32(0), state)
        logs = jax.tree.map(lambda a: jnp.zeros((steps, *a.shape), a.dtype), log_form)

        def body(carry):
            i, state, logs = carry
            state, new = one(i, state)
            logs = jax.tree.map(lambda all_, row: jax.lax.dynamic_update_index_in_dim(all_, row, i, 0), logs, new)
            return i + 1, state, logs

        _, state, logs = jax.lax.while_loop(lambda carry: carry[0] < stop, body, (start, state, logs))
        return state, logs

    return compile_function(run, donate=(1,)) if shards == 1 else _devices.split_over_devices(run, shards)

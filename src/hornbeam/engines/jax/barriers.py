"""What keeps the compiler from moving, sharing or copying work."""

import jax
import jax.numpy as jnp

bar = jax.lax.optimization_barrier


def zero_after(x):
    """An integer 0 that the compiler takes for one which follows from the numbers `x`."""
    bits = jax.lax.bitcast_convert_type(x.reshape(-1)[:1].astype(jnp.float32), jnp.int32)
    return jnp.minimum(bits & 1, 0).sum()


def zero_of_written(x):
    """A 0 of `x`'s type, for which the compiler has to write `x` to memory.

    It drops `bar` before it joins elementwise loops, and then computes a value of many readers again in each of them.
    """
    return jax.lax.cond(zero_after(x) > 0, lambda x: x.reshape(-1)[0], lambda x: jnp.zeros((), x.dtype), x)


@jax.custom_jvp
def written(x):
    """`x`, once in memory, where :func:`zero_of_written` does not help: results of one large operand are computed again
    in each reader all the same. A loop of no turns, which takes over the memory of `x` and costs a few microseconds.
    """
    return jax.lax.fori_loop(0, zero_after(x), lambda i, x: x + x, x)


@written.defjvp
def _written_jvp(given, tangents):
    return written(*given), tangents[0]


def run_if(condition, function, given, read):
    """`function(given, read)` on a condition, else `given`; `lax.cond` would copy what it hands through."""

    def body(i, given):  # whatever does not follow from the loop is computed before it, with or without the condition
        return function(given, bar((read, i))[0])

    return jax.lax.fori_loop(0, condition.astype(jnp.int32), body, given)

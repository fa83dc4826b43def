"""Pooling on the JAX engine: the maximum or mean under a moving window.

A window is taken apart: first along the last spatial axis, then the one before, so that 3 x 3 costs 6 steps, not 9,
and any number of axes is one piece of code. XLA's own `reduce_window` has a gradient that is 10 to 30 times slower.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hornbeam.engines.jax.windows import channels_last, geometry, restore_layout

__all__ = ["pool"]


def pool(x, pool_size, strides, padding, data_format, mode):
    """Maximum ('max') or mean ('avg') under each window; padding never counts, in neither.

    Args:
        x: (B, *sizes, C), or (B, C, *sizes) for 'channels_first'.
        pool_size, strides: tuples, one number an axis.
        padding: 'valid' or 'same'.
    """
    x = channels_last(jnp.asarray(x), data_format)
    spot = geometry(x.shape[1:-1], pool_size, strides, padding, (1,) * len(pool_size))
    along = _max_along if mode == "max" else _sum_along
    y = x
    for axis in reversed(range(len(pool_size))):  # last first: then the first of equals in reading order wins
        rule = (axis + 1, spot.window[axis], spot.strides[axis], spot.pads[axis])
        y = along(y, *rule)
    if mode != "max":
        y = y / _counts(spot, y.dtype)
    return restore_layout(y, data_format)


def _counts(spot, dtype):
    """How many real elements each window holds: a number, or (*out, 1) where padding takes part."""
    if not any(map(any, spot.pads)):
        return int(np.prod(spot.window))
    counts = np.ones(())
    for n, k, s, (before, _), out in zip(spot.sizes, spot.window, spot.strides, spot.pads, spot.out):
        starts = np.arange(out) * s - before
        counts = np.multiply.outer(counts, np.minimum(starts + k, n) - np.maximum(starts, 0))
    return jnp.asarray(counts[..., None], dtype)


def _split(x, axis, window, stride, pads, fill):
    """The window's elements along one axis: a list of arrays, one for each place in the window."""
    if any(pads):
        x = lax.pad(x, jnp.asarray(fill, x.dtype), [(*(pads if a == axis else (0, 0)), 0) for a in range(x.ndim)])
    out = (x.shape[axis] - window) // stride + 1
    if window == stride:  # windows side by side: a view instead of slices with gaps
        x = lax.slice_in_dim(x, 0, out * window, axis=axis)
        x = x.reshape(*x.shape[:axis], out, window, *x.shape[axis + 1 :])
        return [lax.index_in_dim(x, i, axis + 1, keepdims=False) for i in range(window)]
    return [lax.slice_in_dim(x, i, i + (out - 1) * stride + 1, stride, axis) for i in range(window)]


def _sum_along(x, axis, window, stride, pads):
    return sum(_split(x, axis, window, stride, pads, 0)) if window > 1 or stride > 1 else x


def _lowest(dtype):
    return -np.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3, 4))
def _max_along(x, axis, window, stride, pads):
    return _max_and_place(x, axis, window, stride, pads)[0]


def _max_and_place(x, axis, window, stride, pads):
    """The maximum and where in the window it stood: the first of equals, and NaN above all."""
    first, *rest = _split(x, axis, window, stride, pads, _lowest(x.dtype))
    place = jnp.zeros(first.shape, jnp.uint8 if window < 256 else jnp.int32)
    for number, part in enumerate(rest, 1):
        better = (part > first) | (part != part)
        first, place = jnp.where(better, part, first), jnp.where(better, jnp.asarray(number, place.dtype), place)
    return first, place


def _max_forward(x, axis, window, stride, pads):
    y, place = _max_and_place(x, axis, window, stride, pads)
    return y, (place, x.shape[axis])


def _max_backward(axis, window, stride, pads, saved, g):
    place, size = saved
    covered = (g.shape[axis] - 1) * stride + 1
    zero = jnp.zeros((), g.dtype)
    total = 0
    for number in range(window):
        before = number - pads[0]
        rule = [(before, size - before - covered, stride - 1) if a == axis else (0, 0, 0) for a in range(g.ndim)]
        total += lax.pad(jnp.where(place == number, g, zero), zero, rule)
    return (total,)


_max_along.defvjp(_max_forward, _max_backward)

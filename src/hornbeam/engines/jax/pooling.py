"""Pooling on the JAX engine: the maximum or mean under a moving window.

A window is taken apart: first along the last spatial axis, then the one before, so that 3 x 3 costs 6 steps, not 9,
and any number of axes is one piece of code. Forward and backward in a loop, on two cores in use (ms):

                                 here   all taps at once   reshape, jnp.max   XLA's reduce_window
    32, 32x32, 32 channels, 2/2  1.9    10.6               5.8                10.7
    8, 112x112, 64, 3/2          13.8   231                -                  98
    8, 28x28, 256, 3/2           2.2    73                 -                  28
    32, 28x28, 64, 3/1           3.9    157                -                  91
"""

import functools
import math
from operator import mul

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hornbeam.engines.jax.barriers import written
from hornbeam.engines.jax.devices import is_split
from hornbeam.engines.jax.products import at_least
from hornbeam.engines.jax.tensors import accelerated
from hornbeam.engines.jax.windows import channels_last, geometry, is_padded, restore_layout, weave

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
    if mode == "max" and _suits_tiles(x, spot):
        return restore_layout(_max_of_tiles(x, spot.window), data_format)
    along = _max_along if mode == "max" else _sum_along
    y = x
    for axis in reversed(range(len(pool_size))):  # last first: then the first of equals in reading order wins
        if spot.window[axis] > 1 or spot.strides[axis] > 1:
            y = along(y, (axis + 1, spot.window[axis], spot.strides[axis], spot.pads[axis]))
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


def _split(x, fill, axis, window, stride, pads):
    """The window's elements along one axis: a list of arrays, one for each place in the window."""
    if any(pads):
        added = [(pads[0], pads[1], 0) if a == axis else (0, 0, 0) for a in range(x.ndim)]
        x = lax.pad(x, jnp.asarray(fill, x.dtype), added)
    out = (x.shape[axis] - window) // stride + 1
    if window == stride:  # windows side by side: a view instead of slices with gaps
        x = lax.slice_in_dim(x, 0, out * window, axis=axis)
        x = x.reshape(*x.shape[:axis], out, window, *x.shape[axis + 1 :])
        return [lax.index_in_dim(x, i, axis + 1, keepdims=False) for i in range(window)]
    return [lax.slice_in_dim(x, i, i + (out - 1) * stride + 1, stride, axis) for i in range(window)]


def _shares_back(share, arrays, size, rule):
    """What the results along one axis lay back on each place of the input.

    Written as places that collect from results, not as results spread over zeros: sums of padded arrays are not fused
    (3.8 ms became 55 for 32 x 28x28 x 64, 3 / 1). The barrier keeps the padding out of the slices (12.7, without 33.6,
    for 8 x 112x112 x 64, 3 / 2).

    Args:
        share: (place in the window, slices of `arrays`) -> what goes back.
        arrays: list of (array over the results, value for results that do not exist).
        size: of the input along the axis.
        rule: axis, window, stride and pads.
    """
    axis, window, stride, pads = rule
    plans = []  # for places start, start + stride, ...: how many, and of each share (place in the window, first result)
    for start in range(stride):
        lead, first = divmod(start + pads[0], stride)
        shares = [(number, lead - turn) for turn, number in enumerate(range(first, window, stride))]
        plans.append((len(range(start, size, stride)), shares))
    before = max(0, *(-low for _, shares in plans for _, low in shares))
    arrays = _reaching(arrays, axis, before, max(low + count for count, shares in plans for _, low in shares))
    phases = []
    for count, shares in plans:
        total = jnp.zeros((*arrays[0].shape[:axis], count, *arrays[0].shape[axis + 1 :]), arrays[0].dtype)
        for number, low in shares:
            first = before + low
            total += share(number, *(lax.slice_in_dim(a, first, first + count, axis=axis) for a in arrays))
        phases.append(total)
    return weave(phases, axis, size) if stride > 1 else phases[0]


def _reaching(arrays, axis, before, end):
    """The arrays with `before` values more in front and up to place `end` behind."""
    after = max(0, end - arrays[0][0].shape[axis])
    if not before and not after:
        return [a for a, _ in arrays]
    added = [(before, after, 0) if a == axis else (0, 0, 0) for a in range(arrays[0][0].ndim)]
    return lax.optimization_barrier([lax.pad(a, jnp.asarray(fill, a.dtype), added) for a, fill in arrays])


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _sum_along(x, rule):
    return sum(_split(x, 0, *rule))


def _sum_backward(rule, size, g):
    return (_shares_back(lambda number, g: g, [(g, 0)], size, rule),)


_sum_along.defvjp(lambda x, rule: (_sum_along(x, rule), x.shape[rule[0]]), _sum_backward)


def _lowest(dtype):
    return -np.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _max_along(x, rule):
    return _max_and_place(x, rule)[0]


def _max_and_place(x, rule):
    """The maximum and where in the window it stood: the first of equals, and NaN above all."""
    return _first_largest(_split(x, _lowest(x.dtype), *rule))


def _first_largest(parts):
    first, *rest = parts
    place = jnp.zeros(first.shape, jnp.uint8 if len(parts) < 255 else jnp.int32)
    for number, part in enumerate(rest, 1):
        better = (part > first) | (part != part)
        first, place = jnp.where(better, part, first), jnp.where(better, jnp.asarray(number, place.dtype), place)
    return first, place


def _max_forward(x, rule):
    y, place = _max_and_place(x, rule)
    return y, (place, x.shape[rule[0]])


def _max_backward(rule, saved, g):
    place, size = saved
    nothing = jnp.zeros((), g.dtype)
    nowhere = jnp.iinfo(place.dtype).max
    share = lambda number, g, place: jnp.where(place == number, g, nothing)  # noqa: E731
    return (_shares_back(share, [(g, 0), (place, nowhere)], size, rule),)


_max_along.defvjp(_max_forward, _max_backward)


# --- Maxima of tiles: windows side by side that cover all of a large array ---


def _suits_tiles(x, spot):
    """Windows of 4 to 8 places, 8 channels or more, and a quarter of a million numbers or more.

    Forward and backward in loops, of the time of one axis after another: 0.45 to 0.70, with one to three axes and 8 to
    64 channels. Others take longer: 3 and 6 channels 2.3 and 3.7, 16 places 1.4, two 1.02, few numbers up to 1.7.
    """
    covered = spot.window == spot.strides and spot.sizes == tuple(map(mul, spot.out, spot.window))
    if not covered or is_padded(spot) or not 4 <= math.prod(spot.window) <= 8 or x.dtype != jnp.float32:
        return False
    large = at_least(x.shape[0], 1) and x.size >= 1 << 18 and x.shape[-1] >= 8
    return large and not accelerated() and not is_split()


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _max_of_tiles(x, window):
    """The same maxima and gradients, by fewer loops.

    One axis after another, the gradient is a row of concatenations, which have a branch at each number, and each of
    them finds the places anew, and whatever the gradient came of. Here maxima, places and gradient are written once,
    and the input's gradient is one comparison at each number. A step of benchmarks/cnn.py took 0.95 of its 14.0 ms
    (medians of two processes each, 0.93 between the fastest; single processes differ by more than that).
    """
    return _max_and_place_of_tiles(x, window)[0]


def _max_and_place_of_tiles(x, window):
    parts = [x]
    for axis, size in enumerate(window, 1):
        parts = [piece for part in parts for piece in _split(part, 0, axis, size, size, (0, 0))]
    y, place = _first_largest(parts)
    return written(y), place


def _tiles_forward(x, window):
    y, place = _max_and_place_of_tiles(x, window)
    return y, written(place)


def _tiles_backward(window, place, g):
    places = range(1, 1 + len(window))  # the axes of the results; those of the window come to stand between them
    shape, numbers = list(g.shape), np.arange(math.prod(window), dtype=place.dtype).reshape(window)
    for axis in reversed(places):
        shape.insert(axis + 1, window[axis - 1])
    outer = (0, *[2 * axis - 1 for axis in places], len(shape) - 1)
    place, g = (lax.broadcast_in_dim(a, shape, outer) for a in (place, written(g)))
    here = place == lax.broadcast_in_dim(numbers, shape, [2 * axis for axis in places])
    back = jnp.where(here, g, jnp.zeros((), g.dtype))
    return (back.reshape(shape[0], *(n * k for n, k in zip(shape[1:-1:2], window)), shape[-1]),)


_max_of_tiles.defvjp(_tiles_forward, _tiles_backward)

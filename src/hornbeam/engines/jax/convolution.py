"""Convolutions on the JAX engine: dense, grouped, depthwise and transposed, over any number of spatial axes.

A convolution is bilinear in its input and its kernel, so it is one of three maps that are each other's gradients:

    convolve (x, w) -> y        spread (y, w) -> x        correlate (x, y) -> w

Each is written with the other two as its gradients. That closes the circle: gradients of any order run through the
fast forms below, and never through those that XLA would derive. Inside loops on CPUs those were 40 to 60 times slower
(16x16x32 to 64 channels, batch 32: 177 ms instead of 2.5 ms for the step). Accelerators get XLA's convolution as it is.

Inside this file all is channels last: x (B, *sizes, C), w (*window, C, F).
"""

import functools
import math

import jax
import jax.numpy as jnp
from jax import lax

from hornbeam.engines.jax import winograd
from hornbeam.engines.jax.depthwise import depthwise
from hornbeam.engines.jax.devices import is_split
from hornbeam.engines.jax.products import at_least, dot, sum_type, transposed
from hornbeam.engines.jax.tensors import accelerated
from hornbeam.engines.jax.windows import (
    Geometry,
    channels_last,
    fold_taps,
    geometry,
    is_padded,
    lay,
    lay_back,
    padded_input,
    restore_layout,
    slice_tap,
    tap_slices,
)
from hornbeam.host_cores import wide_vectors

__all__ = ["conv", "conv_transpose", "depthwise_conv", "patches"]


# --- The primitive words ---


def conv(x, kernel, strides, padding, data_format, dilation, groups=1):
    """Convolution over all axes between batch and channels.

    Args:
        x: (B, *sizes, C), or (B, C, *sizes) for 'channels_first'.
        kernel: (*window, C / groups, F).
        strides, dilation: tuples, one number an axis.
        padding: 'valid', 'same' or 'causal'.
    """
    x, kernel = _same_type(x, kernel)
    x = channels_last(x, data_format)
    spot = geometry(x.shape[1:-1], kernel.shape[:-2], strides, padding, dilation)
    if accelerated():
        y = _xla(x, kernel, spot, groups)
    elif groups == 1:
        y = convolve(x, kernel, spot)
    elif kernel.shape[-2] == 1:
        y = depthwise(x, kernel.reshape(*spot.window, groups, -1), spot)
    else:
        y = _grouped(x, kernel, spot, groups)
    return restore_layout(y, data_format)


def depthwise_conv(x, kernel, strides, padding, data_format, dilation):
    """Each channel with filters of its own: kernel (*window, C, M), M outputs for each of the C channels."""
    x, kernel = _same_type(x, kernel)
    x = channels_last(x, data_format)
    spot = geometry(x.shape[1:-1], kernel.shape[:-2], strides, padding, dilation)
    if accelerated():
        y = _xla(x, kernel.reshape(*spot.window, 1, -1), spot, x.shape[-1])
    else:
        y = depthwise(x, kernel, spot)
    return restore_layout(y, data_format)


def conv_transpose(x, kernel, sizes, strides, padding, data_format, dilation):
    """The gradient of a convolution with respect to its input, as a layer: from (B, *small, C) to (B, *sizes, F).

    Args:
        kernel: (*window, F, C).
        sizes: of the result; a convolution of these sizes must give those of `x`.
    """
    x, kernel = _same_type(x, kernel)
    x = channels_last(x, data_format)
    spot = geometry(sizes, kernel.shape[:-2], strides, padding, dilation)
    if accelerated():
        like = jax.ShapeDtypeStruct((x.shape[0], *sizes, kernel.shape[-2]), x.dtype)
        y = jax.linear_transpose(lambda u: _xla(u, kernel, spot, 1), like)(x)[0]
    else:
        y = spread(x, kernel, spot)
    return restore_layout(y, data_format)


def patches(x, window, strides, padding, data_format, dilation):
    """What the window sees at each place.

    Returns:
        (B, *out, taps * C), taps row by row; for 'channels_first' (B, *out, C * taps).
    """
    x = channels_last(x, data_format)
    spot = geometry(x.shape[1:-1], window, strides, padding, dilation)
    seen = list(tap_slices(x, spot))
    if data_format != "channels_first":
        return jnp.concatenate(seen, -1)
    return jnp.stack(seen, -1).reshape(x.shape[0], *spot.out, x.shape[-1] * len(seen))


def _same_type(x, kernel):
    x, kernel = jnp.asarray(x), jnp.asarray(kernel)
    wanted = jnp.promote_types(x.dtype, kernel.dtype)
    return x.astype(wanted), kernel.astype(wanted)


# --- Three bilinear maps, each with the other two as gradients ---


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve(x, w, spot):
    """(B, *sizes, C), (*window, C, F) -> (B, *out, F)."""
    return _FORWARD[_how_to_convolve(x, w, spot)](x, w, spot)


convolve.defvjp(
    lambda x, w, spot: (convolve(x, w, spot), (x, w)),
    lambda spot, saved, g: (spread(g, saved[1], spot), correlate(saved[0], g, spot)),
)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def spread(y, w, spot):
    """(B, *out, F), (*window, C, F) -> (B, *sizes, C): each output's share laid back where it came from."""
    return _BACKWARD[_how_to_spread(y, w, spot)](y, w, spot)


spread.defvjp(
    lambda y, w, spot: (spread(y, w, spot), (y, w)),
    lambda spot, saved, u: (convolve(u, saved[1], spot), correlate(u, saved[0], spot)),
)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def correlate(x, y, spot):
    """(B, *sizes, C), (B, *out, F) -> (*window, C, F): how each tap's input goes along with each output."""
    return _KERNEL[_how_to_correlate(x, y, spot)](x, y, spot)


correlate.defvjp(
    lambda x, y, spot: (correlate(x, y, spot), (x, y)),
    lambda spot, saved, v: (spread(saved[1], v, spot), convolve(saved[0], v, spot)),
)


# --- Which form for which shape ---
# Measured inside a while loop, as in training, on two cores (ms, minima of interleaved runs; docs/decisions/0016):
#                                    convolve            spread               correlate
#   B, sizes, C, F, window      xla   columns       turned  columns       crossed  columns  lines
#   32, 28x28, 1, 32, 3x3       0.98  0.24          1.12    0.41          0.42     0.48     0.40
#   32, 32x32, 3, 32, 3x3       1.59  0.80          2.48    0.77          1.05     1.82     1.45
#   32, 32x32, 16, 16, 3x3      1.58  3.65          1.58    2.42          2.56     5.12     6.11
#   8, 56x56, 64, 64, 3x3       13.2  20.6          12.3    17.1          17.2     27.5     30.9
#   8, 28x28, 128, 128, 3x3     11.4  14.8          11.4    14.1          13.0     16.9     21.8
#   8, 7x7, 512, 512, 3x3       12.0  12.2          15.6    11.7          12.4     13.3     14.7
#   2, 28x28, 64, 64, 3x3                                                 2.01     1.13     1.30
#   32, 16x16, 16, 64, 3x3                          1.48    1.27
#   8, 224x224, 3, 64, 7x7 /2   20.5  30.3          -       (folded)      19.9     40.9     26.6
#   32, 500, 128, 128, 5        16.0  22.1          16.1    18.1          19.3     24.1     25.6
#   8, 16x16x16, 4, 16, 3x3x3   20.8  4.5           25.1    2.0           -        5.5      2.7
# Large ones of 3 x 3 taps go by "winograd", in 0.6 to 0.8 of the least of these times (docs/decisions/0017), volumes by
# "planes" in 0.2 to 0.9, kernels of half as many filters as channels by "mirrored" in 0.4 to 0.7 (docs/decisions/0019).


def _how_to_convolve(x, w, spot):
    if _one_tap(spot):
        return "product"
    if _is_volume(spot):
        return "planes"
    if _suits_winograd(x, spot, *w.shape[-2:]):
        return "winograd"
    few = x.shape[-1] < 8 and math.prod(w.shape[:-1]) <= 100  # numbers under the window
    return "xla" if _suits_xla(x, spot) and not few else "columns"


def _how_to_spread(y, w, spot):
    if _one_tap(spot):
        return "product"
    if _is_volume(spot):
        return "columns" if w.shape[-2] < 8 and max(spot.strides) == 1 else "planes"
    if max(spot.strides) > 1:
        return "turned" if _suits_xla(y, spot) and w.shape[-2] >= 32 else "folded"
    if _suits_winograd(y, spot, *w.shape[-2:]):
        return "winograd"
    narrow = w.shape[-2] < 16 or 2 * w.shape[-2] < w.shape[-1]
    small = math.prod(spot.out) <= 64
    return "turned" if _suits_xla(y, spot) and not (small or narrow) else "columns"


def _how_to_correlate(x, y, spot):
    if _one_tap(spot):
        return "product"
    if _is_volume(spot):
        return "planes"
    enough = min(x.shape[-1], y.shape[-1]) >= 128
    if enough and not wide_vectors() and _suits_winograd(x, spot, x.shape[-1], y.shape[-1]):
        return "winograd"
    if _suits_xla(x, spot) and at_least(x.shape[0], 8):
        return "mirrored" if 2 * y.shape[-1] <= x.shape[-1] and max(spot.strides) == 1 else "crossed"
    return "lines" if x.shape[-1] < 16 else "columns"


def _one_tap(spot):
    return math.prod(spot.window) == 1 and not is_padded(spot)


def _is_volume(spot):
    return len(spot.window) == 3


def _suits_xla(x, spot):
    return len(spot.window) <= 2 and x.dtype == jnp.float32


def _suits_winograd(x, spot, channels, filters):
    """Where each of its sixteen products is large enough for both cores, from 20 million operations on, while its
    arrays take no more than 256 MiB. Not for rows on several devices, each of which has a core or so. Vectors of 512
    bits make products quicker, but not the sums before and after the sixteen, so that more channels are needed."""
    rows, enough = x.shape[0], min(channels, filters) >= (128 if wide_vectors() else 64)
    if not (_is_plain_square(spot) and _suits_xla(x, spot) and enough and at_least(rows, 1)) or is_split():
        return False
    work = rows * math.prod(spot.out) * channels * filters
    return work >= 40_000_000 and winograd.size(rows, spot, channels, filters) <= 1 << 26


def _is_plain_square(spot):
    return spot.window == (3, 3) and spot.strides == spot.dilation == (1, 1)


# --- Forms of convolve ---


def _xla(x, w, spot, groups=1):
    """XLA's own: fast forward, loops or not."""
    letters = "DHW"[-len(spot.window) :]
    layout = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    return lax.conv_general_dilated(
        x, w, spot.strides, spot.pads, rhs_dilation=spot.dilation, dimension_numbers=layout, feature_group_count=groups
    )


def _product(x, w, spot):
    """A window of one tap is a matrix product at every place."""
    x = next(tap_slices(x, spot))
    return dot(x.reshape(-1, x.shape[-1]), w.reshape(w.shape[-2:])).reshape(*x.shape[:-1], w.shape[-1])


def _columns(x, w, spot):
    """All taps side by side (im2col), then one matrix product."""
    seen = jnp.concatenate(list(tap_slices(x, spot)), -1)
    return dot(seen.reshape(-1, seen.shape[-1]), w.reshape(-1, w.shape[-1])).reshape(*seen.shape[:-1], w.shape[-1])


# --- Forms of spread ---


def _product_back(y, w, spot):
    back = dot(y.reshape(-1, y.shape[-1]), w.reshape(w.shape[-2:]).T).reshape(*y.shape[:-1], w.shape[-2])
    return lay(back, spot, (0,) * len(spot.window))


def _columns_back(y, w, spot):
    """One matrix product, then every tap's slice added where it belongs (col2im)."""
    parts = dot(y.reshape(-1, y.shape[-1]), w.reshape(-1, w.shape[-1]).T)
    parts = parts.reshape(*y.shape[:-1], *spot.window, w.shape[-2])
    front = (slice(None),) * (y.ndim - 1)
    return sum(lay(parts[(*front, *tap)], spot, tap) for tap in spot.taps)


def _folded_back(y, w, spot):
    """One matrix product, then each axis of taps folded into its axis of places, the last one first.

    For strides above 1, where the sum over all taps of an image with holes is slow: a volume's transposed convolution
    (3 taps, stride 2) took 20 times as long, and compiling one of 4 x 4 x 4 taps minutes.
    """
    rank = len(spot.window)
    parts = dot(y.reshape(-1, y.shape[-1]), w.reshape(-1, w.shape[-1]).T)
    parts = parts.reshape(*y.shape[:-1], *spot.window, w.shape[-2])
    for axis in reversed(range(rank)):
        parts = fold_taps(parts, spot, axis, 1 + rank + axis)
    return parts


def _turned_back(y, w, spot):
    """A convolution with the taps turned round; for strides above 1, one for every remainder of place by stride."""
    return lay_back(y, w.swapaxes(-1, -2), spot, _xla)


def _winograd_back(y, w, spot):
    """The same with fewer products, which read the kernel as it lies."""
    return lay_back(y, w, spot, functools.partial(winograd.convolve, turned=True))


# --- Forms of correlate ---


def _product_kernel(x, y, spot):
    """The product takes the rows as they lie.

    With a turn of `x` before it, the compiler computes inside the turn whatever elementwise work `x` came of, along
    columns: in ResNet50 the batch normalisations and sums of whole chains of blocks, a quarter of a training step. With
    a barrier before the turn, it is faster by itself (7.5 ms for 10.7), but a step of ResNet50 is 5 % slower.
    """
    x, y = (a.reshape(-1, a.shape[-1]) for a in (next(tap_slices(x, spot)), y))
    found = lax.dot_general(x, y, (((0,), (0,)), ((), ())), preferred_element_type=sum_type(x)).astype(x.dtype)
    return found.reshape(*spot.window, *found.shape)


def _crossed_kernel(x, y, spot):
    """XLA's convolution with rows and channels exchanged: each channel of `x` is an image, the rows are its channels,
    and the outputs are filters as large as the image, which have as many places to stand as the window has taps.

    XLA derives the same by the names of the axes alone; turned in memory first, it is fast inside loops, too.
    """
    x = lax.optimization_barrier(jnp.swapaxes(x, 0, -1))
    y = lax.optimization_barrier(jnp.moveaxis(y, 0, -2))
    pads = []
    for n, k, s, (before, _), d, o in zip(spot.sizes, spot.window, spot.strides, spot.pads, spot.dilation, spot.out):
        pads.append((before, (k - 1) * d + (o - 1) * s + 1 - n - before))
    crossed = Geometry(spot.sizes, spot.out, spot.dilation, tuple(pads), spot.strides)
    found = _xla(x, y, crossed)  # (C, *window, F)
    return jnp.moveaxis(lax.optimization_barrier(found), 0, -2)


def _mirrored_kernel(x, y, spot):
    """The same from the outputs' side, for strides of 1: each of their channels is an image, and inputs are filters.

    What stands under the taps is gathered of images alone, so these should be the fewer. Taps come out turned round.
    """
    axes = tuple(range(1, 1 + len(spot.window)))
    reach = [(k - 1) * d for k, d in zip(spot.window, spot.dilation)]
    pads = tuple((r - before, r - after) for r, (before, after) in zip(reach, spot.pads))
    none = ((0, 0),) * len(pads)
    x = lax.optimization_barrier(jnp.moveaxis(x, 0, -2))
    # If filters are larger than images, the compiler exchanges them, and then takes 50 times as long: so zeros are laid
    # around these before.
    y = lax.optimization_barrier(padded_input(jnp.swapaxes(y, 0, -1), spot._replace(pads=pads)))
    found = _xla(y, x, Geometry(y.shape[1:-1], spot.sizes, spot.dilation, none, spot.strides))  # (F, *window, C)
    return jnp.moveaxis(jnp.flip(lax.optimization_barrier(found), axes), 0, -1)


def _lines_kernel(x, y, spot):
    """Channels first, so that each tap of each channel is one contiguous line of the left matrix."""
    lines = lax.optimization_barrier(jnp.moveaxis(padded_input(x, spot), -1, 0))
    seen = jnp.stack([slice_tap(lines, spot, tap, 2) for tap in spot.taps])
    seen = lax.optimization_barrier(seen.reshape(math.prod(spot.window) * x.shape[-1], math.prod(y.shape[:-1])))
    return dot(seen, y.reshape(-1, y.shape[-1])).reshape(*spot.window, x.shape[-1], y.shape[-1])


def _columns_kernel(x, y, spot):
    """All taps side by side, transposed as a whole."""
    seen = jnp.concatenate(list(tap_slices(x, spot)), -1)
    found = dot(transposed(seen.reshape(-1, seen.shape[-1])), y.reshape(-1, y.shape[-1]))
    return found.reshape(*spot.window, x.shape[-1], y.shape[-1])


# --- Volumes as images: the same for planes, whose channels are those of all planes under the taps ---


def _planes(x, spot):
    """(B * planes of the output, H, W, depth of the window * C)."""
    depth = Geometry(*(rule[:1] for rule in spot))
    lines = x.reshape(*x.shape[:2], math.prod(x.shape[2:]))
    seen = [s.reshape(*s.shape[:2], *x.shape[2:]) for s in tap_slices(lines, depth)]
    return _plane_by_plane(jnp.concatenate(seen, -1))


def _plane_by_plane(x):
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])


def _within_planes(spot):
    return Geometry(*(rule[1:] for rule in spot))


def _kernel_of_planes(w):
    depth, *window, channels, filters = w.shape
    return jnp.moveaxis(w, 0, -3).reshape(*window, depth * channels, filters)


def _planes_forward(x, w, spot):
    y = convolve(_planes(x, spot), _kernel_of_planes(w), _within_planes(spot))
    return y.reshape(x.shape[0], *spot.out, w.shape[-1])


def _planes_back(y, w, spot):
    back = spread(_plane_by_plane(y), _kernel_of_planes(w), _within_planes(spot))
    back = back.reshape(*y.shape[:2], *spot.sizes[1:], spot.window[0], w.shape[-2])
    return fold_taps(back, spot, 0, back.ndim - 2)


def _planes_kernel(x, y, spot):
    found = correlate(_planes(x, spot), _plane_by_plane(y), _within_planes(spot))
    return jnp.moveaxis(found.reshape(*spot.window[1:], spot.window[0], x.shape[-1], y.shape[-1]), -3, 0)


_FORWARD = {
    "product": _product, "columns": _columns, "xla": _xla, "winograd": winograd.convolve, "planes": _planes_forward,
}  # fmt: skip
_BACKWARD = {
    "product": _product_back, "columns": _columns_back, "folded": _folded_back, "turned": _turned_back,
    "winograd": _winograd_back, "planes": _planes_back,
}  # fmt: skip
_KERNEL = {
    "product": _product_kernel, "crossed": _crossed_kernel, "lines": _lines_kernel, "columns": _columns_kernel,
    "winograd": winograd.correlate, "planes": _planes_kernel, "mirrored": _mirrored_kernel,
}  # fmt: skip


# --- Grouped: as many matrix products as groups, side by side ---


def _grouped(x, w, spot, groups):
    inside, filters = w.shape[-2], w.shape[-1] // groups
    taps = math.prod(spot.window)
    seen = jnp.stack(list(tap_slices(x, spot)), -2)  # (B, *out, taps, C)
    seen = seen.reshape(-1, taps, groups, inside)
    seen = seen.transpose(2, 0, 1, 3).reshape(groups, -1, taps * inside)
    w = w.reshape(taps, inside, groups, filters).transpose(2, 0, 1, 3).reshape(groups, taps * inside, filters)
    y = lax.dot_general(seen, w, (((2,), (1,)), ((0,), (0,))), preferred_element_type=sum_type(x)).astype(x.dtype)
    return y.transpose(1, 0, 2).reshape(x.shape[0], *spot.out, groups * filters)

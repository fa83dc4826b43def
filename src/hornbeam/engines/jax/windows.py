"""Where a moving window falls on its input, and the pieces under it: what convolutions and pooling share.

Inside the engine all is channels last: (B, *sizes, C).
"""

import itertools
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax


class Geometry(NamedTuple):
    """Where a kernel's taps fall on the input: plain numbers, one an axis."""

    sizes: tuple  # of the input
    window: tuple
    strides: tuple
    pads: tuple  # (before, after)
    dilation: tuple

    @property
    def out(self):
        """Sizes of the output."""
        rules = zip(self.sizes, self.window, self.strides, self.pads, self.dilation)
        return tuple((n + sum(p) - (k - 1) * d - 1) // s + 1 for n, k, s, p, d in rules)

    @property
    def taps(self):
        """All positions inside the window, row by row."""
        return itertools.product(*map(range, self.window))


def geometry(sizes, window, strides, padding, dilation):
    """The :class:`Geometry` that `padding` ('valid', 'same' or 'causal') means for an input of `sizes`."""
    pads = []
    for n, k, s, d in zip(sizes, window, strides, dilation):
        reach = (k - 1) * d
        if padding == "same":  # as many outputs as strides fit in; the odd one of the added zeros goes after
            missing = max((-(-n // s) - 1) * s + reach + 1 - n, 0)
            pads.append((missing // 2, missing - missing // 2))
        else:
            pads.append((reach if padding == "causal" else 0, 0))
    return Geometry(tuple(sizes), tuple(window), tuple(strides), tuple(pads), tuple(dilation))


def channels_last(x, data_format):
    """`x` with channels last, from either layout."""
    return jnp.moveaxis(x, 1, -1) if data_format == "channels_first" else x


def restore_layout(y, data_format):
    """The inverse of :func:`channels_last`."""
    return jnp.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def is_padded(spot):
    """True if zeros stand around the input."""
    return any(map(any, spot.pads))


def padded_input(x, spot):
    """`x` with its zeros around it; a negative number of zeros cuts off."""
    if not is_padded(spot):
        return x
    return lax.pad(x, jnp.zeros((), x.dtype), [(before, after, 0) for before, after in ((0, 0), *spot.pads, (0, 0))])


def padded_sizes(spot):
    """Sizes of :func:`padded_input`."""
    return tuple(n + sum(p) for n, p in zip(spot.sizes, spot.pads))


def slice_tap(x, spot, tap, axis):
    """What lies under one tap, for every output; spatial axes of `x` begin at `axis`."""
    first = [t * d for t, d in zip(tap, spot.dilation)]
    last = [f + (n - 1) * s + 1 for f, n, s in zip(first, spot.out, spot.strides)]
    after = x.ndim - axis - len(first)
    starts = (*(0,) * axis, *first, *(0,) * after)
    ends = (*x.shape[:axis], *last, *x.shape[x.ndim - after :])
    return lax.slice(x, starts, ends, (*(1,) * axis, *spot.strides, *(1,) * after))


def tap_slices(x, spot):
    """What lies under each tap, in the order of `spot.taps`."""
    x = padded_input(x, spot)
    return (slice_tap(x, spot, tap, 1) for tap in spot.taps)


def lay(part, spot, tap):
    """The inverse of :func:`slice_tap`: zeros of the input's sizes, with `part` where the tap took it from."""
    rules = []
    for axis, t in enumerate(tap):
        before = t * spot.dilation[axis] - spot.pads[axis][0]
        covered = (spot.out[axis] - 1) * spot.strides[axis] + 1
        rules.append((before, spot.sizes[axis] - before - covered, spot.strides[axis] - 1))
    return lax.pad(part, jnp.zeros((), part.dtype), ((0, 0, 0), *rules, (0, 0, 0)))


def fold_taps(parts, spot, axis, taps_axis):
    """What each tap of one axis lays back on the input, summed: that axis of places grows to the input's size.

    Args:
        parts: (B, *places, *taps, C); of the window's axes those after `axis` are folded already.
        axis: number of the spatial axis.
        taps_axis: where its taps stand in `parts`.
    """
    size, stride, spacing = spot.sizes[axis], spot.strides[axis], spot.dilation[axis]
    slices = [lax.index_in_dim(parts, t, taps_axis, keepdims=False) for t in range(spot.window[axis])]
    place, found = 1 + axis, []
    for start in range(stride):  # positions start, start + stride ... of the input are their own array, without holes
        shape = list(slices[0].shape)
        shape[place] = count = len(range(start, size, stride))
        total = jnp.zeros(shape, parts.dtype)
        for tap, piece in enumerate(slices):
            first, apart = divmod(tap * spacing - spot.pads[axis][0] - start, stride)
            if apart == 0:
                rules = [(0, 0, 0)] * piece.ndim
                rules[place] = (first, count - first - spot.out[axis], 0)
                total = total + lax.pad(piece, jnp.zeros((), piece.dtype), rules)
        found.append(total)
    return weave(found, place, size) if stride > 1 else found[0]


# --- Gradients of the input as convolutions: one for every remainder of position by stride, interleaved ---


def lay_back(y, w, spot, convolve):
    """What `w`, moved by strides, lays back on the input.

    Args:
        convolve: bilinear function (y, w, spot) for strides of 1; the last axis of `w` is that of its result.
    """
    axes, found = tuple(range(len(spot.window))), {}
    for start in itertools.product(*map(range, spot.strides)):
        rules = [_phase(spot, axis, a) for axis, a in enumerate(start)]
        chosen = jnp.flip(w[tuple(slice(r.first, None, s) for r, s in zip(rules, spot.strides))], axes)
        if chosen.size == 0:  # no tap ever falls here
            found[start] = jnp.zeros((y.shape[0], *[r.count for r in rules], w.shape[-1]), y.dtype)
        else:
            one = (1,) * len(rules)
            near = Geometry(spot.out, chosen.shape[: len(axes)], one, tuple(r.pads for r in rules), spot.dilation)
            found[start] = convolve(y, chosen, near)
    return _interleave(found, spot)


class _Phase(NamedTuple):
    first: int  # tap of the window that this phase begins with
    count: int  # results
    pads: tuple


def _phase(spot, axis, start):
    """x[start + s m] = sum over t of y[m + lead - t] w[first + s t]; the pads say so for taps turned round."""
    size, window, stride, spacing = spot.sizes[axis], spot.window[axis], spot.strides[axis], spot.dilation[axis]
    lead, first = divmod(start + spot.pads[axis][0], stride)
    count = len(range(start, size, stride))
    reach = (len(range(first, window, stride)) - 1) * spacing
    return _Phase(first, count, (reach - lead, count - 1 + lead - (spot.out[axis] - 1)))


def _interleave(phases, spot):
    """One array from those of all phases; the last axis is woven first."""
    for axis in reversed(range(len(spot.sizes))):
        stride, size, woven = spot.strides[axis], spot.sizes[axis], {}
        for start in {key[:axis]: None for key in phases}:
            parts = [phases[(*start, a)] for a in range(stride)]
            woven[start] = weave(parts, axis + 1, size) if stride > 1 else parts[0]
        phases = woven
    return phases[()]


def weave(parts, axis, size):
    """Arrays in turn along `axis`: first elements of all, then second ones ..., `size` in all."""
    longest = parts[0].shape[axis]
    parts = [_pad_axis(p, axis, longest - p.shape[axis]) for p in parts]
    shape = parts[0].shape
    both = jnp.stack(parts, axis + 1).reshape(*shape[:axis], longest * len(parts), *shape[axis + 1 :])
    return lax.slice_in_dim(both, 0, size, axis=axis)


def _pad_axis(x, axis, missing):
    return x if not missing else jnp.pad(x, [(0, missing if a == axis else 0) for a in range(x.ndim)])

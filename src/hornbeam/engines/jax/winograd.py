"""Convolutions of 3 x 3 taps with fewer products: Winograd's minimal filtering, F(2 x 2, 3 x 3).

Two outputs of three taps along a line need four products, not six; two by two outputs sixteen, not thirty-six. With

    b(d) = (d0 - d2, d1 + d2, d2 - d1, d1 - d3)        g(w) = (w0, (w0 + w1 + w2) / 2, (w0 - w1 + w2) / 2, w2)
    a(m) = (m0 + m1 + m2, m1 - m2 - m3)

the outputs over a tile of four numbers are a(b(d) * g(w)), and over a plane the same along both axes. Over channels the
sixteen products are matrix products (tiles, C) by (C, F), and the sums before and after them cost memory only. The
kernel's gradient is the same with the roles of `a` and `g` exchanged and turned.

Source: A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015. Larger tiles need fewer products
still and lose digits: the error of a sum of 2304 products is 2.2e-7 of a result's size plainly, 4.1e-7 here, and 1.2e-6
to 2.6e-6 with tiles of 4 x 4 (docs/decisions/0017).

All is channels last: x (B, H, W, C), w (3, 3, C, F), y (B, *out, F); strides and dilation are 1.
"""

import math

import jax.numpy as jnp
from jax import lax

from hornbeam.engines.jax.barriers import bar, zero_of_written
from hornbeam.engines.jax.windows import geometry, slice_tap


def convolve(x, w, spot, turned=False):
    """(B, H, W, C), (3, 3, C, F) -> (B, *out, F); with `turned`, (B, H, W, F), (3, 3, C, F) -> (B, *out, C)."""
    tiles = [v.reshape(-1, x.shape[-1]) for v in _input_tiles(x, spot)]
    kernels = bar(_along_both(_kernels, lambda i, j: w[i, j], 3))
    sides = (((1,), (1 if turned else 0,)), ((), ()))
    # sixteen products: as one of sixteen parts they take up to 1.3 times as long
    products = [lax.dot_general(v, u, sides) for v, u in zip(tiles, kernels, strict=True)]
    found = _along_both(_outputs, lambda i, j: products[4 * i + j], 4)
    tall, wide = _tiles(spot)
    parts = [part.reshape(x.shape[0], tall, wide, -1) for part in found]
    rows = bar((jnp.stack(parts[:2], 3), jnp.stack(parts[2:], 3)))
    y = jnp.stack(rows, 2).reshape(x.shape[0], 2 * tall, 2 * wide, -1)
    return lax.slice(y, (0, 0, 0, 0), (x.shape[0], *spot.out, y.shape[-1]))


def correlate(x, y, spot):
    """(B, H, W, C), (B, *out, F) -> (3, 3, C, F): the kernel's gradient.

    Rows and channels of `x` are exchanged in memory, so that both sides of the products lie as they are read.
    """
    inputs = _input_tiles(bar(jnp.swapaxes(x, 0, -1)), spot)  # (C, tall, wide, B)
    gradients = _gradient_tiles(bar(jnp.moveaxis(y, 0, -2)), spot)  # (tall, wide, B, F)
    sides = (((1, 2, 3), (0, 1, 2)), ((), ()))
    products = [lax.dot_general(v, g, sides) for v, g in zip(inputs, gradients, strict=True)]
    found = _along_both(_taps, lambda i, j: products[4 * i + j], 4)
    return jnp.stack(found).reshape(3, 3, x.shape[-1], y.shape[-1])


def size(rows, spot, channels, filters):
    """Numbers in the arrays between input and output, all of which are in memory at once."""
    return 16 * rows * math.prod(_tiles(spot)) * (channels + filters)


def _input_tiles(x, spot):
    """(N, H, W, M) -> sixteen of (N, tall, wide, M): b of every tile of 4 x 4 that begins at an even place."""
    rules = [(0, 0, 0)] * 4
    for axis, count in enumerate(_tiles(spot)):
        before = spot.pads[axis][0]
        rules[1 + axis] = (before, 2 * count + 2 - before - spot.sizes[axis], 0)
    x = lax.pad(x, zero_of_written(x), rules)  # else all readers of `x` compute it anew, whatever it is
    tiles = geometry(x.shape[1:3], (4, 4), (2, 2), "valid", (1, 1))
    return bar(_along_both(_inputs, lambda i, j: slice_tap(x, tiles, (i, j), 1), 4))


def _gradient_tiles(y, spot):
    """(*out, B, F) -> sixteen of (tall, wide, B, F): `a` turned, of every tile of 2 x 2."""
    tall, wide = _tiles(spot)
    rules = [(0, 2 * tall - spot.out[0], 0), (0, 2 * wide - spot.out[1], 0), (0, 0, 0), (0, 0, 0)]
    y = lax.pad(y, zero_of_written(y), rules)
    tiles = geometry(y.shape[:2], (2, 2), (2, 2), "valid", (1, 1))
    return bar(_along_both(_gradients, lambda i, j: slice_tap(y, tiles, (i, j), 0), 2))


def _along_both(change, part, count):
    """`change` of `count` arrays along both axes of a plane of arrays `part(i, j)`; the results row by row, a tuple."""
    columns = [change(*(part(i, j) for i in range(count))) for j in range(count)]
    return tuple(found for row in zip(*columns, strict=True) for found in change(*row))


def _inputs(d0, d1, d2, d3):
    return d0 - d2, d1 + d2, d2 - d1, d1 - d3


def _kernels(w0, w1, w2):
    outer, inner = (w0 + w2) / 2, w1 / 2
    return w0, outer + inner, outer - inner, w2


def _outputs(m0, m1, m2, m3):
    return m0 + m1 + m2, m1 - m2 - m3


def _gradients(y0, y1):
    return y0, y0 + y1, y0 - y1, -y1


def _taps(m0, m1, m2, m3):
    half = (m1 + m2) / 2
    return m0 + half, (m1 - m2) / 2, half + m3


def _tiles(spot):
    return tuple(-(-n // 2) for n in spot.out)

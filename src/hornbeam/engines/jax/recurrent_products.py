"""Products of recurrent layers, with one block of weight columns a gate. Shapes are those of `recurrent`."""

import jax
import jax.numpy as jnp

from hornbeam.engines.jax.barriers import bar
from hornbeam.engines.jax.products import at_least, transposed
from hornbeam.engines.jax.tensors import accelerated


def cut(x, gates) -> tuple:
    return tuple(jnp.split(x, gates, -1)) if gates > 1 else (x,)


def project(xs, kernel, bias, gates):
    """Inputs times kernel, time first: a (T, B, H) array a gate."""
    turned = [jnp.swapaxes(x, 0, 1) for x in xs]
    if len(xs) == 1:
        wide = turned[0] @ kernel
        return cut(wide if bias is None else wide + bias, gates)
    parts = [x @ k for x, k in zip(turned, cut(kernel, gates), strict=True)]
    return tuple(parts if bias is None else [p + b for p, b in zip(parts, cut(bias, gates), strict=True)])


def project_back(xs, kernel, d):
    """Gradients of x, kernel and bias from `d` (T, B, G H), that of the projected inputs."""

    def back(x, k, d):
        return jnp.swapaxes(d @ k.T, 0, 1), _over_time_and_rows(jnp.swapaxes(x, 0, 1), d)

    gates = len(xs)
    found = [back(x, k, part) for x, k, part in zip(xs, cut(kernel, gates), cut(d, gates), strict=True)]
    dkernel = found[0][1] if gates == 1 else jnp.concatenate([dk for _, dk in found], -1)
    return tuple(dx for dx, _ in found), dkernel, d.sum((0, 1))


def _over_time_and_rows(x, d):
    """Sum of the products of (T, B, D) and (T, B, H): (D, H). Time and rows are not made one axis, because rows that
    lie on several devices would then have to be fetched; on one, the machine code is the same."""
    return jnp.tensordot(bar(jnp.moveaxis(x, -1, 0)), d, 2)


def _on_all_cores(h, kernel):
    """h @ kernel; from 4 to 17 MFLOP with the state turned, since the plain form uses one core up to there.

    Measured on two cores (100 rows, 128 by 512): 99 us for 156. With as many columns as units it takes longer, and so
    do larger and smaller ones.
    """
    (rows, units), columns = h.shape, kernel.shape[1]
    middling = at_least(rows, 1) and 4e6 <= 2 * rows * units * columns <= 17e6
    if not middling or columns < 3 * units or not h.dtype == kernel.dtype == jnp.float32 or accelerated():
        return h @ kernel
    return jax.lax.dot_general(transposed(h), kernel, (((0,), (0,)), ((), ())))


def recur(h, kernel, drop, gates) -> tuple:
    """State times recurrent kernel, one array a gate; `drop` holds no, one, or one mask a gate."""
    if len(drop) <= 1:
        return cut(_on_all_cores(h * drop[0] if drop else h, kernel), gates)
    return tuple((h * m) @ k for m, k in zip(drop, cut(kernel, gates), strict=True))


def recur_back(d, kernel_t, drop, gates):
    """Gradient of the state from `d` (B, G H); `kernel_t` is the kernel transposed."""
    if len(drop) <= 1:
        back = d @ kernel_t
        return back * drop[0] if drop else back
    parts = zip(cut(d, gates), jnp.split(kernel_t, gates, 0), drop, strict=True)
    return sum((part @ k) * m for part, k, m in parts)


def recur_kernel(h, d, drop, gates):
    """Gradient of the recurrent kernel from states before (T, B, H) and `d` (T, B, G H)."""
    if len(drop) <= 1:
        return _over_time_and_rows(h * drop[0] if drop else h, d)
    return jnp.concatenate([_over_time_and_rows(h * m, p) for m, p in zip(drop, cut(d, gates), strict=True)], -1)

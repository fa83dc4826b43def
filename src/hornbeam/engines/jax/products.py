"""Matrix products in the form that is fastest on this engine, for convolutions and dense layers."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hornbeam.engines.jax.tensors import accelerated


def sum_type(x):
    """Sums of half-precision products are kept in single precision: twice as fast here, and exact enough."""
    return jnp.float32 if x.dtype in (jnp.bfloat16, jnp.float16) else None


def dot(a, b):
    """(N, K) times (K, M), of the type of `a`."""
    return lax.dot(a, b, preferred_element_type=sum_type(a)).astype(a.dtype)


def transposed(x):
    """`x` turned in memory; folded into the product, the turn would cost twice as much there (390 to 435 GFLOP/s)."""
    return lax.optimization_barrier(x.T)


def at_least(size, least):
    """`size >= least`; False for one left open, as exported programs have."""
    return isinstance(size, int) and size >= least


def _is_single(x, kernel):
    """Rows and a matrix, in single precision?"""
    return np.ndim(x) >= 2 and np.ndim(kernel) == 2 and x.dtype == kernel.dtype == jnp.float32


def is_row(x, kernel):
    """Should `x` (1, D) times a kernel (D, U) be :func:`row_product`? From a million numbers on.

    Measured with D from 64 to 4096 and U from 1 to 4096: 0.57 to 1.00 of the time there, up to 1.3 times as long below.
    """
    if not _is_single(x, kernel) or np.shape(x) != (1, kernel.shape[0]):
        return False
    return kernel.size >= 1 << 20 and kernel.shape[0] % _SLABS == 0 and not accelerated()


_SLABS = 4


def row_product(x, kernel):
    """(1, D) times a large (D, U), as four products side by side and their sum."""
    slabs = kernel.reshape(_SLABS, -1, kernel.shape[1])
    return lax.dot_general(x.reshape(_SLABS, -1), slabs, (((1,), (1,)), ((0,), (0,)))).sum(0, keepdims=True)


def is_thin(x, kernel):
    """Should `x` (..., D) times `kernel` (D, U) be :func:`thin_product`? Few columns, and many more rows of both.

    Measured with U from 1 to 256, D from 16 to 30 000 and 1 to 8192 rows, a step's other reads and products around it:
    0.15 to 0.98 of the time within these bounds (1.06 once), up to five times as long outside.
    """
    if not _is_single(x, kernel):
        return False
    (size, units), rows = kernel.shape, math.prod(x.shape[:-1])
    return 0 < units <= 32 and size >= 16 * units and at_least(rows, 2 * units) and not accelerated()


@jax.custom_vjp
def thin_product(x, kernel):
    """(N, D) times (D, U) of few columns; its gradient reads `x` row by row, as it lies in memory.

    The compiler's own form reads the columns of `x`: with 512 rows of 10 000 numbers that took 2.9 ms of a step, and
    these two turns of small arrays, which it would undo but for the barriers, 2.0.
    """
    return x @ kernel


def _product_forward(x, kernel):
    return x @ kernel, (x, kernel)


def _thin_product_backward(saved, gradient):
    x, kernel = saved
    return gradient @ kernel.T, lax.optimization_barrier(transposed(gradient) @ x).T


thin_product.defvjp(_product_forward, _thin_product_backward)


def has_few_rows(x, kernel):
    """Should `x` (..., D) times `kernel` (D, U) be :func:`few_rows_product`? As many rows as a batch, a larger kernel.

    Measured in loops, kernels of 4096 to 2 million numbers, 2 to 1024 rows: the gradient of `x` takes 0.33 to 1.0 of
    the time within these bounds (1.09 once), up to 1.6 times as long outside.
    """
    if not _is_single(x, kernel):
        return False
    rows = math.prod(x.shape[:-1])
    return at_least(rows, 8) and rows <= 64 and kernel.size >= 1 << 14 and not accelerated()


@jax.custom_vjp
def few_rows_product(x, kernel):
    """(N, D) times (D, U) of few rows; the gradient of `x` reads `kernel` row by row, as it lies in memory.

    The compiler's own form turns the kernel to pack it, which takes longer than so few rows take to multiply: with 32
    rows and a kernel of 4096 by 512, 1.12 ms, and 0.75 as the kernel times the turned gradient. The product turns
    that itself: turned in memory before, it took as long or up to a seventh longer (twelve shapes).
    """
    return x @ kernel


def _few_rows_product_backward(saved, gradient):
    x, kernel = saved
    turned = lax.dot_general(kernel, gradient, (((1,), (1,)), ((), ())))
    return lax.optimization_barrier(turned).T, x.T @ gradient


few_rows_product.defvjp(_product_forward, _few_rows_product_backward)

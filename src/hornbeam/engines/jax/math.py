"""Arithmetic on the JAX engine: reductions, elementwise functions, comparisons, matrix products."""

import jax
import jax.numpy as jnp
import numpy as np

from hornbeam.engines.jax import products
from hornbeam.engines.jax.tensors import _static

# Elementwise words whose meaning is NumPy's: one line each would say nothing more.
abs = jnp.abs
exp = jnp.exp
expm1 = jnp.expm1
log = jnp.log
log1p = jnp.log1p
sqrt = jnp.sqrt
rsqrt = jax.lax.rsqrt
square = jnp.square
sign = jnp.sign
round = jnp.round
floor = jnp.floor
ceil = jnp.ceil
sin = jnp.sin
cos = jnp.cos
tan = jnp.tan
arcsin = jnp.arcsin
arccos = jnp.arccos
arctan = jnp.arctan
sinh = jnp.sinh
cosh = jnp.cosh
tanh = jnp.tanh
erf = jax.scipy.special.erf
power = jnp.power
maximum = jnp.maximum
minimum = jnp.minimum
clip = jnp.clip
isnan = jnp.isnan
isfinite = jnp.isfinite
logical_and = jnp.logical_and
logical_or = jnp.logical_or
logical_not = jnp.logical_not
equal = jnp.equal
not_equal = jnp.not_equal
greater = jnp.greater
greater_equal = jnp.greater_equal
less = jnp.less
less_equal = jnp.less_equal
any = jnp.any
all = jnp.all
argmax = jnp.argmax
argmin = jnp.argmin
cumsum = jnp.cumsum
cumprod = jnp.cumprod
mean = jnp.mean
var = jnp.var
std = jnp.std
logsumexp = jax.scipy.special.logsumexp
sort = jnp.sort
argsort = jnp.argsort
einsum = jnp.einsum
tensordot = jnp.tensordot
matmul = jnp.matmul


def sum(x, axis=None, keepdims=False):
    return (
        np.sum(x, axis, _type_of_total(x), keepdims=keepdims) if _static(x) else jnp.sum(x, axis, keepdims=keepdims)
    )


def prod(x, axis=None, keepdims=False):
    return (
        np.prod(x, axis, _type_of_total(x), keepdims=keepdims) if _static(x) else jnp.prod(x, axis, keepdims=keepdims)
    )


def _type_of_total(x):
    """Type of a sum, as in a program: at least 32 bits for integers, so that 200 + 200 is 400 in bytes, too."""
    given = np.asarray(x).dtype
    small = given.kind in "iu" and given.itemsize < 4
    return np.dtype(f"{given.kind}4") if small else given


def max(x, axis=None, keepdims=False):
    return np.max(x, axis, keepdims=keepdims) if _static(x) else jnp.max(x, axis, keepdims=keepdims)


def min(x, axis=None, keepdims=False):
    return np.min(x, axis, keepdims=keepdims) if _static(x) else jnp.min(x, axis, keepdims=keepdims)


def dot(x, y):
    """Sum over the last axis of `x` and the last but one of `y` (the only one if `y` is a vector)."""
    if products.is_row(x, y):
        return products.row_product(x, y)
    if products.is_thin(x, y):
        return _of_rows(products.thin_product, x, y)
    if products.has_few_rows(x, y):
        return _of_rows(products.few_rows_product, x, y)
    return jnp.dot(x, y)


def _of_rows(product, x, kernel):
    """`product` (N, D) times (D, U), of an `x` (..., D)."""
    return product(x.reshape(-1, x.shape[-1]), kernel).reshape(*x.shape[:-1], kernel.shape[-1])


def top_k(x, k):
    """(values, indices) of the `k` largest entries of the last axis, largest first."""
    return jax.lax.top_k(x, k)


def in_top_k(predictions, targets, k):
    """(B,) bool: is the target class among the `k` largest predictions of its row? Ties count as inside."""
    wanted = jnp.take_along_axis(predictions, targets.astype("int32")[:, None], axis=-1)
    return jnp.sum(predictions > wanted, axis=-1) < k


def segment_sum(x, segments, count):
    """(count, ...) sums of the slices of `x` along its first axis that bear one number; other numbers are left out."""
    segments = jnp.where(segments < 0, count, segments)
    return jnp.zeros((count, *x.shape[1:]), x.dtype).at[segments].add(x, mode="drop")


def take_along_axis(x, indices, axis):
    return jnp.take_along_axis(x, indices, axis=axis)


def dot_general(x, y, contracting, batch):
    """Product over the `contracting` axes (one tuple an operand), with `batch` axes kept side by side."""
    return jax.lax.dot_general(x, y, (contracting, batch))

"""Arithmetic words: reductions, elementwise functions, comparisons, products."""

import builtins

import numpy as np

from hornbeam import config
from hornbeam.backend.words import word
from hornbeam.engines import engine

# --- Reductions: `axis` is None (all), a number, or a list of numbers ---


def _axes(axis):
    return builtins.tuple(int(a) for a in axis) if isinstance(axis, (list, builtins.tuple)) else axis


def _as_float(x):
    """Booleans and integers become floats, as means need them."""
    kind = engine.dtype_of(x)
    return engine.cast(x, config.floatx()) if kind == "bool" or "int" in kind else x


@word
def sum(x, axis=None, keepdims=False):
    """Sum over `axis`."""
    return engine.sum(x, _axes(axis), keepdims=keepdims)


@word
def prod(x, axis=None, keepdims=False):
    """Product over `axis`."""
    return engine.prod(x, _axes(axis), keepdims=keepdims)


@word
def max(x, axis=None, keepdims=False):
    """Largest value over `axis`."""
    return engine.max(x, _axes(axis), keepdims=keepdims)


@word
def min(x, axis=None, keepdims=False):
    """Smallest value over `axis`."""
    return engine.min(x, _axes(axis), keepdims=keepdims)


@word
def mean(x, axis=None, keepdims=False):
    """Mean over `axis`; booleans and integers count as floats."""
    return engine.mean(_as_float(x), _axes(axis), keepdims=keepdims)


@word
def var(x, axis=None, keepdims=False):
    """Variance over `axis`, divided by the count."""
    return engine.var(_as_float(x), _axes(axis), keepdims=keepdims)


@word
def std(x, axis=None, keepdims=False):
    """Standard deviation over `axis`, divided by the count."""
    return engine.std(_as_float(x), _axes(axis), keepdims=keepdims)


@word
def any(x, axis=None, keepdims=False):
    """True where any element along `axis` is."""
    return engine.any(engine.cast(x, "bool"), _axes(axis), keepdims=keepdims)


@word
def all(x, axis=None, keepdims=False):
    """True where all elements along `axis` are."""
    return engine.all(engine.cast(x, "bool"), _axes(axis), keepdims=keepdims)


@word
def argmax(x, axis=-1):
    """Index of the largest element along `axis`, the first of equals."""
    return engine.argmax(x, axis)


@word
def argmin(x, axis=-1):
    """Index of the smallest element along `axis`, the first of equals."""
    return engine.argmin(x, axis)


@word
def cumsum(x, axis=0):
    """Running sum along `axis`."""
    return engine.cumsum(x, axis)


@word
def cumprod(x, axis=0):
    """Running product along `axis`."""
    return engine.cumprod(x, axis)


@word
def sort(x, axis=-1):
    """Elements in rising order along `axis`."""
    return engine.sort(x, axis)


@word
def segment_sum(data, segment_ids, num_segments):
    """(num_segments, ...): sums of the slices of `data` (N, ...) that have the same id (N,); other ids are left out."""
    return engine.segment_sum(data, engine.cast(segment_ids, "int32"), num_segments)


@word
def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) over `axis`, without overflow."""
    return engine.logsumexp(x, _axes(axis), keepdims=keepdims)


# --- Elementwise ---


@word
def abs(x):
    """|x|."""
    return engine.abs(x)


@word
def square(x):
    """x ** 2."""
    return engine.square(x)


@word
def sqrt(x):
    """Square root; negative numbers count as 0, as in Keras 2."""
    return engine.sqrt(engine.maximum(x, 0))


@word
def exp(x):
    """e ** x."""
    return engine.exp(x)


@word
def log(x):
    """Natural logarithm."""
    return engine.log(x)


@word
def round(x):
    """Nearest integer, halves to the even one."""
    return engine.round(x)


@word
def sign(x):
    """-1, 0 or 1."""
    return engine.sign(x)


@word
def pow(x, a):
    """x ** a."""
    return engine.power(x, a)


@word
def clip(x, min_value, max_value):
    """`x` held between two values; a maximum below the minimum counts as the minimum, None as no bound."""
    if isinstance(max_value, (int, float)) and isinstance(min_value, (int, float)) and max_value < min_value:
        max_value = min_value
    return engine.clip(x, min_value, max_value)


@word
def sin(x):
    """Sine."""
    return engine.sin(x)


@word
def cos(x):
    """Cosine."""
    return engine.cos(x)


@word
def erf(x):
    """2 / sqrt(pi) times the integral of exp(-t ** 2) from 0 to x."""
    return engine.erf(x)


@word
def maximum(x, y):
    """The larger of two, elementwise."""
    return engine.maximum(x, y)


@word
def minimum(x, y):
    """The smaller of two, elementwise."""
    return engine.minimum(x, y)


# --- Comparisons (booleans) ---


@word
def equal(x, y):
    """x == y, elementwise."""
    return engine.equal(x, y)


@word
def not_equal(x, y):
    """x != y, elementwise."""
    return engine.not_equal(x, y)


@word
def greater(x, y):
    """x > y, elementwise."""
    return engine.greater(x, y)


@word
def greater_equal(x, y):
    """x >= y, elementwise."""
    return engine.greater_equal(x, y)


@word
def less(x, y):
    """x < y, elementwise."""
    return engine.less(x, y)


@word
def less_equal(x, y):
    """x <= y, elementwise."""
    return engine.less_equal(x, y)


@word
def logical_and(x, y):
    """Both true, elementwise."""
    return engine.logical_and(x, y)


@word
def logical_or(x, y):
    """Either true, elementwise."""
    return engine.logical_or(x, y)


@word
def logical_not(x):
    """Not true, elementwise."""
    return engine.logical_not(x)


# --- Products ---


@word
def dot(x, y):
    """Product over the last axis of `x` and the last but one of `y`: (B, T, D) and (D, U) give (B, T, U)."""
    return engine.dot(x, y)


@word
def matmul(x, y):
    """Matrix product of the last two axes; leading axes broadcast."""
    return engine.matmul(x, y)


@word
def batch_dot(x, y, axes=None):
    """Product of matching rows: batches stay side by side, one axis of each is summed over.

    Args:
        x, y: tensors with the same first axis B.
        axes: axis to sum over, one number or one for each. None takes the last of `x` and the last but one of `y`
            (the last, if `y` is a matrix).

    Shapes:
        x (B, ..., D) and y (B, D, ...) -> (B, the rest of x, the rest of y); (B, 1) if nothing is left.

    Raises:
        ValueError: the summed axes differ in size, or a tensor has no axis beside the batch.
    """
    if np.ndim(x) < 2 or np.ndim(y) < 2:
        raise ValueError(f"K.batch_dot needs tensors of rank 2 or more, got {np.shape(x)} and {np.shape(y)}.")
    if axes is None:
        axes = (np.ndim(x) - 1, 1 if np.ndim(y) == 2 else np.ndim(y) - 2)
    pair = (axes, axes) if isinstance(axes, int) else builtins.tuple(axes)
    over_x, over_y = (a % n for a, n in zip(pair, (np.ndim(x), np.ndim(y)), strict=True))
    if over_x == 0 or over_y == 0:
        raise ValueError(f"K.batch_dot cannot sum over axis 0, the batch; got axes={axes}.")
    if x.shape[over_x] != y.shape[over_y]:
        raise ValueError(
            f"K.batch_dot sums axis {over_x} of {np.shape(x)} with axis {over_y} of {np.shape(y)}: sizes differ."
        )
    result = engine.dot_general(x, y, ((over_x,), (over_y,)), ((0,), (0,)))
    return engine.expand_dims(result, 1) if result.ndim == 1 else result


@word
def l2_normalize(x, axis=None):
    """x / sqrt(max(sum(x ** 2), 1e-12)) over `axis`."""
    total = engine.sum(engine.square(x), _axes(axis), keepdims=True)
    return x * engine.rsqrt(engine.maximum(total, 1e-12))


@word
def bias_add(x, bias, data_format=None):
    """`x` plus `bias` over its channels.

    Args:
        bias: (C,), or one value a channel and position: (..., C).
        data_format: where the channels of `x` are.

    Raises:
        ValueError: `bias` has a rank that is neither 1 nor that of `x` less one.
    """
    first = config.normalize_data_format(data_format) == "channels_first"
    rank = np.ndim(x)
    if np.ndim(bias) not in (1, rank - 1):
        raise ValueError(f"K.bias_add: a bias of shape {np.shape(bias)} does not fit x of shape {np.shape(x)}.")
    if not first or rank == 2:
        return x + bias
    if np.ndim(bias) == 1:
        return x + engine.reshape(bias, (-1, *[1] * (rank - 2)))
    return x + engine.transpose(bias, (rank - 2, *range(rank - 2)))

"""Arithmetic on the NumPy engine."""

import math
import warnings

import numpy as np

from hornbeam.engines.numpy.tensors import _narrow


def _narrowed(function):
    """The NumPy function, its 64-bit results made 32-bit ones (means of integers, sums of booleans)."""

    def call(*args, **kwargs):
        return _narrow(function(*args, **kwargs))

    return call


def _of_none(function):
    """The NumPy average, which is NaN without a warning where there is nothing to average."""
    narrow = _narrowed(function)

    def call(x, *args, **kwargs):
        if np.size(x):
            return narrow(x, *args, **kwargs)
        with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            return narrow(x, *args, **kwargs)

    return call


abs = _narrowed(np.abs)
exp = _narrowed(np.exp)
expm1 = _narrowed(np.expm1)
log = _narrowed(np.log)
log1p = _narrowed(np.log1p)
sqrt = _narrowed(np.sqrt)
square = _narrowed(np.square)
sign = _narrowed(np.sign)
round = _narrowed(np.round)
floor = _narrowed(np.floor)
ceil = _narrowed(np.ceil)
sin = _narrowed(np.sin)
cos = _narrowed(np.cos)
tan = _narrowed(np.tan)
arcsin = _narrowed(np.arcsin)
arccos = _narrowed(np.arccos)
arctan = _narrowed(np.arctan)
sinh = _narrowed(np.sinh)
cosh = _narrowed(np.cosh)
tanh = _narrowed(np.tanh)
power = _narrowed(np.power)
maximum = _narrowed(np.maximum)
minimum = _narrowed(np.minimum)
isnan = np.isnan
isfinite = np.isfinite
logical_and = np.logical_and
logical_or = np.logical_or
logical_not = np.logical_not
equal = np.equal
not_equal = np.not_equal
greater = np.greater
greater_equal = np.greater_equal
less = np.less
less_equal = np.less_equal
any = np.any
all = np.all
argmax = _narrowed(np.argmax)
argmin = _narrowed(np.argmin)
cumsum = _narrowed(np.cumsum)
cumprod = _narrowed(np.cumprod)
mean = _of_none(np.mean)
var = _of_none(np.var)
std = _of_none(np.std)
sum = _narrowed(np.sum)
prod = _narrowed(np.prod)
max = np.max
min = np.min
sort = np.sort
argsort = _narrowed(np.argsort)
tensordot = _narrowed(np.tensordot)
dot = _narrowed(np.dot)


def matmul(x, y):
    return _narrow(np.matmul(x, y)).astype(np.result_type(x, y))


def rsqrt(x):
    return 1 / np.sqrt(x)


def erf(x):
    return np.vectorize(math.erf, otypes=[np.asarray(x).dtype])(x)


def clip(x, low, high):
    return _narrow(np.clip(x, low, high)).astype(np.asarray(x).dtype)


def logsumexp(x, axis=None, keepdims=False):
    largest = np.max(x, axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    total = np.log(np.sum(np.exp(x - largest), axis, keepdims=True)) + largest
    return total if keepdims else np.squeeze(total, axis)


def top_k(x, k):
    order = np.argsort(-x, axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(x, order, -1), _narrow(order)


def in_top_k(predictions, targets, k):
    wanted = np.take_along_axis(predictions, np.asarray(targets, "int32")[:, None], -1)
    return np.sum(predictions > wanted, axis=-1) < k


def segment_sum(x, segments, count):
    inside = (segments >= 0) & (segments < count)
    sums = np.zeros((count, *x.shape[1:]), x.dtype)
    np.add.at(sums, segments[inside], x[inside])
    return sums


def take_along_axis(x, indices, axis):
    return np.take_along_axis(x, indices, axis)


def einsum(form, *operands):
    """np.einsum; it knows no bfloat16, so half-precision numbers are made single ones meanwhile."""
    wide = [np.asarray(a, "float32") if a.dtype.itemsize < 4 else a for a in operands]
    return _narrow(np.einsum(form, *wide)).astype(np.result_type(*operands))


def dot_general(x, y, contracting, batch):
    """Letters for each axis, then einsum: batch axes first, then what is left of `x`, then of `y`."""
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    x_axes = [next(letters) for _ in range(np.ndim(x))]
    y_axes = [next(letters) for _ in range(np.ndim(y))]
    for group in (contracting, batch):
        for i, j in zip(*group, strict=True):
            y_axes[j] = x_axes[i]
    shared = [x_axes[i] for i in batch[0]]
    rest = [a for i, a in enumerate(x_axes) if i not in (*contracting[0], *batch[0])]
    rest += [a for j, a in enumerate(y_axes) if j not in (*contracting[1], *batch[1])]
    form = f"{''.join(x_axes)},{''.join(y_axes)}->{''.join(shared + rest)}"
    return einsum(form, x, y)

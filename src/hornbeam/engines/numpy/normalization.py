"""Batch normalisation on the NumPy engine."""

import numpy as np


def normalize_batch(x, gamma, beta, axes, epsilon, rows=None):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, and the mean and variance over `axes`.

    `rows` (B,) of 0 and 1 says which rows count; None for all. The others are taken as zeros, whatever they hold.
    """
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    sizes = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    wide = np.array(x, np.promote_types(np.float32, x.dtype))
    real = slice(None) if rows is None else np.asarray(rows, bool)
    if rows is not None:
        wide[~real] = 0
    counted = wide[real]
    if not counted.size:
        counted = np.zeros(kept, wide.dtype)
    mean = counted.mean(axes, keepdims=True, dtype=wide.dtype)
    variance = np.square(counted - mean).mean(axes, keepdims=True, dtype=wide.dtype)
    result = (wide - mean) / np.sqrt(variance + wide.dtype.type(epsilon))
    if gamma is not None:
        result = result * np.reshape(gamma, kept)
    if beta is not None:
        result = result + np.reshape(beta, kept)
    return result.astype(x.dtype), mean.reshape(sizes), variance.reshape(sizes)

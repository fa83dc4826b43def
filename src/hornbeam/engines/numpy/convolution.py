"""Convolutions and pooling on the NumPy engine: for each tap of the window, the part of the input that lies under it.

Channels come last inside; 'channels_first' is turned round on the way in and out.
"""

import itertools
import math

import numpy as np


def _last(x, data_format):
    return np.moveaxis(x, 1, -1) if data_format == "channels_first" else np.asarray(x)


def _restore(y, data_format):
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def _out_and_pads(sizes, window, strides, padding, dilation):
    """Sizes of the output, and zeros (before, after) on each axis."""
    out, pads = [], []
    for n, k, s, d in zip(sizes, window, strides, dilation, strict=True):
        reach = (k - 1) * d  # from the first tap to the last
        if padding == "same":
            out.append(-(-n // s))
            missing = max((out[-1] - 1) * s + reach + 1 - n, 0)
            pads.append((missing // 2, missing - missing // 2))
        else:
            pads.append((reach if padding == "causal" else 0, 0))
            out.append((n + pads[-1][0] - reach - 1) // s + 1)
    return out, pads


def _taps(x, window, strides, padding, dilation, fill: float = 0):
    """(tap, what lies under it) for every position in the window: (B, *out, C) each."""
    out, pads = _out_and_pads(x.shape[1:-1], window, strides, padding, dilation)
    x = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill)
    for tap in itertools.product(*map(range, window)):
        starts = [t * d for t, d in zip(tap, dilation, strict=True)]
        slices = [slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, out, strides, strict=True)]
        yield tap, x[(slice(None), *slices)]


def conv(x, kernel, strides, padding, data_format, dilation, groups=1):
    x, kernel = _last(x, data_format), np.asarray(kernel)
    inside, filters = kernel.shape[-2] if groups > 1 else x.shape[-1], kernel.shape[-1] // groups
    parts = []
    for g in range(groups):
        channels = slice(g * inside, (g + 1) * inside)
        weights = kernel[..., g * filters : (g + 1) * filters]
        taps = _taps(x[..., channels], kernel.shape[:-2], strides, padding, dilation)
        parts.append(sum(part @ weights[tap] for tap, part in taps))
    return _restore(np.concatenate(parts, -1).astype(np.result_type(x, kernel)), data_format)


def depthwise_conv(x, kernel, strides, padding, data_format, dilation):
    x, kernel = _last(x, data_format), np.asarray(kernel)
    taps = _taps(x, kernel.shape[:-2], strides, padding, dilation)
    y = sum(part[..., None] * kernel[tap] for tap, part in taps)  # (B, *out, C, M)
    return _restore(y.reshape(*y.shape[:-2], math.prod(y.shape[-2:])).astype(np.result_type(x, kernel)), data_format)


def conv_transpose(x, kernel, sizes, strides, padding, data_format, dilation):
    x, kernel = _last(x, data_format), np.asarray(kernel)
    window = kernel.shape[:-2]
    out, pads = _out_and_pads(sizes, window, strides, padding, dilation)
    reach = [max(n + sum(p), (o - 1) * s + (k - 1) * d + 1) for n, p, o, s, k, d in
             zip(sizes, pads, out, strides, window, dilation, strict=True)]  # fmt: skip
    y = np.zeros((x.shape[0], *reach, kernel.shape[-2]), np.result_type(x, kernel))
    for tap in itertools.product(*map(range, window)):
        starts = [t * d for t, d in zip(tap, dilation, strict=True)]
        slices = [slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, out, strides, strict=True)]
        y[(slice(None), *slices)] += x @ kernel[tap].T  # each tap lays its share where a convolution would read
    inner = [slice(before, before + n) for (before, _), n in zip(pads, sizes, strict=True)]
    return _restore(y[(slice(None), *inner)], data_format)


def patches(x, window, strides, padding, data_format, dilation):
    x = _last(x, data_format)
    seen = [part for _, part in _taps(x, window, strides, padding, dilation)]
    if data_format != "channels_first":
        return np.concatenate(seen, -1)
    stacked = np.stack(seen, -1)
    return stacked.reshape(*stacked.shape[:-2], math.prod(stacked.shape[-2:]))


def pool(x, pool_size, strides, padding, data_format, mode):
    x = _last(x, data_format)
    once = (1,) * len(pool_size)
    if mode == "max":
        lowest = -np.inf if x.dtype.kind not in "iu" else np.iinfo(x.dtype).min
        parts = [part for _, part in _taps(x, pool_size, strides, padding, once, lowest)]
        return _restore(np.max(parts, axis=0).astype(x.dtype), data_format)
    total = sum(part for _, part in _taps(x, pool_size, strides, padding, once))
    real = np.ones((1, *x.shape[1:-1], 1))
    count = sum(part for _, part in _taps(real, pool_size, strides, padding, once))  # padding never counts
    return _restore((total / count).astype(x.dtype), data_format)

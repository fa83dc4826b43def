"""Words of pooling and of changing the size of images and volumes."""

import numpy as np

from hornbeam import checks, config
from hornbeam.backend.words import word
from hornbeam.engines import engine
from hornbeam.utils.conv_utils import normalize_padding, normalize_tuple

__all__ = ["pool1d", "pool2d", "pool3d", "resize_images", "resize_volumes"]


@word
def pool1d(x, pool_size, strides=1, padding="valid", data_format=None, pool_mode="max"):
    """:func:`pool2d` over time: x (B, T, C)."""
    return _pool("pool1d", 1, x, pool_size, strides, padding, data_format, pool_mode)


@word
def pool2d(x, pool_size, strides=(1, 1), padding="valid", data_format=None, pool_mode="max"):
    """Maximum ('max') or mean ('avg') under a window that moves over images.

    Args:
        x: (B, H, W, C), or (B, C, H, W) for 'channels_first'.
        pool_size: sizes of the window.
        strides: how far it moves.
        padding: 'valid' (the window stays inside) or 'same' (it may reach over the edge; only what is inside counts,
            for the mean too).
        data_format: layout of x; None for the default.
        pool_mode: 'max' or 'avg'. The gradient of the maximum goes to the first of equals; a NaN makes a NaN.

    Raises:
        ValueError: another rank, an unknown mode, padding or layout, a window larger than x.
    """
    return _pool("pool2d", 2, x, pool_size, strides, padding, data_format, pool_mode)


@word
def pool3d(x, pool_size, strides=(1, 1, 1), padding="valid", data_format=None, pool_mode="max"):
    """:func:`pool2d` over volumes: x (B, D, H, W, C)."""
    return _pool("pool3d", 3, x, pool_size, strides, padding, data_format, pool_mode)


def _pool(name, rank, x, pool_size, strides, padding, data_format, pool_mode):
    owner = f"K.{name}"
    data_format = config.normalize_data_format(data_format)
    if np.ndim(x) != rank + 2:
        raise ValueError(f"{owner} needs x of rank {rank + 2}, got shape {np.shape(x)}.")
    if pool_mode not in ("max", "avg"):
        raise checks.wrong_argument(owner, "pool_mode", pool_mode, "'max' or 'avg'")
    padding = normalize_padding(padding, owner, ("valid", "same"))
    pool_size = normalize_tuple(pool_size, rank, "pool_size", owner)
    strides = normalize_tuple(strides, rank, "strides", owner)
    sizes = np.shape(x)[2:] if data_format == "channels_first" else np.shape(x)[1:-1]
    if padding == "valid" and any(n < k for n, k in zip(sizes, pool_size)):
        raise ValueError(
            f"{owner}: a window of {pool_size} does not fit into x of shape {tuple(x.shape)} ({data_format}). "
            f"Take a smaller window or padding='same'."
        )
    return engine.pool(x, pool_size, strides, padding, data_format, pool_mode)


# --- Size ---


@word
def resize_images(x, height_factor, width_factor, data_format, interpolation="nearest"):
    """Images `height_factor` times as high and `width_factor` times as wide.

    Args:
        x: (B, H, W, C), or (B, C, H, W) for 'channels_first'.
        height_factor, width_factor: integers of at least 1.
        data_format: layout of x; None for the default.
        interpolation: 'nearest' repeats each element; 'bilinear' draws straight lines from each element to the next,
            elements standing at the left edge of their cell (as in Keras 2; Keras 3 has them in the middle).

    Raises:
        ValueError: another rank, an unknown interpolation or layout.
    """
    if interpolation not in ("nearest", "bilinear"):
        raise checks.wrong_argument("K.resize_images", "interpolation", interpolation, "'nearest' or 'bilinear'")
    factors = (height_factor, width_factor)
    return _resize("K.resize_images", x, factors, data_format, _repeat if interpolation == "nearest" else _slide)


@word
def resize_volumes(x, depth_factor, height_factor, width_factor, data_format):
    """Volumes (B, D, H, W, C) with each element repeated so many times along each axis."""
    return _resize("K.resize_volumes", x, (depth_factor, height_factor, width_factor), data_format, _repeat)


def _resize(owner, x, factors, data_format, along):
    data_format = config.normalize_data_format(data_format)
    rank = len(factors)
    if np.ndim(x) != rank + 2:
        raise ValueError(f"{owner} needs x of rank {rank + 2}, got shape {np.shape(x)}.")
    factors = normalize_tuple(factors, rank, "each factor", owner)
    for axis, factor in enumerate(factors, 2 if data_format == "channels_first" else 1):
        x = along(x, factor, axis) if factor > 1 else x
    return x


def _repeat(x, factor, axis):
    return engine.repeat(x, factor, axis)


def _slide(x, factor, axis):
    """Between each element and the next (the last has itself for the next) `factor` steps of equal height."""
    size = x.shape[axis]
    following = engine.take(x, np.minimum(np.arange(size) + 1, size - 1), axis)
    steps = [x + (following - x) * (i / factor) for i in range(factor)]
    shape = (*x.shape[:axis], size * factor, *x.shape[axis + 1 :])
    return engine.reshape(engine.stack(steps, axis + 1), shape)

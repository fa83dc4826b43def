"""Words of convolution. Kernels are (*window, channels in, channels out) in both layouts of images."""

import numpy as np

from hornbeam import config
from hornbeam.backend.words import word
from hornbeam.engines import engine
from hornbeam.utils.conv_utils import conv_output_length, normalize_padding, normalize_tuple

__all__ = [
    "conv1d", "conv1d_transpose", "conv2d", "conv2d_transpose", "conv3d", "conv3d_transpose", "depthwise_conv1d",
    "depthwise_conv2d", "separable_conv1d", "separable_conv2d",
]  # fmt: skip


@word
def conv1d(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1, groups=1):
    """Sum over a window that moves along time: y[t, f] = sum over k, c of x[t * strides + k * dilation_rate, c] * kernel[k, c, f].

    Args:
        x: (B, T, C), or (B, C, T) for 'channels_first'.
        kernel: (K, C / groups, F).
        strides: how far the window moves.
        padding: 'valid' (the window stays inside), 'same' (zeros around, T / strides results), or 'causal' (zeros
            before: no result sees what comes after it).
        data_format: layout of x; None for the default.
        dilation_rate: distance between the window's taps.
        groups: channels and filters are cut into so many parts that do not see each other.

    Raises:
        ValueError: another rank, an unknown padding or layout, channels that do not fit the kernel.
    """  # noqa: E501
    return _conv("conv1d", 1, x, kernel, strides, padding, data_format, dilation_rate, groups)


@word
def conv2d(x, kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1), groups=1):
    """:func:`conv1d` over images: x (B, H, W, C), kernel (K, L, C / groups, F)."""
    return _conv("conv2d", 2, x, kernel, strides, padding, data_format, dilation_rate, groups)


@word
def conv3d(x, kernel, strides=(1, 1, 1), padding="valid", data_format=None, dilation_rate=(1, 1, 1), groups=1):
    """:func:`conv1d` over volumes: x (B, D, H, W, C), kernel (J, K, L, C / groups, F)."""
    return _conv("conv3d", 3, x, kernel, strides, padding, data_format, dilation_rate, groups)


def _conv(name, rank, x, kernel, strides, padding, data_format, dilation, groups=1):
    how = _arguments(name, rank, x, kernel, strides, padding, data_format, dilation)
    strides, padding, data_format, dilation = how
    channels = x.shape[1 if data_format == "channels_first" else -1]
    inside, filters = np.shape(kernel)[-2:]
    if channels != inside * groups or filters % groups:
        cut = f" in {groups} groups" if groups > 1 else ""
        raise ValueError(
            f"K.{name}: x of shape {tuple(x.shape)} ({data_format}) has {channels} channels, which do not fit a kernel "
            f"of shape {np.shape(kernel)}{cut}. The kernel is (*window, channels / groups, filters)."
        )
    return engine.conv(x, kernel, strides, padding, data_format, dilation, groups)


# --- Transposed ---


@word
def conv1d_transpose(x, kernel, output_shape, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """:func:`conv2d_transpose` over time: x (B, T, C), kernel (K, F, C), output_shape (B, T', F)."""
    return _conv_transpose(
        "conv1d_transpose", 1, x, kernel, output_shape, strides, padding, data_format, dilation_rate
    )


@word
def conv2d_transpose(
    x, kernel, output_shape, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)
):
    """The way back through :func:`conv2d`: each element of x lays its share of the kernel down, strides apart.

    Args:
        x: (B, H, W, C), or (B, C, H, W) for 'channels_first'.
        kernel: (K, L, F, C): that of the convolution which leads from the result's shape to that of x.
        output_shape: (B, H', W', F) (in the layout of x): several sizes lead to that of x, so it must be told. The
            batch may be None.
        strides, padding, data_format, dilation_rate: as in :func:`conv2d`.

    Raises:
        ValueError: a convolution of `output_shape` does not give the shape of x.
    """
    return _conv_transpose(
        "conv2d_transpose", 2, x, kernel, output_shape, strides, padding, data_format, dilation_rate
    )


@word
def conv3d_transpose(
    x, kernel, output_shape, strides=(1, 1, 1), padding="valid", data_format=None, dilation_rate=(1, 1, 1)
):
    """:func:`conv2d_transpose` over volumes: x (B, D, H, W, C), kernel (J, K, L, F, C)."""
    return _conv_transpose(
        "conv3d_transpose", 3, x, kernel, output_shape, strides, padding, data_format, dilation_rate
    )


def _conv_transpose(name, rank, x, kernel, output_shape, strides, padding, data_format, dilation):
    how = _arguments(name, rank, x, kernel, strides, padding, data_format, dilation)
    strides, padding, data_format, dilation = how
    first = data_format == "channels_first"
    if len(output_shape) != rank + 2:
        raise ValueError(f"K.{name}: output_shape must have {rank + 2} sizes, got {tuple(output_shape)}.")
    sizes = tuple(int(s) for s in (output_shape[2:] if first else output_shape[1:-1]))
    small = tuple(x.shape[2:] if first else x.shape[1:-1])
    rules = zip(sizes, np.shape(kernel)[:rank], strides, dilation)
    reached = tuple(conv_output_length(n, k, padding, s, d) for n, k, s, d in rules)
    if reached != small:
        raise ValueError(
            f"K.{name}: a convolution of sizes {sizes} with window {np.shape(kernel)[:rank]}, strides {strides} and "
            f"padding {padding!r} gives {reached}, but x has {small}. Choose output_shape so that it gives those."
        )
    return engine.conv_transpose(x, kernel, sizes, strides, padding, data_format, dilation)


# --- Depthwise and separable ---


@word
def depthwise_conv1d(x, depthwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """:func:`depthwise_conv2d` over time: x (B, T, C), kernel (K, C, M) -> (B, T', C * M)."""
    return _depthwise("depthwise_conv1d", 1, x, depthwise_kernel, strides, padding, data_format, dilation_rate)


@word
def depthwise_conv2d(
    x, depthwise_kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)
):
    """Each channel through filters of its own: x (B, H, W, C), kernel (K, L, C, M) -> (B, H', W', C * M)."""
    return _depthwise("depthwise_conv2d", 2, x, depthwise_kernel, strides, padding, data_format, dilation_rate)


@word
def separable_conv1d(
    x, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):
    """:func:`separable_conv2d` over time: kernels (K, C, M) and (1, C * M, F)."""
    how = (strides, padding, data_format, dilation_rate)
    return _separable("separable_conv1d", 1, x, depthwise_kernel, pointwise_kernel, *how)


@word
def separable_conv2d(
    x, depthwise_kernel, pointwise_kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)
):
    """:func:`depthwise_conv2d` with kernel (K, L, C, M), then :func:`conv2d` with kernel (1, 1, C * M, F)."""
    how = (strides, padding, data_format, dilation_rate)
    return _separable("separable_conv2d", 2, x, depthwise_kernel, pointwise_kernel, *how)


def _depthwise(name, rank, x, kernel, strides, padding, data_format, dilation):
    how = _arguments(name, rank, x, kernel, strides, padding, data_format, dilation)
    channels = x.shape[1 if how[2] == "channels_first" else -1]
    if channels != np.shape(kernel)[-2]:
        raise ValueError(
            f"K.{name}: x of shape {tuple(x.shape)} ({how[2]}) has {channels} channels, which do not fit a kernel of "
            f"shape {np.shape(kernel)}. The kernel is (*window, channels, multiplier)."
        )
    return engine.depthwise_conv(x, kernel, *how)


def _separable(name, rank, x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation):
    x = _depthwise(name, rank, x, depthwise_kernel, strides, padding, data_format, dilation)
    if set(np.shape(pointwise_kernel)[:rank]) != {1}:
        raise ValueError(
            f"K.{name}: pointwise_kernel must be {(1,) * rank} wide, got shape {np.shape(pointwise_kernel)}."
        )
    return _conv(name, rank, x, pointwise_kernel, 1, "valid", data_format, 1)


# --- What all of them check ---


def _arguments(name, rank, x, kernel, strides, padding, data_format, dilation):
    """Strides, padding, layout and dilation in full.

    Raises:
        ValueError: one of them, or a rank, does not serve.
    """
    owner = f"K.{name}"
    data_format = config.normalize_data_format(data_format)
    if np.ndim(x) != rank + 2 or np.ndim(kernel) != rank + 2:
        raise ValueError(
            f"{owner} needs x and a kernel of rank {rank + 2}, got shapes {np.shape(x)} and {np.shape(kernel)}."
        )
    padding = normalize_padding(padding, owner, ("valid", "same", "causal") if rank == 1 else ("valid", "same"))
    strides = normalize_tuple(strides, rank, "strides", owner)
    dilation = normalize_tuple(dilation, rank, "dilation_rate", owner)
    if max(strides) > 1 and max(dilation) > 1:
        raise ValueError(f"{owner}: strides {strides} and dilation_rate {dilation} cannot both be above 1.")
    sizes = np.shape(x)[2:] if data_format == "channels_first" else np.shape(x)[1:-1]
    if padding == "valid" and "transpose" not in name:
        for size, k, d in zip(sizes, np.shape(kernel), dilation):
            if size < (k - 1) * d + 1:
                raise ValueError(
                    f"{owner}: the window covers {(k - 1) * d + 1} places, but x of shape {tuple(x.shape)} has "
                    f"{size}. Take a smaller kernel or dilation_rate, or padding='same'."
                )
    return strides, padding, data_format, dilation

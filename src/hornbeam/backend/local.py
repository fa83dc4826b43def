"""Words of locally connected layers: a window that moves, with weights of its own at every place."""

import math

import numpy as np

from hornbeam import config
from hornbeam.backend.words import word
from hornbeam.engines import engine
from hornbeam.utils.conv_utils import normalize_tuple

__all__ = ["local_conv1d", "local_conv2d"]


@word
def local_conv1d(inputs, kernel, kernel_size, strides, data_format=None):
    """:func:`conv1d` with another kernel at each step.

    Args:
        inputs: (B, T, C), or (B, C, T) for 'channels_first'.
        kernel: (T', K * C, F); for 'channels_first' the window's elements are ordered C * K.
        kernel_size, strides: one integer, also as a tuple.
        data_format: layout of the inputs; None for the default.

    Returns:
        (B, T', F), or (B, F, T').

    Raises:
        ValueError: the kernel's shape does not fit window and inputs.
    """
    return _local("local_conv1d", 1, inputs, kernel, kernel_size, strides, data_format)


@word
def local_conv2d(inputs, kernel, kernel_size, strides, output_shape, data_format=None):
    """:func:`conv2d` with another kernel at each place.

    Args:
        inputs: (B, H, W, C), or (B, C, H, W) for 'channels_first'.
        kernel: (H' * W', K * L * C, F); for 'channels_first' the window's elements are ordered C * K * L.
        kernel_size, strides: two integers each.
        output_shape: (H', W').
        data_format: layout of the inputs; None for the default.

    Returns:
        (B, H', W', F), or (B, F, H', W').

    Raises:
        ValueError: the kernel's shape, or `output_shape`, does not fit window and inputs.
    """
    y = _local("local_conv2d", 2, inputs, kernel, kernel_size, strides, data_format)
    sizes = y.shape[2:] if config.normalize_data_format(data_format) == "channels_first" else y.shape[1:-1]
    if output_shape is not None and tuple(int(s) for s in output_shape) != tuple(sizes):
        raise ValueError(f"K.local_conv2d: output_shape must be {tuple(sizes)}; got {tuple(output_shape)}.")
    return y


def _local(name, rank, inputs, kernel, kernel_size, strides, data_format):
    owner = f"K.{name}"
    data_format = config.normalize_data_format(data_format)
    if np.ndim(inputs) != rank + 2:
        raise ValueError(f"{owner} needs inputs of rank {rank + 2}, got shape {np.shape(inputs)}.")
    window = normalize_tuple(kernel_size, rank, "kernel_size", owner)
    strides = normalize_tuple(strides, rank, "strides", owner)
    seen = engine.patches(inputs, window, strides, "valid", data_format, (1,) * rank)  # (B, *out, taps * C)
    sizes, taps = tuple(seen.shape[1:-1]), seen.shape[-1]
    if tuple(np.shape(kernel)[:-1]) != (math.prod(sizes), taps):
        raise ValueError(
            f"{owner}: inputs of shape {tuple(inputs.shape)} and a window of {window} need a kernel of shape "
            f"({math.prod(sizes)}, {taps}, filters), got {np.shape(kernel)}."
        )
    seen = engine.reshape(seen, (seen.shape[0], math.prod(sizes), taps))
    y = engine.dot_general(seen, kernel, ((2,), (1,)), ((1,), (0,)))  # (places, B, F)
    filters = np.shape(kernel)[-1]
    if data_format == "channels_first":
        return engine.reshape(engine.transpose(y, (1, 2, 0)), (seen.shape[0], filters, *sizes))
    return engine.reshape(engine.transpose(y, (1, 0, 2)), (seen.shape[0], *sizes, filters))

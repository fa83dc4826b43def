"""ONNX makers of convolutions: dense, transposed, depthwise, separable, locally connected; as layers and as words."""

import math

import numpy as np

from hornbeam import config
from hornbeam.export.onnx_graph import NoCounterpart, Value
from hornbeam.export.onnx_walk import layer_maker, word_maker
from hornbeam.layers import convolution, convolution_transpose, separable
from hornbeam.utils.conv_utils import deconv_length, normalize_tuple


def channels_first(graph, x, data_format):
    """`x` with its channels after the batch, as ONNX has them."""
    return x if data_format == "channels_first" else graph.transpose(x, (0, x.rank - 1, *range(1, x.rank - 1)))


def channels_back(graph, x, data_format):
    """The way back of :func:`channels_first`."""
    return x if data_format == "channels_first" else graph.transpose(x, (0, *range(2, x.rank), 1))


def _constant_kernel(walk, kernel):
    kernel = walk.value(kernel)
    if kernel.array is None:
        raise NoCounterpart("a convolution whose kernel is computed by the model is not written")
    return kernel


def _edges(padding, window, strides, dilation):
    """Attributes of a window: explicit zeros where they do not depend on the size, else ONNX's own rule for 'same'."""
    reach = [(k - 1) * d for k, d in zip(window, dilation, strict=True)]
    if padding == "valid":
        return {}
    if padding == "causal":
        return {"pads": [*reach, *[0] * len(reach)]}
    if max(strides) == 1:
        return {"pads": [*(r // 2 for r in reach), *(r - r // 2 for r in reach)]}
    return {"auto_pad": "SAME_UPPER"}


def convolve(walk, x, kernel, bias, strides, padding, data_format, dilation, groups=1, depthwise=False):
    """A convolution of `x` with `kernel` (*window, C / groups, F), or (*window, C, multiplier) if `depthwise`."""
    g, kernel = walk.graph, _constant_kernel(walk, kernel)
    rank = x.rank - 2
    window, (inside, filters) = kernel.shape[:rank], kernel.shape[rank:]
    if depthwise:
        groups, filters = inside, inside * filters
        turned = g.transpose(kernel, (rank, rank + 1, *range(rank)))
        weights = g.reshape(turned, (filters, 1, *window))
    else:
        weights = g.transpose(kernel, (rank + 1, rank, *range(rank)))
    shape = (x.shape[0], filters, *[None] * rank)
    found = g.add(
        "Conv", [channels_first(g, x, data_format), weights, *([] if bias is None else [walk.value(bias)])], shape,
        kernel_shape=window, strides=strides, dilations=dilation, group=groups,
        **_edges(padding, window, strides, dilation),
    )  # fmt: skip
    return channels_back(g, found, data_format)


def convolve_back(walk, x, kernel, bias, strides, padding, data_format, dilation, more):
    """A transposed convolution with `kernel` (*window, F, C); `more` is the layer's output_padding or Nones."""
    g, kernel = walk.graph, _constant_kernel(walk, kernel)
    rank = x.rank - 2
    window, filters = kernel.shape[:rank], kernel.shape[rank]
    before, after, longer = [], [], []
    for k, s, d, m in zip(window, strides, dilation, more, strict=True):
        reach = (k - 1) * d + 1
        # The size is strides * (n - 1) + left for every n; of the window's reach, what is not left is cut off.
        left = deconv_length(2, s, k, padding, m, d) - s
        total = max(reach - left, 0)
        before.append(total // 2)
        after.append(total - total // 2)
        longer.append(max(left - reach, 0))
    weights = g.transpose(kernel, (rank + 1, rank, *range(rank)))
    found = g.add(
        "ConvTranspose",
        [channels_first(g, x, data_format), weights, *([] if bias is None else [walk.value(bias)])],
        (x.shape[0], filters, *[None] * rank), kernel_shape=window, strides=strides, dilations=dilation,
        pads=[*before, *after], output_padding=longer,
    )  # fmt: skip
    return channels_back(g, found, data_format)


# --- Layers ---


def _how(layer):
    return layer.strides, layer.padding, layer.data_format, layer.dilation_rate


def _finished(walk, layer, found):
    return walk.activate(layer.activation, found)


def _input(walk, layer, call):
    return walk.value(call.inputs, layer.kernel.dtype if hasattr(layer, "kernel") else layer.depthwise_kernel.dtype)


@layer_maker(convolution._Conv)
def _conv(walk, layer, call):
    x = _input(walk, layer, call)
    return _finished(walk, layer, convolve(walk, x, layer.kernel, layer.bias, *_how(layer), layer.groups))


@layer_maker(convolution_transpose._ConvTranspose)
def _conv_transpose(walk, layer, call):
    x, more = _input(walk, layer, call), layer.output_padding or (None,) * layer.rank
    return _finished(walk, layer, convolve_back(walk, x, layer.kernel, layer.bias, *_how(layer), more))


@layer_maker(separable._DepthwiseConv)
def _depthwise(walk, layer, call):
    x = _input(walk, layer, call)
    found = convolve(walk, x, layer.depthwise_kernel, layer.bias, *_how(layer), depthwise=True)
    return _finished(walk, layer, found)


@layer_maker(separable._SeparableConv)
def _separable(walk, layer, call):
    x, once = _input(walk, layer, call), (1,) * layer.rank
    found = convolve(walk, x, layer.depthwise_kernel, None, *_how(layer), depthwise=True)
    found = convolve(walk, found, layer.pointwise_kernel, layer.bias, once, "valid", layer.data_format, once)
    return _finished(walk, layer, found)


# --- Words ---


def _settings(rank, strides, padding, data_format, dilation):
    return (
        normalize_tuple(strides, rank, "strides", "to_onnx"), padding, config.normalize_data_format(data_format),
        normalize_tuple(dilation, rank, "dilation_rate", "to_onnx"),
    )  # fmt: skip


@word_maker("conv1d", "conv2d", "conv3d")
def _conv_word(walk, like, x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1, groups=1):
    how = _settings(x.rank - 2, strides, padding, data_format, dilation_rate)
    return convolve(walk, x, kernel, None, *how, groups)


@word_maker("depthwise_conv1d", "depthwise_conv2d")
def _depthwise_word(
    walk, like, x, depthwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):  # fmt: skip
    how = _settings(x.rank - 2, strides, padding, data_format, dilation_rate)
    return convolve(walk, x, depthwise_kernel, None, *how, depthwise=True)


@word_maker("separable_conv1d", "separable_conv2d")
def _separable_word(
    walk, like, x, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):
    how, once = _settings(x.rank - 2, strides, padding, data_format, dilation_rate), (1,) * (x.rank - 2)
    found = convolve(walk, x, depthwise_kernel, None, *how, depthwise=True)
    return convolve(walk, found, pointwise_kernel, None, once, "valid", how[2], once)


@word_maker("conv1d_transpose", "conv2d_transpose", "conv3d_transpose")
def _transpose_word(
    walk, like, x, kernel, output_shape, strides=1, padding="valid", data_format=None, dilation_rate=1
):  # fmt: skip
    how = _settings(x.rank - 2, strides, padding, data_format, dilation_rate)
    first = how[2] == "channels_first"
    sizes, small = (shape[2:] if first else shape[1:-1] for shape in (tuple(output_shape), x.shape))
    if None in small or any(isinstance(s, Value) for s in sizes):
        raise NoCounterpart("a transposed convolution (the word) of images of unknown size is not written")
    more = []
    for n, size, k, s, d in zip(small, sizes, walk.value(kernel).shape, how[0], how[3]):
        pad = k // 2 if padding == "same" else 0  # deconv_length counts so
        reach = (k - 1) * d + 1
        pad = reach // 2 if padding == "same" else pad
        more.append(int(size) - ((n - 1) * s + reach - 2 * pad))
    return convolve_back(walk, x, kernel, None, *how, more)


@word_maker("local_conv1d", "local_conv2d")
def _local(walk, like, inputs, kernel, kernel_size, strides, output_shape=None, data_format=None):
    if isinstance(output_shape, str):  # local_conv1d has no output_shape, and the layout in its place
        output_shape, data_format = None, output_shape
    g, first = walk.graph, config.normalize_data_format(data_format) == "channels_first"
    rank, kernel = inputs.rank - 2, walk.value(kernel)
    sizes = inputs.shape[2:] if first else inputs.shape[1:-1]
    channels = inputs.shape[1] if first else inputs.shape[-1]
    if None in sizes:
        raise NoCounterpart("a locally connected layer over an unknown size is not written")
    window = normalize_tuple(kernel_size, rank, "kernel_size", "to_onnx")
    strides = normalize_tuple(strides, rank, "strides", "to_onnx")
    places, found_sizes = _places(sizes, channels, window, strides, first)
    flat = g.reshape(inputs, (-1, math.prod(sizes) * channels))
    seen = g.add("Gather", [flat, places], (inputs.shape[0], *places.shape), axis=1)  # (B, places, taps)
    found = g.add("MatMul", [g.transpose(seen, (1, 0, 2)), kernel], (len(places), None, kernel.shape[-1]))
    found = g.transpose(found, (1, 2, 0) if first else (1, 0, 2))
    filters = kernel.shape[-1]
    return g.reshape(found, (-1, filters, *found_sizes) if first else (-1, *found_sizes, filters), like.shape)


def _places(sizes, channels, window, strides, first):
    """(places, taps): where in a flat row each tap of each window lies; and how many places there are on each axis."""
    rank = len(sizes)
    whole = (channels, *sizes) if first else (*sizes, channels)
    index = np.arange(math.prod(whole)).reshape(whole)
    spatial = range(1, rank + 1) if first else range(rank)
    seen = np.lib.stride_tricks.sliding_window_view(index, window, tuple(spatial))
    steps = tuple(slice(None, None, s) for s in strides)
    seen = seen[(slice(None), *steps)] if first else seen[steps]
    found = seen.shape[1 : rank + 1] if first else seen.shape[:rank]
    # Axes are now (C, *places, *window) or (*places, C, *window); taps are ordered C * window or window * C.
    if first:
        seen = np.moveaxis(seen, 0, rank)
    else:
        seen = np.moveaxis(seen, rank, -1)
    return seen.reshape(math.prod(found), -1), found


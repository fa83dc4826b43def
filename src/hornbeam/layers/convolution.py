"""Convolution layers: Conv1D, Conv2D, Conv3D, and what all layers with a moving window share."""

from typing import Any

from hornbeam import activations, checks, constraints, initializers, registry, regularizers
from hornbeam import backend as K
from hornbeam.core import InputSpec, Layer
from hornbeam.utils.conv_utils import conv_output_length, normalize_padding, normalize_tuple


class WindowLayer(Layer):
    """A layer over `rank` spatial axes, in either layout: (B, *sizes, C) or (B, C, *sizes).

    Subclasses set `rank`, and call :meth:`_set_layout` in their constructor.
    """

    rowwise = True
    rank: Any = None

    def _set_layout(self, data_format):
        """Take the layout; sequences have channels last unless told otherwise, as in Keras 2."""
        known = "channels_last" if self.rank == 1 and data_format is None else data_format
        self.data_format = checks.data_format(type(self).__name__, known)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _numbers(self, name, value, least=1):
        return normalize_tuple(value, self.rank, name, type(self).__name__, least)

    @property
    def _channel_axis(self):
        return 1 if self.data_format == "channels_first" else -1

    def _sizes_of(self, shape) -> tuple[Any, ...]:
        """Spatial sizes in `shape`."""
        return tuple(shape[2:] if self.data_format == "channels_first" else shape[1:-1])

    def _shape_of(self, batch, sizes, channels):
        """The whole shape in this layer's layout."""
        return (batch, channels, *sizes) if self.data_format == "channels_first" else (batch, *sizes, channels)

    def run(self, inputs, masks, args, kwargs):
        """See `Layer.run`. Inputs of any later size are judged here, so that errors name the layer and not the word."""
        if K.ndim(inputs) == self.rank + 2:
            self.compute_output_shape(K.int_shape(inputs))
        return super().run(inputs, masks, args, kwargs)

    def _window_sizes(self, input_shape, window, padding, strides, dilation):
        """Spatial sizes of what a moving window gives.

        Raises:
            ValueError: the window is larger than the inputs.
        """
        sizes = self._sizes_of(input_shape)
        rules = list(zip(sizes, window, strides, dilation, strict=True))
        found = tuple(conv_output_length(n, k, padding, s, d) for n, k, s, d in rules)
        if any(n is not None and n < 1 for n in found):
            reach = tuple((k - 1) * d + 1 for _, k, _, d in rules)
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: its window covers {reach} places, but inputs of shape "
                f"{tuple(input_shape)} ({self.data_format}) have {sizes}. Take a smaller window, or padding='same'."
            )
        return found


class ConvolutionLayer(WindowLayer):
    """What dense, transposed, depthwise and separable convolutions share: window, bias and activation."""

    paddings = ("valid", "same")
    # Over one axis, beside a loop over time, half the rows on each core take 0.47 to 0.95; over images 1.08 to 1.19.
    leaves_cores_idle = property(lambda self: None if self.rank == 1 else False)

    def _set_window(self, kernel_size, strides, padding, data_format, dilation_rate):
        self._set_layout(data_format)
        self.kernel_size = self._numbers("kernel_size", kernel_size)
        self.strides = self._numbers("strides", strides)
        self.padding = normalize_padding(padding, type(self).__name__, self.paddings)
        self.dilation_rate = self._numbers("dilation_rate", dilation_rate)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: strides {self.strides} and dilation_rate {self.dilation_rate} "
                f"cannot both be above 1. Keep one of them at 1, or stride in a layer of its own."
            )

    def _set_output(self, activation, use_bias, bias_initializer, bias_regularizer, bias_constraint):
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)

    def _channels(self, input_shape):
        """Number of channels; from now on inputs must have it."""
        size = checks.known_size(self, input_shape, self._channel_axis)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: size})
        return size

    def _add_bias(self, shape):
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", shape, initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip

    def _finish(self, outputs):
        """activation(outputs + bias)."""
        if self.use_bias:
            outputs = K.bias_add(outputs, self.bias, data_format=self.data_format)
        return self.activation(outputs)

    def _shape_of(self, batch, sizes, channels):
        return activations.result_shape(self.activation, super()._shape_of(batch, sizes, channels))

    def _how(self):
        """Arguments of the words of convolution."""
        return {
            "strides": self.strides, "padding": self.padding, "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }  # fmt: skip


class _Conv(ConvolutionLayer):
    """Conv1D, Conv2D and Conv3D."""

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1, activation=None,
        use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
        bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None, groups=1,
        **kwargs,
    ):  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = type(self).__name__
        self.filters = checks.integer(owner, "filters", filters, least=1)
        self.groups = checks.integer(owner, "groups", groups, least=1)
        if self.filters % self.groups:
            raise checks.wrong_argument(owner, "filters", filters, f"divisible by groups ({groups})")
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape):
        """Make kernel and bias for inputs with as many channels as here."""
        self.compute_output_shape(input_shape)
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: the channels of the inputs ({channels}, shape "
                f"{tuple(input_shape)}) must be divisible by groups={self.groups}."
            )
        self.kernel = self.add_weight(
            "kernel", (*self.kernel_size, channels // self.groups, self.filters), initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self._add_bias((self.filters,))
        super().build(input_shape)

    def call(self, inputs):
        """activation(inputs * kernel + bias)."""
        convolve = {1: K.conv1d, 2: K.conv2d, 3: K.conv3d}[self.rank]
        return self._finish(convolve(inputs, self.kernel, groups=self.groups, **self._how()))

    def compute_output_shape(self, input_shape):
        """(B, *sizes, filters) in the layer's layout."""
        sizes = self._window_sizes(input_shape, self.kernel_size, self.padding, self.strides, self.dilation_rate)
        return self._shape_of(input_shape[0], sizes, self.filters)


@registry.register("layer", "Convolution1D")
class Conv1D(_Conv):
    """activation(x * kernel + bias): one set of weights slides along time, over windows of `kernel_size` steps.

    Finds the same short pattern wherever it stands in a sequence. With padding='causal' no result sees a later step,
    and a stack with dilation_rate 1, 2, 4 ... looks far back with few weights.

    Args:
        filters: number of patterns, the size of the result's last axis.
        kernel_size: steps in the window.
        strides: steps it moves at a time, 1 by default.
        padding: 'valid' (only whole windows), 'same' (zeros around, T / strides results) or 'causal' (zeros before).
        data_format: 'channels_last', the default here, or 'channels_first'.
        dilation_rate: distance between the window's steps; above 1 only with strides of 1.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on weights and result.
        kernel_constraint, bias_constraint: applied to the weights after each update.
        groups: channels and filters are cut into so many parts that do not see each other.

    Shapes:
        x (B, T, C) -> (B, T', filters); kernel (kernel_size, C / groups, filters), bias (filters,).

    Raises:
        ValueError: an argument out of its range, strides and dilation_rate both above 1, a window longer than x.

    Example:
        >>> from hornbeam.layers import Conv1D, Input
        >>> Conv1D(8, 3, padding="causal", dilation_rate=2)(Input((100, 4))).shape
        (None, 100, 8)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


@registry.register("layer", "Convolution2D")
class Conv2D(_Conv):
    """activation(x * kernel + bias): one set of weights slides over images, `kernel_size` pixels at a time.

    Finds the same small pattern wherever it stands. As in all of Keras the kernel is not turned round, so this is
    what mathematics calls a correlation.

    Args:
        filters: number of patterns, the number of channels of the result.
        kernel_size: height and width of the window, one integer for both.
        strides: pixels it moves at a time, 1 by default.
        padding: 'valid' (only whole windows) or 'same' (zeros around, H / strides results; the odd one goes after).
        data_format: 'channels_last', 'channels_first', or None for the default (`K.image_data_format()`).
        dilation_rate: distance between the window's pixels; above 1 only with strides of 1.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on weights and result.
        kernel_constraint, bias_constraint: applied to the weights after each update.
        groups: channels and filters are cut into so many parts that do not see each other.

    Shapes:
        x (B, H, W, C) -> (B, H', W', filters), or (B, C, H, W) -> (B, filters, H', W');
        kernel (*kernel_size, C / groups, filters) in both layouts, bias (filters,).

    Raises:
        ValueError: an argument out of its range, strides and dilation_rate both above 1, a window larger than x.

    Example:
        >>> from hornbeam.layers import Conv2D, Input
        >>> Conv2D(32, 3, activation="relu")(Input((28, 28, 1))).shape
        (None, 26, 26, 32)
    """

    rank = 2


@registry.register("layer", "Convolution3D")
class Conv3D(_Conv):
    """:class:`Conv2D` over volumes, or over videos with time for depth.

    Args:
        filters: number of patterns, the number of channels of the result.
        kernel_size: depth, height and width of the window, one integer for all.
        strides: places it moves at a time, 1 by default.
        padding: 'valid' or 'same'.
        data_format: 'channels_last', 'channels_first', or None for the default.
        dilation_rate: distance between the window's places; above 1 only with strides of 1.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on weights and result.
        kernel_constraint, bias_constraint: applied to the weights after each update.
        groups: channels and filters are cut into so many parts that do not see each other.

    Shapes:
        x (B, D, H, W, C) -> (B, D', H', W', filters), or with channels first in both;
        kernel (*kernel_size, C / groups, filters), bias (filters,).

    Raises:
        ValueError: an argument out of its range, strides and dilation_rate both above 1, a window larger than x.

    Example:
        >>> from hornbeam.layers import Conv3D, Input
        >>> Conv3D(4, 2)(Input((8, 8, 8, 1))).shape
        (None, 7, 7, 7, 4)
    """

    rank = 3


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D


def AtrousConvolution1D(*args, atrous_rate=1, **kwargs):
    """:class:`Conv1D` with `dilation_rate` under its old name; a layer of its own in Keras 1."""
    return Conv1D(*args, **{"dilation_rate": atrous_rate, **kwargs})


def AtrousConvolution2D(*args, atrous_rate=(1, 1), **kwargs):
    """:class:`Conv2D` with `dilation_rate` under its old name; a layer of its own in Keras 1."""
    return Conv2D(*args, **{"dilation_rate": atrous_rate, **kwargs})


AtrousConv1D, AtrousConv2D = AtrousConvolution1D, AtrousConvolution2D

"""Convolution layers that treat channels apart: depthwise, and separable (depthwise, then 1 x 1)."""

from hornbeam import backend as K
from hornbeam import checks, constraints, initializers, legacy, registry, regularizers
from hornbeam.layers.convolution import ConvolutionLayer

_IDLE = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")


class _Depthwise(ConvolutionLayer):
    """What holds for depthwise and separable layers: the depthwise kernel."""

    def __init__(self, **kwargs):
        _tell_of_idle(type(self).__name__, kwargs)
        super().__init__(**{key: value for key, value in kwargs.items() if key not in _IDLE})

    def get_config(self):
        """The arguments that do something."""
        return {key: value for key, value in super().get_config().items() if key not in _IDLE}

    def _set_depthwise(self, depth_multiplier, initializer, regularizer, constraint):
        self.depth_multiplier = checks.integer(type(self).__name__, "depth_multiplier", depth_multiplier, least=1)
        self.depthwise_initializer = initializers.get(initializer)
        self.depthwise_regularizer = regularizers.get(regularizer)
        self.depthwise_constraint = constraints.get(constraint)

    def _add_depthwise_kernel(self, input_shape):
        self.compute_output_shape(input_shape)
        channels = self._channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer, regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )  # fmt: skip
        return channels * self.depth_multiplier

    def _shape_with(self, input_shape, channels):
        sizes = self._window_sizes(input_shape, self.kernel_size, self.padding, self.strides, self.dilation_rate)
        return self._shape_of(input_shape[0], sizes, channels)


def _tell_of_idle(name, given):
    """Say that arguments for a kernel, which these layers lack, do nothing; Keras 2 accepted them in silence."""
    found = [key for key in _IDLE if given.get(key) is not None]
    if found:
        legacy.tell(
            {(name, key) for key in found},
            f"{name}({', '.join(found)}) did nothing in Keras 2, nor does it here; for an effect write "
            f"{found[0].replace('kernel', 'depthwise')}.",
        )


class _DepthwiseConv(_Depthwise):
    """DepthwiseConv1D and DepthwiseConv2D."""

    def __init__(
        self, kernel_size, strides=1, padding="valid", depth_multiplier=1, data_format=None, activation=None,
        use_bias=True, depthwise_initializer="glorot_uniform", bias_initializer="zeros", depthwise_regularizer=None,
        bias_regularizer=None, activity_regularizer=None, depthwise_constraint=None, bias_constraint=None,
        dilation_rate=1, **kwargs,
    ):  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self._set_depthwise(depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint)

    def build(self, input_shape):
        """Make kernel and bias for inputs with as many channels as here."""
        self._add_bias((self._add_depthwise_kernel(input_shape),))
        super().build(input_shape)

    def call(self, inputs):
        """activation(inputs * kernel + bias), each channel for itself."""
        convolve = {1: K.depthwise_conv1d, 2: K.depthwise_conv2d}[self.rank]
        return self._finish(convolve(inputs, self.depthwise_kernel, **self._how()))

    def compute_output_shape(self, input_shape):
        """(B, *sizes, C * depth_multiplier) in the layer's layout."""
        channels = input_shape[self._channel_axis]
        return self._shape_with(input_shape, None if channels is None else channels * self.depth_multiplier)


@registry.register("layer")
class DepthwiseConv1D(_DepthwiseConv):
    """:class:`DepthwiseConv2D` over time.

    Args:
        kernel_size: steps in the window.
        strides: steps it moves at a time, 1 by default.
        padding: 'valid', 'same' or 'causal'.
        depth_multiplier: results for each channel.
        data_format: 'channels_last', the default here, or 'channels_first'.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        depthwise_initializer, bias_initializer: how the weights start.
        depthwise_regularizer, bias_regularizer, activity_regularizer: penalties on weights and result.
        depthwise_constraint, bias_constraint: applied to the weights after each update.
        dilation_rate: distance between the window's steps; above 1 only with strides of 1.

    Shapes:
        x (B, T, C) -> (B, T', C * depth_multiplier); kernel (kernel_size, C, depth_multiplier).

    Raises:
        ValueError: an argument out of its range, or a window longer than x.

    Example:
        >>> from hornbeam.layers import DepthwiseConv1D, Input
        >>> DepthwiseConv1D(5, depth_multiplier=2)(Input((100, 8))).shape
        (None, 96, 16)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


@registry.register("layer", "DepthwiseConvolution2D")
class DepthwiseConv2D(_DepthwiseConv):
    """activation(x * kernel + bias), each channel through `depth_multiplier` filters of its own.

    Channels do not mix, so it takes C times fewer weights and products than :class:`Conv2D`; a 1 x 1 convolution after
    it mixes them. Result channel c * depth_multiplier + m comes from channel c.

    Args:
        kernel_size: height and width of the window, one integer for both.
        strides: pixels it moves at a time, 1 by default.
        padding: 'valid' or 'same'.
        depth_multiplier: results for each channel.
        data_format: 'channels_last', 'channels_first', or None for the default.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        depthwise_initializer, bias_initializer: how the weights start.
        depthwise_regularizer, bias_regularizer, activity_regularizer: penalties on weights and result.
        depthwise_constraint, bias_constraint: applied to the weights after each update.
        dilation_rate: distance between the window's pixels; above 1 only with strides of 1.

    Shapes:
        x (B, H, W, C) -> (B, H', W', C * depth_multiplier), or with channels first in both;
        kernel (*kernel_size, C, depth_multiplier), bias (C * depth_multiplier,).

    Raises:
        ValueError: an argument out of its range, or a window larger than x.

    Example:
        >>> from hornbeam.layers import DepthwiseConv2D, Input
        >>> DepthwiseConv2D(3, padding="same")(Input((14, 14, 32))).shape
        (None, 14, 14, 32)
    """

    rank = 2


class _SeparableConv(_Depthwise):
    """SeparableConv1D and SeparableConv2D."""

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1, depth_multiplier=1,
        activation=None, use_bias=True, depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform", bias_initializer="zeros", depthwise_regularizer=None,
        pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None, depthwise_constraint=None,
        pointwise_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = checks.integer(type(self).__name__, "filters", filters, least=1)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self._set_depthwise(depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape):
        """Make both kernels and the bias for inputs with as many channels as here."""
        between = self._add_depthwise_kernel(input_shape)
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel", (*(1,) * self.rank, between, self.filters), initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer, constraint=self.pointwise_constraint,
        )  # fmt: skip
        self._add_bias((self.filters,))
        super().build(input_shape)

    def call(self, inputs):
        """activation(inputs * depthwise_kernel * pointwise_kernel + bias)."""
        convolve = {1: K.separable_conv1d, 2: K.separable_conv2d}[self.rank]
        return self._finish(convolve(inputs, self.depthwise_kernel, self.pointwise_kernel, **self._how()))

    def compute_output_shape(self, input_shape):
        """(B, *sizes, filters) in the layer's layout."""
        return self._shape_with(input_shape, self.filters)


@registry.register("layer", "SeparableConvolution1D")
class SeparableConv1D(_SeparableConv):
    """:class:`SeparableConv2D` over time.

    Args:
        filters: size of the result's last axis.
        kernel_size: steps in the window.
        strides: steps it moves at a time, 1 by default.
        padding: 'valid', 'same' or 'causal'.
        data_format: 'channels_last', the default here, or 'channels_first'.
        dilation_rate: distance between the window's steps; above 1 only with strides of 1.
        depth_multiplier: results for each channel before they are mixed.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        depthwise_initializer, pointwise_initializer, bias_initializer: how the weights start.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: penalties.
        depthwise_constraint, pointwise_constraint, bias_constraint: applied to the weights after each update.

    Shapes:
        x (B, T, C) -> (B, T', filters); kernels (kernel_size, C, depth_multiplier), (1, C * depth_multiplier, filters).

    Raises:
        ValueError: an argument out of its range, or a window longer than x.

    Example:
        >>> from hornbeam.layers import Input, SeparableConv1D
        >>> SeparableConv1D(16, 3, padding="same")(Input((100, 8))).shape
        (None, 100, 16)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


@registry.register("layer", "SeparableConvolution2D")
class SeparableConv2D(_SeparableConv):
    """activation(x * depthwise_kernel * pointwise_kernel + bias): first space, each channel alone; then the channels.

    A convolution taken apart, with a fraction of its weights: kernel_size ** 2 * C + C * filters instead of their
    product. No activation stands between the two.

    Args:
        filters: number of channels of the result.
        kernel_size: height and width of the window, one integer for both.
        strides: pixels it moves at a time, 1 by default.
        padding: 'valid' or 'same'.
        data_format: 'channels_last', 'channels_first', or None for the default.
        dilation_rate: distance between the window's pixels; above 1 only with strides of 1.
        depth_multiplier: results for each channel before they are mixed.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        depthwise_initializer, pointwise_initializer, bias_initializer: how the weights start.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: penalties.
        depthwise_constraint, pointwise_constraint, bias_constraint: applied to the weights after each update.

    Shapes:
        x (B, H, W, C) -> (B, H', W', filters), or with channels first in both;
        kernels (*kernel_size, C, depth_multiplier) and (1, 1, C * depth_multiplier, filters), bias (filters,).

    Raises:
        ValueError: an argument out of its range, or a window larger than x.

    Example:
        >>> from hornbeam.layers import Input, SeparableConv2D
        >>> SeparableConv2D(64, 3, padding="same")(Input((28, 28, 32))).shape
        (None, 28, 28, 64)

    Reference:
        Chollet 2016, Xception, arXiv:1610.02357.
    """

    rank = 2


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D

"""Transposed convolution layers: the way back through a convolution, from small to large."""

from hornbeam import backend as K
from hornbeam import checks, constraints, initializers, registry, regularizers
from hornbeam.layers.convolution import ConvolutionLayer
from hornbeam.utils.conv_utils import deconv_length


class _ConvTranspose(ConvolutionLayer):
    """Conv1DTranspose, Conv2DTranspose and Conv3DTranspose."""

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1,
        activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = checks.integer(type(self).__name__, "filters", filters, least=1)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = self._numbers("output_padding", output_padding, least=0)
            if any(more >= stride for more, stride in zip(self.output_padding, self.strides, strict=True)):
                raise checks.wrong_argument(
                    type(self).__name__, "output_padding", output_padding, f"smaller than strides {self.strides}"
                )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape):
        """Make kernel and bias for inputs with as many channels as here."""
        self.kernel = self.add_weight(
            "kernel", (*self.kernel_size, self.filters, self._channels(input_shape)),
            initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        self._add_bias((self.filters,))
        super().build(input_shape)

    def call(self, inputs):
        """activation(result + bias)."""
        spread = {1: K.conv1d_transpose, 2: K.conv2d_transpose, 3: K.conv3d_transpose}[self.rank]
        shape = self.compute_output_shape(K.int_shape(inputs))
        return self._finish(spread(inputs, self.kernel, shape, **self._how()))

    def compute_output_shape(self, input_shape):
        """(B, *sizes, filters) in the layer's layout."""
        more = self.output_padding or (None,) * self.rank
        sizes = self._sizes_of(input_shape)
        rules = zip(sizes, self.strides, self.kernel_size, more, self.dilation_rate, strict=True)
        found = tuple(deconv_length(n, s, k, self.padding, p, d) for n, s, k, p, d in rules)
        return self._shape_of(input_shape[0], found, self.filters)


@registry.register("layer", "Convolution1DTranspose")
class Conv1DTranspose(_ConvTranspose):
    """:class:`Conv2DTranspose` over time.

    Args:
        filters: number of channels of the result.
        kernel_size: steps that each step of x is spread over.
        strides: steps between them, so the result is so many times as long.
        padding: 'valid' (everything spread is kept) or 'same' (T * strides steps).
        output_padding: which of the possible lengths, 0 to strides - 1; None for the longest.
        data_format: 'channels_last', the default here, or 'channels_first'.
        dilation_rate: distance between the kernel's steps; above 1 only with strides of 1.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on weights and result.
        kernel_constraint, bias_constraint: applied to the weights after each update.

    Shapes:
        x (B, T, C) -> (B, T', filters); kernel (kernel_size, filters, C), bias (filters,).

    Raises:
        ValueError: an argument out of its range, or strides and dilation_rate both above 1.

    Example:
        >>> from hornbeam.layers import Conv1DTranspose, Input
        >>> Conv1DTranspose(8, 4, strides=2, padding="same")(Input((50, 16))).shape
        (None, 100, 8)
    """

    rank = 1


@registry.register("layer", "Convolution2DTranspose", "Deconvolution2D", "Deconv2D")
class Conv2DTranspose(_ConvTranspose):
    """Each pixel of x lays its share of the kernel down, `strides` apart; what overlaps is added.

    The gradient of :class:`Conv2D` with respect to its inputs, used as a layer to enlarge images. Kernels whose size
    is not a multiple of the strides leave a checkerboard pattern.

    Args:
        filters: number of channels of the result.
        kernel_size: height and width that each pixel of x is spread over.
        strides: pixels between them, so the result is so many times as large.
        padding: 'valid' (everything spread is kept) or 'same' (H * strides pixels).
        output_padding: which of the possible sizes, 0 to strides - 1; None for the largest.
        data_format: 'channels_last', 'channels_first', or None for the default.
        dilation_rate: distance between the kernel's pixels; above 1 only with strides of 1.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on weights and result.
        kernel_constraint, bias_constraint: applied to the weights after each update.

    Shapes:
        x (B, H, W, C) -> (B, H', W', filters), or (B, C, H, W) -> (B, filters, H', W');
        kernel (*kernel_size, filters, C), bias (filters,).

    Raises:
        ValueError: an argument out of its range, or strides and dilation_rate both above 1.

    Example:
        >>> from hornbeam.layers import Conv2DTranspose, Input
        >>> Conv2DTranspose(8, 4, strides=2, padding="same")(Input((7, 7, 16))).shape
        (None, 14, 14, 8)

    Reference:
        Zeiler et al. 2010, Deconvolutional networks; Odena et al. 2016 on the checkerboard.
    """

    rank = 2


@registry.register("layer", "Convolution3DTranspose", "Deconvolution3D", "Deconv3D")
class Conv3DTranspose(_ConvTranspose):
    """:class:`Conv2DTranspose` over volumes.

    Args:
        filters: number of channels of the result.
        kernel_size: depth, height and width that each place of x is spread over.
        strides: places between them, so the result is so many times as large.
        padding: 'valid' (everything spread is kept) or 'same' (D * strides places).
        output_padding: which of the possible sizes, 0 to strides - 1; None for the largest.
        data_format: 'channels_last', 'channels_first', or None for the default.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on weights and result.
        kernel_constraint, bias_constraint: applied to the weights after each update.
        dilation_rate: distance between the kernel's places; above 1 only with strides of 1.

    Shapes:
        x (B, D, H, W, C) -> (B, D', H', W', filters), or with channels first in both;
        kernel (*kernel_size, filters, C), bias (filters,).

    Raises:
        ValueError: an argument out of its range, or strides and dilation_rate both above 1.

    Example:
        >>> from hornbeam.layers import Conv3DTranspose, Input
        >>> Conv3DTranspose(2, 2, strides=2)(Input((4, 4, 4, 3))).shape
        (None, 8, 8, 8, 2)
    """

    rank = 3

    def __init__(  # Keras 2 has no dilation_rate here, so the arguments by position are others
        self, filters, kernel_size, strides=1, padding="valid", output_padding=None, data_format=None, activation=None,
        use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
        bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None,
        dilation_rate=1, **kwargs,
    ):  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


Convolution1DTranspose, Convolution2DTranspose, Convolution3DTranspose = (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
)
Deconvolution2D = Deconv2D = Conv2DTranspose
Deconvolution3D = Deconv3D = Conv3DTranspose

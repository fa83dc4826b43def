"""Locally connected layers: a moving window with weights of its own at every place."""

import math

from hornbeam import backend as K
from hornbeam import checks, constraints, initializers, registry, regularizers
from hornbeam.core import InputSpec
from hornbeam.layers.convolution import ConvolutionLayer


class _LocallyConnected(ConvolutionLayer):
    """LocallyConnected1D and LocallyConnected2D."""

    paddings = ("valid",)

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", data_format=None, activation=None, use_bias=True,
        kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = checks.integer(type(self).__name__, "filters", filters, least=1)
        self._set_window(kernel_size, strides, padding, data_format, 1)
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape):
        """Make a kernel and a bias for each place; all sizes but the batch must be known."""
        for axis in range(1, self.rank + 2):
            checks.known_size(self, input_shape, axis)
        sizes = self._sizes_of(self.compute_output_shape(input_shape))
        inside = math.prod(self.kernel_size) * self._channels(input_shape)
        self.input_spec = InputSpec(shape=(None, *input_shape[1:]))
        self.kernel = self.add_weight(
            "kernel", (math.prod(sizes), inside, self.filters), initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self._add_bias((*sizes, self.filters))
        super().build(input_shape)

    def call(self, inputs):
        """activation(inputs * kernels + biases)."""
        if self.rank == 1:
            outputs = K.local_conv1d(inputs, self.kernel, self.kernel_size, self.strides, self.data_format)
        else:
            sizes = self._sizes_of(self.compute_output_shape(K.int_shape(inputs)))
            outputs = K.local_conv2d(inputs, self.kernel, self.kernel_size, self.strides, sizes, self.data_format)
        return self._finish(outputs)

    def compute_output_shape(self, input_shape):
        """(B, *sizes, filters) in the layer's layout."""
        once = (1,) * self.rank
        sizes = self._window_sizes(input_shape, self.kernel_size, "valid", self.strides, once)
        return self._shape_of(input_shape[0], sizes, self.filters)


@registry.register("layer")
class LocallyConnected1D(_LocallyConnected):
    """:class:`Conv1D` whose weights are not shared: each place in time has a kernel and a bias of its own.

    For sequences where the same pattern means something else at another time. Takes T' times the weights.

    Args:
        filters: size of the result's last axis.
        kernel_size: steps in the window.
        strides: steps it moves at a time, 1 by default.
        padding: 'valid'; there is no other.
        data_format: 'channels_last', the default here, or 'channels_first'.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on weights and result.
        kernel_constraint, bias_constraint: applied to the weights after each update.

    Shapes:
        x (B, T, C) -> (B, T', filters); kernel (T', kernel_size * C, filters), bias (T', filters). T must be known.

    Raises:
        ValueError: an argument out of its range, a window longer than x, or an unknown T.

    Example:
        >>> from hornbeam.layers import Input, LocallyConnected1D
        >>> LocallyConnected1D(4, 3)(Input((10, 2))).shape
        (None, 8, 4)
    """

    rank = 1


@registry.register("layer")
class LocallyConnected2D(_LocallyConnected):
    """:class:`Conv2D` whose weights are not shared: each place has a kernel and a bias of its own.

    For images where places differ, such as aligned faces. Takes H' * W' times the weights.

    Args:
        filters: number of channels of the result.
        kernel_size: height and width of the window, one integer for both.
        strides: pixels it moves at a time, 1 by default.
        padding: 'valid'; there is no other.
        data_format: 'channels_last', 'channels_first', or None for the default.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on weights and result.
        kernel_constraint, bias_constraint: applied to the weights after each update.

    Shapes:
        x (B, H, W, C) -> (B, H', W', filters), or with channels first in both; kernel (H' * W', window * C, filters),
        bias (H', W', filters). H and W must be known.

    Raises:
        ValueError: an argument out of its range, a window larger than x, or an unknown size.

    Example:
        >>> from hornbeam.layers import Input, LocallyConnected2D
        >>> LocallyConnected2D(4, 3, strides=2)(Input((9, 9, 2))).shape
        (None, 4, 4, 4)
    """

    rank = 2

"""Layers of everyday use: dense, activation, dropout, masking."""

from hornbeam import activations, backend as K, checks, constraints, initializers, registry, regularizers
from hornbeam.core import InputSpec, Layer


@registry.register("layer")
class Dense(Layer):
    """activation(x . kernel + bias): every output sees every input.

    Inputs of rank above 2 keep their leading axes: each position goes through the same weights.

    Args:
        units: size of the result's last axis, 1 or more.
        activation: name, function or layer applied to the result; None for none.
        use_bias: add a bias?
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the result.
        kernel_constraint, bias_constraint: applied to the weights after each update.

    Shapes:
        x (B, ..., D) -> (B, ..., units); kernel (D, units), bias (units,).

    Raises:
        ValueError: `units` is not a positive integer, or the last axis of the inputs has no known size.

    Example:
        >>> from hornbeam.layers import Dense, Input
        >>> Dense(32, activation="relu")(Input((16,))).shape
        (None, 32)
    """

    rowwise = True
    supports_masking = True

    def __init__(
        self, units, activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = checks.integer("Dense", "units", units, least=1)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape):
        """Make kernel and bias for inputs whose last axis has the size it has here."""
        size = checks.known_size(self, input_shape, -1)
        self.kernel = self.add_weight(
            "kernel", (size, self.units), initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (self.units,), initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        super().build(input_shape)

    def call(self, inputs):
        """activation(inputs . kernel + bias)."""
        outputs = K.dot(inputs, self.kernel)
        if self.use_bias:
            outputs = K.bias_add(outputs, self.bias, data_format="channels_last")
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        """(B, ..., units)."""
        return (*input_shape[:-1], self.units)

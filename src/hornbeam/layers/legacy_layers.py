"""Layers of Keras 1 that old code still uses, with the argument names they had."""

from hornbeam import activations, checks, constraints, initializers, registry, regularizers
from hornbeam import backend as K
from hornbeam.core import InputSpec, Layer


class _KerasOne(Layer):
    """What both layers have in common: their arguments."""

    rowwise = True

    def _store(self, init, bias, W_regularizer, b_regularizer, W_constraint, b_constraint):
        self.init = initializers.get(init)
        self.bias = bias
        self.W_regularizer = regularizers.get(W_regularizer)
        self.b_regularizer = regularizers.get(b_regularizer)
        self.W_constraint = constraints.get(W_constraint)
        self.b_constraint = constraints.get(b_constraint)
        self.input_spec = InputSpec(ndim=2)

    def _add_kernel(self, name, shape):
        return self.add_weight(
            name, shape, initializer=self.init, regularizer=self.W_regularizer, constraint=self.W_constraint
        )

    def _add_bias(self, name, shape, initializer="zeros"):
        return self.add_weight(
            name, shape, initializer=initializer, regularizer=self.b_regularizer, constraint=self.b_constraint
        )


@registry.register("layer")
class MaxoutDense(_KerasOne):
    """max over k of (x . W[k] + b[k]): the largest of `nb_feature` dense layers, unit by unit.

    Args:
        output_dim: size of the result.
        nb_feature: number of dense layers to choose from, 4 by default.
        init: how W starts.
        weights: list of arrays to start from.
        W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint: penalties and rules.
        bias: add biases?
        input_dim: size of the inputs, for the first layer of a Sequential.

    Shapes:
        x (B, D) -> (B, output_dim); W (nb_feature, D, output_dim), b (nb_feature, output_dim).

    Raises:
        ValueError: a size is not a positive integer, or x is not of rank 2.

    Example:
        >>> from hornbeam.layers import Input, MaxoutDense
        >>> MaxoutDense(3)(Input((5,))).shape
        (None, 3)

    Reference:
        Goodfellow et al. 2013, arXiv:1302.4389.
    """

    def __init__(
        self, output_dim, nb_feature=4, init="glorot_uniform", weights=None, W_regularizer=None, b_regularizer=None,
        activity_regularizer=None, W_constraint=None, b_constraint=None, bias=True, input_dim=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            weights=weights, input_dim=input_dim, activity_regularizer=activity_regularizer, **kwargs
        )
        self.output_dim = checks.integer("MaxoutDense", "output_dim", output_dim, least=1)
        self.nb_feature = checks.integer("MaxoutDense", "nb_feature", nb_feature, least=1)
        self._store(init, bias, W_regularizer, b_regularizer, W_constraint, b_constraint)

    def build(self, input_shape):
        """Make W and b."""
        size = checks.known_size(self, input_shape, -1)
        self.W = self._add_kernel("W", (self.nb_feature, size, self.output_dim))
        self.b = self._add_bias("b", (self.nb_feature, self.output_dim)) if self.bias else None
        self.input_spec = InputSpec(ndim=2, axes={-1: size})
        super().build(input_shape)

    def call(self, x):
        """The largest of the dense results."""
        results = K.dot(x, self.W)
        return K.max(results + self.b if self.bias else results, axis=1)

    def compute_output_shape(self, input_shape):
        """(B, output_dim)."""
        return (input_shape[0], self.output_dim)


@registry.register("layer")
class Highway(_KerasOne):
    """t * activation(x . W + b) + (1 - t) * x, with t = sigmoid(x . W_carry + b_carry).

    A dense layer and a gate that decides, unit by unit, how much of it to use and how much of x to let through.
    `b_carry` starts at 1, so that the layer starts by using itself.

    Args:
        init: how W and W_carry start.
        activation: name or function; None for none.
        weights: list of arrays to start from.
        W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint: penalties and rules.
        bias: add biases?
        input_dim: size of the inputs, for the first layer of a Sequential.

    Shapes:
        x (B, D) -> (B, D); W, W_carry (D, D), b, b_carry (D,).

    Raises:
        ValueError: x is not of rank 2, or its size is unknown.

    Example:
        >>> from hornbeam.layers import Highway, Input
        >>> Highway()(Input((5,))).shape
        (None, 5)

    Reference:
        Srivastava et al. 2015, arXiv:1505.00387.
    """

    def __init__(
        self, init="glorot_uniform", activation=None, weights=None, W_regularizer=None, b_regularizer=None,
        activity_regularizer=None, W_constraint=None, b_constraint=None, bias=True, input_dim=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            weights=weights, input_dim=input_dim, activity_regularizer=activity_regularizer, **kwargs
        )
        self.activation = activations.get(activation)
        self._store(init, bias, W_regularizer, b_regularizer, W_constraint, b_constraint)

    def build(self, input_shape):
        """Make the weights."""
        size = checks.known_size(self, input_shape, -1)
        self.W = self._add_kernel("W", (size, size))
        self.W_carry = self._add_kernel("W_carry", (size, size))
        self.b = self._add_bias("b", (size,)) if self.bias else None
        self.b_carry = self._add_bias("b_carry", (size,), "ones") if self.bias else None
        self.input_spec = InputSpec(ndim=2, axes={-1: size})
        super().build(input_shape)

    def call(self, x):
        """What the gate lets through of the dense layer, and the rest of x."""
        gate, made = K.dot(x, self.W_carry), K.dot(x, self.W)
        if self.bias:
            gate, made = gate + self.b_carry, made + self.b
        gate = K.sigmoid(gate)
        return gate * self.activation(made) + (1 - gate) * x

    def compute_output_shape(self, input_shape):
        """The shape of the inputs."""
        return input_shape

"""Layers of everyday use: dense, activation, dropout, masking."""

from hornbeam import activations, checks, constraints, initializers, registry, regularizers
from hornbeam import backend as K
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
        x (B, ..., D) -> (B, ..., units), half of that for glu; kernel (D, units), bias (units,).

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
        """(B, ..., units), unless the activation gives another shape, as glu does."""
        return activations.result_shape(self.activation, (*input_shape[:-1], self.units))


@registry.register("layer")
class Activation(Layer):
    """activation(x), as a layer of its own.

    The same as the `activation` argument of the layer before it; it stands alone where something comes between, such
    as batch normalisation.

    Args:
        activation: name or function.

    Shapes:
        any -> the same; 'glu' halves the last axis.

    Raises:
        ValueError: no activation has that name; names the nearest one.

    Example:
        >>> from hornbeam.layers import Activation
        >>> Activation("relu")(K.constant([[-1.0, 2.0]])).tolist()
        [[0.0, 2.0]]
    """

    rowwise = True
    supports_masking = True

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs):
        """activation(inputs)."""
        return self.activation(inputs)

    def compute_output_shape(self, input_shape):
        """The shape of the inputs, unless the activation gives another, as glu does."""
        return activations.result_shape(self.activation, tuple(input_shape))


@registry.register("layer")
class Identity(Layer):
    """x: hands its inputs on, whatever their form.

    Example:
        >>> from hornbeam.layers import Identity
        >>> Identity()(K.constant([[1.0]])).tolist()
        [[1.0]]
    """

    rowwise = True
    supports_masking = True

    def call(self, inputs):
        """The inputs."""
        return inputs

    def compute_output_shape(self, input_shape):
        """The shape of the inputs."""
        return input_shape

    def compute_output_dtype(self, dtypes):
        """The type of the inputs."""
        return dtypes[0]


# --- Dropout ---


@registry.register("layer")
class Dropout(Layer):
    """While training, sets a fraction `rate` of x to 0 and scales the rest by 1 / (1 - rate); else hands x on.

    Guards against overfitting: no unit can rely on the presence of another. The scaling keeps the expected sum, so
    inference needs none.

    Args:
        rate: fraction set to 0, in [0, 1).
        noise_shape: shape of the random mask, which is spread over x; None entries take that of x. (None, 1, C) drops
            whole channels of (B, T, C).
        seed: number that fixes the stream of masks.

    Shapes:
        any -> the same.

    Raises:
        ValueError: `rate` is outside [0, 1).

    Example:
        >>> from hornbeam.layers import Dropout
        >>> sorted(set(Dropout(0.5)(K.constant(1.0, shape=(1, 100)), training=True).ravel().tolist()))
        [0.0, 2.0]

    Reference:
        Srivastava et al. 2014, JMLR 15.
    """

    rowwise = True
    supports_masking = True

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = checks.fraction(type(self).__name__, "rate", rate)
        self.noise_shape = noise_shape
        self.seed = seed

    def _get_noise_shape(self, inputs):
        """Shape of the random mask; subclasses override it."""
        return self.noise_shape

    def call(self, inputs, training=None):
        """`inputs`, with elements dropped while training."""
        if self.rate == 0:
            return inputs
        return K.in_train_phase(
            lambda: K.dropout(inputs, self.rate, self._get_noise_shape(inputs), self.seed), inputs, training=training
        )

    def compute_output_shape(self, input_shape):
        """The shape of the inputs."""
        return input_shape


class _SpatialDropout(Dropout):
    """Dropout of whole channels of images and volumes."""

    def __init__(self, rate, data_format=None, seed=None, **kwargs):
        super().__init__(rate, seed=seed, **kwargs)
        self.data_format = checks.data_format(type(self).__name__, data_format)

    def _get_noise_shape(self, inputs):
        space = (1,) * (self.input_spec.ndim - 2)
        return (None, None, *space) if self.data_format == "channels_first" else (None, *space, None)


@registry.register("layer")
class SpatialDropout1D(Dropout):
    """:class:`Dropout` of whole channels of sequences.

    Neighbouring steps are alike, so dropping single elements would hide little.

    Args:
        rate: fraction of channels set to 0, in [0, 1).
        seed: number that fixes the stream of masks.

    Shapes:
        x (B, T, C) -> the same.

    Raises:
        ValueError: `rate` is outside [0, 1), or x is not of rank 3.

    Example:
        >>> from hornbeam.layers import SpatialDropout1D
        >>> SpatialDropout1D(0.5)(K.constant([[[1.0], [1.0]]])).tolist()
        [[[1.0], [1.0]]]

    Reference:
        Tompson et al. 2015, arXiv:1411.4280.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(rate, seed=seed, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def _get_noise_shape(self, inputs):
        return (None, 1, None)


@registry.register("layer")
class SpatialDropout2D(_SpatialDropout):
    """:class:`Dropout` of whole channels of images; see :class:`SpatialDropout1D`.

    Args:
        rate: fraction of channels set to 0, in [0, 1).
        data_format: 'channels_last', 'channels_first', or None for the default.
        seed: number that fixes the stream of masks.

    Shapes:
        x (B, H, W, C), or (B, C, H, W) -> the same.

    Raises:
        ValueError: `rate` is outside [0, 1), `data_format` is unknown, or x is not of rank 4.

    Example:
        >>> from hornbeam.layers import Input, SpatialDropout2D
        >>> SpatialDropout2D(0.5)(Input((8, 8, 3))).shape
        (None, 8, 8, 3)
    """

    def __init__(self, rate, data_format=None, seed=None, **kwargs):
        super().__init__(rate, data_format, seed, **kwargs)
        self.input_spec = InputSpec(ndim=4)


@registry.register("layer")
class SpatialDropout3D(_SpatialDropout):
    """:class:`Dropout` of whole channels of volumes; see :class:`SpatialDropout1D`.

    Args:
        rate: fraction of channels set to 0, in [0, 1).
        data_format: 'channels_last', 'channels_first', or None for the default.
        seed: number that fixes the stream of masks.

    Shapes:
        x (B, D, H, W, C), or (B, C, D, H, W) -> the same.

    Raises:
        ValueError: `rate` is outside [0, 1), `data_format` is unknown, or x is not of rank 5.

    Example:
        >>> from hornbeam.layers import Input, SpatialDropout3D
        >>> SpatialDropout3D(0.5)(Input((4, 8, 8, 3))).shape
        (None, 4, 8, 8, 3)
    """

    def __init__(self, rate, data_format=None, seed=None, **kwargs):
        super().__init__(rate, data_format, seed, **kwargs)
        self.input_spec = InputSpec(ndim=5)


# --- Masks and penalties ---


@registry.register("layer")
class Masking(Layer):
    """Marks the time steps whose features all equal `mask_value`: layers after it pass over them.

    For sequences of different lengths, padded to one. Marked steps come out as zeros. A layer that cannot use a mask
    refuses it with an error.

    Args:
        mask_value: number that padding is made of, 0 by default.

    Shapes:
        x (B, T, ..., D) -> the same; mask (B, T, ...), False at the marked steps.

    Example:
        >>> from hornbeam import backend as K
        >>> from hornbeam.layers import Masking
        >>> Masking(9.0)(K.constant([[[1.0, 9.0], [9.0, 9.0]]])).tolist()
        [[[1.0, 9.0], [0.0, 0.0]]]
    """

    rowwise = True
    supports_masking = True

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def compute_mask(self, inputs, mask=None):
        """(B, T, ...) booleans, False where all features equal `mask_value`."""
        return K.any(K.not_equal(inputs, self.mask_value), axis=-1)

    padded_rank = 3

    def real_steps(self, x):
        """Which steps of `x` (B, T, D), an array, are not marked: the mask, for who looks at data before it is fed."""
        return (x != self.mask_value).any(-1)

    def call(self, inputs):
        """`inputs` with zeros at the marked steps."""
        real = K.any(K.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return K.where(real, inputs, K.zeros_like(inputs))

    def compute_output_shape(self, input_shape):
        """The shape of the inputs."""
        return input_shape

    def compute_output_dtype(self, dtypes):
        """The type of the inputs."""
        return dtypes[0]


@registry.register("layer")
class ActivityRegularization(Layer):
    """Hands x on, and adds l1 * sum(|x|) + l2 * sum(x ** 2) to the loss.

    The sums run over the whole batch, so the penalty grows with its size.

    Args:
        l1, l2: factors, 0 or more.

    Shapes:
        any -> the same.

    Example:
        >>> from hornbeam.layers import ActivityRegularization
        >>> ActivityRegularization(l1=0.01)(K.constant([[1.0]])).tolist()
        [[1.0]]
    """

    rowwise = True
    supports_masking = True

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs):
        """The inputs."""
        return inputs

    def compute_output_shape(self, input_shape):
        """The shape of the inputs."""
        return input_shape

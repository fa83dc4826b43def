"""Layers that bring activations to mean 0 and variance 1, or to length 1."""

import math

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, constraints, initializers, registry, regularizers, scope
from hornbeam.core import InputSpec, Layer


class _Scaled(Layer):
    """A layer that ends with gamma * x + beta, both learned."""

    rowwise = True
    computes_in_full_precision = True
    supports_masking = True

    def _store(self, epsilon, center, scale, **settings):
        """Check and keep what the constructors have in common; `settings` are initializers and their kin."""
        self.epsilon = epsilon
        if not isinstance(epsilon, (int, float)) or epsilon < 0:
            raise checks.wrong_argument(type(self).__name__, "epsilon", epsilon, "a number of 0 or more")
        self.center = center
        self.scale = scale
        rooms = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}
        for name, value in settings.items():
            setattr(self, name, rooms[name.rsplit("_", 1)[1]].get(value))

    def _add_scale(self, shape):
        """Make gamma and beta, as far as they are wanted."""
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                "gamma", shape, initializer=self.gamma_initializer, regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                "beta", shape, initializer=self.beta_initializer, regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )  # fmt: skip

    def _scaled(self, x, kept):
        """gamma * x + beta, with both spread over the axes whose size in `kept` is not 1."""
        x = x if self.gamma is None else x * K.reshape(self.gamma, kept)
        return x if self.beta is None else x + K.reshape(self.beta, kept)

    def compute_output_shape(self, input_shape):
        """The shape of the inputs."""
        return input_shape


@registry.register("layer")
class BatchNormalization(_Scaled):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, over the batch while training, over the past otherwise.

    While training, mean and variance are those of the batch, each channel by itself, and they move the averages that
    inference uses: moving = momentum * moving + (1 - momentum) * batch. The moving variance takes the batch's variance
    times n / (n - 1 - epsilon), for n values a channel.

    What surprises: `trainable = False` (of the layer, or of a model it is in) has the classic meaning. It stops all
    learning, of the averages too, but training still normalises by the batch; for the averages, call the layer with
    `training=False`. Rows that pad a short batch do not count; masked time steps do.

    Args:
        axis: the axis of the channels: -1, or 1 for 'channels_first'.
        momentum: share of the past in the moving averages, in [0, 1].
        epsilon: added to the variance.
        center, scale: learn beta; learn gamma?
        beta_initializer, gamma_initializer: how they start.
        moving_mean_initializer, moving_variance_initializer: how the averages start.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: penalties and rules for them.
        synchronized: accepted; a batch split over devices is one batch here anyway.

    Shapes:
        x (B, ..., C) -> the same; gamma, beta, moving_mean, moving_variance (C,).

    Raises:
        ValueError: the axis does not exist, or its size is unknown.

    Example:
        >>> from hornbeam.layers import BatchNormalization
        >>> layer = BatchNormalization(epsilon=0.0)
        >>> layer(K.constant([[1.0], [3.0]]), training=True).tolist()
        [[-1.0], [1.0]]

    Reference:
        Ioffe and Szegedy 2015, arXiv:1502.03167.
    """

    def __init__(
        self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True, beta_initializer="zeros",
        gamma_initializer="ones", moving_mean_initializer="zeros", moving_variance_initializer="ones",
        beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None,
        synchronized=False, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self._store(
            epsilon, center, scale, beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer, moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )  # fmt: skip
        only = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
        self.axis = checks.integer("BatchNormalization", "axis", only)
        self.momentum = momentum
        self.synchronized = synchronized
        if not 0 <= momentum <= 1:
            raise checks.wrong_argument("BatchNormalization", "momentum", momentum, "a number in [0, 1]")

    def build(self, input_shape):
        """Make gamma, beta and the moving averages."""
        _check_axes(self, [self.axis], input_shape)
        size = checks.known_size(self, input_shape, self.axis)
        self._add_scale((size,))
        self.moving_mean = self.add_weight(
            "moving_mean", (size,), initializer=self.moving_mean_initializer, trainable=False
        )
        self.moving_variance = self.add_weight(
            "moving_variance", (size,), initializer=self.moving_variance_initializer, trainable=False
        )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})
        super().build(input_shape)

    def call(self, inputs, training=None):
        """`inputs`, normalised by the batch while training, else by the moving averages."""
        return K.in_train_phase(
            lambda: self._by_batch(inputs, training),
            lambda: K.batch_normalization(
                inputs, self.moving_mean, self.moving_variance, self.beta, self.gamma, self.axis, self.epsilon
            ),
            training=training,
        )

    def _by_batch(self, inputs, training):
        axes = [axis for axis in range(K.ndim(inputs)) if axis != self.axis % K.ndim(inputs)]
        normed, mean, variance = K.normalize_batch_in_training(inputs, self.gamma, self.beta, axes, self.epsilon)
        here = scope.current()
        frozen = not self.trainable or (here is not None and here.frozen)
        if not frozen and 0 not in K.int_shape(inputs):
            count = self._count(inputs, axes)
            unbiased = variance * (count / (count - (1.0 + self.epsilon)))
            for average, value in ((self.moving_mean, mean), (self.moving_variance, unbiased)):
                new = average * self.momentum + value * (1.0 - self.momentum)
                K.update(average, K.in_train_phase(new, K.identity(average), training=training))
        return normed

    def _count(self, inputs, axes):
        """Number of values a channel, without rows that pad the batch."""
        sizes = K.int_shape(inputs)
        real = K.valid_rows_mask(inputs) if 0 in axes else None
        if real is None:
            return float(math.prod(sizes[axis] for axis in axes))
        return K.sum(real) * math.prod(sizes[axis] for axis in axes if axis != 0)


@registry.register("layer")
class LayerNormalization(_Scaled):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, each row (and time step) by itself.

    Unlike :class:`BatchNormalization` it does the same in training and inference and does not care for the batch;
    the usual choice in recurrent networks and transformers.

    Args:
        axis: axis or axes that mean and variance are taken over, -1 by default.
        epsilon: added to the variance.
        center, scale: learn beta; learn gamma?
        beta_initializer, gamma_initializer: how they start.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: penalties and rules for them.

    Shapes:
        x (B, ..., D) -> the same; gamma, beta of the sizes on `axis`.

    Raises:
        ValueError: an axis does not exist, is the batch, or has no known size.

    Example:
        >>> from hornbeam.layers import LayerNormalization
        >>> LayerNormalization(epsilon=0.0)(K.constant([[1.0, 3.0]])).tolist()
        [[-1.0, 1.0]]

    Reference:
        Ba et al. 2016, arXiv:1607.06450.
    """

    def __init__(
        self, axis=-1, epsilon=1e-3, center=True, scale=True, beta_initializer="zeros", gamma_initializer="ones",
        beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self._store(
            epsilon, center, scale, beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )  # fmt: skip
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis

    def _axes(self, rank):
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        return sorted(axis % rank for axis in given)

    def build(self, input_shape):
        """Make gamma and beta."""
        _check_axes(self, self.axis if isinstance(self.axis, list) else [self.axis], input_shape)
        axes = self._axes(len(input_shape))
        sizes = tuple(checks.known_size(self, input_shape, axis) for axis in axes)
        self._add_scale(sizes)
        self.input_spec = InputSpec(ndim=len(input_shape), axes=dict(zip(axes, sizes, strict=True)))
        super().build(input_shape)

    def call(self, inputs):
        """`inputs`, normalised over `axis`."""
        axes = self._axes(K.ndim(inputs))
        kept = [size if axis in axes else 1 for axis, size in enumerate(K.int_shape(inputs))]
        return self._scaled(_standardised(inputs, axes, self.epsilon), kept)


@registry.register("layer")
class GroupNormalization(_Scaled):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, each row and each group of channels by itself.

    Stands in for :class:`BatchNormalization` where batches are small. One group is layer normalisation over all of a
    row; as many groups as channels is instance normalisation.

    Args:
        groups: number of groups, which divides the channels; -1 for one a channel.
        axis: the axis of the channels.
        epsilon: added to the variance.
        center, scale: learn beta; learn gamma?
        beta_initializer, gamma_initializer: how they start.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: penalties and rules for them.

    Shapes:
        x (B, ..., C) -> the same; gamma, beta (C,).

    Raises:
        ValueError: the groups do not divide the channels, or the axis is the batch or has no known size.

    Example:
        >>> from hornbeam.layers import GroupNormalization
        >>> GroupNormalization(2, epsilon=0.0)(K.constant([[1.0, 3.0, 0.0, 4.0]])).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]

    Reference:
        Wu and He 2018, arXiv:1803.08494.
    """

    def __init__(
        self, groups=32, axis=-1, epsilon=1e-3, center=True, scale=True, beta_initializer="zeros",
        gamma_initializer="ones", beta_regularizer=None, gamma_regularizer=None, beta_constraint=None,
        gamma_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self._store(
            epsilon, center, scale, beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )  # fmt: skip
        self.groups = groups if groups == -1 else checks.integer("GroupNormalization", "groups", groups, least=1)
        self.axis = checks.integer("GroupNormalization", "axis", axis)

    def build(self, input_shape):
        """Make gamma and beta, and check that the groups divide the channels."""
        _check_axes(self, [self.axis], input_shape)
        size = checks.known_size(self, input_shape, self.axis)
        if self.groups != -1 and size % self.groups:
            raise ValueError(
                f"GroupNormalization {self.name!r}: {self.groups} groups do not divide the {size} channels of "
                f"{tuple(input_shape)}. Choose groups among the divisors of {size}."
            )
        self._add_scale((size,))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})
        super().build(input_shape)

    def call(self, inputs):
        """`inputs`, normalised group by group."""
        sizes = K.int_shape(inputs)
        axis = self.axis % len(sizes)
        groups = sizes[axis] if self.groups == -1 else self.groups
        grouped = K.reshape(inputs, (*sizes[:axis], groups, sizes[axis] // groups, *sizes[axis + 1 :]))
        over = [a for a in range(1, len(sizes) + 1) if a != axis]
        kept = [size if a == axis else 1 for a, size in enumerate(sizes)]
        return self._scaled(K.reshape(_standardised(grouped, over, self.epsilon), sizes), kept)


@registry.register("layer")
class UnitNormalization(Layer):
    """x / sqrt(sum(x ** 2)): vectors of length 1. Zeros stay zeros.

    Args:
        axis: axis or axes that the length is taken over, -1 by default.

    Shapes:
        any -> the same.

    Example:
        >>> from hornbeam.layers import UnitNormalization
        >>> [round(v, 4) for v in UnitNormalization()(K.constant([[3.0, 4.0]]))[0].tolist()]
        [0.6, 0.8]
    """

    rowwise = True
    computes_in_full_precision = True
    supports_masking = True

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis

    def build(self, input_shape):
        """Check the axes."""
        _check_axes(self, self.axis if isinstance(self.axis, list) else [self.axis], input_shape)
        super().build(input_shape)

    def call(self, inputs):
        """`inputs`, scaled to length 1."""
        return K.l2_normalize(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape):
        """The shape of the inputs."""
        return input_shape


@registry.register("layer")
class Normalization(Layer):
    """(x - mean) / sqrt(variance), with mean and variance of the data, measured once by :meth:`adapt`.

    Makes scaling of the inputs a part of the model, so that it is saved with it and cannot be forgotten. Nothing here
    is changed by training.

    Args:
        axis: axis or axes that keep statistics of their own, -1 (one for each feature) by default; None for a single
            mean and variance.
        mean, variance: numbers or arrays to use instead of measuring.
        invert: turn it round: x * sqrt(variance) + mean?

    Shapes:
        x (B, ..., D) -> the same; weights mean, variance (the sizes on `axis`) and count ().

    Raises:
        ValueError: mean without variance or the other way round; an axis that does not exist or has no known size.

    Example:
        >>> from hornbeam.layers import Normalization
        >>> layer = Normalization()
        >>> layer.adapt(np.array([[1.0], [3.0]]))
        >>> layer(K.constant([[5.0]])).tolist()
        [[3.0]]
    """

    rowwise = True
    computes_in_full_precision = True
    supports_masking = True

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ValueError(f"Normalization {self.name!r} needs mean and variance together, or neither and adapt().")
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.mean = mean
        self.variance = variance
        self.invert = invert

    def _axes(self, rank):
        given = [] if self.axis is None else self.axis if isinstance(self.axis, list) else [self.axis]
        return sorted(axis % rank for axis in given)

    def build(self, input_shape):
        """Make the weights mean, variance and count, where they were not given."""
        given = [] if self.axis is None else self.axis if isinstance(self.axis, list) else [self.axis]
        _check_axes(self, given, input_shape)
        axes = self._axes(len(input_shape))
        sizes = tuple(checks.known_size(self, input_shape, axis) for axis in axes)
        if self.mean is None:
            self.adapted_mean = self.add_weight("mean", sizes, initializer="zeros", trainable=False)
            self.adapted_variance = self.add_weight("variance", sizes, initializer="ones", trainable=False)
            self.count = self.add_weight("count", (), dtype="int32", initializer="zeros", trainable=False)
        self.input_spec = InputSpec(ndim=len(input_shape), axes=dict(zip(axes, sizes, strict=True)))
        super().build(input_shape)

    def adapt(self, data, batch_size=None, steps=None):
        """Measure mean and variance of `data`; what was measured before is forgotten.

        Args:
            data: array with rows first, or an iterable of such arrays (of pairs: the first of each).
            batch_size: not needed; accepted from old code.
            steps: how many arrays to take from an iterable; all if None.

        Raises:
            ValueError: mean and variance were given to the constructor, or there is no data.
        """
        if self.mean is not None:
            raise ValueError(f"Normalization {self.name!r} was given mean and variance, so there is nothing to adapt.")
        arrays = [data] if hasattr(data, "shape") or isinstance(data, list) else data
        total = _Moments()
        for number, array in enumerate(arrays):
            if steps is not None and number >= steps:
                break
            array = np.asarray(array[0] if isinstance(array, tuple) else array, "float64")
            self._build_once(array, [(None, *array.shape[1:])])
            axes = self._axes(array.ndim)
            total.add(array, tuple(a for a in range(array.ndim) if a not in axes))
        if not total.count:
            raise ValueError(f"Normalization {self.name!r}: adapt() got no data.")
        self.adapted_mean.assign(total.mean)
        self.adapted_variance.assign(total.variance)
        self.count.assign(min(total.count, 2**31 - 1))

    def call(self, inputs):
        """`inputs`, normalised by the measured mean and variance."""
        rank = K.ndim(inputs)
        axes = self._axes(rank)
        kept = [size if axis in axes else 1 for axis, size in enumerate(K.int_shape(inputs))]
        mean, variance = (
            (self.adapted_mean, self.adapted_variance) if self.mean is None
            else [K.constant(np.asarray(v), self.dtype) for v in (self.mean, self.variance)]
        )  # fmt: skip
        mean, variance = (v if K.ndim(v) == rank or K.ndim(v) == 0 else K.reshape(v, kept) for v in (mean, variance))
        deviation = K.maximum(K.sqrt(variance), K.epsilon())
        inputs = K.cast(inputs, self.dtype)
        return inputs * deviation + mean if self.invert else (inputs - mean) / deviation

    def compute_output_shape(self, input_shape):
        """The shape of the inputs."""
        return input_shape

    def compute_output_dtype(self, dtypes):
        """The layer's own type."""
        return self.dtype


class _Moments:
    """Mean and variance of arrays that come one after the other (Chan et al. 1979)."""

    def __init__(self):
        self.count, self.mean, self.squares = 0, 0.0, 0.0

    def add(self, array, axes):
        """Take in `array`, averaged over `axes`."""
        count = math.prod(array.shape[a] for a in axes)
        if not count:
            return
        mean = array.mean(axes)
        away = mean - self.mean
        total = self.count + count
        self.squares = self.squares + array.var(axes) * count + np.square(away) * (self.count * count / total)
        self.mean = self.mean + away * (count / total)
        self.count = total

    @property
    def variance(self):
        """Divided by the count."""
        return self.squares / self.count


def _standardised(x, axes, epsilon):
    """(x - mean) / sqrt(variance + epsilon) over `axes`."""
    away = x - K.mean(x, axis=axes, keepdims=True)
    return away / K.sqrt(K.mean(K.square(away), axis=axes, keepdims=True) + epsilon)


def _check_axes(layer, axes, shape):
    """Raise ValueError unless all `axes` are axes of `shape` beside the batch."""
    rank = len(shape)
    wrong = [a for a in axes if not isinstance(a, (int, np.integer)) or not -rank <= a < rank or a % rank == 0]
    if wrong:
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r}: axis {wrong[0]!r} is not an axis beside the batch of inputs of "
            f"shape {tuple(shape)}. Choose among 1 .. {rank - 1}, or count from the end."
        )

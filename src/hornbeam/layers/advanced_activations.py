"""Activations that are layers: because they learn (PReLU), or for their arguments."""

from hornbeam import activations, checks, constraints, initializers, registry, regularizers
from hornbeam import backend as K
from hornbeam.core import InputSpec, Layer


class _Elementwise(Layer):
    """A layer whose result has the shape of its inputs."""

    rowwise = True
    supports_masking = True

    def compute_output_shape(self, input_shape):
        """The shape of the inputs."""
        return input_shape


def _number(owner, argument, value, least=None):
    """`value` as a float; ValueError if it is none, or below `least`."""
    fits = isinstance(value, (int, float)) or (getattr(value, "shape", None) == () and hasattr(value, "item"))
    if not fits or (least is not None and value < least):
        wanted = "a number" if least is None else f"a number of {least} or more"
        raise checks.wrong_argument(owner, argument, value, wanted)
    return float(value)


@registry.register("layer")
class LeakyReLU(_Elementwise):
    """x above 0, alpha * x below.

    A relu whose gradient never vanishes. The default slope is 0.3 here, other libraries have 0.01.

    Args:
        alpha: slope below 0.
        negative_slope: today's name of `alpha`; the one that is given counts.

    Shapes:
        any -> the same.

    Example:
        >>> from hornbeam.layers import LeakyReLU
        >>> LeakyReLU(0.5)(K.constant([[-2.0, 2.0]])).tolist()
        [[-1.0, 2.0]]

    Reference:
        Maas et al. 2013, Rectifier Nonlinearities Improve Neural Network Acoustic Models.
    """

    def __init__(self, alpha=0.3, negative_slope=None, **kwargs):
        super().__init__(**kwargs)
        self.alpha = _number("LeakyReLU", "alpha", alpha if negative_slope is None else negative_slope)
        self.negative_slope = None

    def call(self, inputs):
        """`inputs`, flatter below 0."""
        return K.relu(inputs, alpha=self.alpha)


@registry.register("layer")
class PReLU(_Elementwise):
    """x above 0, alpha * x below, where alpha is learned: one for each position of a row.

    Args:
        alpha_initializer: how alpha starts, zeros by default (a relu).
        alpha_regularizer, alpha_constraint: penalty and rule for it.
        shared_axes: axes along which one alpha serves all positions: [1, 2] gives an alpha for each channel of
            (B, H, W, C).

    Shapes:
        x (B, ...) -> the same; alpha has the sizes of a row, 1 on shared axes.

    Raises:
        ValueError: the size of an axis that is not shared is unknown, or a shared axis does not exist.

    Example:
        >>> from hornbeam.layers import PReLU
        >>> PReLU("ones")(K.constant([[-2.0, 2.0]])).tolist()
        [[-2.0, 2.0]]

    Reference:
        He et al. 2015, arXiv:1502.01852.
    """

    def __init__(
        self, alpha_initializer="zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        one = isinstance(shared_axes, int)
        self.shared_axes = shared_axes if shared_axes is None else [shared_axes] if one else list(shared_axes)

    def build(self, input_shape):
        """Make alpha."""
        rank = len(input_shape)
        wrong = [axis for axis in self.shared_axes or () if not -rank < axis < rank or axis % rank == 0]
        if wrong:
            raise ValueError(
                f"PReLU {self.name!r}: shared_axes={self.shared_axes}, but {wrong[0]} is not an axis beside the batch "
                f"of inputs of shape {tuple(input_shape)}. Choose among 1 .. {rank - 1}."
            )
        shared = {axis % rank for axis in self.shared_axes or ()}
        sizes = tuple(1 if a in shared else checks.known_size(self, input_shape, a) for a in range(1, rank))
        self.alpha = self.add_weight(
            "alpha", sizes, initializer=self.alpha_initializer, regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )  # fmt: skip
        known = {a: input_shape[a] for a in range(1, rank) if a not in shared}
        self.input_spec = InputSpec(ndim=rank, axes=known)
        super().build(input_shape)

    def call(self, inputs):
        """`inputs`, times alpha below 0."""
        return K.relu(inputs) - self.alpha * K.relu(-inputs)


@registry.register("layer")
class ELU(_Elementwise):
    """x above 0, alpha * (exp(x) - 1) below.

    Args:
        alpha: the distance below 0 that large negative x approach.

    Shapes:
        any -> the same.

    Example:
        >>> from hornbeam.layers import ELU
        >>> ELU()(K.constant([[0.0, 2.0]])).tolist()
        [[0.0, 2.0]]

    Reference:
        Clevert et al. 2016, arXiv:1511.07289.
    """

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = _number("ELU", "alpha", alpha)

    def call(self, inputs):
        """`inputs`, bent below 0."""
        return K.elu(inputs, self.alpha)


@registry.register("layer")
class ThresholdedReLU(_Elementwise):
    """x above theta, 0 elsewhere.

    Args:
        theta: where the result begins, 0 or more.

    Shapes:
        any -> the same.

    Raises:
        ValueError: `theta` is negative.

    Example:
        >>> from hornbeam.layers import ThresholdedReLU
        >>> ThresholdedReLU(1.0)(K.constant([[0.5, 1.0, 2.0]])).tolist()
        [[0.0, 0.0, 2.0]]

    Reference:
        Konda et al. 2015, arXiv:1402.3337.
    """

    def __init__(self, theta=1.0, **kwargs):
        super().__init__(**kwargs)
        self.theta = _number("ThresholdedReLU", "theta", theta, least=0)

    def call(self, inputs):
        """`inputs` where above theta."""
        return inputs * K.cast(K.greater(inputs, self.theta), K.dtype(inputs))


@registry.register("layer")
class Softmax(_Elementwise):
    """exp(x) / sum(exp(x)) over `axis`.

    Args:
        axis: the axis that is to sum to 1, -1 by default.

    Shapes:
        x of rank 2 or more -> the same.

    Example:
        >>> from hornbeam.layers import Softmax
        >>> Softmax()(K.constant([[0.0, 0.0]])).tolist()
        [[0.5, 0.5]]
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = checks.integer("Softmax", "axis", axis)
        self.rowwise = self.axis != 0
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape):
        """Check that the axis exists."""
        rank = len(input_shape)
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"Softmax {self.name!r}: inputs of shape {tuple(input_shape)} have no axis {self.axis}. "
                f"Choose among 1 .. {rank - 1}."
            )
        self.rowwise = self.axis % rank != 0
        super().build(input_shape)

    def call(self, inputs):
        """Softmax of `inputs`."""
        return activations.softmax(inputs, axis=self.axis)


@registry.register("layer")
class ReLU(_Elementwise):
    """x from `threshold` up, negative_slope * (x - threshold) below, never above `max_value`.

    Args:
        max_value: largest result, 0 or more; None for no bound.
        negative_slope: slope below the threshold, 0 or more.
        threshold: where the slope changes.

    Shapes:
        any -> the same.

    Raises:
        ValueError: `max_value` or `negative_slope` is negative.

    Example:
        >>> from hornbeam.layers import ReLU
        >>> ReLU(max_value=6.0)(K.constant([[-1.0, 9.0]])).tolist()
        [[0.0, 6.0]]
    """

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _number("ReLU", "max_value", max_value, least=0)
        self.negative_slope = _number("ReLU", "negative_slope", negative_slope, least=0)
        self.threshold = _number("ReLU", "threshold", threshold)

    def call(self, inputs):
        """`inputs`, rectified."""
        return K.relu(inputs, alpha=self.negative_slope, max_value=self.max_value, threshold=self.threshold)

"""Activations: functions of a tensor that layers apply to their output; written in words, so symbolic ones work too.

All of them work element by element and keep the shape, but for softmax, log_softmax, sparsemax and glu, which look
along one axis. In formulas, x is the input.
"""

import math

from hornbeam import backend as K
from hornbeam import checks, registry

_enter = registry.register

# --- The classic list ---


@_enter("activation")
def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) over `axis`: positive numbers that sum to 1.

    The last layer's activation for one class out of several, with categorical_crossentropy. The largest value is
    taken off first, so nothing overflows.

    Args:
        x: tensor of rank 2 or more.
        axis: integer, the axis that is to sum to 1.

    Raises:
        ValueError: `x` has fewer than two axes: without a batch axis, rows and classes would be confused.

    Example:
        >>> softmax(K.constant([[0.0, 0.0]])).tolist()
        [[0.5, 0.5]]
    """
    if K.ndim(x) < 2:
        raise ValueError(
            f"softmax needs a tensor of rank 2 or more, got shape {K.int_shape(x)}. "
            f"Add a batch axis: K.expand_dims(x, 0)."
        )
    return K.softmax(x, axis=axis)


@_enter("activation")
def elu(x, alpha=1.0):
    """x above 0, alpha * (exp(x) - 1) below.

    Like relu with a smooth negative side, which keeps the mean output near 0.

    Args:
        alpha: number, the distance below 0 that large negative x approach.

    Example:
        >>> elu(K.constant([0.0, 2.0])).tolist()
        [0.0, 2.0]

    Reference:
        Clevert et al. 2016, arXiv:1511.07289.
    """
    return K.elu(x, alpha)


# The fixed point at which outputs of unit variance and mean 0 keep both (Klambauer et al. 2017, equation 14).
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


@_enter("activation")
def selu(x):
    """1.0507 * elu(x, alpha=1.6733): keeps activations near mean 0 and variance 1 through many layers.

    It does so only with `lecun_normal` weights, and with AlphaDropout in place of Dropout.

    Example:
        >>> round(float(selu(K.constant(1.0))), 4)
        1.0507

    Reference:
        Klambauer et al. 2017, arXiv:1706.02515.
    """
    return _SELU_SCALE * K.elu(x, _SELU_ALPHA)


@_enter("activation")
def softplus(x):
    """log(1 + exp(x)): a smooth relu, always positive.

    Example:
        >>> round(float(softplus(K.constant(0.0))), 4)
        0.6931
    """
    return K.softplus(x)


@_enter("activation")
def softsign(x):
    """x / (1 + |x|): like tanh, nearing -1 and 1 more slowly.

    Example:
        >>> softsign(K.constant([-1.0, 3.0])).tolist()
        [-0.5, 0.75]
    """
    return K.softsign(x)


@_enter("activation")
def relu(x, alpha=0.0, max_value=None, threshold=0.0, negative_slope=None):
    """x from `threshold` up, alpha * (x - threshold) below, never above `max_value`.

    The everyday choice between layers: cheap, and its gradient does not fade.

    Args:
        alpha: slope below the threshold, 0 by default.
        max_value: largest output, or None.
        threshold: where the slope changes, 0 by default.
        negative_slope: today's name of `alpha`; the one that is given counts.

    Example:
        >>> relu(K.constant([-2.0, 0.5, 9.0]), max_value=6).tolist()
        [0.0, 0.5, 6.0]
    """
    slope = alpha if negative_slope is None else negative_slope
    return K.relu(x, alpha=slope, max_value=max_value, threshold=threshold)


@_enter("activation")
def tanh(x):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)), between -1 and 1.

    Example:
        >>> tanh(K.constant([0.0])).tolist()
        [0.0]
    """
    return K.tanh(x)


@_enter("activation")
def sigmoid(x):
    """1 / (1 + exp(-x)), between 0 and 1.

    The last layer's activation for yes or no, and for several labels at once, with binary_crossentropy.

    Example:
        >>> sigmoid(K.constant([0.0])).tolist()
        [0.5]
    """
    return K.sigmoid(x)


@_enter("activation")
def hard_sigmoid(x):
    """clip(0.2 * x + 0.5, 0, 1): the sigmoid as three straight lines.

    This is the classic one, which LSTM and GRU layers were trained with. Keras 3 means relu6(x + 3) / 6 by the same
    name: 0.667 at x = 1 where this gives 0.7.

    Example:
        >>> hard_sigmoid(K.constant([-3.0, 0.0, 2.5])).tolist()
        [0.0, 0.5, 1.0]
    """
    return K.hard_sigmoid(x)


@_enter("activation")
def relu6_sigmoid(x):
    """clip(x + 3, 0, 6) / 6: what Keras 3 calls hard_sigmoid; its models keep it under this name here.

    Example:
        >>> relu6_sigmoid(K.constant([-3.0, 0.0, 3.0])).tolist()
        [0.0, 0.5, 1.0]

    Reference:
        Howard et al. 2019, arXiv:1905.02244.
    """
    return K.clip(x + 3.0, 0.0, 6.0) / 6.0


@_enter("activation")
def exponential(x):
    """exp(x), for outputs that are rates or counts (with the poisson loss).

    Example:
        >>> exponential(K.constant([0.0])).tolist()
        [1.0]
    """
    return K.exp(x)


@_enter("activation")
def linear(x):
    """x itself: what a layer without an activation does.

    Example:
        >>> linear(3)
        3
    """
    return x


# --- Later additions ---


@_enter("activation", "swish")
def silu(x):
    """x * sigmoid(x), also called swish: smooth, with a small dip below 0.

    Example:
        >>> silu(K.constant([0.0])).tolist()
        [0.0]

    Reference:
        Ramachandran et al. 2017, arXiv:1710.05941.
    """
    return x * K.sigmoid(x)


@_enter("activation", "hard_swish")
def hard_silu(x):
    """x * clip(x + 3, 0, 6) / 6, also called hard_swish: silu in straight lines, for small devices.

    The gate is relu6(x + 3) / 6, as in the paper, not the classic :func:`hard_sigmoid`.

    Example:
        >>> hard_silu(K.constant([0.0, 3.0])).tolist()
        [0.0, 3.0]

    Reference:
        Howard et al. 2019, arXiv:1905.02244.
    """
    return x * (K.clip(x + 3.0, 0.0, 6.0) / 6.0)


@_enter("activation")
def gelu(x, approximate=False):
    """x * P(Z <= x) for a standard normal Z; the usual activation of transformers.

    Args:
        approximate: use x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))) / 2 instead of the error function.
            Take what the weights were trained with.

    Example:
        >>> round(float(gelu(K.constant(1.0))), 4)
        0.8413

    Reference:
        Hendrycks and Gimpel 2016, arXiv:1606.08415.
    """
    if approximate:
        return 0.5 * x * (1.0 + K.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))
    return 0.5 * x * (1.0 + K.erf(x * math.sqrt(0.5)))


@_enter("activation")
def leaky_relu(x, negative_slope=0.2):
    """x above 0, negative_slope * x below.

    The default slope is that of Keras 3; the layer LeakyReLU has 0.3.

    Args:
        negative_slope: number, 0.2 by default.

    Example:
        >>> leaky_relu(K.constant([-10.0, 4.0]), 0.5).tolist()
        [-5.0, 4.0]
    """
    return K.relu(x, alpha=negative_slope)


@_enter("activation")
def relu6(x):
    """min(max(x, 0), 6), as in MobileNet.

    Example:
        >>> relu6(K.constant([-1.0, 2.0, 8.0])).tolist()
        [0.0, 2.0, 6.0]
    """
    return K.relu(x, max_value=6.0)


@_enter("activation")
def celu(x, alpha=1.0):
    """x above 0, alpha * (exp(x / alpha) - 1) below: an elu whose slope has no step at 0.

    Args:
        alpha: positive number, the distance below 0 that large negative x approach.

    Raises:
        ValueError: `alpha` is not above 0.

    Example:
        >>> celu(K.constant([0.0, 2.0]), alpha=0.5).tolist()
        [0.0, 2.0]

    Reference:
        Barron 2017, arXiv:1704.07483.
    """
    if alpha <= 0:
        raise checks.wrong_argument("celu", "alpha", alpha, "a number above 0")
    return alpha * K.elu(x / alpha)


@_enter("activation")
def mish(x):
    """x * tanh(softplus(x)): much like silu, somewhat dearer.

    Example:
        >>> mish(K.constant([0.0])).tolist()
        [0.0]

    Reference:
        Misra 2019, arXiv:1908.08681.
    """
    return x * K.tanh(K.softplus(x))


@_enter("activation")
def log_softmax(x, axis=-1):
    """x - log(sum(exp(x))) over `axis`: the logarithm of softmax, without overflow.

    Args:
        axis: integer, the axis whose exponentials sum to 1.

    Example:
        >>> log_softmax(K.constant([[5.0]])).tolist()
        [[0.0]]
    """
    return x - K.logsumexp(x, axis=axis, keepdims=True)


@_enter("activation")
def log_sigmoid(x):
    """log(1 / (1 + exp(-x))), without overflow.

    Example:
        >>> round(float(log_sigmoid(K.constant(0.0))), 4)
        -0.6931
    """
    return K.negative(K.softplus(K.negative(x)))


@_enter("activation")
def hard_tanh(x):
    """clip(x, -1, 1).

    Example:
        >>> hard_tanh(K.constant([-2.0, 0.5])).tolist()
        [-1.0, 0.5]
    """
    return K.clip(x, -1.0, 1.0)


@_enter("activation")
def tanh_shrink(x):
    """x - tanh(x).

    Example:
        >>> tanh_shrink(K.constant([0.0])).tolist()
        [0.0]
    """
    return x - K.tanh(x)


@_enter("activation")
def hard_shrink(x, threshold=0.5):
    """x where |x| > threshold, else 0.

    Example:
        >>> hard_shrink(K.constant([-2.0, 0.5])).tolist()
        [-2.0, 0.0]
    """
    return K.where(K.greater(K.abs(x), threshold), x, K.zeros_like(x))


@_enter("activation")
def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by `threshold`, and 0 where it would pass it.

    Example:
        >>> soft_shrink(K.constant([-2.0, 0.25])).tolist()
        [-1.5, 0.0]
    """
    return K.relu(x - threshold) - K.relu(K.negative(x) - threshold)


@_enter("activation")
def threshold(x, threshold, default_value):
    """x where x > threshold, else default_value. It has no default figures, so it cannot be given by name.

    Example:
        >>> threshold(K.constant([1.0, 3.0]), 2.0, 0.0).tolist()
        [0.0, 3.0]
    """
    return K.where(K.greater(x, threshold), x, K.ones_like(x) * default_value)


@_enter("activation")
def squareplus(x, b=4):
    """(x + sqrt(x ** 2 + b)) / 2: a smooth relu without exponentials.

    Args:
        b: number, 0 or more: the roundness at 0.

    Example:
        >>> squareplus(K.constant([0.0])).tolist()
        [1.0]

    Reference:
        Barron 2021, arXiv:2112.11687.
    """
    return (x + K.sqrt(x * x + float(b))) / 2.0


@_enter("activation")
def sparse_plus(x):
    """0 up to -1, (x + 1) ** 2 / 4 from -1 to 1, x from 1 on.

    Example:
        >>> sparse_plus(K.constant([-2.0, 0.0, 3.0])).tolist()
        [0.0, 0.25, 3.0]
    """
    inside = K.clip(x, -1.0, 1.0) + 1.0
    return 0.25 * inside * inside + K.relu(x - 1.0)


@_enter("activation")
def sparse_sigmoid(x):
    """clip((x + 1) / 2, 0, 1).

    Example:
        >>> sparse_sigmoid(K.constant([-2.0, 0.0, 1.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return K.clip(0.5 * x + 0.5, 0.0, 1.0)


@_enter("activation")
def sparsemax(x, axis=-1):
    """max(x - t, 0) over `axis`, with t such that the result sums to 1: a softmax that gives true zeros.

    Args:
        axis: integer, the axis that is to sum to 1.

    Example:
        >>> sparsemax(K.constant([[3.0, 1.0, 0.0]])).tolist()
        [[1.0, 0.0, 0.0]]

    Reference:
        Martins and Astudillo 2016, arXiv:1602.02068.
    """
    falling = K.negative(K.sort(K.negative(x), axis=axis))
    ones, zeros = K.ones_like(falling), K.zeros_like(falling)
    kept = K.greater(1.0 + K.cumsum(ones, axis=axis) * falling, K.cumsum(falling, axis=axis))
    count = K.sum(K.where(kept, ones, zeros), axis=axis, keepdims=True)
    level = (K.sum(K.where(kept, falling, zeros), axis=axis, keepdims=True) - 1.0) / count
    return K.maximum(x - level, 0.0)


@_enter("activation")
def glu(x, axis=-1):
    """a * sigmoid(b), where a and b are the two halves of `x` along `axis`.

    Args:
        axis: integer, an axis of even size.

    Shapes:
        x (..., 2 n) -> (..., n)

    Raises:
        ValueError: the size of `axis` is odd or unknown.

    Example:
        >>> glu(K.constant([[4.0, 0.0]])).tolist()
        [[2.0]]

    Reference:
        Dauphin et al. 2017, arXiv:1612.08083.
    """
    shape = K.int_shape(x)
    size = shape[axis]
    if size is None or size % 2:
        raise ValueError(f"glu halves axis {axis}, which must have an even size; got shape {shape}.")
    before = (slice(None),) * (axis % len(shape))
    first, second = x[(*before, slice(size // 2))], x[(*before, slice(size // 2, None))]
    return first * K.sigmoid(second)


def _halved(shape, axis=-1):
    """Shape of glu's result."""
    shape = list(shape)
    shape[axis] = None if shape[axis] is None else shape[axis] // 2
    return tuple(shape)


glu.compute_output_shape = _halved
swish = silu
hard_swish = hard_silu


def result_shape(activation, shape):
    """Shape of `activation` of a tensor of `shape`: the same, unless it has a rule `compute_output_shape`.

    Example:
        >>> result_shape(relu, (None, 4)), result_shape(glu, (None, 4))
        ((None, 4), (None, 2))
    """
    rule = getattr(activation, "compute_output_shape", None)
    return shape if rule is None else rule(shape)


# --- From and to configurations ---


def serialize(activation):
    """The name of an activation function, or the configuration of a layer used as one.

    Example:
        >>> serialize(swish)
        'silu'
    """
    return registry.serialize(activation)


def deserialize(name, custom_objects=None):
    """The activation that a name or a configuration means; a layer's configuration gives the layer.

    Args:
        name: what :func:`serialize` gave, or the {'class_name': 'function', 'config': name} of Keras 3.
        custom_objects: dict of the caller's own names.

    Raises:
        ValueError: an unknown name; says the nearest known one.
    """
    if isinstance(name, dict):
        if name.get("class_name") == "function":
            name = name.get("config")
        elif name.get("class_name") in registry.names("layer"):
            return registry.deserialize("layer", name, custom_objects)
    return registry.deserialize("activation", name, custom_objects)


def get(identifier):
    """The activation that `identifier` means: a name, a configuration, a function or layer itself; None is `linear`.

    Raises:
        ValueError: an unknown name. TypeError: something that is none of these.

    Example:
        >>> get("relu") is relu, get(None) is linear
        (True, True)
    """
    if identifier is None:
        return linear
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    return registry.get("activation", identifier)

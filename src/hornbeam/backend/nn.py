"""Words of networks: activations, cross-entropies, dropout."""

from hornbeam import config, scope
from hornbeam.backend.random import draw
from hornbeam.backend.words import word
from hornbeam.engines import engine

# --- Activations ---


@word
def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """x from `threshold` up, alpha * (x - threshold) below, never above `max_value`."""
    if alpha == 0.0 and threshold == 0.0:
        positive = engine.relu(x)
    else:
        below = alpha * (x - threshold) if not _is_zero(alpha) else engine.zeros((), engine.dtype_of(x))
        positive = engine.where(x > threshold if threshold else x >= threshold, x, below)
    return positive if max_value is None else engine.minimum(positive, max_value)


def _is_zero(alpha):
    return isinstance(alpha, (int, float)) and alpha == 0


@word
def elu(x, alpha=1.0):
    """x above 0, alpha * (exp(x) - 1) below."""
    return engine.elu(x, alpha)


@word
def softmax(x, axis: int | tuple = -1):
    """exp(x) / sum(exp(x)) over `axis`."""
    return engine.softmax(x, axis)


@word
def softplus(x):
    """log(1 + exp(x))."""
    return engine.softplus(x)


@word
def softsign(x):
    """x / (1 + |x|)."""
    return engine.softsign(x)


@word
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return engine.sigmoid(x)


@word
def hard_sigmoid(x):
    """clip(0.2 x + 0.5, 0, 1), the classic one (Keras 3 has relu6(x + 3) / 6 instead)."""
    return engine.clip(0.2 * x + 0.5, 0.0, 1.0)


@word
def tanh(x):
    """Hyperbolic tangent."""
    return engine.tanh(x)


# --- Cross-entropies, per row: the last axis (or `axis`) is summed away, except for the binary one ---


@word
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(target * log(output)) over `axis`; probabilities are scaled to sum to 1 and clipped by epsilon first."""
    if from_logits:
        return -engine.sum(target * engine.log_softmax(output, axis=axis), axis)
    output = output / engine.sum(output, axis, keepdims=True)
    output = engine.clip(output, config.epsilon(), 1.0 - config.epsilon())
    return -engine.sum(target * engine.log(output), axis)


@word
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log of the probability of the class `target` names: target (B,) or (B, 1), output (B, classes) -> (B,)."""
    if not from_logits:
        output = engine.log(engine.clip(output, config.epsilon(), 1.0 - config.epsilon()))
    logs = engine.log_softmax(output, axis=axis)
    axis = axis % logs.ndim
    target = engine.cast(target, "int32")
    if target.ndim == logs.ndim:
        target = engine.squeeze(target, axis)
    chosen = engine.take_along_axis(logs, engine.expand_dims(target, axis), axis)
    return -engine.squeeze(chosen, axis)


@word
def binary_crossentropy(target, output, from_logits=False):
    """Cross-entropy of yes-or-no answers, elementwise; probabilities are clipped by epsilon first."""
    if not from_logits:
        output = engine.clip(output, config.epsilon(), 1.0 - config.epsilon())
        output = engine.log(output / (1.0 - output))
    return engine.relu(output) - output * target + engine.log1p(engine.exp(-engine.abs(output)))


# --- Noise ---


@word
def dropout(x, level, noise_shape=None, seed=None):
    """`x` with a fraction `level` of its elements set to 0 and the others scaled by 1 / (1 - level), always.

    Args:
        noise_shape: shape of the random mask, which is spread over `x`; None or None entries take that of `x`.
        seed: number that fixes the stream.

    Raises:
        ValueError: `level` is not in [0, 1).
    """
    if isinstance(level, (int, float)) and not 0 <= level < 1:
        raise ValueError(f"K.dropout: level must be a number in [0, 1); got {level!r}.")
    noise = tuple(x.shape) if noise_shape is None else tuple(
        size if wanted is None else int(wanted) for wanted, size in zip(noise_shape, x.shape, strict=True)
    )  # fmt: skip
    step_seed, salt = draw(seed)
    return engine.dropout(x, level, noise, step_seed, salt)


@word
def stop_gradient(variables):
    """`variables` (one or a list), taken as constants by `K.gradients` and training."""
    if isinstance(variables, (list, tuple)):
        return type(variables)(engine.stop_gradient(v) for v in variables)
    return engine.stop_gradient(variables)


@word
def in_top_k(predictions, targets, k):
    """(B,) bool: is `targets` (B,) among the `k` largest `predictions` (B, classes)?"""
    return engine.in_top_k(predictions, targets, k)


def valid_rows_mask(x):
    """(B,) floats, 0 for the rows that pad a short batch to full size, or None when every row is real.

    Layers that compute over the batch axis (batch normalisation) use it, so that padding changes nothing.
    """
    here = scope.current()
    if here is None or here.valid_rows is None:
        return None
    return engine.cast(engine.arange(0, x.shape[0], 1, "int32") < here.valid_rows, config.floatx())

"""Words of batch normalisation."""

from hornbeam.backend.nn import valid_rows_mask
from hornbeam.backend.variables import update
from hornbeam.backend.words import word
from hornbeam.engines import engine


@word
def normalize_batch_in_training(x, gamma, beta, reduction_axes, epsilon=1e-3):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance of `x` itself.

    Rows that pad a short batch do not count.

    Args:
        gamma, beta: tensors of the sizes that are left without `reduction_axes`, or None for 1 and 0.
        reduction_axes: axes that are averaged over.
        epsilon: keeps the division finite.

    Returns:
        (result, mean, variance); the variance is divided by the count.
    """
    axes = tuple(sorted(int(axis) % x.ndim for axis in reduction_axes))
    return engine.normalize_batch(x, gamma, beta, axes, epsilon, valid_rows_mask(x) if 0 in axes else None)


@word
def batch_normalization(x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
    """gamma * (x - mean) / sqrt(var + epsilon) + beta.

    Args:
        mean, var, beta, gamma: tensors with the size of `axis` of `x`, or of any shape that spreads over it; None for
            0 (beta) and 1 (gamma).
        axis: that of the channels.
    """
    kept = [1] * x.ndim
    kept[axis] = -1
    kind = engine.dtype_of(x)
    mean, var, beta, gamma = (
        v if v is None or v.ndim > 1 else engine.reshape(v, kept) for v in (mean, var, beta, gamma)
    )  # fmt: skip
    scale = engine.rsqrt(var + epsilon)
    scale = scale if gamma is None else scale * gamma
    result = (x - mean) * scale
    return engine.cast(result if beta is None else result + beta, kind)


def moving_average_update(x, value, momentum):
    """Set the variable `x` to momentum * x + (1 - momentum) * value, as :func:`K.update` does."""
    return update(x, x * momentum + value * (1.0 - momentum))

"""Activation layers of Keras 1 that Keras 2 dropped: ParametricSoftplus and SReLU."""

from typing import Any

from hornbeam import backend as K
from hornbeam import initializers, registry
from hornbeam.core import Layer

__all__ = ["ParametricSoftplus", "SReLU"]


@registry.register("layer")
class ParametricSoftplus(Layer):
    """alpha * log(1 + exp(beta * x)), with a learned alpha and beta for each element.

    Args:
        alpha_init: first value of alpha, 0.2.
        beta_init: first value of beta, 5.
        shared_axes: axes that share one alpha and beta, 1 for the first after the batch; None: no axis.

    Shapes:
        x (B, ...) -> (B, ...)

    Example:
        >>> ParametricSoftplus(1.0, 1.0)(K.constant([[0.0]])).round(4).tolist()
        [[0.6930999755859375]]
    """

    supports_masking = True

    def __init__(self, alpha_init=0.2, beta_init=5.0, weights=None, shared_axes=None, **kwargs):
        super().__init__(weights=weights, **kwargs)
        self.alpha_init, self.beta_init = alpha_init, beta_init
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes

    def build(self, input_shape):
        """Make alpha and beta."""
        shape = _shared(input_shape, self.shared_axes)
        self.alpha = self.add_weight("alpha", shape, initializer=_constant(self.alpha_init))
        self.beta = self.add_weight("beta", shape, initializer=_constant(self.beta_init))
        super().build(input_shape)

    def call(self, x):
        """The formula above."""
        return self.alpha * K.softplus(self.beta * x)


@registry.register("layer")
class SReLU(Layer):
    """x between two learned thresholds, straight lines with learned slopes beyond them.

    x >= t_right: t_right + a_right * (x - t_right); x <= t_left: t_left + a_left * (x - t_left). The right threshold is
    learned as its distance from the left one, t_right = t_left + |distance|.

    Args:
        t_left_init, a_left_init, t_right_init, a_right_init: initializers of t_left, a_left, the distance, a_right.
        shared_axes: axes that share their parameters, 1 for the first after the batch; None: no axis.

    Shapes:
        x (B, ...) -> (B, ...)

    Example:
        >>> SReLU(t_right_init="one", a_right_init="zero")(K.constant([[-3.0, 0.5, 3.0]])).tolist()
        [[0.0, 0.5, 1.0]]

    Reference:
        Jin et al. 2015, Deep Learning with S-shaped Rectified Linear Activation Units, arXiv:1512.07030.
    """

    supports_masking = True

    def __init__(
        self, t_left_init="zero", a_left_init="zero", t_right_init="glorot_uniform", a_right_init="one",
        shared_axes=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.t_left_init, self.a_left_init = initializers.get(t_left_init), initializers.get(a_left_init)
        self.t_right_init, self.a_right_init = initializers.get(t_right_init), initializers.get(a_right_init)
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes

    def build(self, input_shape):
        """Make thresholds and slopes."""
        shape = _shared(input_shape, self.shared_axes)
        self.t_left = self.add_weight("t_left", shape, initializer=self.t_left_init)
        self.a_left = self.add_weight("a_left", shape, initializer=self.a_left_init)
        self.t_right = self.add_weight("t_right", shape, initializer=self.t_right_init)
        self.a_right = self.add_weight("a_right", shape, initializer=self.a_right_init)
        super().build(input_shape)

    def call(self, x):
        """The formula above."""
        left = self.t_left + K.zeros_like(x)
        right = left + K.abs(self.t_right)
        below, above = K.minimum(x - left, 0.0), K.maximum(x - right, 0.0)
        return K.clip(x, left, right) + self.a_left * below + self.a_right * above


def _constant(value: Any):
    return initializers.Constant(value)


def _shared(input_shape, shared_axes):
    """Sizes of a parameter: those of a row, 1 on shared axes."""
    return tuple(1 if axis in (shared_axes or ()) else size for axis, size in enumerate(input_shape[1:], 1))

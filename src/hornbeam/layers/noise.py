"""Layers that add noise while training, against overfitting."""

import math

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.core import Layer


class _Noise(Layer):
    """A layer that hands its inputs on in inference."""

    rowwise = True
    supports_masking = True

    def compute_output_shape(self, input_shape):
        """The shape of the inputs."""
        return input_shape


@registry.register("layer")
class GaussianNoise(_Noise):
    """While training, x + N(0, stddev ** 2); else hands x on.

    For inputs that are real numbers: a cheap way to see more of the data than there is.

    Args:
        stddev: standard deviation of the noise, 0 or more.
        seed: number that fixes the stream.

    Shapes:
        any -> the same.

    Raises:
        ValueError: `stddev` is negative.

    Example:
        >>> from hornbeam.layers import GaussianNoise
        >>> GaussianNoise(0.1)(K.constant([[1.0]])).tolist()
        [[1.0]]
    """

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(stddev, (int, float)) or stddev < 0:
            raise checks.wrong_argument("GaussianNoise", "stddev", stddev, "a number of 0 or more")
        self.stddev = stddev
        self.seed = seed

    def call(self, inputs, training=None):
        """`inputs`, with noise while training."""
        return K.in_train_phase(lambda: inputs + _normal_like(inputs, 0.0, self.stddev, self.seed), inputs, training)


@registry.register("layer")
class GaussianDropout(_Noise):
    """While training, x * N(1, rate / (1 - rate)); else hands x on.

    As much noise as :class:`Dropout` of the same rate makes, without setting anything to 0.

    Args:
        rate: as of Dropout, in [0, 1).
        seed: number that fixes the stream.

    Shapes:
        any -> the same.

    Raises:
        ValueError: `rate` is outside [0, 1).

    Example:
        >>> from hornbeam.layers import GaussianDropout
        >>> GaussianDropout(0.5)(K.constant([[1.0]])).tolist()
        [[1.0]]

    Reference:
        Srivastava et al. 2014, JMLR 15, section 10.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = checks.fraction("GaussianDropout", "rate", rate)
        self.seed = seed

    def call(self, inputs, training=None):
        """`inputs`, with noise while training."""
        if self.rate == 0:
            return inputs
        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        return K.in_train_phase(lambda: inputs * _normal_like(inputs, 1.0, stddev, self.seed), inputs, training)


# What selu nears for large negative x: -1.0507... * 1.6733... (Klambauer et al. 2017).
_ALPHA = -1.7580993408473766


@registry.register("layer")
class AlphaDropout(_Noise):
    """While training, sets a fraction `rate` of x to what selu nears below, and keeps mean 0 and variance 1.

    With a = ((1 - rate) * (1 + rate * alpha ** 2)) ** -0.5 and b = -a * alpha * rate, alpha = -1.7581, the result is
    a * x + b where x is kept and a * alpha + b where not. Goes with 'selu' and 'lecun_normal' in place of Dropout.

    Args:
        rate: fraction dropped, in [0, 1).
        noise_shape: shape of the random mask, which is spread over x; None entries take that of x.
        seed: number that fixes the stream.

    Shapes:
        any -> the same.

    Raises:
        ValueError: `rate` is outside [0, 1).

    Example:
        >>> from hornbeam.layers import AlphaDropout
        >>> AlphaDropout(0.5)(K.constant([[1.0]])).tolist()
        [[1.0]]

    Reference:
        Klambauer et al. 2017, arXiv:1706.02515.
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = checks.fraction("AlphaDropout", "rate", rate)
        self.noise_shape = noise_shape
        self.seed = seed

    def _get_noise_shape(self, inputs):
        """Shape of the random mask; subclasses override it."""
        sizes = K.int_shape(inputs)
        wanted = self.noise_shape or sizes
        return tuple(own if size is None else size for size, own in zip(wanted, sizes, strict=True))

    def call(self, inputs, training=None):
        """`inputs`, with elements dropped while training."""
        if self.rate == 0:
            return inputs
        return K.in_train_phase(lambda: self._dropped(inputs), inputs, training=training)

    def _dropped(self, inputs):
        a = ((1.0 - self.rate) * (1.0 + self.rate * _ALPHA**2)) ** -0.5
        b = -a * _ALPHA * self.rate
        numbers = K.random_uniform(self._get_noise_shape(inputs), dtype=K.dtype(inputs), seed=self.seed)
        return a * K.where(numbers >= self.rate, inputs, K.ones_like(inputs) * _ALPHA) + b


def _normal_like(x, mean, stddev, seed):
    return K.random_normal(K.int_shape(x), mean, stddev, dtype=K.dtype(x), seed=seed)

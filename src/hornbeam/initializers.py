"""Initializers: functions (shape, dtype) -> first values of a weight, NumPy arrays drawn on the host.

Nothing is compiled, whatever the shape. Random numbers are drawn in single precision, block by block in place, so
that a table of 90 million entries costs one allocation and one pass through memory. Without a seed they start from
NumPy's global generator, which `utils.set_random_seed` sets; with one, the same shape gets the same numbers each time.
A layer's weights are settled when it is built, and drawn when they are first looked at (:func:`later`).

Called with dtype None, an initializer gives the default float type; of bfloat16, which NumPy lacks, it gives float32
for the weight to round.
"""

import inspect
import math
import operator
from typing import Any

import numpy as np

from hornbeam import checks, config, registry
from hornbeam.backend.random import host_generator, host_seed, host_truncated_normal
from hornbeam.host_memory import room_for

# Numbers drawn and scaled at a time: 256 kB, which stay in a core's cache between the two.
_BLOCK = 1 << 16

# Standard deviation of a standard normal number that is known to lie in (-2, 2).
_TRUNCATED_STDDEV = 0.87962566103423978


def _sizes(shape):
    sizes = tuple(shape) if np.iterable(shape) else (shape,)
    if None in sizes:
        raise ValueError(f"A weight of shape {sizes} cannot be filled: every size must be known. Replace each None.")
    return tuple(int(size) for size in sizes)


def _array_type(dtype):
    dtype = config.floatx() if dtype is None else dtype
    return np.dtype("float32" if str(dtype) == "bfloat16" else dtype)


def _checked_seed(owner, seed):
    if seed is None:
        return None
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if number < 0:
        raise checks.wrong_argument(type(owner).__name__, "seed", seed, "None or an integer, 0 or more")
    return number


def _blocks_later(shape, dtype, seed, fill):
    """Function without arguments that gives an array whose elements `fill(generator, block)` writes, block after block,
    into flat float32 views. Shape, type and the generator's start are settled now.
    """
    sizes, dtype, seed = _sizes(shape), _array_type(dtype), host_seed(seed)

    def draw():
        numbers, generator = room_for(sizes, np.float32, in_place=False), np.random.default_rng(seed)
        flat = numbers.reshape(-1)
        for start in range(0, flat.size, _BLOCK):
            fill(generator, flat[start : start + _BLOCK])
        return numbers.astype(dtype, copy=False)

    return draw


def _normal_later(shape, dtype, mean, stddev, seed, truncated):
    def fill(generator, block):
        if truncated:
            block[:] = host_truncated_normal(generator, block.shape)
        else:
            generator.standard_normal(out=block, dtype=np.float32)
        block *= stddev
        if mean:
            block += mean

    return _blocks_later(shape, dtype, seed, fill)


def _uniform_later(shape, dtype, low, high, seed):
    def fill(generator, block):
        generator.random(out=block, dtype=np.float32)
        block *= high - low
        block += low

    return _blocks_later(shape, dtype, seed, fill)


def compute_fans(shape, input_axes=None, output_axes=None):
    """(inputs, outputs) of one unit of a kernel, by which its first values are scaled.

    The last axis counts outputs and the one before it inputs; sizes further left are the window of a convolution,
    and multiply both. With fewer than two axes there is no telling, and both are sqrt(size), as in Keras 2 (Keras 3
    takes the size).

    Args:
        shape: sizes of the kernel.
        input_axes, output_axes: axes to count instead of all this; both or none.

    Example:
        >>> compute_fans((3, 3, 16, 32))
        (144, 288)
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        return math.sqrt(math.prod(shape)), math.sqrt(math.prod(shape))
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


class Initializer(checks.Constructed):
    """(shape, dtype) -> array: what all initializers are. Derive from it, or pass a plain function of the two.

    Example:
        >>> class Halves(Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return np.full(shape, 0.5, dtype)
        >>> Halves()((2,)).tolist()
        [0.5, 0.5]
    """

    def __call__(self, shape, dtype=None):
        """First values of a weight of `shape`."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it fills a weight with: define __call__.")

    def get_config(self):
        """Constructor arguments, as plain data."""
        return {}

    @classmethod
    def from_config(cls, config):
        """The initializer that `config` describes; the 'dtype' that tf.keras writes there is passed over."""
        return cls(**{key: value for key, value in config.items() if key != "dtype"})

    def clone(self):
        """Another initializer with the same configuration."""
        return type(self).from_config(self.get_config())


class _Random(Initializer):
    """Random numbers that need not be drawn at once."""

    def later(self, shape, dtype=None):
        """Function without arguments that gives what a call gives now, whenever and however often it is called."""
        raise NotImplementedError

    def __call__(self, shape, dtype=None):
        return self.later(shape, dtype)()


def later(initializer, shape, dtype):
    """Function without arguments that gives what `initializer(shape, dtype)` gives now; None if that must be called."""
    may_wait = isinstance(initializer, _Random) and type(initializer).__call__ is _Random.__call__
    return initializer.later(shape, dtype) if may_wait else None


# --- Fixed values ---


@registry.register("initializer", "zeros", "zero")
class Zeros(Initializer):
    """0 everywhere: the usual bias.

    Example:
        >>> Zeros()((2,)).tolist()
        [0.0, 0.0]
    """

    def __call__(self, shape, dtype=None):
        return np.zeros(_sizes(shape), _array_type(dtype))


@registry.register("initializer", "ones", "one")
class Ones(Initializer):
    """1 everywhere.

    Example:
        >>> Ones()((2,)).tolist()
        [1.0, 1.0]
    """

    def __call__(self, shape, dtype=None):
        return np.ones(_sizes(shape), _array_type(dtype))


@registry.register("initializer", "constant")
class Constant(Initializer):
    """`value` everywhere; an array (known word vectors for an Embedding, say) is spread over the shape.

    Args:
        value: number, list or array; 0 by default.

    Raises:
        ValueError: when called, if an array does not fit the shape.

    Example:
        >>> Constant([1, 2])((2, 2)).tolist()
        [[1.0, 2.0], [1.0, 2.0]]
    """

    def __init__(self, value=0):
        self.value = value

    def __call__(self, shape, dtype=None):
        shape, value = _sizes(shape), np.asarray(self.value)
        filled = np.empty(shape, _array_type(dtype))
        try:
            filled[...] = value if value.ndim <= len(shape) else np.broadcast_to(value, shape)
        except ValueError:
            raise ValueError(
                f"Constant: a value of shape {value.shape} does not fit a weight of shape {shape}. "
                f"Reshape the value, or change the layer's size."
            ) from None
        return filled

    def get_config(self):
        return {"value": np.asarray(self.value).tolist()}


@registry.register("initializer", "identity", "IdentityInitializer")
class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere.

    As recurrent kernel it starts a SimpleRNN off as a memory (with relu: Le et al. 2015, arXiv:1504.00941). A matrix
    with more rows than columns, or fewer, is filled up with zeros.

    Args:
        gain: number on the diagonal.

    Raises:
        ValueError: when called, if the shape has not two axes.

    Example:
        >>> Identity(2)((2, 2)).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        shape = _sizes(shape)
        if len(shape) != 2:
            raise ValueError(f"Identity fills matrices, got shape {shape}. Take another initializer for this weight.")
        matrix = np.zeros(shape, _array_type(dtype))
        np.fill_diagonal(matrix[: shape[1]], self.gain)
        return matrix

    def get_config(self):
        return {"gain": self.gain}


# --- Random values ---


@registry.register("initializer", "random_normal", "normal")
class RandomNormal(_Random):
    """Normal numbers.

    Args:
        mean: centre, 0 by default.
        stddev: standard deviation, 0.05 by default.
        seed: integer that fixes the numbers, or None.

    Example:
        >>> RandomNormal(seed=1)((2, 3)).shape
        (2, 3)
    """

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean = mean
        self.stddev = stddev
        self.seed = _checked_seed(self, seed)

    def later(self, shape, dtype=None):
        return _normal_later(shape, dtype, self.mean, self.stddev, self.seed, truncated=False)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


@registry.register("initializer", "truncated_normal")
class TruncatedNormal(RandomNormal):
    """Normal numbers, drawn again where they fall more than two standard deviations from the mean.

    The numbers kept have 0.88 times the standard deviation that is asked for.

    Args:
        mean: centre, 0 by default.
        stddev: standard deviation before anything is drawn again, 0.05 by default.
        seed: integer that fixes the numbers, or None.

    Example:
        >>> bool(abs(TruncatedNormal(stddev=0.5)((1000,))).max() <= 1)
        True
    """

    def later(self, shape, dtype=None):
        return _normal_later(shape, dtype, self.mean, self.stddev, self.seed, truncated=True)


@registry.register("initializer", "random_uniform", "uniform")
class RandomUniform(_Random):
    """Uniform numbers between two bounds.

    Args:
        minval: lower bound, -0.05 by default.
        maxval: upper bound, 0.05 by default.
        seed: integer that fixes the numbers, or None.

    Example:
        >>> bool(abs(RandomUniform(-2, 2)((1000,))).max() <= 2)
        True
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval = minval
        self.maxval = maxval
        self.seed = _checked_seed(self, seed)

    def later(self, shape, dtype=None):
        return _uniform_later(shape, dtype, self.minval, self.maxval, self.seed)

    def get_config(self):
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


@registry.register("initializer", "orthogonal", "OrthogonalInitializer")
class Orthogonal(Initializer):
    """`gain` times a random matrix with orthonormal columns (rows, where it has fewer rows than columns).

    Products with it keep lengths, which makes it the usual recurrent kernel. Of more than two axes, all but the
    last count as rows. It is the Q of a QR decomposition of normal numbers, with signs set so that every such
    matrix is equally likely.

    Args:
        gain: factor on the matrix.
        seed: integer that fixes the numbers, or None.

    Raises:
        ValueError: when called, if the shape has fewer than two axes.

    Example:
        >>> q = Orthogonal()((2, 2))
        >>> bool(np.allclose(q @ q.T, np.eye(2), atol=1e-6))
        True

    Reference:
        Saxe et al. 2014, arXiv:1312.6120.
    """

    def __init__(self, gain=1.0, seed=None):
        self.gain = gain
        self.seed = _checked_seed(self, seed)

    def __call__(self, shape, dtype=None):
        shape = _sizes(shape)
        if len(shape) < 2:
            raise ValueError(
                f"Orthogonal fills weights of rank 2 or more, got shape {shape}. Take another initializer for this one."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = max(rows, columns), min(rows, columns)
        q, r = np.linalg.qr(host_generator(self.seed).standard_normal(tall))
        q *= np.where(np.diagonal(r) < 0, -self.gain, self.gain)
        return np.ascontiguousarray(q if rows >= columns else q.T, _array_type(dtype)).reshape(shape)

    def get_config(self):
        return {"gain": self.gain, "seed": self.seed}


@registry.register("initializer", "variance_scaling")
class VarianceScaling(_Random):
    """Random numbers of mean 0 and variance scale / n, where n counts the units a kernel connects.

    With the right n, signals and gradients neither fade nor grow from layer to layer. The named initializers below
    are settings of this one.

    'normal' means the truncated distribution with the standard deviation of what is left, sqrt(scale / n), and so it
    does in Keras 2.2.3 and later and in Keras 3, which calls it 'truncated_normal'; before 2.2.3 the numbers kept
    had 0.88 of that.

    Args:
        scale: positive number.
        mode: n is 'fan_in' (inputs of a unit), 'fan_out' (outputs), or 'fan_avg' (their mean).
        distribution: 'normal' or 'truncated_normal', 'untruncated_normal', or 'uniform'.
        seed: integer that fixes the numbers, or None.
        input_axes, output_axes: axes of the kernel that count inputs and outputs, both or none; see
            :func:`compute_fans` for the rule without them.

    Raises:
        ValueError: `scale` is not positive; `mode` or `distribution` is unknown.

    Example:
        >>> VarianceScaling(2.0, seed=1)((3, 4)).shape
        (3, 4)
    """

    def __init__(self, scale=1.0, mode="fan_in", distribution="normal", seed=None, input_axes=None, output_axes=None):
        owner = type(self).__name__
        if not scale > 0:
            raise checks.wrong_argument(owner, "scale", scale, "a number above 0")
        self.scale = scale
        self.mode = _checked_choice(owner, "mode", mode, ("fan_in", "fan_out", "fan_avg"))
        known = ("normal", "uniform", "truncated_normal", "untruncated_normal")
        self.distribution = _checked_choice(owner, "distribution", distribution, known)
        self.seed = _checked_seed(self, seed)
        if (input_axes is None) != (output_axes is None):
            raise ValueError(f"{owner}: input_axes and output_axes go together; got {input_axes} and {output_axes}.")
        self.input_axes = input_axes
        self.output_axes = output_axes

    def later(self, shape, dtype=None):
        fan_in, fan_out = compute_fans(_sizes(shape), self.input_axes, self.output_axes)
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, count))
        if self.distribution == "uniform":
            limit = math.sqrt(3.0) * stddev
            return _uniform_later(shape, dtype, -limit, limit, self.seed)
        truncated = self.distribution != "untruncated_normal"
        stddev = stddev / _TRUNCATED_STDDEV if truncated else stddev
        return _normal_later(shape, dtype, 0.0, stddev, self.seed, truncated)

    def get_config(self):
        scaling = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return {**scaling, "seed": self.seed, **self._axes_config()}

    def _axes_config(self):
        """The axes where they are set; Keras 2 could not read a configuration that names them."""
        if self.input_axes is None or self.output_axes is None:
            return {}
        return {"input_axes": list(self.input_axes), "output_axes": list(self.output_axes)}


def _checked_choice(owner, argument, value, known):
    if str(value).lower() not in known:
        raise checks.wrong_argument(owner, argument, value, "one of " + ", ".join(map(repr, known)))
    return value.lower()


class _NamedScaling(VarianceScaling):
    """A setting of VarianceScaling with a name of its own; `setting` is (scale, mode, distribution)."""

    setting = (1.0, "fan_in", "normal")

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(*self.setting, seed, input_axes, output_axes)

    def get_config(self):
        return {"seed": self.seed, **self._axes_config()}


@registry.register("initializer")
class GlorotUniform(_NamedScaling):
    """Uniform in +-sqrt(6 / (inputs + outputs)); the name in today's files of :func:`glorot_uniform`."""

    setting = (1.0, "fan_avg", "uniform")


@registry.register("initializer")
class GlorotNormal(_NamedScaling):
    """Truncated normal, variance 2 / (inputs + outputs); the name in today's files of :func:`glorot_normal`."""

    setting = (1.0, "fan_avg", "normal")


@registry.register("initializer")
class HeUniform(_NamedScaling):
    """Uniform in +-sqrt(6 / inputs); the name in today's files of :func:`he_uniform`."""

    setting = (2.0, "fan_in", "uniform")


@registry.register("initializer")
class HeNormal(_NamedScaling):
    """Truncated normal, variance 2 / inputs; the name in today's files of :func:`he_normal`."""

    setting = (2.0, "fan_in", "normal")


@registry.register("initializer")
class LecunUniform(_NamedScaling):
    """Uniform in +-sqrt(3 / inputs); the name in today's files of :func:`lecun_uniform`."""

    setting = (1.0, "fan_in", "uniform")


@registry.register("initializer")
class LecunNormal(_NamedScaling):
    """Truncated normal, variance 1 / inputs; the name in today's files of :func:`lecun_normal`."""

    setting = (1.0, "fan_in", "normal")


# --- The classic names of the same. They make a plain VarianceScaling, so that Keras 2 can read what is saved ---


@registry.register("initializer")
def glorot_uniform(seed=None):
    """Uniform numbers in +-sqrt(6 / (inputs + outputs)): what layers start from unless told otherwise.

    Args:
        seed: integer that fixes the numbers, or None.

    Example:
        >>> bool(abs(glorot_uniform()((2, 4))).max() <= 1)
        True

    Reference:
        Glorot and Bengio 2010, proceedings.mlr.press/v9/glorot10a.
    """
    return VarianceScaling(*GlorotUniform.setting, seed)


@registry.register("initializer")
def glorot_normal(seed=None):
    """Truncated normal numbers of variance 2 / (inputs + outputs).

    Args:
        seed: integer that fixes the numbers, or None.

    Reference:
        Glorot and Bengio 2010, proceedings.mlr.press/v9/glorot10a.
    """
    return VarianceScaling(*GlorotNormal.setting, seed)


@registry.register("initializer")
def he_uniform(seed=None):
    """Uniform numbers in +-sqrt(6 / inputs), for layers with relu.

    Args:
        seed: integer that fixes the numbers, or None.

    Reference:
        He et al. 2015, arXiv:1502.01852.
    """
    return VarianceScaling(*HeUniform.setting, seed)


@registry.register("initializer")
def he_normal(seed=None):
    """Truncated normal numbers of variance 2 / inputs, for layers with relu.

    Args:
        seed: integer that fixes the numbers, or None.

    Reference:
        He et al. 2015, arXiv:1502.01852.
    """
    return VarianceScaling(*HeNormal.setting, seed)


@registry.register("initializer")
def lecun_uniform(seed=None):
    """Uniform numbers in +-sqrt(3 / inputs).

    Args:
        seed: integer that fixes the numbers, or None.

    Reference:
        LeCun et al. 1998, Efficient BackProp.
    """
    return VarianceScaling(*LecunUniform.setting, seed)


@registry.register("initializer")
def lecun_normal(seed=None):
    """Truncated normal numbers of variance 1 / inputs, for layers with selu.

    Args:
        seed: integer that fixes the numbers, or None.

    Reference:
        LeCun et al. 1998, Efficient BackProp.
    """
    return VarianceScaling(*LecunNormal.setting, seed)


_MAKERS = (glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_uniform, lecun_normal)

zero = zeros = Zeros
one = ones = Ones
constant = Constant
identity = IdentityInitializer = Identity
normal = random_normal = RandomNormal
truncated_normal = TruncatedNormal
uniform = random_uniform = RandomUniform
orthogonal = OrthogonalInitializer = Orthogonal
variance_scaling = VarianceScaling


# --- From and to configurations ---


def serialize(initializer):
    """The configuration of an initializer, or the name of a plain function.

    Example:
        >>> serialize(Constant(3))
        {'class_name': 'Constant', 'config': {'value': 3}}
    """
    return registry.serialize(initializer)


def deserialize(config, custom_objects=None):
    """The initializer that a configuration or a name describes.

    Args:
        config: what :func:`serialize` gave, or a name.
        custom_objects: dict of the caller's own names.

    Raises:
        ValueError: an unknown name; says the nearest known one.
    """
    return _made(registry.deserialize("initializer", config, custom_objects))


def get(identifier):
    """The initializer that `identifier` means: a name, configuration, class, object, or function (shape, dtype=None).

    None stays None.

    Raises:
        ValueError: an unknown name. TypeError: something that is none of these.

    Example:
        >>> get("he_normal").scale
        2.0
    """
    return _made(registry.get("initializer", identifier))


def _made(found) -> Any:
    """Classes and the classic functions above make an initializer when called; all else is one already."""
    return found() if inspect.isclass(found) or found in _MAKERS else found

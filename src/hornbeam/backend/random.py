"""Random words. Inside a compiled step they are pure functions of the step's seed; elsewhere NumPy draws them.

Drawing on the host compiles nothing, so initial weights cost what the numbers cost. With no seed given, host draws
start from NumPy's global generator: `np.random.seed` and `utils.set_random_seed` both make them repeatable.
"""

import numpy as np

from hornbeam import config, scope
from hornbeam.backend.variables import Variable
from hornbeam.backend.words import word
from hornbeam.engines import engine


def draw(seed=None):
    """(seed, salt) for one random word: from the scope if one gives a seed, else new ones from NumPy's generator."""
    here = scope.current()
    if here is None or here.seed is None:
        return np.uint32(np.random.randint(0, 2**32, dtype=np.uint64) if seed is None else seed % 2**32), 0
    here.draws += 1
    return here.seed, here.draws if seed is None else (seed * 0x9E3779B1 + 0x7F4A7C15) % 2**31


def host_seed(seed=None):
    """What draws outside compiled programs start from: `seed`, or a new number from NumPy's global generator."""
    return np.random.randint(0, 2**31 - 1) if seed is None else seed


def host_generator(seed=None):
    """NumPy generator for draws outside compiled programs."""
    return np.random.default_rng(host_seed(seed))


def _inside_program():
    here = scope.current()
    return here is not None and here.seed is not None


def _sizes(shape):
    return tuple(int(s) for s in shape)


def _on_host(numbers, dtype):
    return engine.convert(numbers, dtype)


@word
def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normal numbers."""
    dtype = dtype or config.floatx()
    if _inside_program():
        return engine.random_normal(*draw(seed), _sizes(shape), mean, stddev, dtype)
    return _on_host(mean + stddev * host_generator(seed).standard_normal(_sizes(shape), "float32"), dtype)


@word
def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Uniform numbers in [minval, maxval); integers if `dtype` is an integer type."""
    dtype = dtype or config.floatx()
    if _inside_program():
        return engine.random_uniform(*draw(seed), _sizes(shape), minval, maxval, dtype)
    generator = host_generator(seed)
    if "int" in dtype:  # the defaults are floats, which NumPy takes here and its stubs do not
        numbers = generator.integers(minval, maxval, _sizes(shape))  # pyright: ignore[reportArgumentType, reportCallIssue]
        return _on_host(numbers, dtype)
    return _on_host(minval + (maxval - minval) * generator.random(_sizes(shape), "float32"), dtype)


@word
def random_binomial(shape, p=0.0, dtype=None, seed=None):
    """1 with probability `p`, else 0."""
    dtype = dtype or config.floatx()
    if _inside_program():
        return engine.random_bernoulli(*draw(seed), _sizes(shape), p, dtype)
    return _on_host(host_generator(seed).random(_sizes(shape), "float32") < p, dtype)


@word
def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normal numbers, drawn again where they fall more than two standard deviations off."""
    dtype = dtype or config.floatx()
    if _inside_program():
        return engine.truncated_normal(*draw(seed), _sizes(shape), mean, stddev, dtype)
    return _on_host(mean + stddev * host_truncated_normal(host_generator(seed), _sizes(shape)), dtype)


def host_truncated_normal(generator, shape):
    """NumPy float32 array of standard normal numbers within two standard deviations."""
    numbers = generator.standard_normal(shape, "float32")
    outside = np.abs(numbers) > 2
    while outside.any():
        numbers[outside] = generator.standard_normal(int(outside.sum()), "float32")
        outside = np.abs(numbers) > 2
    return numbers


def random_uniform_variable(shape, low, high, dtype=None, name=None, seed=None):
    """A variable of uniform numbers in [low, high)."""
    return Variable(random_uniform(shape, low, high, dtype, seed), name=name)


def random_normal_variable(shape, mean, scale, dtype=None, name=None, seed=None):
    """A variable of normal numbers."""
    return Variable(random_normal(shape, mean, scale, dtype, seed), name=name)

"""Random numbers on the NumPy engine: pure functions of (seed, salt, position).

Dropout masks are bit for bit those of the compiled engine. Other samples have the same distribution, but are drawn by
NumPy's Philox generator, so their values differ from those of other engines.
"""

import math

import numpy as np

from hornbeam.engines.numpy.tensors import _dtype


def _generator(seed, salt):
    return np.random.Generator(np.random.Philox(key=(int(seed) << 32) | int(salt) % 2**32))


def random_uniform(seed, salt, shape, low, high, dtype):
    wanted = _dtype(dtype)
    if wanted.kind in "iu":
        return _generator(seed, salt).integers(low, high, shape).astype(wanted)
    return (low + (high - low) * _generator(seed, salt).random(shape)).astype(wanted)


def random_normal(seed, salt, shape, mean, stddev, dtype):
    return (mean + stddev * _generator(seed, salt).standard_normal(shape)).astype(_dtype(dtype))


def truncated_normal(seed, salt, shape, mean, stddev, dtype):
    generator = _generator(seed, salt)
    numbers = generator.standard_normal(shape)
    while (outside := np.abs(numbers) > 2).any():
        numbers[outside] = generator.standard_normal(int(outside.sum()))
    return (mean + stddev * numbers).astype(_dtype(dtype))


def random_bernoulli(seed, salt, shape, probability, dtype):
    return (_generator(seed, salt).random(shape) < probability).astype(_dtype(dtype))


def hash_bits(seed, salt, shape):
    """Unsigned 32-bit numbers: a counter, mixed with seed and salt, through two rounds of multiply and xor-shift."""
    with np.errstate(over="ignore"):
        salted = np.uint32(seed) * np.uint32(0xC2B2AE35) + np.uint32(salt) * np.uint32(0x85EBCA6B)
        salted = (salted ^ (salted >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
        salted = salted ^ (salted >> np.uint32(13))
        bits = np.arange(math.prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B9) ^ salted
        bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x7FEB352D)
        bits = (bits ^ (bits >> np.uint32(15))) * np.uint32(0x846CA68B)
    return (bits ^ (bits >> np.uint32(16))).reshape(shape)


def dropout_mask(seed, salt, shape, rate):
    return hash_bits(seed, salt, shape) >= np.uint32(float(rate) * 2.0**32)

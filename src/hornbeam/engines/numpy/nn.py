"""Pieces of networks on the NumPy engine."""

import numpy as np

from hornbeam.engines.numpy import random
from hornbeam.engines.numpy.math import logsumexp


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))).astype(x.dtype)


def softplus(x):
    return np.logaddexp(x, np.zeros((), x.dtype))


def softsign(x):
    return x / (1 + np.abs(x))


def relu(x):
    return np.maximum(x, 0)


def elu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))).astype(x.dtype)


def softmax(x, axis):
    powers = np.exp(x - np.max(x, axis, keepdims=True))
    return powers / np.sum(powers, axis, keepdims=True)


def log_softmax(x, axis=-1):
    return x - logsumexp(x, axis, keepdims=True)


def dropout(x, rate, noise_shape, seed, salt):
    keep = random.dropout_mask(seed, salt, noise_shape, rate)
    return np.where(keep, x / (1 - rate), 0).astype(x.dtype)

"""Pieces of networks on the JAX engine: activations and dropout."""

import jax
import jax.numpy as jnp

from hornbeam.engines.jax import random

sigmoid = jax.nn.sigmoid
softplus = jax.nn.softplus
softsign = jax.nn.soft_sign
log_softmax = jax.nn.log_softmax


relu = jax.nn.relu  # its gradient at 0 is 0, where that of max(x, 0) is one half


def elu(x, alpha):
    return jax.nn.elu(x, alpha)


def softmax(x, axis):
    return jax.nn.softmax(x, axis=axis)


def dropout(x, rate, noise_shape, seed, salt):
    """`x` with a fraction `rate` set to zero and the rest scaled by 1 / (1 - rate)."""
    keep = random.dropout_mask(seed, salt, noise_shape, rate)
    return jnp.where(keep, x / (1 - rate), jnp.zeros((), x.dtype))

"""Training as people write it with JAX alone: one compiled step, its state donated, called in a Python loop."""

import jax
import jax.numpy as jnp


def trainer(loss_of, weights, optimizer, x, y, batch_size):
    """fit(epochs) -> mean loss of the last epoch.

    Args:
        loss_of: function (weights, x, y, key) -> (mean loss of a batch, rows put into their class).
        weights: dictionary of arrays.
        optimizer: pair of functions, init(weights) -> state and update(gradients, state, weights) -> (weights, state).
        x, y: numpy arrays; batches are taken in their order.
    """
    init, update = optimizer

    def step(carry, x, y):
        weights, state, key, total, correct = carry
        key, own = jax.random.split(key)
        (loss, right), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights, x, y, own)
        weights, state = update(gradients, state, weights)
        return weights, state, key, total + loss * len(x), correct + right

    step = jax.jit(step, donate_argnums=0)
    carry = (weights, init(weights), jax.random.key(0), jnp.zeros(()), jnp.zeros((), jnp.int32))

    def fit(epochs):
        nonlocal carry
        for _ in range(epochs):
            carry = (*carry[:3], jnp.zeros(()), jnp.zeros((), jnp.int32))
            for start in range(0, len(x), batch_size):
                carry = step(carry, x[start : start + batch_size], y[start : start + batch_size])
        return float(carry[3]) / len(x)

    return fit


def adagrad(rate, epsilon=1e-7):
    """Accumulators begin at 0."""

    def update(gradients, state, weights):
        state = jax.tree.map(lambda a, g: a + g * g, state, gradients)
        move = jax.tree.map(lambda w, a, g: w - rate * g / (jnp.sqrt(a) + epsilon), weights, state, gradients)
        return move, state

    return lambda weights: jax.tree.map(jnp.zeros_like, weights), update


def rms_prop(rate, rho=0.9, epsilon=3e-4):
    """Root mean square of recent gradients."""

    def update(gradients, state, weights):
        state = jax.tree.map(lambda a, g: rho * a + (1 - rho) * g * g, state, gradients)
        move = jax.tree.map(lambda w, a, g: w - rate * g / (jnp.sqrt(a) + epsilon), weights, state, gradients)
        return move, state

    return lambda weights: jax.tree.map(jnp.zeros_like, weights), update


def drawn(shapes):
    """Glorot's uniform draw for kernels, zeros for biases.

    Args:
        shapes: dictionary of shapes by name.
    """
    init = jax.nn.initializers.glorot_uniform()
    keys = jax.random.split(jax.random.key(0), len(shapes))
    return {
        name: init(key, shape) if len(shape) > 1 else jnp.zeros(shape)
        for (name, shape), key in zip(shapes.items(), keys)
    }


def class_loss(logits, y):
    """(mean cross-entropy, rows put into their class) of one-hot targets."""
    loss = -(jax.nn.log_softmax(logits) * y).sum(-1).mean()
    return loss, (logits.argmax(-1) == y.argmax(-1)).sum()


def dropped(x, rate, key):
    """Dropout."""
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)

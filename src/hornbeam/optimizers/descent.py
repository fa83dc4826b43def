"""Optimizers that follow the gradient, or its sign: SGD and Lion."""

import numpy as np

from hornbeam import backend as K
from hornbeam import registry
from hornbeam.optimizers.optimizer import Optimizer
from hornbeam.optimizers.values import Hyperparameter


@registry.register("optimizer", "sgd")
class SGD(Optimizer):
    """v = momentum * v - lr * g; w = w + v (nesterov: w = w + momentum * v - lr * g).

    The plainest of all; with momentum 0.9 and a falling rate still what the best image models are trained with. Its
    right rate depends on the task more than that of the adaptive ones: try 0.1, 0.01, 0.001.

    Args:
        lr: learning rate or schedule, 0.01. Also `learning_rate`.
        momentum: share of the last step that the next keeps, 0 to 1, default 0. While it is 0 no velocities are kept.
        decay: lr is divided by 1 + decay * number of updates, default 0.
        nesterov: look ahead along the velocity, default False.
        **kwargs: clipnorm, clipvalue, global_clipnorm, weight_decay, name.

    Raises:
        ValueError: momentum or decay out of range. TypeError: unknown keyword.

    Example:
        >>> w = K.variable([1.0])
        >>> SGD(lr=0.5).apply_gradients([(K.constant([1.0]), w)])
        >>> w.numpy().tolist()
        [0.5]

    Reference: Sutskever et al., On the importance of initialization and momentum in deep learning, 2013.
    """

    slots = ("velocity",)
    momentum = Hyperparameter()
    decay = Hyperparameter()

    def __init__(self, lr=0.01, momentum=0.0, decay=0.0, nesterov=False, **kwargs):
        super().__init__(lr, **kwargs)
        self._check_between(0, 1, momentum=momentum)
        self._check_between(0, float("inf"), decay=decay)
        self.momentum = momentum
        self.decay = decay
        self.nesterov = bool(nesterov)

    def init(self, weights):
        """Velocities, if there is momentum: by the variable itself, whose value in a program may be traced."""
        return super().init(weights) if float(np.asarray(self.momentum._value)) else {}

    def complete(self, state, weights):
        """Velocities appear when momentum was set to more than 0 after training began without."""
        return state if "velocity" in state else {**self.init(weights), **state}

    def rule(self, now, weight, gradient, velocity=None):
        """New weight, and velocity if one is kept."""
        if velocity is None:
            return (weight - now.lr * gradient,)
        velocity = now.momentum * velocity - now.lr * gradient
        ahead = now.momentum * velocity - now.lr * gradient if self.nesterov else velocity
        return weight + ahead, velocity

    def idle(self):
        """Nothing happens, as long as there is no momentum."""
        return None if float(np.asarray(self.momentum._value)) else {}

    def _listed(self, state):
        if "velocity" in state:
            return super()._listed(state)
        forms = self._states[self._current].forms or ()  # Keras 2 stores velocities always, so zeros stand for them
        return [K.constant(np.zeros(shape), dtype=dtype) for shape, dtype in forms]

    def _without_lead(self, weights, wanted):
        if len(weights) == 1 and weights[0].ndim == 0 and "velocity" not in self.state:  # stored without velocities
            return wanted, True
        return super()._without_lead(weights, wanted)

    def _from_listed(self, arrays):
        return super()._from_listed(arrays) if "velocity" in self.state else self.state


@registry.register("optimizer", "lion")
class Lion(Optimizer):
    """w = w - lr * sign(beta_1 * m + (1 - beta_1) * g); m = beta_2 * m + (1 - beta_2) * g.

    Every element moves by exactly lr, so lr is 3 to 10 times smaller than Adam's and weight_decay as much larger. Keeps
    one array a weight where Adam keeps two. Large batches suit it.

    Args:
        learning_rate: learning rate or schedule, 0.001. Also `lr`.
        beta_1: share of the memory in the step's direction, 0 to 1, default 0.9.
        beta_2: share of the memory that stays, 0 to 1, default 0.99.
        **kwargs: weight_decay, clipnorm, clipvalue, global_clipnorm, name.

    Raises:
        ValueError: a beta out of range. TypeError: unknown keyword.

    Example:
        >>> w = K.variable([1.0, -1.0])
        >>> Lion(0.25).apply_gradients([(K.constant([7.0, -0.1]), w)])
        >>> w.numpy().tolist()
        [0.75, -0.75]

    Reference: Chen et al., Symbolic Discovery of Optimization Algorithms, 2023.
    """

    slots = ("m",)
    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_between(0, 1, beta_1=beta_1, beta_2=beta_2)
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def rule(self, now, weight, gradient, m):
        """New weight and memory."""
        direction = K.sign(now.beta_1 * m + (1.0 - now.beta_1) * gradient)
        return weight - now.lr * direction, now.beta_2 * m + (1.0 - now.beta_2) * gradient

"""Optimizers that divide by a running root mean square of the gradient: RMSprop and Adadelta."""

from hornbeam import backend as K
from hornbeam import config, registry
from hornbeam.optimizers.optimizer import Optimizer
from hornbeam.optimizers.values import Hyperparameter


@registry.register("optimizer", "rmsprop")
class RMSprop(Optimizer):
    """a = rho * a + (1 - rho) * g^2; w = w - lr * g / (sqrt(a) + epsilon).

    A sound first choice for recurrent networks; works at its default rate on most tasks. Epsilon stands outside the
    root, as in Keras 2 (Keras 3 adds it inside).

    Args:
        lr: learning rate or schedule, 0.001. Also `learning_rate`.
        rho: share of the running mean that stays, 0 to 1, default 0.9.
        epsilon: added to the root; None takes `K.epsilon()`.
        decay: lr is divided by 1 + decay * number of updates, default 0.
        momentum: share of the last step that the next keeps, default 0. While it is 0 no steps are kept.
        centered: subtract the squared running mean of g from a, so that the variance divides; default False.
        **kwargs: clipnorm, clipvalue, global_clipnorm, weight_decay, name.

    Raises:
        ValueError: a number out of range. TypeError: unknown keyword.

    Example:
        >>> w = K.variable([1.0])
        >>> RMSprop(lr=0.5, rho=0.75).apply_gradients([(K.constant([2.0]), w)])
        >>> w.numpy().round(4).tolist()  # a = 1, so w = 1 - 0.5 * 2
        [0.0]

    Reference: Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012.
    """

    iterations_in_weights = False
    rho = Hyperparameter()
    decay = Hyperparameter()
    momentum = Hyperparameter()

    def __init__(self, lr=0.001, rho=0.9, epsilon=None, decay=0.0, *, momentum=0.0, centered=False, **kwargs):
        super().__init__(lr, **kwargs)
        self._check_between(0, 1, rho=rho, momentum=momentum)
        self._check_between(0, float("inf"), decay=decay, epsilon=0.0 if epsilon is None else epsilon)
        self.rho = rho
        self.epsilon = config.epsilon() if epsilon is None else epsilon
        self.decay = decay
        self.momentum = momentum or None  # None: nothing is kept for it
        self.centered = bool(centered)
        mean = ("mean",) if self.centered else ()
        self.slots = ("accumulator", *mean, *(("last",) if self.momentum is not None else ()))

    def rule(self, now, weight, gradient, accumulator, *others):
        """New weight and accumulator, then the running mean if centered, and the step if there is momentum."""
        others = list(others)
        accumulator = now.rho * accumulator + (1.0 - now.rho) * K.square(gradient)
        spread, new = accumulator, []
        if self.centered:
            new = [now.rho * others.pop(0) + (1.0 - now.rho) * gradient]
            spread = accumulator - K.square(new[0])
        change = now.lr * gradient / (K.sqrt(spread) + self.epsilon)
        if now.momentum is not None:
            change = now.momentum * others.pop(0) + change
            new.append(change)
        return weight - change, accumulator, *new

    def idle(self):
        """Running means shrink by rho; a step that is kept goes on."""
        return None if self.momentum is not None else dict.fromkeys(self.slots, "rho")

    def get_config(self):
        """Constructor's arguments as Python values."""
        settings = super().get_config()
        return {**settings, "momentum": settings["momentum"] or 0.0}


@registry.register("optimizer", "adadelta")
class Adadelta(Optimizer):
    """a = rho * a + (1 - rho) * g^2; u = g * sqrt(d + e) / sqrt(a + e); w = w - lr * u; d = rho * d + (1 - rho) * u^2.

    The size of past steps sets the size of the next, so lr stays at 1 (Keras 3's default of 0.001 is a thousand times
    slower). It starts slowly: the first steps measure about sqrt(epsilon / (1 - rho)).

    Args:
        lr: learning rate or schedule, 1. Also `learning_rate`.
        rho: share of the running means that stays, 0 to 1, default 0.95.
        epsilon: added inside both roots; None takes `K.epsilon()`.
        decay: lr is divided by 1 + decay * number of updates, default 0.
        **kwargs: clipnorm, clipvalue, global_clipnorm, weight_decay, name.

    Raises:
        ValueError: a number out of range. TypeError: unknown keyword.

    Example:
        >>> w = K.variable([1.0])
        >>> Adadelta(epsilon=1.0).apply_gradients([(K.constant([0.0]), w)])
        >>> w.numpy().tolist()
        [1.0]

    Reference: Zeiler, ADADELTA: an adaptive learning rate method, 2012.
    """

    slots = ("accumulator", "delta_accumulator")
    iterations_in_weights = False
    rho = Hyperparameter()
    decay = Hyperparameter()

    def __init__(self, lr=1.0, rho=0.95, epsilon=None, decay=0.0, **kwargs):
        super().__init__(lr, **kwargs)
        self._check_between(0, 1, rho=rho)
        self._check_between(0, float("inf"), decay=decay, epsilon=0.0 if epsilon is None else epsilon)
        self.rho = rho
        self.epsilon = config.epsilon() if epsilon is None else epsilon
        self.decay = decay

    def rule(self, now, weight, gradient, accumulator, delta):
        """New weight and both running means; the step uses the new one of g^2 and the old one of u^2."""
        accumulator = now.rho * accumulator + (1.0 - now.rho) * K.square(gradient)
        change = gradient * K.sqrt(delta + self.epsilon) / K.sqrt(accumulator + self.epsilon)
        delta = now.rho * delta + (1.0 - now.rho) * K.square(change)
        return weight - now.lr * change, accumulator, delta

    def idle(self):
        """Both running means shrink by rho."""
        return dict.fromkeys(self.slots, "rho")

"""Optimizers that keep running moments of the gradient: Adam, AdamW, Adamax and Nadam."""

import numpy as np

from hornbeam import backend as K
from hornbeam import config, registry
from hornbeam.optimizers.optimizer import Optimizer
from hornbeam.optimizers.values import Hyperparameter


class _Moments(Optimizer):
    """What the four share: two betas and epsilon."""

    slots = ("m", "v")
    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()

    def _keep(self, beta_1, beta_2, epsilon):
        self._check_between(0, 1, beta_1=beta_1, beta_2=beta_2)
        self._check_between(0, float("inf"), epsilon=0.0 if epsilon is None else epsilon)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = config.epsilon() if epsilon is None else epsilon


@registry.register("optimizer", "adam")
class Adam(_Moments):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w = w - lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon).

    The usual first choice. Epsilon joins the uncorrected root, so in the first steps it weighs up to 30 times more than
    the paper's; raise it (0.1, 1.0) where training is unsteady.

    Args:
        lr: learning rate or schedule, 0.001. Also `learning_rate`.
        beta_1: share of the running mean of g that stays, 0 to 1, default 0.9.
        beta_2: share of the running mean of g^2 that stays, 0 to 1, default 0.999.
        epsilon: added to the root; None takes `K.epsilon()`.
        decay: lr is divided by 1 + decay * number of updates, default 0.
        amsgrad: divide by the largest v so far, default False.
        **kwargs: clipnorm, clipvalue, global_clipnorm, weight_decay, name.

    Raises:
        ValueError: a number out of range. TypeError: unknown keyword.

    Example:
        >>> w = K.variable([1.0])
        >>> Adam(lr=0.25).apply_gradients([(K.constant([9.0]), w)])
        >>> w.numpy().round(4).tolist()  # the first step is lr, whatever the gradient
        [0.75]

    Reference: Kingma and Ba, Adam: a method for stochastic optimization, 2014, with the efficient order of section 2;
    Reddi et al., On the convergence of Adam and beyond, 2018 (amsgrad).
    """

    decay = Hyperparameter()

    def __init__(self, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=None, decay=0.0, amsgrad=False, **kwargs):
        super().__init__(lr, **kwargs)
        self._keep(beta_1, beta_2, epsilon)
        self._check_between(0, float("inf"), decay=decay)
        self.decay = decay
        self._choose(amsgrad)

    def _choose(self, amsgrad):
        self.amsgrad = bool(amsgrad)
        self.slots = ("m", "v", "largest") if self.amsgrad else ("m", "v")

    def begin(self, now, state):
        """The rate corrected for moments that started at 0."""
        now.lr_t = now.lr * (K.sqrt(1.0 - K.pow(now.beta_2, now.t)) / (1.0 - K.pow(now.beta_1, now.t)))
        return {}

    def rule(self, now, weight, gradient, m, v, largest=None):
        """New weight and moments."""
        m = now.beta_1 * m + (1.0 - now.beta_1) * gradient
        v = now.beta_2 * v + (1.0 - now.beta_2) * K.square(gradient)
        if largest is None:
            return weight - now.lr_t * m / (K.sqrt(v) + self.epsilon), m, v
        largest = K.maximum(largest, v)
        return weight - now.lr_t * m / (K.sqrt(largest) + self.epsilon), m, v, largest

    # Keras 2 stores an array (1,) of zeros a weight where there is no amsgrad; later versions leave it out.

    @property
    def weights(self):
        """Number of updates, m of all weights, v of all, the largest v of all (zeros of shape (1,) without amsgrad)."""
        listed = super().weights
        if self.amsgrad or self.state is None:
            return listed
        return listed + [K.constant([0.0]) for _ in self.state["m"]]

    def _without_lead(self, weights, wanted):
        if not self.amsgrad and len(weights) == 1 + len(wanted) + len(wanted) // 2:
            weights = weights[: 1 + len(wanted)]
        return super()._without_lead(weights, wanted)


@registry.register("optimizer", "adamw")
class AdamW(Adam):
    """Adam's update after w = w - lr * weight_decay * w.

    Decay beside the gradient instead of inside it (as an l2 regularizer is), so that it acts on all weights alike.
    Usual for transformers, with weight_decay 0.01 to 0.1. Biases and scales decay too.

    Args:
        learning_rate: learning rate or schedule, 0.001. Also `lr`.
        weight_decay: fraction of each weight, times the rate, taken off before the update; default 0.004.
        beta_1: share of the running mean of g that stays, 0 to 1, default 0.9.
        beta_2: share of the running mean of g^2 that stays, 0 to 1, default 0.999.
        epsilon: added to the root; None takes `K.epsilon()`.
        amsgrad: divide by the largest v so far, default False.
        **kwargs: clipnorm, clipvalue, global_clipnorm, name.

    Raises:
        ValueError: a number out of range. TypeError: unknown keyword.

    Example:
        >>> w = K.variable([8.0])
        >>> AdamW(0.5, weight_decay=0.5).apply_gradients([(K.constant([0.0]), w)])
        >>> w.numpy().tolist()
        [6.0]

    Reference: Loshchilov and Hutter, Decoupled weight decay regularization, 2019. The decay is multiplied by the rate.
    """

    def __init__(
        self, learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=None, amsgrad=False, **kwargs
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad=amsgrad, weight_decay=weight_decay, **kwargs)


@registry.register("optimizer", "adamax")
class Adamax(_Moments):
    """m = b1 m + (1 - b1) g; u = max(b2 u, |g|); w = w - lr / (1 - b1^t) * m / (u + epsilon).

    Adam with the largest recent gradient in place of the root mean square; steps never exceed lr. Sometimes better
    than Adam for models with embeddings.

    Args:
        lr: learning rate or schedule, 0.002. Also `learning_rate`.
        beta_1: share of the running mean of g that stays, 0 to 1, default 0.9.
        beta_2: how slowly the largest |g| is forgotten, 0 to 1, default 0.999.
        epsilon: added to u; None takes `K.epsilon()`.
        decay: lr is divided by 1 + decay * number of updates, default 0.
        **kwargs: clipnorm, clipvalue, global_clipnorm, weight_decay, name.

    Raises:
        ValueError: a number out of range. TypeError: unknown keyword.

    Example:
        >>> w = K.variable([1.0])
        >>> Adamax(lr=0.25).apply_gradients([(K.constant([9.0]), w)])
        >>> w.numpy().round(4).tolist()
        [0.75]

    Reference: Kingma and Ba, Adam: a method for stochastic optimization, 2014, section 7.
    """

    slots = ("m", "u")
    decay = Hyperparameter()

    def __init__(self, lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=None, decay=0.0, **kwargs):
        super().__init__(lr, **kwargs)
        self._keep(beta_1, beta_2, epsilon)
        self._check_between(0, float("inf"), decay=decay)
        self.decay = decay

    def begin(self, now, state):
        """The rate corrected for a mean that started at 0."""
        now.lr_t = now.lr / (1.0 - K.pow(now.beta_1, now.t))
        return {}

    def rule(self, now, weight, gradient, m, u):
        """New weight, mean and largest gradient."""
        m = now.beta_1 * m + (1.0 - now.beta_1) * gradient
        u = K.maximum(now.beta_2 * u, K.abs(gradient))
        return weight - now.lr_t * m / (u + self.epsilon), m, u


@registry.register("optimizer", "nadam")
class Nadam(_Moments):
    """Adam with Nesterov's look-ahead: w = w - lr * m_bar / (sqrt(v / (1 - b2^t)) + epsilon).

    c_t = b1 (1 - 0.96^(t * schedule_decay) / 2), C_t = c_1 ... c_t and
    m_bar = (1 - c_t) g / (1 - C_t) + c_(t+1) m / (1 - C_t c_(t+1)). Keras 3's Nadam is this with schedule_decay 1.
    Keras 2 starts C anew when a stored state is read; here it follows from the number of updates.

    Args:
        lr: learning rate or schedule, 0.002. Also `learning_rate`.
        beta_1: share of the running mean of g that stays, 0 to 1, default 0.9.
        beta_2: share of the running mean of g^2 that stays, 0 to 1, default 0.999.
        epsilon: added to the root; None takes `K.epsilon()`.
        schedule_decay: how fast c rises from b1 / 2 to b1, default 0.004.
        **kwargs: clipnorm, clipvalue, global_clipnorm, weight_decay, name.

    Raises:
        ValueError: a number out of range. TypeError: unknown keyword.

    Example:
        >>> w = K.variable([1.0])
        >>> Nadam(lr=0.1).apply_gradients([(K.constant([9.0]), w)])
        >>> 0.8 < float(w.numpy()[0]) < 0.95
        True

    Reference: Dozat, Incorporating Nesterov momentum into Adam, 2015.
    """

    schedule_decay = Hyperparameter()

    def __init__(self, lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=None, schedule_decay=0.004, **kwargs):
        super().__init__(lr, **kwargs)
        self._keep(beta_1, beta_2, epsilon)
        self.schedule_decay = schedule_decay

    def init(self, weights):
        """Moments, and the product C of all momenta so far, which is 1."""
        return {**super().init(weights), "m_schedule": K.constant(1.0, dtype=K.dtype(self.beta_1))}

    def begin(self, now, state):
        """Momenta of this update and the next, and their products with all before."""
        now.c = now.beta_1 * (1.0 - 0.5 * K.pow(0.96, now.t * now.schedule_decay))
        now.c_next = now.beta_1 * (1.0 - 0.5 * K.pow(0.96, (now.t + 1.0) * now.schedule_decay))
        now.product = state["m_schedule"] * now.c
        now.product_next = now.product * now.c_next
        now.v_part = 1.0 - K.pow(now.beta_2, now.t)
        return {"m_schedule": now.product}

    def rule(self, now, weight, gradient, m, v):
        """New weight and moments."""
        m = now.beta_1 * m + (1.0 - now.beta_1) * gradient
        v = now.beta_2 * v + (1.0 - now.beta_2) * K.square(gradient)
        m_bar = (1.0 - now.c) * gradient / (1.0 - now.product) + now.c_next * m / (1.0 - now.product_next)
        return weight - now.lr * m_bar / (K.sqrt(v / now.v_part) + self.epsilon), m, v

    def resume(self, state):
        """C from the number of updates."""
        t = np.arange(1, int(self.iterations) + 1)
        momenta = float(self.beta_1) * (1.0 - 0.5 * 0.96 ** (t * float(self.schedule_decay)))
        return {**state, "m_schedule": K.constant(np.prod(momenta), dtype=K.dtype(self.beta_1))}

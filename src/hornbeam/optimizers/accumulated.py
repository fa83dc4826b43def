"""Optimizers that divide by the sum of all past squared gradients: Adagrad and Ftrl."""

from hornbeam import backend as K
from hornbeam import config, registry
from hornbeam.optimizers.optimizer import Optimizer
from hornbeam.optimizers.values import Hyperparameter, filled


@registry.register("optimizer", "adagrad")
class Adagrad(Optimizer):
    """a = a + g^2; w = w - lr * g / (sqrt(a) + epsilon).

    Rare features get large steps, frequent ones small ones; rates only fall, so training may come to a stand. The sum
    starts at 0 and epsilon stands outside the root, as in Keras 2 (Keras 3: 0.1, and inside).

    Args:
        lr: learning rate or schedule, 0.01. Also `learning_rate`.
        epsilon: added to the root; None takes `K.epsilon()`.
        decay: lr is divided by 1 + decay * number of updates, default 0.
        initial_accumulator_value: what the sum starts from, default 0.
        **kwargs: clipnorm, clipvalue, global_clipnorm, weight_decay, name.

    Raises:
        ValueError: a number out of range. TypeError: unknown keyword.

    Example:
        >>> w = K.variable([1.0])
        >>> Adagrad(lr=0.25).apply_gradients([(K.constant([9.0]), w)])
        >>> w.numpy().round(4).tolist()  # the first step is lr, whatever the gradient
        [0.75]

    Reference: Duchi, Hazan, Singer, Adaptive subgradient methods for online learning, 2011.
    """

    slots = ("accumulator",)
    iterations_in_weights = False
    decay = Hyperparameter()

    def __init__(self, lr=0.01, epsilon=None, decay=0.0, *, initial_accumulator_value=0.0, **kwargs):
        super().__init__(lr, **kwargs)
        self._check_between(
            0, float("inf"), decay=decay, epsilon=0.0 if epsilon is None else epsilon,
            initial_accumulator_value=initial_accumulator_value,
        )  # fmt: skip
        self.epsilon = config.epsilon() if epsilon is None else epsilon
        self.decay = decay
        self.initial_accumulator_value = initial_accumulator_value

    def start(self, weight):
        """The sum's first value."""
        return (filled(weight, self.initial_accumulator_value),)

    def rule(self, now, weight, gradient, accumulator):
        """New weight and sum."""
        accumulator = accumulator + K.square(gradient)
        return weight - now.lr * gradient / (K.sqrt(accumulator) + self.epsilon), accumulator

    def idle(self):
        """The sum stays."""
        return {"accumulator": None}


@registry.register("optimizer", "ftrl")
class Ftrl(Optimizer):
    """n' = n + g^2; z = z + g + 2 s w - (n'^-p - n^-p) / lr * w; w = (clip(z, -l1, l1) - z) / (n'^-p / lr + 2 l2).

    Follow the regularised leader: made for wide linear models over very many sparse features, where l1 sets most
    weights to exactly 0. The weights' first values are forgotten after the first update.

    Args:
        learning_rate: learning rate or schedule, 0.001. Also `lr`.
        learning_rate_power: p in the formula, 0 or less; -0.5 gives Adagrad's rates, 0 a fixed rate.
        initial_accumulator_value: what n starts from, 0 or more, default 0.1.
        l1_regularization_strength: l1, 0 or more, default 0.
        l2_regularization_strength: l2, 0 or more, default 0.
        l2_shrinkage_regularization_strength: s, which pulls only weights that get a gradient; 0 or more, default 0.
        beta: raises l2 by beta / (2 lr), default 0.
        **kwargs: clipnorm, clipvalue, global_clipnorm, weight_decay, name.

    Raises:
        ValueError: a number out of range. TypeError: unknown keyword.

    Example:
        >>> w = K.variable([5.0])
        >>> Ftrl(0.1, l1_regularization_strength=100.0).apply_gradients([(K.constant([1.0]), w)])
        >>> w.numpy().tolist()
        [0.0]

    Reference: McMahan et al., Ad click prediction: a view from the trenches, 2013.
    """

    slots = ("accumulator", "linear")

    def __init__(
        self, learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1,
        l1_regularization_strength=0.0, l2_regularization_strength=0.0, l2_shrinkage_regularization_strength=0.0,
        beta=0.0, **kwargs,
    ):  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        self._check_between(
            0, float("inf"), initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
        )  # fmt: skip
        self._check_between(float("-inf"), 0, learning_rate_power=learning_rate_power)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def start(self, weight):
        """First values of n and z."""
        return filled(weight, self.initial_accumulator_value), filled(weight)

    def rule(self, now, weight, gradient, accumulator, linear):
        """New weight, n and z."""
        before = K.pow(accumulator, -self.learning_rate_power)
        accumulator = accumulator + K.square(gradient)
        after = K.pow(accumulator, -self.learning_rate_power)
        pulled = gradient + 2.0 * self.l2_shrinkage_regularization_strength * weight
        linear = linear + pulled - (after - before) / now.lr * weight
        l1 = self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2.0 * now.lr)
        return (K.clip(linear, -l1, l1) - linear) / (after / now.lr + 2.0 * l2), accumulator, linear

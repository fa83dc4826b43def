"""Optimizers that keep less than one number for each weight's element: Adafactor."""

from hornbeam import backend as K
from hornbeam import registry
from hornbeam.optimizers.optimizer import Optimizer
from hornbeam.optimizers.values import filled


@registry.register("optimizer", "adafactor")
class Adafactor(Optimizer):
    """w = w - max(epsilon_2, rms(w)) * rho_t * u, with u = g / sqrt(v) scaled down to rms(u) <= clip_threshold.

    rho_t = min(lr, 1 / sqrt(t)), b = 1 - t^beta_2_decay. For matrices v is the product of a column r and a row c,
    running means of g^2 + epsilon_1 over columns and rows, so the memory of a large model shrinks to its weights. Steps
    are relative to the size of each weight.

    Args:
        learning_rate: largest relative step, or a schedule of it; 0.001. Also `lr`.
        beta_2_decay: power with which the means grow longer, below 0, default -0.8.
        epsilon_1: added to g^2, default 1e-30.
        epsilon_2: least size of a weight that counts for its step, default 1e-3.
        clip_threshold: largest root mean square of u, default 1.
        relative_step: hold a number `learning_rate` below 1 / sqrt(t), default True. (Schedules are held as well, as in
            Keras 3, so it changes nothing.)
        **kwargs: weight_decay, clipnorm, clipvalue, global_clipnorm, name.

    Raises:
        ValueError: a number out of range. TypeError: unknown keyword.

    Example:
        >>> w = K.variable([1.0])
        >>> Adafactor(0.25).apply_gradients([(K.constant([9.0]), w)])
        >>> w.numpy().round(4).tolist()
        [0.75]

    Reference: Shazeer and Stern, Adafactor: adaptive learning rates with sublinear memory cost, 2018.
    """

    slots = ("r", "c", "v")
    elementwise = False

    def __init__(
        self, learning_rate=0.001, beta_2_decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, clip_threshold=1.0,
        relative_step=True, **kwargs,
    ):  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        self._check_between(0, float("inf"), epsilon_1=epsilon_1, epsilon_2=epsilon_2, clip_threshold=clip_threshold)
        self._check_between(float("-inf"), 0, beta_2_decay=beta_2_decay)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = bool(relative_step)

    def start(self, weight):
        """r and c for matrices, v for vectors and scalars; what a weight does without is one zero."""
        shape = tuple(weight.shape)
        shapes = ((), (), shape) if len(shape) < 2 else (shape[:-1], (*shape[:-2], shape[-1]), ())
        return [filled(weight, shape=each) for each in shapes]

    def begin(self, now, state):
        """The largest relative step, and the share of the means that stays."""
        now.relative = K.minimum(now.lr, 1.0 / K.sqrt(now.t))
        now.beta_2 = 1.0 - K.pow(now.t, self.beta_2_decay)
        return {}

    def rule(self, now, weight, gradient, r, c, v):
        """New weight and means."""
        squared = K.square(gradient) + self.epsilon_1
        if len(weight.shape) < 2:
            v = spread = now.beta_2 * v + (1.0 - now.beta_2) * squared
        else:
            r = now.beta_2 * r + (1.0 - now.beta_2) * K.mean(squared, axis=-1)
            c = now.beta_2 * c + (1.0 - now.beta_2) * K.mean(squared, axis=-2)
            spread = K.expand_dims(r / K.mean(r, axis=-1, keepdims=True), -1) * K.expand_dims(c, -2)
        u = gradient / K.sqrt(spread)
        u = u / K.maximum(1.0, _size(u) / self.clip_threshold)
        return weight - K.maximum(self.epsilon_2, _size(weight)) * now.relative * u, r, c, v


def _size(x):
    """Root mean square of all elements."""
    return K.sqrt(K.mean(K.square(x)))

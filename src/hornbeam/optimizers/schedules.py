"""Learning rates as functions of the step: pure, so that compiled steps evaluate them."""

import inspect
import math

from hornbeam import backend as K
from hornbeam import checks, config, registry


def _float(step):
    """`step` as a float tensor."""
    return K.cast(step, "float64" if config.floatx() == "float64" else "float32")


def _floor(x):
    return K.floor_divide(x, 1.0)


class LearningRateSchedule:
    """Base of schedules: `schedule(step)` gives the learning rate of the update after `step` others.

    Write `__call__` in K words, for `step` is a tensor inside compiled steps, and store the constructor's arguments
    under their names: the configuration follows from these. Any other function of the step serves as well.

    Example:
        >>> class Harmonic(LearningRateSchedule):
        ...     def __init__(self, first):
        ...         self.first = first
        ...     def __call__(self, step):
        ...         return self.first / (K.cast(step, "float32") + 1.0)
        >>> float(Harmonic(0.5)(1))
        0.25
    """

    def __call__(self, step):
        """The rate at `step`."""
        raise TypeError(f"{type(self).__name__} does not say its rate. Define __call__(self, step).")

    def get_config(self):
        """The constructor's arguments."""
        taken = list(inspect.signature(type(self).__init__).parameters.values())[1:]
        return {p.name: getattr(self, p.name) for p in taken if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}

    @classmethod
    def from_config(cls, config):
        """A schedule from what `get_config` gave."""
        return cls(**config)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"

    def _check_positive(self, **values):
        for name, value in values.items():
            if not value > 0:
                raise checks.wrong_argument(type(self).__name__, name, value, "a number above 0")


@registry.register("schedule")
class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate^(step / decay_steps).

    Args:
        initial_learning_rate: rate at step 0.
        decay_steps: steps after which the rate has been multiplied by decay_rate once.
        decay_rate: that factor.
        staircase: fall in jumps at every decay_steps, default False.

    Raises:
        ValueError: decay_steps is not above 0.

    Example:
        >>> round(float(ExponentialDecay(0.1, 100, 0.5)(200)), 6)
        0.025
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="ExponentialDecay"):
        self._check_positive(decay_steps=decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        """The rate at `step`."""
        done = _float(step) / self.decay_steps
        return self.initial_learning_rate * K.pow(float(self.decay_rate), _floor(done) if self.staircase else done)


@registry.register("schedule")
class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and including boundaries[0], values[1] up to boundaries[1], ..., the last value after all.

    Args:
        boundaries: rising list of steps.
        values: list of rates, one more than boundaries.

    Raises:
        ValueError: the lists' lengths do not fit.

    Example:
        >>> schedule = PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
        >>> [float(schedule(step)) for step in (10, 11, 21)]
        [1.0, 0.5, 0.25]
    """

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        if len(values) != len(boundaries) + 1 or not boundaries:
            raise ValueError(
                f"PiecewiseConstantDecay needs boundaries, and one value more than these; got {len(boundaries)} "
                f"boundaries and {len(values)} values."
            )
        self.boundaries = list(boundaries)
        self.values = list(values)
        self.name = name

    def __call__(self, step):
        """The rate at `step`."""
        step, rate = _float(step), self.values[-1]
        for boundary, value in zip(reversed(self.boundaries), reversed(self.values[:-1]), strict=True):
            rate = K.where(K.less_equal(step, boundary), value, rate)
        return rate


@registry.register("schedule")
class PolynomialDecay(LearningRateSchedule):
    """(initial - end) * (1 - min(step, decay_steps) / decay_steps)^power + end.

    Args:
        initial_learning_rate: rate at step 0.
        decay_steps: steps until the end rate.
        end_learning_rate: the end rate, default 0.0001.
        power: 1 for a straight line, the default.
        cycle: instead of staying at the end, start again over the next multiple of decay_steps, each time from the
            height that a fall over so many steps has reached; default False.

    Raises:
        ValueError: decay_steps is not above 0.

    Example:
        >>> float(PolynomialDecay(1.0, 100, end_learning_rate=0.0)(75))
        0.25
    """

    def __init__(
        self, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False,
        name="PolynomialDecay",
    ):  # fmt: skip
        self._check_positive(decay_steps=decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step):
        """The rate at `step`."""
        step, span = _float(step), float(self.decay_steps)
        if self.cycle:
            span = span * K.maximum(1.0, -_floor(-step / span))
        else:
            step = K.minimum(step, span)
        height = self.initial_learning_rate - self.end_learning_rate
        left = K.maximum(1.0 - step / span, 0.0)  # rounding must not make it negative: no power of that is a number
        return height * K.pow(left, float(self.power)) + self.end_learning_rate


@registry.register("schedule")
class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps).

    Args:
        initial_learning_rate: rate at step 0.
        decay_steps: unit of time.
        decay_rate: how much the divisor grows in each unit.
        staircase: fall in jumps at every decay_steps, default False.

    Raises:
        ValueError: decay_steps is not above 0.

    Example:
        >>> float(InverseTimeDecay(1.0, 10, 0.5)(20))
        0.5
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="InverseTimeDecay"):
        self._check_positive(decay_steps=decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        """The rate at `step`."""
        done = _float(step) / self.decay_steps
        return self.initial_learning_rate / (1.0 + self.decay_rate * (_floor(done) if self.staircase else done))


def _cosine(share, alpha, height=1.0):
    """From 1 to alpha as share goes from 0 to 1, along half a cosine of the given height."""
    return (1.0 - alpha) * 0.5 * height * (1.0 + K.cos(math.pi * share)) + alpha


@registry.register("schedule")
class CosineDecay(LearningRateSchedule):
    """A straight rise to warmup_target (if given), then half a cosine down to alpha times the height.

    Args:
        initial_learning_rate: rate at step 0; the height, if there is no warmup_target.
        decay_steps: steps of the fall, counted from the end of the rise.
        alpha: what is left at the end, as a share of the height; default 0.
        warmup_target: height after the rise, or None for none.
        warmup_steps: steps of the rise, default 0.

    Raises:
        ValueError: decay_steps is not above 0.

    Example:
        >>> schedule = CosineDecay(0.0, 100, warmup_target=1.0, warmup_steps=10)
        >>> [round(float(schedule(step)), 3) for step in (5, 10, 60, 110)]
        [0.5, 1.0, 0.5, 0.0]

    Reference: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017.
    """

    def __init__(
        self, initial_learning_rate, decay_steps, alpha=0.0, name="CosineDecay", warmup_target=None, warmup_steps=0
    ):
        self._check_positive(decay_steps=decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        """The rate at `step`."""
        step, first = _float(step), self.initial_learning_rate
        rises = self.warmup_target is not None and self.warmup_steps > 0
        height, begin = (first, 0) if self.warmup_target is None else (self.warmup_target, self.warmup_steps)
        fall = height * _cosine(K.clip(step - begin, 0.0, self.decay_steps) / self.decay_steps, self.alpha)
        if not rises:
            return fall
        return K.where(K.less(step, begin), first + (height - first) * step / begin, fall)


@registry.register("schedule")
class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine after the other, each t_mul times as long and m_mul times as high as the one before.

    Args:
        initial_learning_rate: height of the first.
        first_decay_steps: length of the first.
        t_mul: growth of the length, default 2.
        m_mul: growth of the height, default 1.
        alpha: what is left at each end, as a share of initial_learning_rate; default 0.

    Raises:
        ValueError: first_decay_steps or t_mul is not above 0.

    Example:
        >>> schedule = CosineDecayRestarts(1.0, 10, t_mul=2.0, m_mul=0.5)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 20)]
        [1.0, 0.5, 0.5, 0.25]

    Reference: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017.
    """

    def __init__(
        self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name="SGDRDecay"
    ):  # fmt: skip
        self._check_positive(first_decay_steps=first_decay_steps, t_mul=t_mul)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step):
        """The rate at `step`."""
        done = _float(step) / self.first_decay_steps
        if self.t_mul == 1:
            restarts = _floor(done)
            share = done - restarts
        else:
            t_mul = float(self.t_mul)
            restarts = _floor(K.log(1.0 - done * (1.0 - t_mul)) / math.log(t_mul))
            length = K.pow(t_mul, restarts)
            share = (done - (1.0 - length) / (1.0 - t_mul)) / length
        return self.initial_learning_rate * _cosine(share, self.alpha, K.pow(float(self.m_mul), restarts))


@registry.register("schedule")
class OneCycle(LearningRateSchedule):
    """Up from peak / start_divisor to peak and down to peak / (start_divisor * end_divisor), both along half a cosine.

    One rise and one long fall over the whole training allow a much larger peak than a fixed rate, and end in fewer
    epochs. Keras has no such schedule; the defaults are those in common use.

    Args:
        peak_learning_rate: the largest rate; about a tenth of where training starts to diverge.
        total_steps: steps of the whole training, epochs * batches in an epoch.
        warmup_fraction: share of the rise, between 0 and 1, default 0.3.
        start_divisor: peak over the first rate, default 25.
        end_divisor: first rate over the last, default 10000.

    Raises:
        ValueError: total_steps or a divisor is not above 0, or warmup_fraction not between 0 and 1.

    Example:
        >>> schedule = OneCycle(1.0, 100)
        >>> [round(float(schedule(step)), 3) for step in (0, 30, 100)]
        [0.04, 1.0, 0.0]

    Reference: Smith and Topin, Super-convergence, 2018.
    """

    def __init__(
        self, peak_learning_rate, total_steps, warmup_fraction=0.3, start_divisor=25.0, end_divisor=1e4, name="OneCycle"
    ):
        self._check_positive(total_steps=total_steps, start_divisor=start_divisor, end_divisor=end_divisor)
        if not 0 < warmup_fraction < 1:
            raise checks.wrong_argument("OneCycle", "warmup_fraction", warmup_fraction, "a number between 0 and 1")
        self.peak_learning_rate = peak_learning_rate
        self.total_steps = total_steps
        self.warmup_fraction = warmup_fraction
        self.start_divisor = start_divisor
        self.end_divisor = end_divisor
        self.name = name

    def __call__(self, step):
        """The rate at `step`."""
        step, top = _float(step), max(1, int(self.warmup_fraction * self.total_steps))
        rise = _cosine(1.0 - K.minimum(step / top, 1.0), 1.0 / self.start_divisor)
        share = K.clip((step - top) / max(1, self.total_steps - top), 0.0, 1.0)
        fall = _cosine(share, 1.0 / (self.start_divisor * self.end_divisor))
        return self.peak_learning_rate * K.where(K.less(step, top), rise, fall)


@registry.register("schedule")
class WarmUp(LearningRateSchedule):
    """A straight rise from `first` to `then` over warmup_steps, after which `then` holds: a number, or a schedule.

    Args:
        then: rate after the rise; of a schedule, which begins to count when the rise is over.
        warmup_steps: steps of the rise.
        first: rate at step 0, default 0.

    Raises:
        ValueError: warmup_steps is not above 0.

    Example:
        >>> schedule = WarmUp(ExponentialDecay(1.0, 10, 0.5), warmup_steps=4)
        >>> [float(schedule(step)) for step in (0, 2, 4, 14)]
        [0.0, 0.5, 1.0, 0.5]

    Reference: Goyal et al., Accurate, large minibatch SGD, 2017.
    """

    def __init__(self, then, warmup_steps, first=0.0, name="WarmUp"):
        self._check_positive(warmup_steps=warmup_steps)
        self.then = deserialize(then) if isinstance(then, dict) else then
        self.warmup_steps = warmup_steps
        self.first = first
        self.name = name

    def get_config(self):
        """The constructor's arguments; a schedule among them as its own configuration."""
        return {**super().get_config(), "then": serialize(self.then) if callable(self.then) else self.then}

    def __call__(self, step):
        """The rate at `step`."""
        step = _float(step)
        after = K.maximum(step - self.warmup_steps, 0.0)
        later = self.then(after) if callable(self.then) else self.then
        top = self.then(after * 0.0) if callable(self.then) else self.then
        rise = self.first + (top - self.first) * step / self.warmup_steps
        return K.where(K.less(step, self.warmup_steps), rise, later)


def serialize(learning_rate_schedule):
    """Configuration of a schedule: {'class_name', 'config'}."""
    return registry.serialize(learning_rate_schedule)


def deserialize(config, custom_objects=None):
    """The schedule a configuration describes.

    Raises:
        ValueError: unknown name; names the nearest.
    """
    return registry.deserialize("schedule", config, custom_objects)

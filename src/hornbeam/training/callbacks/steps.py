"""Callbacks that set the learning rate before every step: one cycle over the whole training, a rise at its start."""

from typing import Any

import numpy as np

from hornbeam import checks
from hornbeam.optimizers import schedules
from hornbeam.training.callbacks.monitor import learning_rate, set_learning_rate
from hornbeam.training.hooks import Callback


class _RateByStep(Callback):
    """Sets the rate of every step; training then goes one step at a time.

    A schedule given to the optimizer does the same without slowing small models down, if the number of steps is known.
    """

    def __init__(self):
        self.step = 0
        self._rates: Any = None

    def on_train_begin(self, logs=None):
        """Work out the rates."""
        self.step = 0
        self._rates = np.asarray(self._all_rates(self._total_steps()), "float64")

    def _total_steps(self):
        params = self.params or {}
        in_epoch = params.get("steps")
        if not in_epoch and params.get("samples") and params.get("batch_size"):
            in_epoch = -(-params["samples"] // params["batch_size"])
        return in_epoch * params["epochs"] if in_epoch else None

    def _all_rates(self, total):
        raise NotImplementedError

    def on_batch_begin(self, batch, logs=None):
        """Set the rate, up to the last one that there is."""
        if self.step < len(self._rates):
            set_learning_rate(self, float(self._rates[self.step]))

    def on_batch_end(self, batch, logs=None):
        """Count."""
        self.step += 1

    def on_epoch_end(self, epoch, logs=None):
        """Enter the rate in the logs."""
        if logs is not None:
            logs["lr"] = learning_rate(self)


class OneCycle(_RateByStep):
    """lr rises from peak / start_divisor to `peak` and falls to nearly 0, along half a cosine each, over all epochs.

    The number of steps is that of this `fit`: epochs * batches. `lr_find` helps with the peak. The same as a schedule:
    `optimizers.schedules.OneCycle`, which lets small models train at full speed.

    Args:
        peak: the largest rate.
        warmup_fraction: share of the steps in which it rises, 0.3.
        start_divisor: peak over the first rate, 25.
        end_divisor: first rate over the last, 10000.
        total_steps: steps of the cycle; None takes those of `fit`.

    Raises:
        ValueError: a number out of range; when training begins: the number of steps is not known.

    Example:
        >>> OneCycle(0.1).peak
        0.1

    Reference: Smith and Topin, Super-convergence, 2018.
    """

    def __init__(self, peak, warmup_fraction=0.3, start_divisor=25.0, end_divisor=1e4, total_steps=None):
        super().__init__()
        schedules.OneCycle(peak, total_steps or 1, warmup_fraction, start_divisor, end_divisor)  # checks
        self.peak = peak
        self.warmup_fraction = warmup_fraction
        self.start_divisor = start_divisor
        self.end_divisor = end_divisor
        self.total_steps = total_steps

    def _all_rates(self, total):
        total = self.total_steps or total
        if not total:
            raise ValueError(
                "OneCycle must know how many steps training has, and this data does not say. Give total_steps=..., or "
                "steps_per_epoch to fit."
            )
        rates = schedules.OneCycle(self.peak, total, self.warmup_fraction, self.start_divisor, self.end_divisor)
        return rates(np.arange(total))


class WarmUp(_RateByStep):
    """lr rises in a straight line, step by step, to what the optimizer was given, and then is left alone.

    Other callbacks may change the rate afterwards. The same as a schedule: `optimizers.schedules.WarmUp`.

    Args:
        steps: number of steps of the rise.
        first: share of the rate to begin with, 0.

    Raises:
        ValueError: `steps` is not above 0.

    Example:
        >>> WarmUp(100).steps
        100
    """

    def __init__(self, steps, first=0.0):
        super().__init__()
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
            raise checks.wrong_argument("WarmUp", "steps", steps, "a whole number of steps from 1 on")
        self.steps = steps
        self.first = first

    def _all_rates(self, total):
        top = learning_rate(self)
        return top * (self.first + (1.0 - self.first) * np.arange(self.steps + 1) / self.steps)

    def get_state(self):
        """The count, and the rates: they come from the rate at the beginning."""
        return {"step": self.step, "_rates": self._rates}

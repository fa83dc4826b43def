"""Callbacks that change the learning rate while training goes on."""

import inspect
import numbers
import warnings

import numpy as np

from hornbeam import checks
from hornbeam.training.callbacks.monitor import Monitor, learning_rate, set_learning_rate
from hornbeam.training.hooks import Callback


class ReduceLROnPlateau(Monitor):
    """lr := max(lr * factor, min_lr) whenever `monitor` has not improved for `patience` epochs.

    The logs, and so the history, get the epoch's learning rate as 'lr'.

    Args:
        monitor: name in the logs, 'val_loss'.
        factor: what the rate is multiplied by, below 1, 0.1.
        patience: epochs without improvement before that, 10.
        verbose: 1 says so, 0.
        mode: 'min', 'max', or 'auto' (default), which takes 'max' for accuracy, AUC and the like.
        min_delta: a change smaller than this is no improvement, 1e-4. `epsilon` is its old name.
        cooldown: epochs to wait after a reduction before watching again, 0.
        min_lr: the rate never goes below this, 0.

    Raises:
        ValueError: `factor` is 1 or more, `mode` is unknown; when training begins: `monitor` will not exist.

    Example:
        >>> ReduceLROnPlateau(factor=0.5, patience=2).min_delta
        0.0001
    """

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr: float = 0,
        **kwargs,
    ):
        super().__init__(monitor, mode)
        if "epsilon" in kwargs:
            min_delta = kwargs.pop("epsilon")
            warnings.warn("ReduceLROnPlateau: `epsilon` is now `min_delta`.", DeprecationWarning, stacklevel=2)
        if kwargs:
            known = list(inspect.signature(ReduceLROnPlateau).parameters)[:-1]
            raise checks.unknown_keywords("ReduceLROnPlateau", kwargs, known)
        if not factor < 1.0:
            raise checks.wrong_argument("ReduceLROnPlateau", "factor", factor, "below 1, for the rate to go down")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.min_delta = abs(min_delta)
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self):
        self.best = self.worst
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs=None):
        """Forget an earlier training; check that the name will exist."""
        super().on_train_begin(logs)
        self._reset()

    def on_epoch_end(self, epoch, logs=None):
        """Compare with the best epoch so far; reduce the rate if it is time."""
        logs = {} if logs is None else logs
        rate = logs["lr"] = learning_rate(self)
        current = self.value_in(logs)
        if current is None:
            self.warn_missing(logs)
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_better(current, self.best, self.min_delta):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            # Compared as the float32 that the rate is kept in, or 0.001 would count as above 0.001.
            if self.wait >= self.patience and np.float32(rate) > np.float32(self.min_lr):
                self._reduce(epoch, rate)

    def _reduce(self, epoch, rate):
        rate = max(rate * self.factor, self.min_lr)
        set_learning_rate(self, rate)
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose > 0:
            print(f"Epoch {epoch + 1:05d}: ReduceLROnPlateau reducing learning rate to {rate:g}.")

    def in_cooldown(self):
        """Is this one of the epochs after a reduction in which nothing is counted?"""
        return self.cooldown_counter > 0


class LearningRateScheduler(Callback):
    """lr := schedule(epoch, lr) at the start of each epoch.

    Epochs count from 0. The logs, and so the history, get the epoch's learning rate as 'lr'.

    Args:
        schedule: function of (epoch) or of (epoch, lr now) that returns the rate.
        verbose: 1 says what was set, 0.

    Raises:
        ValueError: the function returned no number.

    Example:
        >>> halve = LearningRateScheduler(lambda epoch, lr: lr / 2)
        >>> halve.schedule(0, 0.1)
        0.05
    """

    def __init__(self, schedule, verbose=0):
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler takes a function of (epoch) or (epoch, lr); got {schedule!r}.")
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch, logs=None):
        """Set the rate."""
        before = learning_rate(self)
        rate = self.schedule(epoch, before) if _takes_two(self.schedule) else self.schedule(epoch)
        rate = rate.item() if isinstance(rate, (np.ndarray, np.generic)) and rate.size == 1 else rate
        if isinstance(rate, bool) or not isinstance(rate, numbers.Real):
            raise ValueError(
                f"LearningRateScheduler: schedule({epoch}) must return a number, the learning rate; got {rate!r}."
            )
        set_learning_rate(self, float(rate))
        if self.verbose > 0:
            print(f"Epoch {epoch + 1:05d}: LearningRateScheduler setting learning rate to {rate:g}.")

    def on_epoch_end(self, epoch, logs=None):
        """Enter the rate in the logs."""
        if logs is not None:
            logs["lr"] = learning_rate(self)


def _takes_two(function):
    """Can `function` be called with two positional arguments? Its signature says so without calling it."""
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # written in C, without a signature: the old form
        return False
    return True

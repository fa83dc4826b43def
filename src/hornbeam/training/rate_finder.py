"""lr_find: a short training with a growing learning rate, from which a good one can be read."""

import math
import warnings
from typing import Any

import numpy as np

from hornbeam.training import resume
from hornbeam.training.callbacks.monitor import set_learning_rate
from hornbeam.training.hooks import Callback

_SMOOTHING = 0.98  # of the running average of the loss
_DIVERGED = 4.0  # times the lowest average


def lr_find(model, x=None, y=None, batch_size=None, lowest=1e-7, highest=10.0, steps=100, plot=None, **kwargs):
    """Train with a rate that grows from step to step, and see where the loss falls fastest.

    lr_i = lowest * (highest / lowest)^(i / (steps - 1)). The loss is smoothed: a_i = 0.98 a_(i-1) + 0.02 l_i, divided
    by 1 - 0.98^i. It ends when that is 4 times its lowest. The suggestion is where a line through a fifth of the steps
    falls fastest over log lr, before the lowest point. Weights, optimizer, random numbers and the model's history are
    then put back.

    Args:
        model: compiled; its optimizer has a rate that can be set.
        x, y, batch_size: as for `fit`. Batches taken from a generator are gone.
        lowest, highest: first and last rate.
        steps: how many, 100.
        plot: file to draw into, or True for a window; None for neither.
        kwargs: other words for `fit`, such as sample_weight.

    Returns:
        A :class:`RateTable`.

    Raises:
        ValueError: rates that do not grow, too few steps, or an optimizer whose rate is a schedule.

    Example:
        >>> from hornbeam.training.rate_finder import RateTable
        >>> RateTable([0.001, 0.01, 0.1, 1.0], [1.0, 0.9, 0.4, 2.0], [1.0, 0.9, 0.4, 2.0]).suggestion
        0.01

    Reference: Smith, Cyclical learning rates for training neural networks, 2017.
    """
    if not 0 < lowest < highest or steps < 3:
        raise ValueError(
            f"lr_find goes from a lowest rate above 0 to a higher one, in 3 steps or more; got lowest={lowest!r}, "
            f"highest={highest!r}, steps={steps!r}."
        )
    climb = _Climb(lowest * (highest / lowest) ** (np.arange(steps) / (steps - 1)))
    history, stopped, draws = model.history, model.stop_training, resume.random_state()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The loss is ")  # rates that are too high are meant to be seen
            model.fit(x, y, batch_size=batch_size, epochs=steps, verbose=0, callbacks=[climb], **kwargs)
    finally:
        climb.put_back()
        resume.set_random_state(draws)
        model.history, model.stop_training = history, stopped
    table = RateTable(climb.rates[: len(climb.losses)].tolist(), climb.losses, climb.smoothed)
    if plot is not None and plot is not False:
        table.plot(None if plot is True else plot)
    return table


class _Climb(Callback):
    """Sets the growing rates, keeps the losses, ends training, puts back what was there."""

    standing: Any = None  # where the fit stands; set by it
    stateless = True

    def __init__(self, rates):
        self.rates = rates
        self.losses, self.smoothed = [], []
        self._average = 0.0
        self._before: Any = None

    def on_train_begin(self, logs=None):
        self._before = resume.Snapshot.of(self.standing, 0)

    def on_batch_begin(self, batch, logs=None):
        set_learning_rate(self, float(self.rates[min(len(self.losses), len(self.rates) - 1)]))

    def on_batch_end(self, batch, logs=None):
        loss = float((logs or {})["loss"])
        if math.isfinite(loss):
            self.losses.append(loss)
            self._average = _SMOOTHING * self._average + (1.0 - _SMOOTHING) * loss
            self.smoothed.append(self._average / (1.0 - _SMOOTHING ** len(self.losses)))
        diverged = not math.isfinite(loss) or abs(self.smoothed[-1]) > _DIVERGED * max(1e-12, min(self.smoothed))
        if diverged or len(self.losses) == len(self.rates):
            self.model.stop_training = True

    def put_back(self):
        """Model and optimizer as they were before."""
        if self._before is not None:
            self._before.restore_model(self.standing)
        self.standing = None


class RateTable:
    """Learning rates and the losses they gave.

    Attributes:
        rates, losses, smoothed: lists, an entry a step.
        suggestion: the rate at which the smoothed loss falls fastest, None if it never falls.
    """

    def __init__(self, rates, losses, smoothed):
        self.rates = rates
        self.losses = losses
        self.smoothed = smoothed

    @property
    def suggestion(self):
        """The rate at which the smoothed loss falls fastest, None if it never falls."""
        end = int(np.argmin(self.smoothed)) + 1 if self.smoothed else 0
        if end < 2:
            return None
        span = max(2, end // 5)  # single steps go up and down by chance
        rates, losses = np.log(self.rates), np.asarray(self.smoothed)
        slopes = [np.polyfit(rates[i : i + span], losses[i : i + span], 1)[0] for i in range(end - span + 1)]
        steepest = int(np.argmin(slopes))
        return self.rates[steepest + (span - 1) // 2] if slopes[steepest] < 0 else None

    def to_frame(self):
        """The table as a pandas DataFrame with the columns lr, loss and smoothed."""
        from hornbeam.utils.optional import require

        columns = {"lr": self.rates, "loss": self.losses, "smoothed": self.smoothed}
        return require("pandas", "lr_find").DataFrame(columns)

    def plot(self, path=None, show=None):
        """Draw the loss over the rate, with the suggestion; see `History.plot`."""
        from hornbeam.utils import plotting

        figure = plotting.new_figure("lr_find", on_screen=path is None if show is None else show)
        axes = figure.add_subplot()
        axes.plot(self.rates, self.losses, color="0.75", linewidth=1, label="loss")
        axes.plot(self.rates, self.smoothed, label="smoothed")
        if self.suggestion is not None:
            axes.axvline(self.suggestion, linestyle="--", color="0.3", label=f"suggestion: {self.suggestion:.2g}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        axes.legend()
        return plotting.hand_over(figure, path, show)

    def __repr__(self):
        found = "none: the loss never fell" if self.suggestion is None else f"{self.suggestion:.3g}"
        span = f"{self.rates[0]:.3g} to {self.rates[-1]:.3g}" if self.rates else "none"
        return f"RateTable({len(self.rates)} rates, {span}; suggestion {found})"

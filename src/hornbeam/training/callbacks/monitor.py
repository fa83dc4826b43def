"""What callbacks share that watch one number of the logs, and how they reach the learning rate."""

import warnings

from hornbeam import backend as K
from hornbeam import checks, legacy
from hornbeam.training.hooks import Callback
from hornbeam.training.logs import MetricDict, higher_is_better, known_as


class Monitor(Callback):
    """Callback that watches one number of the logs: finds it under either name, and knows which way is better.

    Args:
        monitor: name in the logs, such as 'val_loss'; 'acc' and 'accuracy' are one name.
        mode: 'min', 'max', or 'auto', which takes 'max' for names that speak of accuracy, AUC, precision and the like.

    Raises:
        ValueError: before the first epoch, if training will not produce that name. In a program written for Keras
            (`hornbeam run`) that is a warning after each epoch, as in Keras 2.
    """

    def __init__(self, monitor, mode="auto"):
        if mode not in ("auto", "min", "max"):
            raise checks.wrong_argument(type(self).__name__, "mode", mode, "'auto', 'min' or 'max'")
        self.monitor = monitor
        self.mode = mode
        self.upward = higher_is_better(monitor) if mode == "auto" else mode == "max"
        self.others_may_log = False

    @property
    def worst(self):
        """What any value is better than."""
        return float("-inf") if self.upward else float("inf")

    def is_better(self, value, best, min_delta=0.0):
        """Is `value` better than `best` by more than `min_delta`? NaN never is."""
        return value > best + min_delta if self.upward else value < best - min_delta

    def monitor_op(self, value, best):
        """Is `value` better than `best`? The name that subclasses of old know."""
        return self.is_better(value, best)

    def on_train_begin(self, logs=None):
        """Make sure that the name will exist."""
        self.require_monitor()

    def require_monitor(self):
        """Check the watched name. Old scripts are let through: Keras 2 warned after each epoch, and trained on."""
        if not legacy.mode["classic"]:
            self.require_name(self.monitor)

    def require_name(self, name):
        """Check `name` against the names of this run.

        Raises:
            ValueError: it will not be there.
        """
        names = list((self.params or {}).get("metrics") or [])
        if not names or self.others_may_log or name in ("lr", "learning_rate") or known_as(name, names):
            return
        guess = checks.nearest(name, names)
        without_validation = name.startswith("val_") and not any(n.startswith("val_") for n in names)
        cure = "Metrics are given to compile."
        if without_validation:
            guess, cure = None, "Pass validation_data or validation_split to fit."
        raise ValueError(
            f"{type(self).__name__} looks for {name!r}, which this training will not produce. It will produce: "
            f"{', '.join(names)}.{f' Did you mean {guess!r}?' if guess else ''} {cure}"
        )

    def value_in(self, logs):
        """The watched number as a float, or None where this epoch has none."""
        value = MetricDict(logs or {}).get(self.monitor)
        return None if value is None else float(value)

    def warn_missing(self, logs):
        """Warn that the watched number is not there, unless it is one that only some epochs have."""
        announced = (self.params or {}).get("metrics") or []
        if known_as(self.monitor, announced) is None:
            warnings.warn(
                f"{type(self).__name__} does nothing: it looks for {self.monitor!r}, and this epoch has: "
                f"{', '.join(logs or {}) or 'nothing'}.",
                RuntimeWarning,
                stacklevel=3,
            )


def learning_rate(callback):
    """The optimizer's present learning rate, a float.

    Raises:
        ValueError: the model's optimizer has none that can be read.
    """
    rate = _rate_of(callback)
    try:
        return float(K.get_value(rate) if not isinstance(rate, (int, float)) else rate)
    except (TypeError, ValueError, AttributeError) as error:
        raise _no_single_rate(callback, rate) from error


def set_learning_rate(callback, value):
    """Set the optimizer's learning rate.

    Raises:
        ValueError: it follows a schedule of its own.
    """
    rate = _rate_of(callback)
    if isinstance(rate, K.Variable):
        K.set_value(rate, value)
    elif isinstance(rate, (int, float)):
        callback.model.optimizer.lr = value
    else:
        raise _no_single_rate(callback, rate)


def _rate_of(callback):
    optimizer = getattr(callback.model, "optimizer", None)
    rate = getattr(optimizer, "lr", None)
    if rate is None:
        raise ValueError(
            f"{type(callback).__name__} changes the learning rate, but the model's optimizer ({optimizer!r}) has no "
            "`lr`. Compile the model with an optimizer that has one, such as 'sgd' or 'adam'."
        )
    return rate


def _no_single_rate(callback, rate):
    return ValueError(
        f"{type(callback).__name__} changes the learning rate, but the optimizer's `lr` is {rate!r}, which is no "
        "number that can be set. Give the optimizer a plain learning rate, or leave this callback out."
    )

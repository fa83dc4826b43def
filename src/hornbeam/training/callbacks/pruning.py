"""The callback that lets Optuna end trials which do not look good."""

from hornbeam.training.callbacks.monitor import Monitor
from hornbeam.utils.optional import require


class OptunaPruning(Monitor):
    """Reports `monitor` to an Optuna trial after every epoch, and ends the trial when its pruner says so.

    Args:
        trial: what Optuna hands to the objective function.
        monitor: name in the logs, 'val_loss'. The study's direction says which way is better.
        interval: report every this many epochs, 1.

    Raises:
        ImportError: when training begins: optuna is not installed. ValueError: then too: `monitor` will not exist.
        optuna.TrialPruned: from `fit`, which Optuna catches.

    Example:
        >>> OptunaPruning(trial=None, monitor="val_acc").monitor
        'val_acc'
    """

    stateless = True  # the trial knows what was reported

    def __init__(self, trial, monitor="val_loss", interval=1):
        super().__init__(monitor)
        self.trial = trial
        self.interval = interval

    def on_train_begin(self, logs=None):
        """Make sure that the name will exist, and that Optuna is there."""
        super().on_train_begin(logs)
        require("optuna", "OptunaPruning")

    def on_epoch_end(self, epoch, logs=None):
        """Report, and ask."""
        if (epoch + 1) % self.interval:
            return
        value = self.value_in(logs)
        if value is None:
            self.warn_missing(logs)
            return
        self.trial.report(value, step=epoch)
        if self.trial.should_prune():
            raise require("optuna", "OptunaPruning").TrialPruned(
                f"Pruned after epoch {epoch + 1}: {self.monitor} was {value:.6g}."
            )

"""Callbacks that end training: when a number no longer improves, and when the loss is no number any more."""

import math

from hornbeam.training.callbacks.monitor import Monitor
from hornbeam.training.hooks import Callback


class EarlyStopping(Monitor):
    """Ends training when `monitor` has not improved for `patience` epochs.

    Training keeps the weights of its last epoch, not of its best one, unless `restore_best_weights` is True; they are
    restored only where this callback ended training, not where the epochs ran out.

    Args:
        monitor: name in the logs, 'val_loss'.
        min_delta: a change smaller than this is no improvement, 0.
        patience: how many epochs without improvement end training, 0.
        verbose: 1 says when training was ended, 0.
        mode: 'min', 'max', or 'auto' (default), which takes 'max' for accuracy, AUC and the like.
        baseline: value to be better than; None takes the first epoch's.
        restore_best_weights: go back to the weights of the best epoch, False.
        start_from_epoch: epochs to let pass before watching, 0.

    Raises:
        ValueError: `mode` is unknown; when training begins: `monitor` is a name that will not exist.

    Example:
        >>> EarlyStopping("val_acc", patience=3).upward
        True

    Reference:
        L. Prechelt: Early Stopping - But When? 1998.
    """

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__(monitor, mode)
        self.min_delta = abs(min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self):
        self.wait = 0
        self.stopped_epoch = 0
        self.best = self.worst if self.baseline is None else self.baseline
        self.best_epoch = 0
        self.best_weights = None

    def on_train_begin(self, logs=None):
        """Forget an earlier training; check that the name will exist."""
        super().on_train_begin(logs)
        self._reset()

    def on_epoch_end(self, epoch, logs=None):
        """Compare with the best epoch so far."""
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.is_better(current, self.best, self.min_delta):
            self.best, self.best_epoch, self.wait = current, epoch, 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            self._restore()

    def _restore(self):
        if self.best_weights is None:  # not asked for, or never better than the baseline
            return
        if self.verbose > 0:
            print(f"Restoring the weights of epoch {self.best_epoch + 1}, the best.")
        self.model.set_weights(self.best_weights)

    def on_train_end(self, logs=None):
        """Say when training was ended."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1:05d}: early stopping")

    def get_state(self):
        """The count, the best value, and the best weights, whatever their size."""
        return {**super().get_state(), "best_weights": self.best_weights}

    def get_monitor_value(self, logs):
        """The watched number, or None with a warning where this epoch has none."""
        value = self.value_in(logs)
        if value is None:
            self.warn_missing(logs)
        return value


class TerminateOnNaN(Callback):
    """Ends training at the first batch whose loss is NaN or infinite.

    It looks at every batch, so training goes one step at a time. Without it training goes on with weights that are
    lost, and says so.

    Example:
        >>> class Model:
        ...     stop_training = False
        >>> watch = TerminateOnNaN()
        >>> watch.set_model(Model())
        >>> watch.on_batch_end(7, {"loss": float("nan")})
        Batch 7: Invalid loss, terminating training
        >>> watch.model.stop_training
        True
    """

    def on_batch_end(self, batch, logs=None):
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True

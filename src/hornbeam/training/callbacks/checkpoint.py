"""The callback that saves the model while it trains."""

import os
import string
from pathlib import Path

from hornbeam import checks
from hornbeam.saving.model_files import check_storable
from hornbeam.training.callbacks.monitor import Monitor
from hornbeam.training.logs import MetricDict


class ModelCheckpoint(Monitor):
    """Saves the model, or its weights, after an epoch: each one, every few, or only one that is the best so far.

    The file's name may hold the epoch (from 1) and any number of the logs, with a format:
    'weights.{epoch:02d}-{val_loss:.2f}.h5'. Without them each file replaces the one before. Folders are made.

    Args:
        filepath: file to write, formatted as said.
        monitor: name in the logs, 'val_loss'; read only with `save_best_only`.
        verbose: 1 says what is saved, 0.
        save_best_only: save only after an epoch better than all before, False.
        save_weights_only: save weights (True) or the whole model (False).
        mode: 'min', 'max', or 'auto' (default), which takes 'max' for accuracy, AUC and the like.
        period: save at most every this many epochs, 1.
        initial_value_threshold: with `save_best_only`, the value that the first file must beat already; None for any.

    Raises:
        ValueError: `mode` is unknown; when training begins: `monitor`, or a name in `filepath`, will not exist, or the
            model holds a function without a name.
        NotImplementedError: when training begins: the model is a class of its own, of which only weights are saved.

    Example:
        >>> ModelCheckpoint("best.h5", "val_acc", save_best_only=True).upward
        True
    """

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        period=1,
        initial_value_threshold=None,
    ):
        super().__init__(monitor, mode)
        if not isinstance(period, int) or period < 1:
            raise checks.wrong_argument("ModelCheckpoint", "period", period, "a whole number of epochs from 1 on")
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.period = period
        self.epochs_since_last_save = 0
        self.best = self.worst if initial_value_threshold is None else initial_value_threshold

    def on_train_begin(self, logs=None):
        """Check that the names will exist, and that the model can be saved."""
        if self.save_best_only:
            self.require_monitor()
        for _, field, _, _ in string.Formatter().parse(self.filepath):
            if field and field != "epoch":
                self.require_name(field)
        if not self.save_weights_only:
            check_storable(self.model)

    def on_epoch_end(self, epoch, logs=None):
        """Save, if it is time."""
        self.epochs_since_last_save += 1
        if self.epochs_since_last_save < self.period:
            return
        self.epochs_since_last_save = 0
        path = self._path(epoch, logs)
        if self.save_best_only:
            why = self._improvement(epoch, logs)
            if why is None:
                return
        else:
            why = ""
        self._say(epoch, f"{why}saving model to {path}")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)

    def _improvement(self, epoch, logs):
        """What to say of a new best value, or None if there is none."""
        current = self.value_in(logs)
        if current is None:
            self.warn_missing(logs)
            return None
        if not self.is_better(current, self.best):
            self._say(epoch, f"{self.monitor} did not improve from {self.best:.5f}")
            return None
        before, self.best = self.best, current
        return f"{self.monitor} improved from {before:.5f} to {current:.5f}, "

    def _path(self, epoch, logs):
        values = MetricDict({**(logs or {}), "epoch": epoch + 1})
        try:
            return self.filepath.format_map(values)
        except KeyError as error:
            raise ValueError(f"ModelCheckpoint cannot form the file name {self.filepath!r}: {error.args[0]}.") from None

    def _say(self, epoch, text):
        if self.verbose > 0:
            print(f"Epoch {epoch + 1:05d}: {text}")

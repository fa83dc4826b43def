"""Short runs of `fit`: one batch of everything, the same few batches over and over, or for so long and no longer."""

import time

from hornbeam.training.data import ArrayData
from hornbeam.training.feeding import _part as part_of
from hornbeam.training.hooks import Callback, CallbackList

# Callbacks that write files or send things away; a rehearsal leaves them out.
WRITERS = frozenset(
    "ModelCheckpoint CSVLogger TensorBoard BackupAndRestore RemoteMonitor SwapEMAWeights".split()
)  # fmt: skip


class TimeLimit(Callback):
    """Stops training in good order when `max_time_s` are over: after the steps under way, with validation and hooks.

    Args:
        max_time_s: seconds, more than 0; they count from the beginning of training.
    """

    def __init__(self, max_time_s):
        if isinstance(max_time_s, bool) or not isinstance(max_time_s, (int, float)) or max_time_s <= 0:
            raise ValueError(f"max_time_s is a number of seconds greater than 0; got {max_time_s!r}.")
        self.max_time_s = max_time_s

    def on_train_begin(self, logs=None):
        """Look at the clock."""
        self._until = time.monotonic() + self.max_time_s

    def on_progress(self, seen, logs=None):
        """Is the time over?"""
        if time.monotonic() >= self._until:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        """Is the time over?"""
        self.on_progress(0)


def shortened(options, callbacks, epochs, initial_epoch, steps_per_epoch, validation_steps):
    """(callbacks, epochs, steps_per_epoch, validation_steps) under `fast_dev_run` and `max_time_s` of `options`."""
    callbacks = CallbackList(callbacks).callbacks
    if options["max_time_s"] is not None:
        callbacks = [*callbacks, TimeLimit(options["max_time_s"])]
    if options["fast_dev_run"]:
        options["resume"] = None
        callbacks = [c for c in callbacks if not WRITERS & {base.__name__ for base in type(c).__mro__}]
        return callbacks, min(epochs, initial_epoch + 1), 1, 1
    return callbacks, epochs, steps_per_epoch, validation_steps


def few_batches(data, validation, count, batch_size):
    """Training and validation data that are the first `count` batches of `data`, both.

    A network that cannot learn a few batches by heart will learn nothing: the quickest test of a model.

    Raises:
        ValueError: not a whole number of 1 or more, or a stream came.
    """
    if isinstance(count, bool) or int(count) != count or count < 1:
        raise ValueError(f"overfit_batches is a whole number of batches, 1 or more; got {count!r}.")
    if not isinstance(data, ArrayData):
        raise ValueError("overfit_batches takes the first rows of arrays; a stream has none to come back to.")
    part = part_of(data, slice(0, int(count) * batch_size))
    return part, None if validation is None else part

"""The callback that backs training up, so that a killed run goes on where it was."""

import os
import time
from typing import Any

from hornbeam import checks
from hornbeam.training import resume
from hornbeam.training.hooks import Callback

# With save_freq='auto' the next backup comes when the last one took this share of the time since.
_SHARE = 0.05
_LEAST_S = 0.2


class BackupAndRestore(Callback):
    """Keeps the whole state of training in a folder; a run that was killed goes on from there to the very same bits.

    Weights, optimizer, random numbers, the place in the data, the state of all callbacks and the history are written
    into one file, which is replaced in one step: whatever the moment, one whole state is there. Start the same program
    again, and `fit` goes on. `fit(..., resume='folder')` does the same and keeps the folder when training is done, so
    that a program which is started once more gets its result at once.

    A callback's state is what its `get_state` gives: for most, all numbers, lists and arrays among its attributes that
    were not given to its constructor. What it wrote elsewhere is its own business: `CSVLogger` cuts its file back.

    Args:
        backup_dir: the folder; made if need be.
        save_freq: 'epoch' (default): after each; a number: at the first stop after so many steps, and after each epoch
            (training of arrays stops a few times a second); 'auto': as often as costs 5 % of the time.
        double_checkpoint: keep the state before the last one too, for a disk that may damage files, False.
        delete_checkpoint: remove the files when training has ended, True.

    Raises:
        ValueError: `save_freq` is none of these; when training begins: the folder holds the state of another model,
            optimizer or data. ModelFileError: the file is damaged.

    Example:
        >>> BackupAndRestore("backup").save_freq
        'epoch'
    """

    stateless = True  # nothing of it needs to be in its own file
    standing: Any = None  # where the fit stands; set by it
    goes_last = True  # the other callbacks' epoch is over when the state is taken

    def __init__(self, backup_dir, save_freq: int | str = "epoch", double_checkpoint=False, delete_checkpoint=True):
        number = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
        if not number and save_freq not in ("epoch", "auto"):
            wanted = "'epoch', 'auto' or a whole number of steps"
            raise checks.wrong_argument("BackupAndRestore", "save_freq", save_freq, wanted)
        if not isinstance(backup_dir, (str, os.PathLike)) or not os.fspath(backup_dir):
            raise checks.wrong_argument("BackupAndRestore", "backup_dir", backup_dir, "the path of a folder")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._last = None
        self._saved_at = self._cost_s = 0.0

    def on_train_begin(self, logs=None):
        """Look for a state to go on from."""
        os.makedirs(self.backup_dir, exist_ok=True)
        snapshot = resume.Snapshot.read(self.backup_dir)
        if snapshot is not None:
            self.standing.will_restore(snapshot)
        self._last = None
        self._saved_at = time.perf_counter()

    def on_progress(self, seen, logs=None):
        """Save within the epoch, if it is time."""
        standing = self.standing
        if self.save_freq == "epoch" or not standing.step:
            return
        if self.save_freq == "auto":
            due = self._enough_time_passed()
        else:
            before = self._last if self._last and self._last[0] == standing.epoch else (standing.epoch, 0)
            due = standing.step - before[1] >= self.save_freq
        if due:
            self._save(None)

    def on_epoch_end(self, epoch, logs=None):
        """Save after the epoch."""
        if self.save_freq != "auto" or self.model.stop_training or self._enough_time_passed():
            self._save(epoch + 1)

    def on_train_end(self, logs=None):
        """Save the end of training, or remove the files."""
        standing = self.standing
        if self.delete_checkpoint:
            resume.remove(self.backup_dir)
        elif self._last != (standing.epoch, 0):
            self._save(standing.epoch)
        self.standing = None

    def _enough_time_passed(self):
        return time.perf_counter() - self._saved_at >= max(_LEAST_S, self._cost_s / _SHARE)

    def _save(self, epoch):
        standing = self.standing
        snapshot = resume.Snapshot.of(standing, epoch)
        began = time.perf_counter()
        snapshot.write(self.backup_dir, self.double_checkpoint)
        self._saved_at = time.perf_counter()
        self._cost_s = self._saved_at - began
        self._last = (standing.epoch, standing.step) if epoch is None else (epoch, 0)

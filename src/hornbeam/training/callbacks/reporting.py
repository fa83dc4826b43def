"""Callbacks that tell somebody how training goes: progress line, CSV file, a server, your own functions."""

import csv
import json
import os
import urllib.error
import urllib.parse
import urllib.request
import warnings
from typing import Any

import numpy as np

from hornbeam import checks
from hornbeam.training.hooks import HOOKS, Callback
from hornbeam.training.progress import Progbar, output_for


class BaseLogger(Callback):
    """Averages of each epoch, for hand-written training loops: sum(value * size) / sum(size).

    `fit` computes exact averages itself and does not need it; old code that passes one is served. In a loop of your
    own it collects what `on_batch_end` brings and completes the logs of `on_epoch_end`.

    Args:
        stateful_metrics: names whose last value is taken instead of the average.

    Example:
        >>> logger, logs = BaseLogger(), {}
        >>> logger.on_epoch_begin(0)
        >>> logger.on_batch_end(0, {"size": 3, "loss": 1.0})
        >>> logger.on_batch_end(1, {"size": 1, "loss": 5.0})
        >>> logger.on_epoch_end(0, logs)
        >>> logs
        {'loss': 2.0}
    """

    needs_batches = False

    def __init__(self, stateful_metrics=None):
        self.stateful_metrics = set(stateful_metrics or [])
        self.seen = 0
        self.totals = {}

    def on_epoch_begin(self, epoch, logs=None):
        """Start from nothing."""
        self.seen = 0
        self.totals = {}

    def on_batch_end(self, batch, logs=None):
        """Add a batch."""
        logs = logs or {}
        size = logs.get("size", 1)
        self.seen += size
        for name, value in logs.items():
            if name in self.stateful_metrics:
                self.totals[name] = value
            elif name not in ("batch", "size"):
                self.totals[name] = self.totals.get(name, 0) + value * size

    def on_epoch_end(self, epoch, logs=None):
        """Enter the averages that the logs do not hold yet."""
        if logs is None or not self.seen:
            return
        for name, total in self.totals.items():
            if name not in logs:
                logs[name] = total if name in self.stateful_metrics else total / self.seen


class ProgbarLogger(Callback):
    """The progress line of `fit`: `Epoch 1/10`, then a bar with time to go, loss and metrics.

    `fit(verbose=...)` adds it. Refreshed through `on_progress`, so that it never slows training to single steps.

    Args:
        count_mode: count 'samples' (default) or 'steps'; always steps where `fit` was given `steps_per_epoch`.
        stateful_metrics: taken for old code's sake; `fit` hands over the very numbers to show.

    Raises:
        ValueError: `count_mode` is neither.

    Example:
        >>> line = ProgbarLogger("steps")
        >>> line.set_params({"verbose": 2, "epochs": 1, "steps": 4})
        >>> line.on_train_begin()
        >>> line.on_epoch_begin(0)
        >>> line.on_epoch_end(0, {"loss": 0.5})
        Epoch 1/1 - 0s - loss: 0.5000
    """

    needs_batches = False
    stateless = True

    def __init__(self, count_mode="samples", stateful_metrics=None):
        if count_mode not in ("samples", "steps"):
            raise checks.wrong_argument("ProgbarLogger", "count_mode", count_mode, "'samples' or 'steps'")
        self.count_mode = count_mode
        self.stateful_metrics = set(stateful_metrics or [])
        self.verbose = 0
        self.line: Any = None
        self.output: Any = None

    def on_train_begin(self, logs=None):
        """Choose where to write."""
        verbose = (self.params or {}).get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.output = output_for(self.verbose)

    def on_epoch_begin(self, epoch, logs=None):
        """Write `Epoch 1/10` and start a line."""
        if not self.verbose:
            return
        params = self.params or {}
        self.output.headline(f"Epoch {epoch + 1}/{params.get('epochs') or '?'}")
        # 'steps' is there where steps_per_epoch was given; everything then counts in steps.
        target = params.get("steps") or params.get(self.count_mode)
        self.line = Progbar(target, verbose=self.verbose, output=self.output)

    def on_progress(self, seen, logs=None):
        """Refresh the line."""
        if self.verbose:
            self.line.show(seen, self._shown(logs))

    def on_epoch_end(self, epoch, logs=None):
        """Write the finished line, validation included."""
        if not self.verbose:
            return
        stopped_within = getattr(self.model, "stop_training", False)
        if self.line.target is not None and not stopped_within:
            self.line.seen = self.line.target
        self.line.values = self._shown(logs)
        self.line.finish()

    def _shown(self, logs):
        """What the logs hold, in the order that the run announced."""
        logs = logs or {}
        announced = [name for name in (self.params or {}).get("metrics") or [] if name in logs]
        names = dict.fromkeys([*announced, *logs])
        return {name: logs[name] for name in names if name not in ("batch", "size")}


class LambdaCallback(Callback):
    """Functions as a callback: one for each hook that is given.

    Args:
        on_epoch_begin, on_epoch_end: called with (epoch, logs).
        on_batch_begin, on_batch_end: called with (batch, logs); training then goes one step at a time.
        on_train_begin, on_train_end: called with (logs).
        kwargs: further hooks such as `on_progress` or `on_test_end`, and whatever else shall be an attribute.

    Raises:
        TypeError: a name that begins with `on_` and is no hook.

    Example:
        >>> LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"])).on_epoch_end(3, {"loss": 0.5})
        3 0.5
    """

    def __init__(
        self,
        on_epoch_begin=None,
        on_epoch_end=None,
        on_batch_begin=None,
        on_batch_end=None,
        on_train_begin=None,
        on_train_end=None,
        **kwargs,
    ):
        given = dict(
            on_epoch_begin=on_epoch_begin,
            on_epoch_end=on_epoch_end,
            on_batch_begin=on_batch_begin,
            on_batch_end=on_batch_end,
            on_train_begin=on_train_begin,
            on_train_end=on_train_end,
            **kwargs,
        )
        unknown = {name for name in given if name.startswith("on_") and name not in HOOKS}
        if unknown:
            raise checks.unknown_keywords("LambdaCallback", unknown, HOOKS)
        # Only what is given becomes an attribute: a hook that is there counts as listening.
        self.__dict__.update({name: value for name, value in given.items() if value is not None})


class CSVLogger(Callback):
    """One row an epoch into a CSV file: the epoch, then every number of the logs by name.

    Each row is on the disk as soon as its epoch ends. The columns are those of the first epoch (or of the file that
    is continued); a number that a later epoch lacks is written as NA.

    Args:
        filename: file to write.
        separator: between the columns, ','.
        append: go on with an existing file instead of replacing it, False.

    Example:
        >>> CSVLogger("training.csv", append=True).separator
        ','
    """

    def __init__(self, filename, separator=",", append=False):
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self.keys = None
        self._file: Any = None
        self._end = None  # size of the file as far as its rows count; what lies behind is cut off

    def on_train_begin(self, logs=None):
        """Open the file; take over its columns if it is continued."""
        self.keys = self._columns_there() if self.append else None
        try:
            self._file = open(self.filename, "a", newline="", encoding="utf-8")  # noqa: SIM115  closed in on_train_end
        except OSError as error:
            raise type(error)(
                error.errno, f"CSVLogger cannot write {self.filename!r}: {error.strerror}. Give a file in a folder "
                f"that exists; os.makedirs makes one"
            ) from error
        self._end = None if self.append else 0
        # A second fit with the same object goes on; only the first may have replaced the file.
        self.append = True

    def get_state(self):
        """The columns, and how long the file is."""
        return {"keys": self.keys, "end": os.path.getsize(self.filename) if self._end is None else self._end}

    def set_state(self, state):
        """Go on behind the rows that were there when the state was taken."""
        self.keys, self._end = state["keys"], state["end"]

    def _cut(self):
        if self._end is not None and self._file is not None:
            self._file.truncate(self._end)
            self._end = None

    def _columns_there(self):
        try:
            with open(self.filename, newline="", encoding="utf-8") as file:
                first = next(csv.reader(file, delimiter=self.separator), None)
        except FileNotFoundError:
            return None
        return [name for name in first if name != "epoch"] if first else None

    def on_epoch_end(self, epoch, logs=None):
        """Write a row."""
        self._cut()
        logs = logs or {}
        rows = csv.writer(self._file, delimiter=self.separator, lineterminator="\n")
        if self.keys is None:
            self.keys = sorted(logs)
            rows.writerow(["epoch", *self.keys])
        rows.writerow([epoch, *(_cell(logs[name]) if name in logs else "NA" for name in self.keys)])
        self._file.flush()

    def on_train_end(self, logs=None):
        """Close the file."""
        if self._file is not None:
            self._cut()
            self._file.close()
            self._file = None


def _cell(value):
    """A number as itself, several as `[1, 2]`, so that they stay in one column."""
    value = np.asarray(value)
    if value.ndim == 0:
        return value.item()
    return "[" + ", ".join(str(item) for item in value.ravel().tolist()) + "]"


class RemoteMonitor(Callback):
    """Sends the logs of each epoch to a web server, as a POST to `root + path`.

    A server that does not answer is warned about, and training goes on.

    Args:
        root: 'http://localhost:9000', http or https.
        path: '/publish/epoch/end/'.
        field: form field that holds the JSON text, 'data'.
        headers: dict of further HTTP headers, or None.
        send_as_json: send JSON itself (True) instead of a form with a JSON field (False).

    Raises:
        ValueError: `root` is no http address.

    Example:
        >>> RemoteMonitor("https://example.org").path
        '/publish/epoch/end/'
    """

    TIMEOUT_S = 10

    def __init__(
        self, root="http://localhost:9000", path="/publish/epoch/end/", field="data", headers=None, send_as_json=False
    ):
        if urllib.parse.urlsplit(root).scheme not in ("http", "https"):
            raise checks.wrong_argument("RemoteMonitor", "root", root, "an address such as 'http://localhost:9000'")
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch, logs=None):
        """Send."""
        message = {"epoch": epoch, **{name: np.asarray(value).tolist() for name, value in (logs or {}).items()}}
        text = json.dumps(message)
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        request = urllib.request.Request(self.root + self.path, body.encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=self.TIMEOUT_S):
                pass
        except (OSError, urllib.error.URLError) as error:
            warnings.warn(f"RemoteMonitor could not reach {self.root}{self.path}: {error}", stacklevel=2)

"""What training calls while it runs: the Callback base, and the list through which the trainer calls them all.

The callbacks themselves are in the folder callbacks/, the progress line in progress.py, the history in history.py.
"""

from typing import Any

from hornbeam import checks
from hornbeam.training import object_state
from hornbeam.training.logs import MetricDict


class Callback(checks.Constructed):
    """Base of everything that wants to be called while a model trains, is evaluated, or predicts.

    Override the hooks you need; the others cost nothing. Hooks of training batches (`on_batch_begin`, `on_batch_end`
    and their `on_train_batch_...` names) make training go one step at a time instead of many at once: results are
    the same, small models train more slowly. `on_progress` is the cheap alternative.

    Attributes:
        model: the model that trains; set `model.stop_training = True` to end training.
        params: dict of the run: 'batch_size', 'epochs', 'steps', 'samples', 'verbose', 'do_validation', 'metrics' (the
            names that logs will hold).
        validation_data: kept for old code; None unless the trainer sets it.
        needs_batches: False if the batch hooks are for hand-written loops only, so that `fit` need not slow down.

    Example:
        >>> class Shout(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch + 1}: {logs['loss']:.1f}!")
        >>> Shout().on_epoch_end(0, {"loss": 0.51})
        epoch 1: 0.5!
    """

    # Set here and not in __init__, which users' callbacks often leave uncalled.
    model: Any = None
    params: Any = None
    validation_data = None
    needs_batches = True

    def get_state(self):
        """What the callback must know to go on after a restart: a dict of plain data and arrays.

        By default all such attributes that were not given to the constructor, arrays up to 16 MB.
        """
        return object_state.attributes(self)

    def set_state(self, state):
        """Go on from what `get_state` gave; called after `on_train_begin` of a run that was stopped."""
        object_state.restore(self, state)

    def set_params(self, params):
        """Called once before training, with the facts of the run."""
        self.params = params

    def set_model(self, model):
        """Called once before training, with the model."""
        self.model = model

    def on_train_begin(self, logs=None):
        """Called when training starts."""

    def on_train_end(self, logs=None):
        """Called when training has ended."""

    def on_epoch_begin(self, epoch, logs=None):
        """Called when an epoch starts; epochs count from 0."""

    def on_epoch_end(self, epoch, logs=None):
        """Called after an epoch and its validation; `logs` holds the averages, 'val_' names among them."""

    def on_progress(self, seen, logs=None):
        """Called a few times a second within an epoch: samples (or steps) seen so far, averages so far."""

    def on_batch_begin(self, batch, logs=None):
        """Called before each training batch; `logs` holds 'batch' and 'size'."""

    def on_batch_end(self, batch, logs=None):
        """Called after each training batch; `logs` holds its loss and metrics as well."""

    def on_train_batch_begin(self, batch, logs=None):
        """The newer name of `on_batch_begin`, which it calls."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """The newer name of `on_batch_end`, which it calls."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs=None):
        """Called when an evaluation starts, validation included."""

    def on_test_end(self, logs=None):
        """Called when an evaluation has ended."""

    def on_test_batch_begin(self, batch, logs=None):
        """Called before each batch of an evaluation."""

    def on_test_batch_end(self, batch, logs=None):
        """Called after each batch of an evaluation."""

    def on_predict_begin(self, logs=None):
        """Called when a prediction starts."""

    def on_predict_end(self, logs=None):
        """Called when a prediction has ended."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Called before each batch of a prediction."""

    def on_predict_batch_end(self, batch, logs=None):
        """Called after each batch of a prediction; `logs` holds 'outputs'."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))
TRAIN_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
TEST_BATCH_HOOKS = ("on_test_batch_begin", "on_test_batch_end")
PREDICT_BATCH_HOOKS = ("on_predict_batch_begin", "on_predict_batch_end")


def _owner(callback, hook):
    """The class that defines `hook` for this callback, or None."""
    return next((cls for cls in type(callback).__mro__ if hook in vars(cls)), None)


def _overrides(callback, hook):
    """Does `callback` do something in `hook`? A base class called Callback, ours or a third party's, does nothing."""
    owner = _owner(callback, hook)
    return hook in getattr(callback, "__dict__", {}) or (owner is not None and owner.__name__ != "Callback")


def _may_add_to_logs(callback):
    """Could this callback put numbers of its own into the epoch's logs? Ours do not, a user's might."""
    owner = _owner(callback, "on_epoch_end")
    ours = owner is None or owner.__module__.startswith("hornbeam.") or owner.__name__ == "Callback"
    return not ours or "on_epoch_end" in getattr(callback, "__dict__", {})


class CallbackList:
    """Callbacks called in turn; the trainer's single point of contact.

    Any object with some of the hooks' names serves, whatever it is derived from; hooks that it lacks are passed over.

    Args:
        callbacks: list of callbacks, or None.
        queue_length: taken for old code's sake, not used.
        add_history: add a :class:`~hornbeam.training.history.History` at the end if there is none.
        add_progbar: put a progress line in front if there is none.
        model: passed to `set_model`.
        params: facts of the run, passed to `set_params`.

    Example:
        >>> CallbackList([Callback()]).listens_to_batches
        False
    """

    def __init__(self, callbacks=None, queue_length=10, add_history=False, add_progbar=False, model=None, **params):
        self.callbacks = []
        for callback in _flat(callbacks):
            self.append(callback)
        if add_history:
            self._add_default("hornbeam.training.history", "History", len(self.callbacks))
        if add_progbar:  # first, so that what other callbacks print comes below the epoch's line
            self._add_default("hornbeam.training.callbacks", "ProgbarLogger", 0)
        self.params = {}
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def _add_default(self, module, name, place):
        import importlib

        kind = getattr(importlib.import_module(module), name)
        if not any(isinstance(callback, kind) for callback in self.callbacks):
            self.callbacks.insert(place, kind())

    def append(self, callback):
        """Add a callback at the end.

        Raises:
            TypeError: it is a class, or has none of the hooks.
        """
        if isinstance(callback, type):
            raise TypeError(f"Callbacks are objects; got the class {callback.__name__}. Write {callback.__name__}().")
        if not any(callable(getattr(callback, hook, None)) for hook in HOOKS):
            raise TypeError(
                f"{callback!r} is no callback: it has none of the hooks such as on_epoch_end. "
                "Derive it from hornbeam.callbacks.Callback, or wrap a function: LambdaCallback(on_epoch_end=f)."
            )
        self.callbacks.append(callback)

    def __iter__(self):
        return iter(self.callbacks)

    def __len__(self):
        return len(self.callbacks)

    def set_params(self, params):
        """Hand the facts of the run to every callback."""
        self.params = params
        self._call("set_params", params)

    def set_model(self, model):
        """Hand the model to every callback."""
        self.model = model
        self._call("set_model", model)

    def _call(self, name, *args):
        for callback in self.callbacks:
            function = getattr(callback, name, None)
            if function is not None:
                function(*args)

    def _listens(self, hooks):
        return any(
            getattr(callback, "needs_batches", True) and any(_overrides(callback, hook) for hook in hooks)
            for callback in self.callbacks
        )

    @property
    def listens_to_batches(self):
        """True if a callback does something at training batches: the trainer then goes one step at a time."""
        return self._listens(TRAIN_BATCH_HOOKS)

    @property
    def listens_to_progress(self):
        """True if a callback does something with the averages within an epoch."""
        return any(_overrides(callback, "on_progress") for callback in self.callbacks)

    @property
    def listens_to_test_batches(self):
        """True if a callback does something at the batches of an evaluation."""
        return self._listens(TEST_BATCH_HOOKS)

    @property
    def listens_to_predict_batches(self):
        """True if a callback does something at the batches of a prediction."""
        return self._listens(PREDICT_BATCH_HOOKS)

    def on_train_begin(self, logs=None):
        """Call every callback's hook, after telling each whether a user's callback before it may add to the logs."""
        self.callbacks.sort(key=lambda callback: bool(getattr(callback, "goes_last", False)))
        others_may_log = False
        for callback in self.callbacks:
            if hasattr(callback, "others_may_log"):
                callback.others_may_log = others_may_log
            others_may_log = others_may_log or _may_add_to_logs(callback)
        self._call("on_train_begin", _logs(logs))

    def on_train_end(self, logs=None):
        """Call every callback's hook."""
        self._call("on_train_end", _logs(logs))

    def on_epoch_begin(self, epoch, logs=None):
        """Call every callback's hook."""
        self._call("on_epoch_begin", epoch, _logs(logs))

    def on_epoch_end(self, epoch, logs=None):
        """Call every callback's hook."""
        self._call("on_epoch_end", epoch, _logs(logs))

    def on_progress(self, seen, logs=None):
        """Call every callback's hook."""
        self._call("on_progress", seen, _logs(logs))

    def on_test_begin(self, logs=None):
        """Call every callback's hook."""
        self._call("on_test_begin", _logs(logs))

    def on_test_end(self, logs=None):
        """Call every callback's hook."""
        self._call("on_test_end", _logs(logs))

    def on_test_batch_begin(self, batch, logs=None):
        """Call every callback's hook."""
        self._call("on_test_batch_begin", batch, _logs(logs))

    def on_test_batch_end(self, batch, logs=None):
        """Call every callback's hook."""
        self._call("on_test_batch_end", batch, _logs(logs))

    def on_predict_begin(self, logs=None):
        """Call every callback's hook."""
        self._call("on_predict_begin", _logs(logs))

    def on_predict_end(self, logs=None):
        """Call every callback's hook."""
        self._call("on_predict_end", _logs(logs))

    def on_predict_batch_begin(self, batch, logs=None):
        """Call every callback's hook."""
        self._call("on_predict_batch_begin", batch, _logs(logs))

    def on_predict_batch_end(self, batch, logs=None):
        """Call every callback's hook."""
        self._call("on_predict_batch_end", batch, _logs(logs))

    def on_train_batch_begin(self, batch, logs=None):
        """Call every callback's hook, `on_batch_begin` of one that knows only the classic name."""
        self._call_batch("on_train_batch_begin", "on_batch_begin", batch, _logs(logs))

    def on_train_batch_end(self, batch, logs=None):
        """Call every callback's hook, `on_batch_end` of one that knows only the classic name."""
        self._call_batch("on_train_batch_end", "on_batch_end", batch, _logs(logs))

    on_batch_begin = on_train_batch_begin
    on_batch_end = on_train_batch_end

    def _call_batch(self, name, classic_name, batch, logs):
        for callback in self.callbacks:
            function = getattr(callback, name, None) or getattr(callback, classic_name, None)
            if function is not None:
                function(batch, logs)


def _logs(logs):
    """Logs that answer to both names; the very object if it is one, so that what callbacks add is seen by the next."""
    return logs if isinstance(logs, MetricDict) else MetricDict(logs or {})


def _flat(callbacks):
    if callbacks is None:
        return []
    if isinstance(callbacks, CallbackList):
        return callbacks.callbacks
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]

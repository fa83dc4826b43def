"""A data set and the models that a building function makes: one of each configuration is compiled, the others lend it
their weights."""

import warnings

import numpy as np

from hornbeam import checks, nest
from hornbeam.training.data import ArrayData
from hornbeam.training.hooks import CallbackList
from hornbeam.training.logs import MetricDict
from hornbeam.training.progress import Progbar
from hornbeam.training.runner import QUIET_S, REFRESH_S, new_seed
from hornbeam.training.steps import Steps
from hornbeam.training.validation.epoch_loop import EpochLoop
from hornbeam.training.validation.fingerprint import fingerprint
from hornbeam.utils.standardization import Standardization

VALIDATION_ROWS = 256  # rows a step of validation where the numbers cannot depend on it


class Settings:
    """How every model is trained: the arguments that all kinds of validation share.

    Args:
        epochs, batch_size, class_weight, verbose: as for `fit`.
        shuffle_epochs: a new order of the training rows every epoch.
        standardize: put inputs to mean 0 and deviation 1.
        callbacks: function that makes the list of callbacks for one training, or None.
        validation_batch_size: rows a step of validation, or None.
    """

    def __init__(self, epochs, batch_size, class_weight, verbose, shuffle_epochs, standardize, callbacks,
                 validation_batch_size):  # fmt: skip
        self.epochs = epochs
        self.batch_size = 32 if batch_size is None else batch_size
        self.class_weight = class_weight
        self.verbose = verbose
        self.shuffle_epochs = shuffle_epochs
        self.standardize = standardize
        self.callbacks = callbacks
        self.validation_batch_size = validation_batch_size


class Session:
    """Trains models on parts of one data set.

    Args:
        build: function that makes a compiled model.
        given: (x, y, sample_weight).
        settings: a :class:`Settings`.
        owner: name of the public function, for messages.
    """

    def __init__(self, build, given, settings, owner):
        if not callable(build) or hasattr(build, "get_weights"):
            raise TypeError(
                f"{owner} takes a function that builds and compiles a new model; got {type(build).__name__}. Each fold "
                f"must start untrained: {owner}(build_model, x, y), without brackets behind build_model."
            )
        self.build, self.given, self.settings, self.owner = build, given, settings, owner
        self.shared = {}  # fingerprint -> SharedModel
        self.notes, self.warned = [], False
        self.progress = None
        self.waiting = self._built()  # made before the rows are known, used by the first training
        self.first = self._shared_for(self.waiting)

    @property
    def data(self):
        """The training data, checked against the first model."""
        return self.first.data[0]

    def _built(self):
        model = self.build()
        if getattr(model, "_compiled_with", None) is None:
            came = "a model that is not compiled" if hasattr(model, "get_weights") else type(model).__name__
            raise TypeError(f"{self.owner}: the building function must return a compiled model; it returned {came}.")
        if any(model is shared.model for shared in self.shared.values()):
            raise ValueError(
                f"{self.owner}: the building function returned the same model twice. What one fold taught it, the next "
                f"would know: make a new model at every call."
            )
        return model

    def _shared_for(self, model):
        if self.first_is_missing:
            shared = SharedModel(model, self.given, self.settings, self.owner)
            self.shared[fingerprint(model)] = shared
            return shared
        model._build_for(self.data.inputs, self.data.form)
        mark = fingerprint(model)
        if mark not in self.shared:
            self.shared[mark] = SharedModel(model, self.given, self.settings, self.owner)
            self.notes = [f"{len(self.shared)} configurations came from the building function; each was compiled."]
        return self.shared[mark]

    @property
    def first_is_missing(self):
        """Is no model known yet?"""
        return not self.shared

    def train(self, rows, held_out, epochs=None, label=""):
        """Build a model and train it on `rows`; returns (the model that was trained, the model that was built, logs).

        Args:
            rows, held_out: numbers of rows; nothing is validated if `held_out` is empty.
            epochs: another number than the settings'.
            label: what the training is called in messages.
        """
        model, self.waiting = self.waiting or self._built(), None
        shared = self._shared_for(model)
        shared.start_as(model)
        history = {}
        for logs in shared.train(rows, held_out, epochs or self.settings.epochs):
            for name, value in logs.items():
                history.setdefault(name, []).append(value)
            if self.progress is not None:
                self.progress.show(self.progress.seen + 1, logs)
        self._note_nonfinite(history, label)
        return shared.model, model, history

    def _note_nonfinite(self, history, label):
        bad = ~np.isfinite(history.get("loss", []))
        if bad.any() and not self.warned:
            self.warned = True
            warnings.warn(
                f"{self.owner}: the loss of {label} is not a finite number from epoch {int(bad.argmax()) + 1} on. "
                f"Lower the learning rate or look for NaN in the data.",
                stacklevel=4,
            )

    def shared_with(self, model):
        """The SharedModel whose model this is."""
        return next(shared for shared in self.shared.values() if shared.model is model)

    def check_monitor(self, monitor):
        """Raise if nothing of that name will be measured."""
        first = self.first
        names = list(first.steps.log_names.get("train") or first.model.metrics_names)
        names += [name for name, _ in first.model._objectives.stateful_metrics]
        known = MetricDict.fromkeys([*names, *(f"val_{name}" for name in names)])
        if monitor not in known:
            raise checks.unknown_name("number to monitor", monitor, known)

    def start_progress(self, trainings):
        """Begin the one progress line of this many trainings."""
        if self.settings.verbose:
            self.progress = Progbar(trainings * self.settings.epochs, verbose=self.settings.verbose)

    def end_progress(self, values):
        """Finish the line with `values`."""
        if self.progress is not None:
            self.progress.values = values
            self.progress.finish()
            self.progress = None


class SharedModel:
    """One compiled model, in which all models of its configuration are trained, one after the other.

    Attributes:
        data: pair of ArrayData, for training and for validation (which knows no class weights).
        standardization: of the last training, or None.
    """

    def __init__(self, model, given, settings, owner):
        self.model, self.settings, self.owner = model, settings, owner
        x, y, sample_weight = given
        data = model._prepare(x, y, sample_weight, settings.class_weight, for_training=True)
        if type(data) is not ArrayData:
            raise TypeError(f"{owner} chooses rows, so it needs arrays; got {type(x).__name__}.")
        test = data
        if settings.class_weight is not None:
            weights = model._prepare(x, y, sample_weight, for_training=True).weights
            test = ArrayData(data.inputs, data.targets, weights, data.form)
        self.data = data, test
        self.steps = model._ready_steps(data)
        self.first_iterations = int(model.optimizer.iterations)
        self.standardization = None
        self.loop = None
        if type(self.steps) is Steps and data.resident and settings.callbacks is None:
            self.loop = EpochLoop(model, self.steps, self.data, self._sizes(), settings.epochs)

    def _sizes(self):
        """Rows a step, in training and in validation."""
        data, settings = self.data[1], self.settings
        size = min(settings.batch_size, data.rows)
        wanted = settings.validation_batch_size
        if wanted is None:
            free = self.steps.program("test", data)[1] and all(w is None for w in data.weights) and self._unmasked()
            wanted = max(size, VALIDATION_ROWS) if free else size
        return size, min(wanted, data.rows)

    def _unmasked(self):
        """Is the loss of a batch the mean over its rows, whichever these are? Masks divide by the rows that count."""
        graph, losses = self.model._graph, self.model._objectives.losses
        plain = all(getattr(term.given, "compute_mask", None) is None for term in losses if term is not None)
        return plain and graph is not None and all(t._keras_mask is None for t in graph.outputs)

    def start_as(self, fresh):
        """Take over weights, states and optimizer of `fresh`, a model of this configuration."""
        if fresh is self.model:
            return
        model = self.model
        model.set_weights(fresh.get_weights())
        for own, other in zip(model.state_variables, fresh.state_variables, strict=True):
            own.assign(other)
        for own, other in zip(model.optimizer.variables_read, fresh.optimizer.variables_read, strict=True):
            own.assign(other)
        one_optimizer = fresh.optimizer is model.optimizer
        state = fresh.optimizer.build(fresh._trainable_at_compile)
        model.optimizer.build(model._trainable_at_compile)
        model.optimizer.state = state
        iterations = self.first_iterations if one_optimizer else fresh.optimizer.iterations
        model.optimizer.iterations.assign(iterations)

    def give_to(self, fresh):
        """Hand weights, states and optimizer of the trained model to `fresh`."""
        if fresh is self.model:
            return
        fresh.set_weights(self.model.get_weights())
        for own, other in zip(fresh.state_variables, self.model.state_variables, strict=True):
            own.assign(other)
        if fresh.optimizer is not self.model.optimizer:
            fresh.optimizer.build(fresh._trainable_at_compile)
            fresh.optimizer.state = self.model.optimizer.state
            fresh.optimizer.iterations.assign(self.model.optimizer.iterations)

    def train(self, rows, held_out, epochs):
        """Train the model as it stands; yields the logs of each epoch."""
        inputs = self.data[0].inputs
        if self.settings.standardize:
            self.standardization = Standardization(inputs, rows)
            inputs = self.standardization(inputs)
        if self.loop is None or not self.loop.fits(len(rows), len(held_out)):
            yield from self._fit(inputs, rows, held_out, epochs)
            return
        if self.settings.standardize:
            arrays = self._on_device(ArrayData(inputs, self.data[0].targets, self.data[0].weights).on_device())
        else:
            arrays = self._on_device(self.data[0].on_device())
        refresh_s = REFRESH_S if self.settings.verbose == 1 else QUIET_S
        order = self.settings.shuffle_epochs
        yield from self.loop.train(arrays, rows, held_out, epochs, new_seed(), order, refresh_s)

    def _on_device(self, training):
        """Arrays for training and validation; those of the latter are the same, but for class weights."""
        if self.data[0] is self.data[1]:
            return training, training
        return training, {**training, "w": self.data[1].on_device()["w"]}

    def _fit(self, inputs, rows, held_out, epochs):
        """Training by `fit`: for callbacks, models that train in a way of their own, data that is larger than what is
        kept where the engine computes, and losses that forbid padding. Parts of one size share a program here too.
        """
        settings, model = self.settings, self.model
        validation = None
        if len(held_out):
            validation = self._part(inputs, self.data[1], held_out)
        x, y, weight = self._part(inputs, self.data[0], rows)
        callbacks = None if settings.callbacks is None else settings.callbacks()
        CallbackList(callbacks)  # says what is none
        history = model.fit(
            x, y, sample_weight=weight, validation_data=validation, epochs=epochs, batch_size=settings.batch_size,
            shuffle=settings.shuffle_epochs, callbacks=callbacks, verbose=0,
            validation_batch_size=settings.validation_batch_size,
        ).history  # fmt: skip
        for epoch in range(len(history["loss"])):
            yield MetricDict((name, values[epoch]) for name, values in history.items() if epoch < len(values))

    def _part(self, inputs, data, rows):
        """(x, y, sample_weight) of some rows, as `fit` takes them."""
        x = nest.pack_like(data.form, [a[rows] for a in inputs])
        if getattr(self.model, "has_own_steps", False):  # targets and weights in whatever form they came
            forms = self.model._own_forms
            parts = [[a[rows] for a in group] for group in (data.targets, data.weights)]
            return x, *(nest.pack_like(form, part) if part else None for form, part in zip(forms, parts, strict=True))
        names = self.model.output_names
        y = {n: a[rows] for n, a in zip(names, data.targets, strict=True) if a is not None}
        weight = {n: w[rows] for n, w in zip(names, data.weights, strict=True) if w is not None}
        return x, y, weight or None

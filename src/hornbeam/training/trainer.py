"""compile, fit, evaluate, predict: epochs, validation and callbacks, written once for every engine and model."""

import warnings

import numpy as np

from hornbeam import backend as K
from hornbeam import distribution, legacy, nest, optimizers, scope
from hornbeam.core.layer import as_value
from hornbeam.training import advice, lengths, report
from hornbeam.training.callbacks.backup import BackupAndRestore
from hornbeam.training.custom_learning import CustomLearning
from hornbeam.training.data_checks import has_no_rows
from hornbeam.training.feeding import (
    READING,
    Feeding,
    checked_batch_size,
    checked_steps,
    close,
    in_order,
    joined,
    real_rows,
    warn_of_dry,
)  # fmt: skip
from hornbeam.training.generators import Generators, old_epochs
from hornbeam.training.history import History
from hornbeam.training.hooks import CallbackList
from hornbeam.training.logs import MetricDict
from hornbeam.training.nonfinite import LossWatch
from hornbeam.training.objectives import Objectives
from hornbeam.training.one_batch import OneBatch
from hornbeam.training.options import check_fit_options
from hornbeam.training.rehearsal import few_batches, shortened
from hornbeam.training.resume import Standing
from hornbeam.training.runner import QUIET_S, REFRESH_S, Averages, metric_value, new_seed, step_values

_FIT_NEWER = {"validation_freq": 1, "validation_batch_size": None, **READING}
_FIT_ONLY = {**_FIT_NEWER, "resume": None, "split": "last", "groups": None}
_FIT_ONLY |= {"fast_dev_run": False, "overfit_batches": None, "max_time_s": None, "debug_nans": False,
              "keep_last_good": False}  # fmt: skip


class Trainer(CustomLearning, Feeding, Generators, OneBatch):
    """The part of a model that learns and predicts."""

    optimizer = None
    loss = None
    stop_training = False
    history = None
    _steps = None
    _predict_steps = None
    _compiled_with = None
    _guessed_output_names = None

    # --- compile ---

    def compile(
        self, optimizer="rmsprop", loss=None, metrics=None, loss_weights=None, sample_weight_mode=None,
        weighted_metrics=None, target_tensors=None, **kwargs,
    ):  # fmt: skip
        """Say how the model learns.

        Args:
            optimizer: name or object; any optax gradient transformation.
            loss: name, function (y_true, y_pred), or object; a list or dict of them for several outputs.
            metrics: list of the same (functions may return a dict of named values); lists or a dict by output.
            loss_weights: list or dict of what each output's loss counts.
            sample_weight_mode: 'temporal' announces weights by time step; their shape is enough here.
            weighted_metrics: metrics that count with sample and class weights.
            target_tensors: not supported; the arrays given to `fit` are the targets.
            kwargs: `run_eagerly=True` carries steps out in plain Python, with values to look at in a debugger. Keras
                3's `steps_per_execution`, `jit_compile`, `auto_scale_loss` are accepted.

        Raises:
            ValueError: an unknown name (answered with the nearest), or a pair that cannot work.
        """
        unknown = set(kwargs) - {
            "run_eagerly",
            "steps_per_execution",
            "jit_compile",
            "auto_scale_loss",
            "from_serialized",
        }
        if unknown:
            from hornbeam import checks

            known = ["optimizer", "loss", "metrics", "loss_weights", "sample_weight_mode", "weighted_metrics"]
            raise checks.unknown_keywords("compile", unknown, known)
        if target_tensors is not None:
            raise ValueError("compile: target_tensors is not supported. Give the targets to fit as y.")
        legacy.note("metric", [repr(name) for name in nest.flatten(metrics) if isinstance(name, str)])
        optimizer = optimizers.get(optimizer)
        wanted = (loss, metrics, loss_weights, weighted_metrics)
        objectives = None
        if getattr(self, "_graph", None) is not None:
            objectives = self._objectives_for([K.int_shape(t) for t in self.outputs], wanted)
        # Nothing is changed before all of it is known to be right.
        self._forget_programs()
        self.optimizer = optimizer
        self._distribution = distribution.distribution() or self._distribution
        self.loss = loss
        self._metrics_given = metrics or []
        self.run_eagerly = bool(kwargs.get("run_eagerly"))
        self.loss_weights = loss_weights
        self.sample_weight_mode = sample_weight_mode
        self.weighted_metrics = weighted_metrics or []
        self._compiled_with = wanted
        self._objectives = objectives
        self._forget_own_steps()
        if objectives is not None:
            self._remember_trainable()

    def _forget_programs(self):
        self._steps = self._predict_steps = self._objectives = self._trainable_at_compile = None
        self._forget_quick()

    _objectives = None
    _trainable_at_compile = None
    _distribution = None  # of its batches over devices

    def _remember_trainable(self):
        self._trainable_at_compile = list(self.trainable_weights)

    def _objectives_for(self, shapes, wanted):
        """Losses and metrics matched to outputs of `shapes`."""
        loss, metrics, loss_weights, weighted = wanted
        if self._graph is None:
            self._guessed_output_names = [f"output_{i + 1}" for i in range(len(shapes))]
        objectives = Objectives(self.output_names, shapes, loss, metrics, loss_weights, weighted)
        if self._graph is not None:
            for term, tensor in zip(objectives.losses, self.outputs, strict=True):
                if tensor._keras_history is not None:
                    advice.check_pair(term, _last_layer(tensor._keras_history[0]), K.int_shape(tensor))
        return objectives

    def compile_report(self, print_fn=None):
        """Print the optimizer, and the loss and the metrics that were resolved for each output."""
        self._need_compiled("compile_report")
        report.compile_report(self, print_fn)

    @property
    def metrics_names(self):
        """Names of what `evaluate` and `train_on_batch` return, in order."""
        self._need_compiled("metrics_names")
        if self.has_own_steps:
            return self._own_metrics_names()
        objectives = self._objectives
        if objectives is None:
            return ["loss"]
        terms = [t for t in objectives.losses if t is not None]
        names = ["loss"] + ([f"{t.output}_loss" for t in terms] if len(terms) > 1 else [])
        for output, metrics in zip(objectives.names, objectives.metrics, strict=True):
            names += [objectives._full(output, m.name) for m in metrics]
        return names

    def _need_compiled(self, what):
        if self._compiled_with is None:
            raise RuntimeError(f"{what}: the model is not compiled. Call model.compile(optimizer, loss) first.")

    def _ready_steps(self, data):
        """The programs, made when first needed; warns if `trainable` changed since compile."""
        now = list(self.trainable_weights)
        if [id(w) for w in now] != [id(w) for w in self._trainable_at_compile]:
            warnings.warn(
                "`trainable` changed after compile; it takes effect at the next compile. Call model.compile(...) "
                "again.",
                stacklevel=4,
            )
        if self._steps is None:
            if not self.has_own_steps:
                self._objectives.build_metrics(data.targets)
                if self._graph is not None:
                    self._objectives.tie_to(self._graph, data.targets)
            self._steps = self._make_steps(data, self._trainable_at_compile)
        return self._steps

    # --- fit ---

    def fit(
        self, x=None, y=None, batch_size=None, epochs=1, verbose=1, callbacks=None, validation_split=0.0,
        validation_data=None, shuffle=True, class_weight=None, sample_weight=None, initial_epoch=0,
        steps_per_epoch=None, validation_steps=None, **kwargs,
    ):  # fmt: skip
        """Train for a number of epochs.

        Args:
            x: array (N, ...), a list of arrays, or a dict by input name; frames, tensors, sparse matrices, data sets in
                files likewise. Or a stream of batches (x, y) or (x, y, sample_weight): generator, Sequence, loader.
            y: targets, likewise by output.
            batch_size: rows a step, 32 if None.
            epochs: number of the last epoch; training starts after `initial_epoch`.
            verbose: 0 silent, 1 a progress line, 2 one line an epoch.
            callbacks: list of callbacks.
            validation_split: fraction of the last rows, set aside before shuffling; `split` chooses others.
            validation_data: (x, y) or (x, y, sample_weight), or a stream of such batches.
            shuffle: new order of the rows every epoch; 'batch' shuffles whole batches. Of a Sequence, the batches.
            class_weight: dict from class to weight; of dicts, by output, for several outputs.
            sample_weight: (N,) or, by time step, (N, T). A batch's loss is sum(w * l) / (number of w that are not 0):
                losses 1, 2, 3 with weights 1, 0, 3 give (1 + 9) / 2 = 5. Class weights multiply them.
            initial_epoch: epochs already done.
            steps_per_epoch, validation_steps: number of batches, if not one pass.
            kwargs: `resume`: a folder for the state of training; the same program, killed and started again, goes on
                from there to the same bits (see `BackupAndRestore`). `validation_freq`, `validation_batch_size`.
                `split`: which rows `validation_split` sets aside: 'last', 'random', 'stratified', 'group' (by `groups`,
                one a row). `workers` (1; 0 for this thread), `use_multiprocessing` (spawned processes),
                `max_queue_size` (10): how the batches of a stream are made ahead. `bucket_by_length`: rows of
                like length are batched together; x is a list of rows, which are padded with zeros in front, or a
                padded array whose padding the model masks.
                `fast_dev_run=True`: one batch of everything, and callbacks that write files left out.
                `overfit_batches`: train on (and validate with) the first so many batches only. `max_time_s`: stop in
                good order after so many seconds. `debug_nans=True`: a loss that is not finite is an error that names
                the first layer and the rows; training goes one step at a time. `keep_last_good=True`: the weights and
                the optimizer's state are then set back, and training stops.

        Returns:
            A History: `history.history['loss']` and so on, one number an epoch.

        Raises:
            ValueError, TypeError: data that does not fit the model, before the first step.
        """
        self._need_compiled("fit")
        epochs = old_epochs(kwargs, epochs)
        options = {**_FIT_ONLY, **_checked_keywords("fit", kwargs, _FIT_ONLY)}
        check_fit_options(epochs, initial_epoch, verbose, shuffle, class_weight, options["validation_freq"])
        callbacks, epochs, steps_per_epoch, validation_steps = shortened(
            options, callbacks, epochs, initial_epoch, steps_per_epoch, validation_steps
        )
        data = self._source(x, y, sample_weight, class_weight, options=options, shuffle=shuffle, size=batch_size)
        size = checked_batch_size(batch_size, data)
        count = checked_steps("steps_per_epoch", steps_per_epoch)
        validation, validation_steps = None, checked_steps("validation_steps", validation_steps)
        if validation_data is not None:
            validation = self._validation_source(validation_data, options, batch_size)
        elif validation_split:
            data, validation = self._held_out(data, validation_split, options["split"], options["groups"])
        if options["overfit_batches"] is not None:
            (data, validation), shuffle = few_batches(data, validation, options["overfit_batches"], size), False
        validation_size = options["validation_batch_size"] or size
        run = self._run_over("train", data, size, new_seed())
        run.lengths = lengths.for_training(self, run) if options["bucket_by_length"] else None
        names = self._names_in_logs()
        has_validation = validation is not None
        history = History()
        watchers = CallbackList(callbacks, add_progbar=bool(verbose), add_history=False)
        watchers.append(history)
        if options["resume"] is not None:
            watchers.append(BackupAndRestore(options["resume"], "auto", delete_checkpoint=False))
        standing = Standing(self, run, watchers, initial_epoch)
        self.history = history
        watchers.set_model(self)
        watchers.set_params({
            "batch_size": run.batch_size, "epochs": epochs, "steps": run.steps_to_show(count), "samples": run.rows,
            "verbose": verbose, "do_validation": has_validation,
            "metrics": names + [f"val_{n}" for n in names] * has_validation,
        })  # fmt: skip
        self.stop_training = False
        self._loss_watch = LossWatch(self, options["debug_nans"], options["keep_last_good"])
        watchers.on_train_begin()
        for epoch in standing.epochs(epochs):
            logs = self._train_epoch(standing, watchers, shuffle, count, verbose, epoch)
            if run.dry or not standing.step:
                warn_of_dry(run, epoch, count)
                self.stop_training = True
                if not standing.step:
                    break
            if has_validation and _is_due(options["validation_freq"], epoch + 1):
                found = self._evaluate(validation, validation_size, validation_steps, watchers)
                logs.update((f"val_{name}", value) for name, value in found.items())
            watchers.on_epoch_end(epoch, logs)
        watchers.on_train_end()
        close(data, validation)
        return history

    def _names_in_logs(self):
        """Names the logs will hold, in the order of `metrics_names`."""
        names = list(self._steps.log_names.get("train") or self.metrics_names)
        return self._in_order(names + [name for name, _ in self._objectives.stateful_metrics])

    def _in_order(self, names):
        order = {name: i for i, name in enumerate(self.metrics_names)}
        return sorted(names, key=lambda n: order.get(n, len(order)))

    def _train_epoch(self, standing, watchers, shuffle, count, verbose, epoch):
        averages, run = standing.averages, standing.run
        epoch_steps, by_steps = run.steps_in_pass(count), run.counts_steps(count)
        one_by_one, progress = watchers.listens_to_batches or self._loss_watch.debug, watchers.listens_to_progress
        if not standing.step:  # else a run goes on that was stopped within the epoch
            self._reset_metrics()
        if one_by_one and not standing.step and epoch_steps is not None:
            watchers.on_train_batch_begin(0, MetricDict(batch=0, size=run.batch_size))
        names = self._steps.log_names.get("train")
        for first, rows, logs in standing.steps(shuffle, count, one_by_one, REFRESH_S if verbose == 1 else QUIET_S):
            names = self._steps.log_names["train"]
            averages.add(logs)
            self._loss_watch.look(logs, names, epoch, first, getattr(run, "data", None))
            standing.seen += len(rows) if by_steps else int(rows.sum())
            if one_by_one:
                if epoch_steps is None:  # only now it is known that there is such a batch
                    watchers.on_train_batch_begin(first, MetricDict(batch=first, size=int(rows[0])))
                values = MetricDict(batch=first, size=int(rows[0]), **step_values(logs, names))
                watchers.on_train_batch_end(first, values)
                if self.stop_training:
                    break
                if epoch_steps is not None and first + 1 < epoch_steps:
                    watchers.on_train_batch_begin(first + 1, MetricDict(batch=first + 1, size=run.batch_size))
            if progress:
                watchers.on_progress(standing.seen, self._values(averages, names))
            if self.stop_training:
                break
        return self._values(averages, names)

    def _values(self, averages, names):
        """Averages and the results of metrics with state, in the order of `metrics_names`."""
        found = averages.values(names or [])
        for name, metric in self._objectives.stateful_metrics:
            found[name] = metric_value(metric)
        return MetricDict((name, found[name]) for name in self._in_order(found))

    def _reset_metrics(self):
        for metric in self._all_metrics():
            metric.reset_states()

    # --- evaluate ---

    def evaluate(
        self, x=None, y=None, batch_size=None, verbose=1, sample_weight=None, steps=None, callbacks=None,
        return_dict=False, **kwargs,
    ):  # fmt: skip
        """Loss and metrics over the rows of `x` and `y`.

        Args:
            x, y, sample_weight: as for :meth:`fit`.
            batch_size: rows a step, 32 if None; the result does not depend on it.
            steps: number of batches, if not one pass.
            return_dict: give a dict by name.

        Returns:
            The loss, or with metrics the list [loss, metric, ...] in the order of `metrics_names`.
        """
        self._need_compiled("evaluate")
        if legacy.mode["classic"] and has_no_rows(x):  # old scripts evaluate what `x[500000:]` leaves, even nothing
            warnings.warn("evaluate: no rows came. The result is [], as in Keras 2.", stacklevel=2)
            return []
        options = _checked_keywords("evaluate", kwargs, _FIT_NEWER)
        data = self._source(x, y, sample_weight, options=options, size=batch_size)
        size, steps = checked_batch_size(batch_size, data), checked_steps("steps", steps)
        watchers = CallbackList(callbacks)
        watchers.set_model(self)
        found = self._evaluate(data, size, steps, watchers, verbose)
        close(data)
        if return_dict:
            return dict(found)
        return nest.unpack_singleton(list(found.values()))

    def _evaluate(self, data, batch_size, count, watchers, verbose=0):
        run = self._run_over("test", data, batch_size)
        metrics = self._objectives.stateful_metrics
        kept = [(v, K.get_value(v)) for _, metric in metrics for v in metric.variables]
        self._reset_metrics()
        one_by_one = watchers.listens_to_test_batches
        run.lengths = lengths.unseen(self, run, count, one_by_one)
        progress = _evaluation_line(run, count, verbose)
        averages, seen = Averages(run.steps.latest), 0
        watchers.on_test_begin()
        for first, rows, logs in run.chunks(False, count, one_by_one, REFRESH_S if verbose == 1 else QUIET_S):
            if one_by_one:
                watchers.on_test_batch_begin(first, MetricDict(batch=first, size=int(rows[0])))
            averages.add(logs)
            seen += len(rows) if run.counts_steps(count) else int(rows.sum())
            if one_by_one:
                values = step_values(logs, self._steps.log_names["test"])
                watchers.on_test_batch_end(first, MetricDict(batch=first, size=int(rows[0]), **values))
            if progress is not None:
                progress.update(seen)
        if progress is not None and progress.target != seen:
            progress.finish()
        found = self._values(averages, self._steps.log_names["test"])
        watchers.on_test_end(found)
        for variable, value in kept:  # validation must not disturb the averages of the training under way
            variable.assign(value)
        return found

    # --- predict ---

    def predict(self, x, batch_size=None, verbose=0, steps=None, callbacks=None, **kwargs):
        """Outputs for the rows of `x`.

        Args:
            x: as for :meth:`fit`.
            batch_size: rows a step, 32 if None.
            verbose: 0 or 1.
            steps: number of batches, if not one pass.

        Returns:
            A NumPy array, or a list of them for several outputs.
        """
        quick = self._predict_quickly(x, batch_size) if callbacks is None and steps is None else None
        if quick is not None:
            return quick
        options = _checked_keywords("predict", kwargs, _FIT_NEWER)
        data = self._source(x, with_targets=False, options=options, size=batch_size)
        run = self._run_over("predict", data, checked_batch_size(batch_size, data))
        steps = checked_steps("steps", steps)
        watchers = CallbackList(callbacks)
        watchers.set_model(self)
        one_by_one = watchers.listens_to_predict_batches
        run.lengths = lengths.unseen(self, run, steps, one_by_one)
        progress = _evaluation_line(run, steps, verbose)
        parts, seen = [], 0
        watchers.on_predict_begin()
        for first, rows, outputs in run.chunks(False, steps, one_by_one, REFRESH_S if verbose else QUIET_S):
            if one_by_one:
                watchers.on_predict_batch_begin(first, MetricDict(batch=first, size=int(rows[0])))
                watchers.on_predict_batch_end(first, MetricDict(batch=first, size=int(rows[0]), outputs=outputs))
            parts.append([real_rows(o, rows) for o in outputs])
            seen += len(rows) if run.counts_steps(steps) else int(rows.sum())
            if progress is not None:
                progress.update(seen)
        if progress is not None and progress.target != seen:
            progress.finish()
        watchers.on_predict_end()
        close(data)
        return self._in_output_form(in_order(data, [joined(group) for group in zip(*parts, strict=True)], run))

    def _in_output_form(self, flat):
        return self._graph.pack_outputs(flat) if self._graph is not None else nest.unpack_singleton(flat)

    def _forward_steps(self):
        if self._predict_steps is None:
            self._predict_steps = self._make_forward_steps()
        return self._predict_steps

    # --- A model called on values outside any program runs compiled ---

    def _call_on_values(self, inputs, args, kwargs):
        training = K.training_now(kwargs.get("training"))
        plain = not args and set(kwargs) <= {"training", "mask"} and kwargs.get("mask") is None
        if plain and scope.current() is None and training is False and not self.run_eagerly:
            values = nest.map_structure(as_value, inputs)
            self._build_once(values, [tuple(np.shape(v)) for v in nest.flatten(values)])
            if not self.state_variables:
                return self._call_compiled(values)
        return super()._call_on_values(inputs, args, kwargs)


def _last_layer(layer):
    """The layer whose activation ends a (nested) model, or the layer itself; activation layers end what is before."""
    stack = getattr(layer, "layers", None)
    return _last_layer(stack[-1]) if stack else layer


def _checked_keywords(owner, given, known):
    if "show_accuracy" in given:
        legacy.tell_renamed(owner, ["show_accuracy"], ["metrics=['accuracy'] in compile"])
        given = {name: value for name, value in given.items() if name != "show_accuracy"}
    unknown = set(given) - set(known)
    if unknown:
        from hornbeam import checks

        raise checks.unknown_keywords(owner, unknown, [*known, "epochs", "batch_size", "validation_data"])
    return given


def _is_due(frequency, epoch):
    return epoch in frequency if isinstance(frequency, (list, tuple, set)) else epoch % frequency == 0


def _evaluation_line(run, count, verbose):
    if verbose != 1:
        return None
    from hornbeam.training.progress import Progbar

    return Progbar(run.steps_in_pass(count) if run.counts_steps(count) else run.rows)

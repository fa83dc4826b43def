"""Learning in one's own way: `train_step` and its kin to override, and what their code calls on the model."""

import inspect
from typing import TYPE_CHECKING, Any

from hornbeam import backend as K
from hornbeam import metrics, nest, scope
from hornbeam.core.precision import widened
from hornbeam.training.custom_steps import CustomSteps, EagerCustomSteps, EagerSteps
from hornbeam.training.data import ArrayData, as_array, by_name
from hornbeam.training.objectives import Objectives
from hornbeam.training.steps import Steps
from hornbeam.utils.batches import unpack_x_y_sample_weight

_STEPS = ("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics")


class CustomLearning:
    """The part of a model that is overridden by those who write their own training step.

    Override `train_step(data)` (and `test_step`, `predict_step`) in plain Python: call the model, take gradients with
    a `GradientTape`, let optimizers apply them, update metrics, return a dict of names and scalars. The library makes
    the step pure and compiles it into the loop of many steps, so it is run a few times, not once a batch;
    `compile(run_eagerly=True)` runs it for every batch, with values to look at.

    `data` is (x, y), (x, y, sample_weight), or x alone. Numbers returned are taken as they are: the last step's stand
    for the epoch, so return the results of metric objects for averages.
    """

    run_eagerly = False
    _metrics_given: Any = ()
    _loss_mean: Any = None
    _own_forms = (None, None)  # of the targets and weights handed over
    _own_metrics: Any = None
    _own_objectives: Any = None

    if TYPE_CHECKING:
        __call__: Any  # the layer's

    @property
    def has_own_steps(self):
        """Is a step, or how its loss and metrics are computed, overridden?"""
        return any(getattr(type(self), name) is not getattr(CustomLearning, name) for name in _STEPS)

    @property
    def has_own_predict_step(self):
        """Is `predict_step` overridden?"""
        return type(self).predict_step is not CustomLearning.predict_step

    # --- The steps, as they would be written by hand ---

    def train_step(self, data):
        """One step of training on the batch `data`: a dict of names and scalars."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with K.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
        self._count_loss(loss, x)
        variables = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data):
        """One step of evaluation on the batch `data`: a dict of names and scalars."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self._count_loss(self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False), x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data):
        """Outputs for the batch `data`."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    def _count_loss(self, loss, x):
        if self._loss_mean is not None and self._loss_mean in self.metrics:
            self._loss_mean.update_state(loss, sample_weight=float(K.int_shape(nest.flatten(x)[0])[0]))

    # --- What they call ---

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The compiled loss of a batch, with the penalties of weights and the losses that layers added.

        Args:
            x: not looked at; for overriding.
            y, y_pred: targets and outputs.
            sample_weight: (B,) or (B, T), or None.
        """
        objectives = self._objectives_of(y_pred)
        outputs = nest.flatten(y_pred)
        targets = [None] * len(outputs) if y is None else by_name(y, objectives.names, "output")
        weights = [None] * len(outputs)
        if sample_weight is not None:
            weights = by_name(sample_weight, objectives.names, "output")
        here = scope.current()
        added = [] if here is None else [value for _, value in here.losses]
        added += [f() for layer in self.flat_layers() for f in layer._added_losses if callable(f)]
        masks = [here.mask_of(o) if here is not None else None for o in outputs]

        def evaluate(outputs, targets, weights, masks, added):
            penalties = sum((penalty for _, penalty in self.weight_penalties()), 0.0)
            return objectives.evaluate(widened(outputs), targets, weights, masks, None, penalties, added)[0]

        return K.taped_run(evaluate, (outputs, targets, weights, masks, added))

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Add a batch to the compiled metrics; gives what :meth:`get_metrics_result` does."""
        self._update_compiled(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self):
        """Dict of the results of :attr:`metrics`."""
        found = {}
        for metric in self.metrics:
            result = metric.result()
            found.update(result if isinstance(result, dict) else {metric.name: result})
        return found

    def reset_metrics(self):
        """Forget all batches."""
        for metric in self._all_metrics():
            metric.reset_state()

    def compiled_loss(self, y_true, y_pred, sample_weight=None, regularization_losses=()):
        """The compiled loss alone, plus `regularization_losses`, as TensorFlow's Keras has it."""
        objectives = self._objectives_of(y_pred)

        def evaluate(outputs, targets, weights):
            masks = [None] * len(outputs)
            return objectives.evaluate(widened(outputs), targets, weights, masks, None, 0.0, [])[0]

        weights = [None] * len(objectives.names)
        if sample_weight is not None:
            weights = by_name(sample_weight, objectives.names, "output")
        targets = by_name(y_true, objectives.names, "output")
        loss = K.taped_run(evaluate, (nest.flatten(y_pred), targets, weights))
        for term in regularization_losses:
            loss = loss + term
        if self._loss_mean is not None:
            self._loss_mean.update_state(loss)
        return loss

    @property
    def compiled_metrics(self):
        """Object whose `update_state(y_true, y_pred, sample_weight=None)` adds a batch to the compiled metrics."""
        return _CompiledMetrics(self)

    @property
    def metrics(self):
        """What was given to `compile`; for models with steps of their own, all metric objects."""
        if not self.has_own_steps:
            return self._metrics_given
        own = [m for layer in self.flat_layers() for m in _metrics_in(layer)]
        found = [m for terms in self._own_metrics or () for m in terms]
        if self._loss_mean is not None and all(m.name != "loss" for m in own):
            found.insert(0, self._loss_mean)
        return list(dict.fromkeys([*found, *own]))

    @metrics.setter
    def metrics(self, given):
        self._metrics_given = given

    @property
    def losses(self):
        """Symbolic losses added, weight penalties, and within a step what layers added to the loss."""
        here = scope.current()
        inside = here is not None and self.has_own_steps
        return ([value for _, value in here.losses] if inside else []) + super().losses

    # --- Losses and metrics of the compiled model, found when outputs are first seen ---

    def _objectives_of(self, y_pred):
        if self._own_objectives is None:
            shapes = [(None, *K.int_shape(o)[1:]) for o in nest.flatten(y_pred)]
            if self._graph is None:
                self._guessed_output_names = [f"output_{i + 1}" for i in range(len(shapes))]
            compiled: Any = self._compiled_with
            loss, given, loss_weights, weighted = compiled
            self._own_objectives = Objectives(self.output_names, shapes, loss, None, loss_weights, None)
            found = Objectives(self.output_names, shapes, loss, given, loss_weights, weighted)
            self._own_metrics = [[_as_object(term, found._full(name, term.name)) for term in terms]
                                 for name, terms in zip(found.names, found.metrics, strict=True)]  # fmt: skip
        return self._own_objectives

    def _update_compiled(self, y, y_pred, sample_weight=None):
        objectives = self._objectives_of(y_pred)
        if y is None or not any(self._own_metrics):
            return
        targets = by_name(y, objectives.names, "output")
        for target, output, terms in zip(targets, widened(nest.flatten(y_pred)), self._own_metrics, strict=True):
            for metric in terms:
                metric.update_state(target, output, *([sample_weight] if metric.weighted else []))

    def _own_metrics_names(self):
        known = {} if self._steps is None else self._steps.log_names
        return list(known.get("train") or known.get("test") or [m.name for m in self.metrics] or ["loss"])

    def _all_metrics(self):
        if self.has_own_steps:
            return self.metrics
        objectives: Any = self._objectives
        return [metric for _, metric in objectives.stateful_metrics]

    # --- Programs and data ---

    def _forget_own_steps(self):
        self._own_objectives = self._own_metrics = None
        given: Any = getattr(self, "_compiled_with", None)
        loss = None if given is None else given[0]
        self._loss_mean = metrics.Mean(name="loss") if self.has_own_steps and loss is not None else None

    def _make_steps(self, data, trainable):
        """The steps of `fit`, `evaluate` and their kin."""
        if self.has_own_steps:
            _check_signatures(self)
            self._objectives = _NoObjectives()
            return (EagerCustomSteps if self.run_eagerly else CustomSteps)(self)
        return (EagerSteps if self.run_eagerly else Steps)(self, self._objectives, self.optimizer, trainable)

    def _make_forward_steps(self):
        """The steps of `predict`."""
        if self.has_own_predict_step:
            return (EagerCustomSteps if self.run_eagerly else CustomSteps)(self)
        return (EagerSteps if self.run_eagerly else Steps)(self, None, None, [])

    def _prepare(self, x, y=None, sample_weight=None, class_weight=None, for_training=False):
        """Data as arrays; for a model with steps of its own, in the form it came in."""
        if not self.has_own_steps:
            return super()._prepare(x, y, sample_weight, class_weight, for_training)
        parts = [_arrays(part, what) for part, what in ((x, "x"), (y, "y"), (sample_weight, "sample_weight"))]
        if class_weight is not None:
            from hornbeam.training import data_checks

            rows = data_checks.class_weights(parts[1][0][0], class_weight, "y")
            parts[2] = ([rows if not parts[2][0] else parts[2][0][0] * rows], 0)
        (inputs, form), (targets, y_form), (weights, w_form) = parts
        from hornbeam.training.data_checks import check_rows

        check_rows([(f"array {i + 1}", a) for i, a in enumerate([*inputs, *targets, *weights])])
        data = ArrayData(inputs, targets, weights, form)
        if for_training:
            self._own_forms = (y_form, w_form)
        self._build_own(inputs, form)
        return data

    def _trace_once(self, inputs, form):
        if not self.run_eagerly or self._graph is not None or hasattr(self, "_build_from"):
            super()._trace_once(inputs, form)
            return
        outputs = self.__call__(nest.pack_like(form, [K.engine.convert(a[:2]) for a in inputs]), training=False)
        self.built = True
        self._traced_shapes = [(None, *K.int_shape(o)[1:]) for o in nest.flatten(outputs)]

    def _build_own(self, inputs, form):
        callable_ = self._graph is not None or getattr(type(self).call, "__qualname__", "") not in (
            "Model.call", "Layer.call",
        ) or hasattr(self, "_build_from")  # fmt: skip
        if not self.built and callable_ and not self.run_eagerly:
            self._trace_once(inputs, form)
        elif not callable_:
            self.built = True
        if self._trainable_at_compile is None:
            self._remember_trainable()


class _NoObjectives:
    """Stands where the losses and metrics of other models are."""

    stateful_metrics = ()
    tied_tensors = ()

    def variables(self):
        """None."""
        return []


class _CompiledMetrics:
    """See `CustomLearning.compiled_metrics`."""

    def __init__(self, model):
        self.model = model

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch."""
        self.model._update_compiled(y_true, y_pred, sample_weight)


def _as_object(term, name):
    made = term.stateful if term.stateful is not None else metrics.MeanMetricWrapper(term.function, name)
    made.weighted = term.weighted
    return made


def _metrics_in(layer):
    ours = ("_loss_mean", "_own_metrics", "_made_with", "_metrics_given", "_compiled_with")
    leaves = nest.flatten([value for key, value in vars(layer).items() if key not in ours])
    return [leaf for leaf in leaves if isinstance(leaf, metrics.Metric)]


def _arrays(value, what):
    """(flat arrays, form) of a nest of arrays; ([], None) for None. A list of numbers is one array."""
    if value is None:
        return [], None
    nested = isinstance(value, (dict, tuple)) or (
        isinstance(value, list) and bool(value) and all(getattr(v, "ndim", 0) > 0 for v in value)
    )
    if not nested:
        return [as_array(value, what)], 0
    return [as_array(v, what) for v in nest.flatten(value)], nest.map_structure(lambda _: 0, value)


def _check_signatures(model):
    for name in _STEPS[:3]:
        step = getattr(type(model), name)
        names = list(inspect.signature(step).parameters)
        if len(names) > 2 and names[1] == "state":
            raise TypeError(
                f"{type(model).__name__}.{name}({', '.join(names)}) is written for Keras 3's stateless form, which "
                f"hands the state about. Here it is {name}(self, data): use self.trainable_weights, GradientTape and "
                f"self.optimizer.apply_gradients; the library makes it pure."
            )

"""The pure steps of training, evaluation and prediction, and the compiled programs that run many of them at once."""

import numpy as np

from hornbeam import backend as K
from hornbeam import nest, scope, symbolic
from hornbeam.core.precision import wide_type, widened
from hornbeam.optimizers.row_updates import tables_of
from hornbeam.training import row_updates, splitting
from hornbeam.training.objectives import NotRowwise


class Steps:
    """The programs of one compiled model; made anew when the model is compiled again.

    Args:
        model: the model, built.
        objectives: losses and metrics, or None for prediction alone.
        optimizer: or None.
        trainable: variables the optimizer changes.
    """

    latest = False  # what the steps report is added up
    updates_rows = True  # of large tables, see row_updates
    counts = ()  # variables that only a resumed run needs to know; the optimizer's iterations serve here

    def __init__(self, model, objectives, optimizer, trainable):
        self.model = model
        self.objectives = objectives
        self.optimizer = optimizer
        self.trainable = trainable
        self.metric_variables = [] if objectives is None else [
            v for _, metric in objectives.stateful_metrics for v in metric.variables
        ]  # fmt: skip
        self.states = list(model.state_variables)
        own = dict.fromkeys(model.weights)
        apart = {*trainable, *self.metric_variables, *self.states}
        self.others = [v for v in own if v not in apart]
        self.hyper = [] if optimizer is None else list(optimizer.variables_read)
        if objectives is not None:
            self.hyper += [v for v in objectives.variables() if v not in self.hyper]
        self.captured = K.Captured()
        self.log_names = {}  # kind of step -> names of the numbers it reports
        self.split = {}  # kind of step -> which devices its batches are split over, in words
        self.seconds_per_step = {}  # program -> measured time, by which chunks are cut
        self._programs = {}
        self._may_pad = {}  # program -> may short batches be padded?
        self._looked_up = {}  # program and rows -> (trained variables that may be updated by row, those that are)
        self._row_program = None  # the latest program that trains, and rows of a step

    # --- Pure steps ---

    def _forward(self, values, inputs, training, seed, valid, with_losses):
        """Run the model in a scope of its own: (scope, outputs, masks, values of symbolic losses and metrics)."""
        context = scope.Scope(values, training, seed, valid, self.captured.seen)
        return self._run_model(context, inputs, self._symbolic_extras() if with_losses else [])

    def _run_model(self, context, inputs, extra):
        with context:
            outputs, masks, extras = self.model.run_with(inputs, None, [], {}, extra)
        outputs = widened(nest.flatten(outputs))
        masks = nest.flatten(masks) if masks is not None else []
        masks = masks if len(masks) == len(outputs) else [None] * len(outputs)
        return context, outputs, masks, dict(zip(extra, extras, strict=True))

    def _symbolic_extras(self):
        layers = self.model.flat_layers()
        wanted = [t for layer in layers for t in layer._added_losses if isinstance(t, symbolic.SymbolicTensor)]
        wanted += [new for layer in layers for _, new in layer._added_updates]
        wanted += [t for layer in layers for _, t in getattr(layer, "_added_metrics", ())]
        return wanted + self.objectives.tied_tensors

    def _judge(self, context, outputs, masks, extras, batch, valid):
        """(total loss, logs) of one batch, inside `context`."""
        with context:
            penalties = sum((penalty for _, penalty in self.model.weight_penalties()), 0.0)
            added = [value for _, value in context.losses]
            reported = list(context.metrics)
            for layer in self.model.flat_layers():
                for loss in layer._added_losses:
                    added.append(extras[loss] if isinstance(loss, symbolic.SymbolicTensor) else loss())
                reported += [(name, extras[t]) for name, t in getattr(layer, "_added_metrics", ())]
            targets, weights = self._spread(batch)
            total, logs = self.objectives.evaluate(outputs, targets, weights, masks, valid, penalties, added, extras)
            if reported and valid is not None:
                raise NotRowwise
            count = logs["loss"][1]
            logs.update((name, (K.mean(value) * count, count)) for name, value in reported)
        return total, logs

    def _spread(self, batch):
        """Targets and weights back in their places by output, None where there is none."""
        targets, weights = iter(batch["y"]), iter(batch["w"])
        has_weight = self._weighted
        return (
            [next(targets) if loss is not None or metric else None for loss, metric in self._wants_target()],
            [next(weights) if has else None for has in has_weight],
        )

    def _wants_target(self):
        return list(zip(self.objectives.losses, self.objectives.metrics, strict=True))

    def _train_step(self, fixed, state, batch, valid):
        loss_of = self._loss_of(fixed, state, batch, valid)
        tables = tables_of(state["optimizer"])
        (_, (logs, new_carried)), gradients = K.value_and_gradients(loss_of, state["weights"], tables)
        gradients = K.engine.on_all_devices(gradients)
        with scope.Scope(dict(zip(self.hyper, fixed["hyper"], strict=True))):
            weights, optimizer = self.optimizer.update(gradients, state["optimizer"], state["weights"], state["step"])
            weights = [
                w if v.constraint is None else v.constraint(w) for v, w in zip(self.trainable, weights, strict=True)
            ]
        new = {"weights": weights, "carried": new_carried, "optimizer": optimizer, "step": state["step"] + 1}
        return new, self._stack_logs("train", logs)

    def _loss_of(self, fixed, state, batch, valid):
        """Function of the trained weights: (total loss, (logs, new values of the carried variables))."""
        seed = fixed["seed"] + K.cast(state["step"], "uint32") * np.uint32(0x9E3779B1)
        hyper = dict(zip(self.hyper, fixed["hyper"], strict=True))
        carried = self._carried("train")

        def loss_of(weights):
            values = {**hyper, **dict(zip(self.trainable, weights, strict=True))}
            values.update(zip(carried, state["carried"], strict=True))
            values.update(zip(self.captured.known, fixed["captured"], strict=True))
            parts = self._forward(values, nest.pack_like(self._form, batch["x"]), True, seed, valid, True)
            context = parts[0]
            total, logs = self._judge(*parts, batch, valid)
            with context:
                for layer in self.model.flat_layers():
                    for variable, new in layer._added_updates:
                        variable.assign(parts[3][new])
            return total, (logs, [context.values[v] for v in carried])

        return loss_of

    def _test_step(self, fixed, state, batch, valid):
        variables = self._carried("test")
        values = dict(zip([*self.trainable, *self.others], fixed["weights"], strict=True))
        values.update(zip(self.hyper, fixed["hyper"], strict=True))
        values.update(zip(variables, state["carried"], strict=True))
        values.update(zip(self.captured.known, fixed["captured"], strict=True))
        parts = self._forward(values, nest.pack_like(self._form, batch["x"]), False, fixed["seed"], valid, True)
        _, logs = self._judge(*parts, batch, valid)
        return {"carried": [parts[0].values[v] for v in variables]}, self._stack_logs("test", logs)

    def _predict_step(self, fixed, state, batch, valid):
        values = dict(zip([*self.trainable, *self.others], fixed["weights"], strict=True))
        values.update(zip(self.states, state["carried"], strict=True))
        values.update(zip(self.captured.known, fixed["captured"], strict=True))
        context, outputs, _, _ = self._forward(
            values, nest.pack_like(self._form, batch["x"]), False, fixed["seed"], valid, False
        )
        return {"carried": [context.values[v] for v in self.states]}, outputs

    def _stack_logs(self, kind, logs):
        self.log_names[kind] = list(logs)
        return K.stack([K.stack([K.cast(part, "float32") for part in pair]) for pair in logs.values()])

    # --- Programs ---

    def program(self, kind, data, devices=(), rows=None):
        """The compiled loop for 'train', 'test' or 'predict' steps, and whether short batches may be padded.

        One program serves all data of one form: numbers of inputs, targets and weights, and their shapes.

        Args:
            devices: names of those that each batch is split over; see :meth:`devices`.
            rows: of a step, by which it is told whether a table's rows are updated one by one.
        """
        if self.captured.changed():
            self._programs.clear()
            self._looked_up.clear()
        form = (kind, repr(data.form), tuple(w is not None for w in data.weights), K.fixed_phase())
        key = (*form, tuple(devices))
        if key not in self._programs:
            step = self._step_for(kind, data)
            self._programs[key] = (K.engine.compile_steps(step, devices), step)
        run, step = self._programs[key]
        if form not in self._may_pad:
            self._may_pad[form] = self._study(kind, step, data)
        if kind == "train":
            self._row_program = form, rows
            if self._row_program not in self._looked_up:
                self._looked_up[self._row_program] = self._study_tables(form, data, rows)
        return run, self._may_pad[form]

    def _step_for(self, kind, data):
        """The pure step for data of this form. Tracing may come later, when another form was seen meanwhile."""
        form, weighted = data.form, [w is not None for w in data.weights]

        def step(fixed, state, batch, valid):
            self._form, self._weighted = form, weighted
            return getattr(self, f"_{kind}_step")(fixed, state, batch, valid)

        return step

    def devices(self, kind, data, rows):
        """Names of the devices that batches of so many `rows` are split over; none for the usual one."""
        return splitting.devices_for(self, kind, data, rows)

    def _study(self, kind, step, data):
        """Learn what numbers a step reports, and whether short batches may be padded: can the real rows be told from
        the others all the way? Tracing a deep model takes as long as compiling a small one, so the losses and metrics
        are traced by themselves where the layers' part is known.
        """
        layers = self.model.flat_layers()
        rowwise = all(layer.rowwise for layer in layers)
        rowwise = rowwise and (self.objectives is None or self.objectives.keep_rows(data.targets))
        adds = any(
            layer._added_losses or layer._added_updates or getattr(layer, "_added_metrics", ())
            or getattr(layer, "activity_regularizer", None) is not None
            for layer in layers
        )  # fmt: skip
        if kind == "predict":
            return rowwise
        if rowwise and not adds and self._shapes_known() and not self.objectives.tied_tensors:
            trace = self._trace_objectives
        else:
            trace = self._trace_step
        for valid in [np.int32(1), None] if rowwise and not adds else [None]:
            try:
                trace(kind, step, data, valid)
            except NotRowwise:
                continue
            return valid is not None
        return False

    def _shapes_known(self):
        graph = self.model._graph
        return graph is not None and all(None not in t.shape[1:] for t in graph.outputs)

    def _trace_objectives(self, kind, step, data, valid):
        """Losses and metrics of one row, on outputs of the shapes the graph promises."""
        outputs = [((1, *t.shape[1:]), wide_type(t.dtype)) for t in self.model.outputs]
        arrays = data.arrays()
        batch = {"y": [a[:1] for a in arrays["y"]], "w": [a[:1] for a in arrays["w"]]}
        self._weighted = [w is not None for w in data.weights]
        flat = nest.flatten(batch)

        def run(*values):
            found, rest = list(values[: len(outputs)]), values[len(outputs) :]
            context = scope.Scope({v: v.value for v in self.metric_variables}, True, np.uint32(0), valid)
            with context:
                targets, weights = self._spread(nest.pack_like(batch, rest))
                masks = [None] * len(found)
                _, logs = self.objectives.evaluate(found, targets, weights, masks, valid, 0.0, [])
            return self._stack_logs(kind, logs)

        K.engine.abstract(run, [*outputs, *((np.shape(a), str(a.dtype)) for a in flat)])

    def _trace_step(self, kind, step, data, valid):
        """The whole step on one row, or on as many as the model's batches are fixed to have."""
        batch = nest.map_structure(lambda a: a[:1], data.arrays())
        rows = (self.model.inputs[0].shape[0] if self.model._graph is not None else None) or 1
        fixed, state = self.fixed(kind, np.uint32(0)), self.state(kind)

        def run(*values):
            return step(fixed, state, nest.pack_like(batch, values), valid)[1]

        K.engine.abstract(run, [((rows, *np.shape(a)[1:]), str(a.dtype)) for a in nest.flatten(batch)])

    # --- Tables that are updated by row ---

    def _study_tables(self, form, data, rows):
        """(positions of trained variables that may be updated by row, those that a step only looks rows up in)."""
        large = row_updates.candidates(self.optimizer, self.trainable, self.model, rows)
        for (known, _), studied in self._looked_up.items():
            if known == form and studied[0] == large:
                return studied  # whatever the number of rows
        found = []

        def step(fixed, state, batch, valid):
            self._form, self._weighted = data.form, [w is not None for w in data.weights]
            loss_of = self._loss_of(fixed, state, batch, valid)
            found.extend(K.engine.only_looked_up(loss_of, state["weights"], large))
            return None, np.zeros(())

        if large:
            self._trace_step("train", step, data, None)
        return large, found

    @property
    def tables(self):
        """Positions of the trained variables whose rows the latest program updates one by one."""
        _, found = self._looked_up.get(self._row_program, ((), ()))
        return [i for i in found if row_updates.why_whole(self.optimizer, self.trainable[i]) is None]

    @property
    def used_whole(self):
        """Positions of those that might be, if steps did no more than look rows up in them."""
        large, found = self._looked_up.get(self._row_program, ((), ()))
        return [i for i in large if i not in found]

    def fixed(self, kind, seed):
        """What a program only reads."""
        # `_value` as no scope is open here: `value` would look for one at each variable of each step.
        found = {"seed": seed, "captured": self.captured.values()}
        if kind != "predict":
            found["hyper"] = [v._value for v in self.hyper]
        if kind != "train":
            found["weights"] = [v._value for v in (*self.trainable, *self.others)]
        return found

    def _carried(self, kind):
        """Variables beside the trained ones that a step of this kind hands on to the next."""
        first = self.others if kind == "train" else []
        return [*first, *self.states, *(self.metric_variables if kind != "predict" else [])]

    def state(self, kind):
        """What a program carries on; its memory is reused, so it is fetched anew for every call."""
        state = {"carried": [v._value for v in self._carried(kind)]}
        if kind == "train":
            state["weights"] = [v._value for v in self.trainable]
            tables = self.tables
            state["optimizer"] = self.optimizer.build(self.trainable, *([tables] if tables else []))
            state["step"] = self.optimizer.iterations.value
        return state

    def adopt(self, kind, state):
        """Hand a program's new state to the variables."""
        for variable, value in zip(self._carried(kind), state["carried"], strict=True):
            variable.adopt(value)
        if kind == "train":
            for variable, value in zip(self.trainable, state["weights"], strict=True):
                variable.adopt(value)
            self.optimizer.state = state["optimizer"]
            self.optimizer.iterations.adopt(state["step"])

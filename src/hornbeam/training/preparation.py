"""From what users hand to fit, evaluate and predict to arrays that are known to fit the model."""

from hornbeam import backend as K
from hornbeam import nest
from hornbeam.symbolic import SymbolicTensor
from hornbeam.training import data_checks
from hornbeam.training.data import ArrayData, as_array, by_name


class Preparation:
    """The part of a model that looks at data before the first step."""

    def _prepare(self, x, y=None, sample_weight=None, class_weight=None, for_training=False):
        """Arrays checked against the model, as an ArrayData."""
        inputs, form = self._input_arrays(x)
        self._build_for(inputs, form)
        if y is None and not for_training:
            data_checks.check_rows([(f"input {n!r}", a) for n, a in zip(self._names_of(inputs), inputs, strict=True)])
            return ArrayData(inputs, form=form)
        targets = self._target_arrays(y)
        weights = self._weight_arrays(sample_weight, class_weight, targets)
        named = [(f"input {n!r}", a) for n, a in zip(self._names_of(inputs), inputs, strict=True)]
        named += [(f"target {n!r}", a) for n, a in zip(self.output_names, targets, strict=True)]
        named += [(f"sample_weight of {n!r}", a) for n, a in zip(self.output_names, weights, strict=True)]
        data_checks.check_rows(named)
        return ArrayData(inputs, self._fit_targets(targets), weights, form)

    def _names_of(self, inputs):
        return self._graph.input_names if self._graph is not None else [f"input_{i + 1}" for i in range(len(inputs))]

    def _input_arrays(self, x):
        if x is None:
            raise ValueError("The inputs are missing: give x.")
        if self._graph is None:
            single = not isinstance(x, (dict, tuple)) and not _list_of_arrays(x)
            arrays = [as_array(v, f"input {i + 1}") for i, v in enumerate([x] if single else nest.flatten(x))]
            return arrays, 0 if single else nest.map_structure(lambda _: 0, x)
        names = self._graph.input_names
        arrays = [
            as_array(value, f"input {name!r}") if value is not None else _missing(name, names)
            for name, value in zip(names, by_name(x, names, "input"), strict=True)
        ]
        fitted = [
            data_checks.fit_input(a, K.int_shape(t), f"input {n!r}")
            for a, t, n in zip(arrays, self._graph.inputs, names, strict=True)
        ]
        self._check_ids(fitted)
        return fitted, nest.pack_like(_as_list(self._graph.input_form), [0] * len(fitted))

    def _check_ids(self, arrays):
        """Ids fed straight into a layer with a table are within it."""
        for array, tensor in zip(arrays, self._graph.inputs, strict=True):
            for node in tensor._keras_history[0]._outbound_nodes:
                if getattr(node.operation, "id_range", None) is not None:
                    data_checks.check_ids(array, node.operation)

    def _build_for(self, inputs, form):
        """Build a model that was not told its input's shape, and resolve what compile could not."""
        if not self.built or (self._graph is None and self._objectives is None):
            self._trace_once(inputs, form)
        if self._compiled_with is not None and self._objectives is None:
            shapes = self._traced_shapes if self._graph is None else [K.int_shape(t) for t in self.outputs]
            self._objectives = self._objectives_for(shapes, self._compiled_with)
        if self._trainable_at_compile is None and self.built:
            self._remember_trainable()

    def _trace_once(self, inputs, form):
        symbols = [
            SymbolicTensor((None, *a.shape[1:]), str(a.dtype) if a.dtype.kind in "iub" else K.floatx(), "data")
            for a in inputs
        ]
        packed = nest.pack_like(form, symbols)
        if hasattr(self, "_build_from") and self._graph is None:
            self._build_from(tuple(symbols[0].shape), symbols[0].dtype)
            return
        specs, _ = K.infer(lambda args, kwargs: self.run(args[0], None, [], {})[0], [packed], {})
        self.built = True
        self._traced_shapes = [spec.shape for spec in nest.flatten(specs)]

    def _target_arrays(self, y):
        names = self.output_names
        wanted = [loss is not None for loss in self._objectives.losses]
        if y is None:
            if any(wanted):
                raise ValueError("The targets are missing: give y.")
            return [None] * len(names)
        given = by_name(y, names, "output")
        result = []
        for name, value, needed in zip(names, given, wanted, strict=True):
            if value is None and needed:
                _missing(name, names, "output")
            result.append(None if value is None else as_array(value, f"target {name!r}"))
        return result

    def _fit_targets(self, targets):
        objectives, result = self._objectives, []
        for i, (target, term) in enumerate(zip(targets, objectives.losses, strict=True)):
            if target is not None and term is not None and (term.checked or term.integer):
                target = data_checks.fit_target(
                    target, objectives.shapes[i], term.name, term.integer, f"target {objectives.names[i]!r}"
                )
            result.append(target if term is not None or objectives.metrics[i] else None)
        return result

    def _weight_arrays(self, sample_weight, class_weight, targets):
        names = self.output_names
        weights = [None] * len(names) if sample_weight is None else by_name(sample_weight, names, "output")
        weights = [
            None if w is None else as_array(w, f"sample_weight of {n!r}") for w, n in zip(weights, names, strict=True)
        ]
        if class_weight is None:
            return weights
        by_output = class_weight if _has_dicts(class_weight) else {names[0]: class_weight}
        if len(names) > 1 and not _has_dicts(class_weight):
            raise ValueError(f"With several outputs, class_weight is a dict of dicts by output: {', '.join(names)}.")
        for i, (name, given) in enumerate(zip(names, by_name(by_output, names, "output"), strict=True)):
            if given is not None:
                rows = data_checks.class_weights(targets[i], given, f"target {name!r}")
                weights[i] = rows if weights[i] is None else weights[i] * rows
        return weights


def _list_of_arrays(x):
    return isinstance(x, list) and bool(x) and all(hasattr(v, "shape") and getattr(v, "ndim", 0) > 0 for v in x)


def _as_list(form):
    return list(form) if isinstance(form, tuple) else form


def _missing(name, names, kind="input"):
    raise ValueError(f"The {kind} {name!r} is missing. {kind.capitalize()}s: {', '.join(names)}.")


def _has_dicts(class_weight):
    return any(isinstance(v, dict) for v in class_weight.values())

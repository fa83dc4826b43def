"""From what users hand to fit, evaluate and predict to arrays that are known to fit the model."""

from hornbeam import backend as K
from hornbeam import nest
from hornbeam.symbolic import SymbolicTensor
from hornbeam.training import data_checks
from hornbeam.training.data import ArrayData, as_array, by_name
from hornbeam.training.sources import tables
from hornbeam.training.sources.columns import Column, is_column, rows_of
from hornbeam.training.sources.streams import Stream, stream_kind


class Preparation:
    """The part of a model that looks at data before the first step."""

    def _prepare(self, x, y=None, sample_weight=None, class_weight=None, for_training=False):
        """Arrays checked against the model, as an ArrayData."""
        if tables.is_row_table(x):
            x, y, sample_weight = self._by_columns(tables.columns_of_rows(x), y, sample_weight)
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

    # --- Streams ---

    def _prepare_stream(self, source, with_targets, class_weight=None, y=None, sample_weight=None, **options):
        """A Stream that gives ArrayData, and the first of them; (None, None) if `source` is data at hand.

        Args:
            with_targets: does a batch hold targets that count?
            y, sample_weight: what came beside `source`; it must be nothing.
            options: of :class:`Stream`.

        Raises:
            ValueError: targets or weights came beside a stream.
        """
        if stream_kind(source) is None:
            return None, None
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(
                    f"{name} comes with the batches where x is a {type(source).__name__}: let each batch be (x, y) or "
                    f"(x, y, sample_weight)."
                )
        stream = Stream(source, **options)
        sample = self._prepare_batch(stream.peek(), with_targets, class_weight)
        stream.prepare = lambda batch: self._prepare_batch(batch, with_targets, class_weight)
        return stream, sample

    def _prepare_batch(self, batch, with_targets, class_weight=None):
        """What a generator or loader gave, as an ArrayData."""
        x, y, weight = self._unpacked_batch(batch, with_targets)
        if not with_targets:
            return self._prepare(x)
        return self._prepare(x, y, weight, class_weight, for_training=True)

    def _unpacked_batch(self, batch, with_targets):
        """(x, y, sample_weight) of a batch; without targets, a list of the model's inputs is all x."""
        if isinstance(batch, dict):
            return self._by_columns(batch)
        listed = isinstance(batch, list) and not with_targets and (
            len(batch) == len(self._input_names() or [0]) > 1 or not all(hasattr(part, "shape") for part in batch)
        )  # fmt: skip
        if not isinstance(batch, (tuple, list)) or listed:
            return batch, None, None
        if not 1 <= len(batch) <= 3:
            raise ValueError(
                f"A batch is (x, y), (x, y, sample_weight) or x alone; got a {type(batch).__name__} of {len(batch)}. "
                f"Several inputs go into one list or dict: ([a, b], y)."
            )
        x, y, weight = (*batch, None, None)[:3]
        return x, y, weight

    def _input_names(self):
        return self._graph.input_names if self._graph is not None else None

    def _by_columns(self, columns, y=None, sample_weight=None):
        """(x, y, sample_weight) of named columns; `y` may be the name of one, or data."""
        names = self.output_names if self._graph is not None or self._guessed_output_names else ["output_1"]
        if isinstance(y, str):
            if y not in columns:
                from hornbeam import checks

                raise checks.unknown_name("column", y, list(columns))
            y, columns = columns[y], {name: column for name, column in columns.items() if name != y}
        x, target, weight = tables.split_columns(columns, self._input_names(), names)
        return x, target if y is None else y, weight if sample_weight is None else sample_weight

    # --- Inputs ---

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
        return fitted, self._in_input_form([0] * len(fitted))

    def _in_input_form(self, flat):
        return nest.pack_like(_as_list(self._graph.input_form), flat)

    def _check_ids(self, arrays):
        """Ids fed straight into a layer with a table are within it."""
        for i, tensor in enumerate(self._graph.inputs):
            for layer in self._tables_fed_by(tensor):
                arrays[i] = data_checks.checked_ids(arrays[i], layer)

    def _tables_fed_by(self, tensor):
        """Layers with a table that rows of an input say the rows of."""
        nodes = tensor._keras_history[0]._outbound_nodes
        return [node.operation for node in nodes if getattr(node.operation, "id_range", None) is not None]

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
        for i, (weight, term) in enumerate(zip(weights, self._objectives.losses, strict=True)):
            if weight is not None and term is not None and (term.checked or term.integer):
                what = f"sample_weight of {names[i]!r}"
                weights[i] = data_checks.fit_weight(weight, self._objectives.shapes[i], what)
        if class_weight is None:
            return weights
        by_output = class_weight if _has_dicts(class_weight) else {names[0]: class_weight}
        if len(names) > 1 and not _has_dicts(class_weight):
            raise ValueError(f"With several outputs, class_weight is a dict of dicts by output: {', '.join(names)}.")
        for i, given in enumerate(by_name(by_output, names, "output")):
            if given is not None:
                rows = self._weights_by_class(i, targets[i], given)
                weights[i] = rows if weights[i] is None else _product(weights[i], rows)
        return weights


    def _weights_by_class(self, i, target, given):
        """Weight of each row of output `i` by its class, read when needed where the targets are."""
        name, shape, term = self.output_names[i], self._objectives.shapes[i], self._objectives.losses[i]
        what = f"target {name!r}"
        if target is None:
            raise ValueError(f"class_weight: there is no {what} whose classes could be weighted.")
        classes = shape[-1] if shape[-1] not in (1, None) else None
        if term is not None and term.name == "binary_crossentropy" and shape[-1] == 1:
            classes = 2
        data_checks.check_class_weight(given, classes, what)
        if is_column(target):
            return target.mapped(lambda y: data_checks.class_weights(y, given, what), (len(target),), "float32")
        return data_checks.class_weights(target, given, what)


def _product(weights, rows):
    """Weights by row, or row and step, times those by class."""
    if is_column(weights) or is_column(rows):
        first, other = (weights, rows) if is_column(weights) else (rows, weights)
        return Column(lambda n: _times(first.take(n), rows_of(other, n)),
                      max(weights.shape, rows.shape, key=len), "float32")  # fmt: skip
    return _times(weights, rows)


def _times(a, b):
    short, long = sorted((a, b), key=lambda w: w.ndim)
    return long * short.reshape(short.shape + (1,) * (long.ndim - short.ndim))


def _list_of_arrays(x):
    return isinstance(x, list) and bool(x) and all(hasattr(v, "shape") and getattr(v, "ndim", 0) > 0 for v in x)


def _as_list(form):
    return list(form) if isinstance(form, tuple) else form


def _missing(name, names, kind="input"):
    raise ValueError(f"The {kind} {name!r} is missing. {kind.capitalize()}s: {', '.join(names)}.")


def _has_dicts(class_weight):
    return any(isinstance(v, dict) for v in class_weight.values())

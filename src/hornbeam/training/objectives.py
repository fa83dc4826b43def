"""What a compiled model minimises and reports: losses and metrics resolved for each output, and their sums.

Every number reported is a pair (sum, count), so that averages over an epoch are exact whatever the batches were.
Loss normalisation is the classic one: with weights, sum(w * l) over the number of rows whose weight is not 0.
"""

import inspect

from hornbeam import backend as K
from hornbeam import checks, losses, metrics, nest, registry
from hornbeam.training.closures import TiedToGraph, tie
from hornbeam.training.data import by_name

_BY_LOSS = (*metrics.ACCURACY_NAMES, *metrics.CROSSENTROPY_NAMES)


class NotRowwise(Exception):
    """A value over the whole batch cannot be told apart by rows, so a short batch must not be padded."""


class LossTerm:
    """The loss of one output.

    Attributes:
        output: name of the output.
        function: (y_true, y_pred) -> values by row, or a scalar.
        weight: number or K variable that it counts with.
        integer: are its targets class numbers?
        checked: does it compare element by element, so that shapes must agree? (losses of the house)
    """

    def __init__(self, output, given, weight):
        loss = losses.get(given)
        self.output = output
        self.given = loss
        self.function = loss.call if hasattr(loss, "call") else loss
        self.name = getattr(loss, "__name__", None) or getattr(loss, "name", None) or type(loss).__name__
        self.weight = weight
        self.integer = getattr(loss, "integer_targets", False)
        module = getattr(loss, "__module__", None) or type(loss).__module__
        self.checked = module.startswith("hornbeam.")

    def mask(self, target, output):
        """Which values count, by the loss's own word (`ignore_class`), or None."""
        find = getattr(self.given, "compute_mask", None)
        return None if find is None else find(target, output)


class MetricTerm:
    """One metric of one output.

    Attributes:
        name: as reported, without the output's name.
        function: (y_true, y_pred) -> values by row, a scalar, or a dict of such; None for objects with state.
        stateful: the metric object, if it keeps state over batches.
        weighted: does it count with sample weights?
        integer: does it take class numbers as they are?
    """

    def __init__(self, name, function, stateful, weighted, integer):
        self.name = name
        self.function = function
        self.stateful = stateful
        self.weighted = weighted
        self.integer = integer


class Objectives:
    """Losses and metrics of a compiled model, matched to its outputs.

    Args:
        names: names of the outputs.
        shapes: their shapes, None where unknown.
        loss: name, function, object; or a list or dict of them by output; None entries have no loss.
        metrics, weighted_metrics: list (of lists, with several outputs) or dict by output.
        loss_weights: list or dict by output, 1 if missing.

    Raises:
        ValueError: unknown names, or lists of the wrong length. TypeError: something that is no loss.
    """

    def __init__(self, names, shapes, loss, metrics=None, loss_weights=None, weighted_metrics=None):
        self.names, self.shapes = names, shapes
        given = _losses_by_output(loss, names)
        weights = _weights_by_output(loss_weights, names)
        self.losses = [
            None if one is None else LossTerm(name, one, weight)
            for name, one, weight in zip(names, given, weights, strict=True)
        ]
        plain = _metrics_by_output(metrics, names)
        weighted = _metrics_by_output(weighted_metrics, names)
        self.metrics = [
            [self._metric(i, m, False) for m in plain[i]] + [self._metric(i, m, True) for m in weighted[i]]
            for i in range(len(names))
        ]
        for terms in self.metrics:
            _, *apart = _apart(["loss", *(t.name for t in terms)])  # 'loss' is what training minimises
            for term, name in zip(terms, apart, strict=True):
                term.name = name
        self._metrics_built = False

    def _metric(self, i, given, weighted):
        name = given if isinstance(given, str) else None
        loss = None if self.losses[i] is None else self.losses[i].given
        if name in _BY_LOSS:
            resolve = metrics.resolve_accuracy if name in metrics.ACCURACY_NAMES else metrics.resolve_crossentropy
            metric = resolve(loss, None, self.shapes[i])
        else:
            metric = _metric_named(given) if name else metrics.get(given)
        if metric is None:
            raise TypeError("A metric is a name, a function or a metric object; got None.")
        plain = getattr(metric, "fn", None) if isinstance(metric, metrics.MeanMetricWrapper) else None
        stateful = metric if hasattr(metric, "update_state") and plain is None else None
        function = None if stateful is not None else plain or metric
        name = name or getattr(metric, "name", None) or getattr(metric, "__name__", None) or type(metric).__name__
        return MetricTerm(name, function, stateful, weighted, getattr(metric, "integer_targets", False))

    def build_metrics(self, targets):
        """Let metric objects make their variables, now that the shapes of the targets (arrays by output) are known."""
        if self._metrics_built:
            return
        for target, shape, terms in zip(targets, self.shapes, self.metrics, strict=True):
            for term in terms:
                if target is not None and hasattr(term.stateful, "build"):
                    term.stateful.build((None, *target.shape[1:]), (None, *shape[1:]))
        self._metrics_built = True

    @property
    def stateful_metrics(self):
        """(reported name, metric object) for metrics that keep state."""
        return [
            (self._full(self.names[i], m.name), m.stateful)
            for i, terms in enumerate(self.metrics)
            for m in terms
            if m.stateful is not None
        ]

    def _full(self, output, name):
        return name if len(self.names) == 1 else f"{output}_{name}"

    def _users_terms(self, targets):
        """(output number, term, symbol of its targets) of losses and metrics that users wrote."""
        for i, target in enumerate(targets):
            for term in (self.losses[i], *self.metrics[i]):
                if term is not None and target is not None and _is_users(term):
                    dtype = str(target.dtype) if term.integer else K.floatx()
                    inner = target.shape[1:] or (1,) * (len(self.shapes[i]) > 1)  # see _with_column
                    yield i, term, K.placeholder(shape=(None, *inner), dtype=dtype)

    def tie_to(self, graph, targets):
        """Find the tensors of the model that users' losses and metrics look at.

        Args:
            graph: of the model.
            targets: arrays by output, None where there is none.
        """
        for i, term, y_true in self._users_terms(targets):
            term.function = tie(term.function, graph, graph.outputs[i], y_true)

    @property
    def tied_tensors(self):
        """Tensors of the model that losses and metrics look at beside their arguments."""
        terms = [t for t in self.losses if t is not None] + [t for terms in self.metrics for t in terms]
        return [tensor for t in terms if isinstance(t.function, TiedToGraph) for tensor in t.function.needed]

    def keep_rows(self, targets):
        """Do users' own losses and metrics look at each row by itself?

        Args:
            targets: arrays by output, None where there is none.
        """
        for i, term, y_true in self._users_terms(targets):
            if isinstance(term.function, TiedToGraph):
                apart = term.function.keeps_rows()
            else:
                y_pred = K.placeholder(shape=(None, *self.shapes[i][1:]))
                apart = K.function_keeps_rows(term.function, [y_true, y_pred])
            if not apart:
                return False
        return True

    def variables(self):
        """K variables that the losses read (loss weights given as variables)."""
        return [t.weight for t in self.losses if t is not None and isinstance(t.weight, K.Variable)]

    def evaluate(self, outputs, targets, weights, masks, valid, penalties, added, known=None):
        """(total loss, dict of name -> (sum, count)) for one batch.

        Args:
            outputs, masks: by output; masks may be None.
            targets: by output, None where there is no loss.
            weights: sample weights by output, or None.
            valid: number of real rows (traced) or None if all are.
            penalties: sum of the weight penalties.
            added: values that layers added with add_loss.
            known: dict from tensor of the model to its value, for :attr:`tied_tensors`.

        Raises:
            NotRowwise: a loss or metric gave one number for a padded batch.
        """
        if valid is not None and added:
            raise NotRowwise
        rows = K.shape(outputs[0])[0] if valid is None else valid
        count = K.cast(rows, K.floatx())
        total, reported = 0.0, {}
        for i, term in enumerate(self.losses):
            if term is None:
                continue
            target = _target_like(targets[i], outputs[i], term.integer)
            values = _values(term, target, outputs[i], known)
            mask = _both(masks[i], term.mask(target, outputs[i]))
            value = _classic_mean(values, weights[i], mask, valid, K.shape(outputs[i])[0])
            if len([t for t in self.losses if t is not None]) > 1:
                reported[f"{term.output}_loss"] = (value * count, count)
            total = total + (value if _is_one(term.weight) else value * term.weight)
        total = total + penalties
        for value in added:
            total = total + K.sum(value)
        result = {"loss": (total * count, count), **reported}
        for i, terms in enumerate(self.metrics):
            for term in terms:
                result.update(self._report(i, term, outputs[i], targets[i], weights[i], masks[i], valid, count, known))
        return total, result

    def _report(self, i, term, output, target, weight, mask, valid, count, known):
        name = self._full(self.names[i], term.name)
        loss = self.losses[i]
        labels = loss is not None and loss.integer and K.ndim(target) == K.ndim(output) - 1
        target = _target_like(target, output, term.integer or labels)
        if term.stateful is not None:
            target = _with_column(target, output) if _is_of_users(type(term.stateful)) else target
            _update(term.stateful, target, output, weight if term.weighted else None, mask, valid)
            return {}
        values = _values(term, target, output, known)
        if isinstance(values, dict):
            return {
                self._full(self.names[i], key): _sum_and_count(v, weight if term.weighted else None, mask, valid, count)
                for key, v in values.items()
            }
        return {name: _sum_and_count(values, weight if term.weighted else None, mask, valid, count)}


def _values(term, target, output, known):
    function = term.function
    if _is_users(term):
        target = _with_column(target, output)
    return function.at(target, output, known) if isinstance(function, TiedToGraph) else function(target, output)


def _is_users(term):
    return isinstance(term.function, TiedToGraph) or (term.function is not None and _is_of_users(term.function))


def _is_of_users(thing):
    module = getattr(thing, "__module__", None) or type(thing).__module__
    return not module.startswith("hornbeam.")


def _with_column(target, output):
    """(B,) as the (B, 1) that Keras gives users' code, whose `y_true - y_pred` would else be (B, B), silently."""
    return K.expand_dims(target, -1) if K.ndim(target) == 1 and K.ndim(output) > 1 else target


def _metric_named(name):
    try:
        return metrics.get(name)
    except ValueError:
        guess = checks.nearest(name, [*registry.names("metric"), *_BY_LOSS])
        if guess in _BY_LOSS:  # names that the registry cannot hold, since they mean a function for each loss
            raise ValueError(f"Unknown metric {name!r}. Did you mean {guess!r}?") from None
        raise


def _both(first, second):
    """What two masks let through, either of which may be None."""
    if first is None or second is None:
        return second if first is None else first
    return K.cast(first, K.floatx()) * K.cast(second, K.floatx())


def _apart(names):
    """`names` with a number behind those that came before."""
    seen, result = {}, []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name] - 1}")
    return result


def _is_one(weight):
    return isinstance(weight, (int, float)) and weight == 1


def _target_like(target, output, integer):
    if integer or target is None or K.dtype(target) == K.dtype(output):
        return target
    return K.cast(target, K.dtype(output))


# --- Arithmetic over rows, some of which may only fill a short batch up ---


def _row_weights(valid, size, rank):
    """(B, 1, ...) floats: 1 for real rows."""
    real = K.cast(K.arange(0, int(size)) < valid, K.floatx())
    return K.reshape(real, (int(size), *[1] * (rank - 1)))


def _mean(values, valid, size):
    """Mean over real rows and all other axes."""
    if valid is None:
        return K.mean(values)
    rank = K.ndim(values)
    inner = 1
    for n in K.int_shape(values)[1:]:
        inner *= n
    real = _row_weights(valid, size, rank)
    return K.sum(K.where(real > 0, values, K.zeros_like(values))) / (K.cast(valid, K.floatx()) * inner)


def _by_rows(values, size):
    return K.ndim(values) >= 1 and K.int_shape(values)[0] == int(size)


def _classic_mean(values, weight, mask, valid, size):
    """Keras 2's weighted mean: masks and weights divide by the share that is not zero."""
    if not _by_rows(values, size):
        if valid is not None:
            raise NotRowwise
        if weight is None and mask is None:
            return K.mean(values)
    if mask is not None and _by_rows(values, size):
        mask = _fit_mask(mask, values)
        values = values * mask / K.maximum(_mean(mask, valid, size), 1e-12)  # a batch without real steps adds nothing
    if weight is not None:
        weight = K.cast(weight, K.floatx())
        extra = K.ndim(values) - K.ndim(weight)
        if extra > 0:
            values = K.mean(values, axis=list(range(K.ndim(weight), K.ndim(values))))
        used = K.cast(K.not_equal(weight, 0), K.floatx())
        values = values * weight / K.maximum(_mean(used, valid, size), 1e-12)
    return _mean(values, valid, size)


def _fit_mask(mask, values):
    mask = K.cast(mask, K.dtype(values))
    while K.ndim(mask) > K.ndim(values):
        mask = K.squeeze(mask, -1)
    while K.ndim(mask) < K.ndim(values):
        mask = K.expand_dims(mask, -1)
    return mask


def _sum_and_count(values, weight, mask, valid, count):
    """(sum, count) of a metric's values: over rows, or over unmasked elements."""
    if K.ndim(values) == 0:
        if valid is not None:
            raise NotRowwise
        return K.cast(values, K.floatx()) * count, count
    values = K.cast(values, K.floatx())
    size = K.int_shape(values)[0]
    if mask is None and weight is None:
        return _mean(values, valid, size) * count, count
    factor = K.ones_like(values)
    if mask is not None:
        factor = factor * _fit_mask(mask, values)
    if valid is not None:
        factor = factor * _row_weights(valid, size, K.ndim(values))
    if weight is None:
        return K.sum(K.where(factor > 0, values, K.zeros_like(values))), K.sum(factor)
    while K.ndim(weight) < K.ndim(values):
        weight = K.expand_dims(weight, -1)
    weight = K.cast(weight, K.floatx()) * factor
    return K.sum(values * weight), K.sum(K.cast(K.not_equal(weight, 0), K.floatx()))


def _update(metric, target, output, weight, mask, valid):
    """Update a metric that keeps state, telling it which rows count."""
    size = K.int_shape(output)[0]
    if valid is not None:
        if "sample_weight" not in inspect.signature(metric.update_state).parameters:
            raise NotRowwise
        real = _row_weights(valid, size, 1)
        weight = real if weight is None else K.cast(weight, K.floatx()) * _row_weights(valid, size, K.ndim(weight))
    if mask is not None:
        mask = K.cast(mask, K.floatx())
        weight = mask if weight is None else mask * _fit_weight(weight, mask)
    if weight is None:
        metric.update_state(target, output)
    else:
        metric.update_state(target, output, sample_weight=weight)


def _fit_weight(weight, mask):
    while K.ndim(weight) < K.ndim(mask):
        weight = K.expand_dims(weight, -1)
    return weight


# --- What users hand to compile, by output ---


def _losses_by_output(loss, names):
    if isinstance(loss, dict):
        unknown = [n for n in loss if n not in names]
        if unknown:
            raise checks.unknown_name("output name in loss", unknown[0], names)
        return [loss.get(n) for n in names]
    if isinstance(loss, (list, tuple)):
        if len(loss) != len(names):
            raise ValueError(f"The model has {len(names)} outputs ({', '.join(names)}), got {len(loss)} losses.")
        return list(loss)
    return [loss] * len(names)


def _weights_by_output(weights, names):
    if weights is None:
        return [1.0] * len(names)
    if isinstance(weights, dict):
        unknown = [n for n in weights if n not in names]
        if unknown:
            raise checks.unknown_name("output name in loss_weights", unknown[0], names)
        return [weights.get(n, 1.0) for n in names]
    if not isinstance(weights, (list, tuple)):
        raise TypeError(f"loss_weights is a list or a dict by output name; got {weights!r}.")
    if len(weights) != len(names):
        raise ValueError(f"The model has {len(names)} outputs ({', '.join(names)}), got {len(weights)} loss_weights.")
    return list(weights)


def _metrics_by_output(given, names):
    if not given:
        return [[] for _ in names]
    if isinstance(given, dict):
        return [nest.to_list(m) for m in by_name(given, names, "output")]
    if not isinstance(given, (list, tuple)):
        raise TypeError(f"metrics is a list such as ['accuracy'], or a dict by output name; got {given!r}.")
    nested = any(isinstance(m, (list, tuple)) for m in given)
    if nested and len(given) != len(names):
        raise ValueError(f"The model has {len(names)} outputs ({', '.join(names)}), got {len(given)} lists of metrics.")
    if nested:
        return [nest.to_list(m) for m in given]
    return [list(given) for _ in names]

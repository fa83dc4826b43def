"""Metric objects: named values that batches add to, and the mean, the sum, and functions as such objects."""

import inspect
import re
from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, nest, registry, scope
from hornbeam.losses import as_floats, fit_weights, unwrapped


def ratio(numerator, denominator):
    """numerator / denominator, 0 where the denominator is 0."""
    empty = K.equal(denominator, 0)
    return K.where(empty, K.zeros_like(denominator), numerator / K.where(empty, K.ones_like(denominator), denominator))


def automatic_name(class_name):
    """'TruePositives' -> 'true_positives', 'AUC' -> 'auc'.

    No counter is added, so that the second model of a session reports under the same names as the first.
    """
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", class_name)).lower()


class Metric(checks.Constructed):
    """Base of metric objects: `update_state` adds a batch, `result` tells the value so far, `reset_state` forgets.

    For values that are no mean over rows, such as precision or AUC; a mean is better a plain function. All state lives
    in variables made by :meth:`add_weight`, and `update_state` is written in `K` words and `assign`, so that it can run
    inside a compiled step.

    Args:
        name: name in logs and history; None makes one from the class name.
        dtype: type of the variables; None takes floatx.

    Example:
        >>> class Largest(Metric):
        ...     def __init__(self, name="largest", dtype=None):
        ...         super().__init__(name, dtype)
        ...         self.value = self.add_weight((), "zeros", name="value")
        ...
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.value.assign(K.maximum(self.value, K.max(y_pred)))
        ...
        ...     def result(self):
        ...         return self.value.value
        >>> largest = Largest()
        >>> float(largest(0, K.constant([1.0, 3.0]))), float(largest(0, K.constant([2.0])))
        (3.0, 3.0)
    """

    integer_targets = False  # True: targets are class numbers, not to be compared in shape with the output
    stateful = True  # what Keras 2 asked of metric objects

    def __init__(self, name=None, dtype=None):
        self.name = name or automatic_name(type(self).__name__)
        self._dtype = _type_name(dtype)
        self._initial = {}  # variable -> its first value

    @property
    def dtype(self):
        """Type of the variables."""
        return self._dtype

    # --- Variables ---

    def add_weight(self, shape=(), initializer=None, dtype=None, name=None, **ignored):
        """A variable of this metric, set back to its first value by :meth:`reset_state`.

        Args:
            shape: tuple of sizes (or the name, as code of TensorFlow's Keras gives it first).
            initializer: 'zeros', 'ones', a number, an initializer, or None for zeros.
            name: for messages and files.
        """
        if isinstance(shape, str):
            shape, name = ignored.get("shape", ()), shape
        first = _first_value(initializer, tuple(shape), dtype or self.dtype)
        variable = K.Variable(first, dtype or self.dtype, name=f"{self.name}/{name or 'variable'}", trainable=False)
        self._initial[variable] = first
        return variable

    def add_variable(self, shape, initializer=None, dtype=None, aggregation="sum", name=None):
        """:meth:`add_weight` under its name in Keras 3."""
        return self.add_weight(shape, initializer, dtype, name)

    def _parts(self):
        """Variables and metrics held in attributes, each once."""
        leaves = [*self._initial, *nest.flatten([value for key, value in vars(self).items() if key != "_initial"])]
        return list(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, (K.Variable, Metric))))

    @property
    def variables(self):
        """All variables, those of metrics held in attributes included."""
        found = {}
        for part in self._parts():
            found.update(dict.fromkeys(part.variables if isinstance(part, Metric) else [part]))
        return list(found)

    weights = non_trainable_variables = variables

    def build(self, y_true_shape, y_pred_shape):
        """Make the variables whose size depends on the data; called before a compiled step, and by the first update."""

    def ensure_built(self, variable, y_true_shape, y_pred_shape):
        """Call :meth:`build` if `variable` is still None.

        Raises:
            ValueError: within a compiled step, where no variable can be made any more.
        """
        if variable is None and scope.current() is not None:
            raise ValueError(f"Metric {self.name!r} must be built before a compiled step: call build(shapes) first.")
        if variable is None:
            self.build(tuple(y_true_shape), tuple(y_pred_shape))

    # --- Use ---

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch."""
        raise NotImplementedError(f"{type(self).__name__} needs a method update_state(self, y_true, y_pred, ...).")

    def result(self):
        """The value over all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} needs a method result(self).")

    def __call__(self, *args, **kwargs):
        """Add a batch and give the value so far.

        Raises:
            TypeError: symbolic tensors came.
        """
        if K.is_symbolic(args, kwargs):
            raise TypeError(
                f"Metric {self.name!r} adds up values, and symbolic tensors have none. "
                f"Pass it to compile(metrics=[...])."
            )
        self.update_state(*args, **kwargs)
        return self.result()

    def reset_state(self):
        """Forget all batches."""
        if type(self).reset_states is not Metric.reset_states:  # written for an older Keras
            self.reset_states()
        else:
            self._reset()

    def reset_states(self):
        """:meth:`reset_state` under its older name."""
        if type(self).reset_state is not Metric.reset_state:
            self.reset_state()
        else:
            self._reset()

    def _reset(self):
        for part in self._parts():
            if isinstance(part, Metric):
                part.reset_state()
            else:
                part.assign(self._initial.get(part, np.zeros(part.shape, "float32")))

    # --- Use as pure functions ---

    def stateless_update_state(self, metric_variables, *args, **kwargs):
        """The variables' values after a batch, given those before; nothing is stored."""
        with self._holding(metric_variables) as held:
            self.update_state(*args, **kwargs)
        return [held.values[v] for v in self.variables]

    def stateless_result(self, metric_variables):
        """The value that the variables' values mean."""
        with self._holding(metric_variables):
            return self.result()

    def stateless_reset_state(self):
        """The variables' values before the first batch."""
        with self._holding([v.value for v in self.variables]) as held:
            self.reset_state()
        return [held.values[v] for v in self.variables]

    def _holding(self, values):
        return scope.Scope(dict(zip(self.variables, values, strict=True)))

    # --- Configuration ---

    def get_config(self):
        """The constructor's arguments, as far as they are kept in attributes of the same name."""
        takes = [p for p in inspect.signature(type(self)).parameters.values() if p.kind is not p.VAR_KEYWORD]
        return {"name": self.name, "dtype": self.dtype} | {
            p.name: _plain(getattr(self, p.name)) for p in takes if hasattr(self, p.name)
        }

    @classmethod
    def from_config(cls, config):
        """The metric that `config` describes, without its state."""
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} {self.name!r}>"


def _type_name(dtype):
    """The type's name, also from the policies that Keras 3 writes."""
    if isinstance(dtype, dict):
        dtype = dtype.get("config", {}).get("name")
    name = getattr(dtype, "compute_dtype", dtype) or K.floatx()
    return name if isinstance(name, str) else np.dtype(name).name


def _plain(value):
    """Arrays and tuples as lists, for JSON."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


def _first_value(initializer, shape, dtype):
    if initializer is None or initializer == "zeros":
        return np.zeros(shape, "float32")
    if initializer == "ones":
        return np.ones(shape, "float32")
    if isinstance(initializer, (int, float)):
        return np.full(shape, initializer, "float32")
    if inspect.isclass(initializer):
        initializer = initializer()
    draw: Any = registry.get("initializer", initializer)
    return K.get_value(draw(shape, dtype=dtype))


@registry.register("metric", "mean")
class Mean(Metric):
    """sum(values * weights) / sum(weights), over all batches; 0 before the first.

    Example:
        >>> mean = Mean()
        >>> mean.update_state([1.0, 3.0])
        >>> mean.update_state([5.0], sample_weight=[2.0])
        >>> float(mean.result())
        3.5
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(name, dtype)
        self.total = self.add_weight(name="total")
        self.count = self.add_weight(name="count")

    def update_state(self, values, sample_weight=None):
        """Add values (any shape); weights (B,) or (B, T) ... count for all that follows in their row."""
        values = K.cast(as_floats(values), self.dtype)
        counted = K.ones_like(values)
        if sample_weight is not None:
            counted = counted * fit_weights(sample_weight, values)
        self.total.assign_add(K.sum(values * counted))
        self.count.assign_add(K.sum(counted))

    def result(self):
        return ratio(self.total.value, self.count.value)


@registry.register("metric", "sum")
class Sum(Metric):
    """sum(values * weights), over all batches.

    Example:
        >>> float(Sum()([1.0, 3.0], sample_weight=[1.0, 2.0]))
        7.0
    """

    def __init__(self, name="sum", dtype=None):
        super().__init__(name, dtype)
        self.total = self.add_weight(name="total")

    def update_state(self, values, sample_weight=None):
        """Add values (any shape), weighted as in :class:`Mean`."""
        values = K.cast(as_floats(values), self.dtype)
        if sample_weight is not None:
            values = values * fit_weights(sample_weight, values)
        self.total.assign_add(K.sum(values))

    def result(self):
        return self.total.value


@registry.register("metric")
class MeanMetricWrapper(Mean):
    """The mean of a function (y_true, y_pred, **settings) over all rows.

    :attr:`fn` is that function with its settings filled in; training takes means of it directly, without variables.

    Args:
        fn: the function; it gives one value a row.
        name: None takes the function's name.
        dtype: see :class:`Metric`.
        kwargs: settings passed to `fn` at every call.

    Example:
        >>> within = MeanMetricWrapper(lambda y, p, tolerance: K.cast(K.abs(y - p) < tolerance, "float32"), tolerance=1)
        >>> float(within(K.constant([1.0, 2.0]), K.constant([1.5, 4.0])))
        0.5
    """

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name or getattr(fn, "__name__", "mean_metric"), dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        self.integer_targets = getattr(fn, "integer_targets", False)

    @property
    def fn(self):
        """Function of (y_true, y_pred) that gives the values of the rows: (B, ..., D), (B, ..., D) -> usually (B, ...).

        None if this is no plain mean of them: a subclass changes `update_state` or `result`, or a class is ignored.
        """
        own = type(self)
        changed = own.update_state is not MeanMetricWrapper.update_state or own.result is not Mean.result
        return None if changed or self._fn_kwargs.get("ignore_class") is not None else self._rows

    def _rows(self, y_true, y_pred):
        return self._fn(y_true, y_pred, **self._fn_kwargs)

    def compute_mask(self, y_true, y_pred):
        """Booleans in the shape of the values: which of them count? None: all."""
        ignored = self._fn_kwargs.get("ignore_class")
        if ignored is None:
            return None
        y_true = K.cast(y_true, "int32")
        return K.not_equal(K.squeeze(y_true, -1) if K.ndim(y_true) == K.ndim(y_pred) else y_true, ignored)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch; weights (B,) or (B, T) ... count for all that follows in their row."""
        values = self._rows(y_true, y_pred)
        mask = self.compute_mask(y_true, y_pred)
        if mask is not None:
            counted = K.cast(mask, K.dtype(values))
            sample_weight = counted if sample_weight is None else counted * fit_weights(sample_weight, counted)
        super().update_state(values, sample_weight)

    def get_config(self):
        fn = {"fn": registry.serialize(self._fn)} if type(self) is MeanMetricWrapper else {}
        return {"name": self.name, "dtype": self.dtype, **fn, **self._fn_kwargs}

    @classmethod
    def from_config(cls, config):
        if "fn" in config:
            config = {**config, "fn": registry.get("metric", unwrapped(config["fn"]))}
        return cls(**config)

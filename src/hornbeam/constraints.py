"""Constraints: functions weights -> weights, applied after each update of an optimizer."""

import inspect

from hornbeam import backend as K
from hornbeam import checks, legacy, registry


class Constraint(checks.Constructed):
    """w -> w: what all constraints are. Derive from it, or pass a plain function.

    Example:
        >>> class AtMostOne(Constraint):
        ...     def __call__(self, w):
        ...         return K.minimum(w, 1.0)
        >>> AtMostOne()(K.constant([0.5, 2.0])).tolist()
        [0.5, 1.0]
    """

    def __call__(self, w):
        """The allowed weights nearest in mind to `w`, of the same shape."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it makes of weights: define __call__(w).")

    def get_config(self):
        """Constructor arguments, as plain data."""
        return {}

    @classmethod
    def from_config(cls, config):
        """The constraint that `config` describes."""
        return cls(**config)


def _norms(w, axis):
    """sqrt(sum(w ** 2)) over `axis`, which stays with size 1."""
    return K.sqrt(K.sum(K.square(w), axis=axis, keepdims=True))


def _plain_axis(axis):
    return list(axis) if isinstance(axis, (list, tuple)) else axis


@registry.register("constraint", "max_norm", "maxnorm")
class MaxNorm(Constraint):
    """w * min(norm, max_value) / (epsilon + norm): no unit's incoming weights are longer than `max_value`.

    Args:
        max_value: longest norm allowed, 2 by default.
        axis: axis or list of axes the norm runs over. 0 suits a Dense kernel (inputs, units); a Conv2D kernel
            (rows, columns, inputs, filters) needs [0, 1, 2].

    Example:
        >>> MaxNorm(2)(K.constant([[3.0], [4.0]])).round(3).tolist()
        [[1.2000000476837158], [1.600000023841858]]

    Reference:
        Srivastava et al. 2014, Dropout, JMLR 15.
    """

    @legacy.takes_old_names("MaxNorm")
    def __init__(self, max_value=2, axis=0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        return w * (K.clip(norms, 0, self.max_value) / (K.epsilon() + norms))

    def get_config(self):
        return {"max_value": self.max_value, "axis": _plain_axis(self.axis)}


@registry.register("constraint", "non_neg", "nonneg")
class NonNeg(Constraint):
    """max(w, 0).

    Example:
        >>> NonNeg()(K.constant([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __call__(self, w):
        return K.maximum(w, 0.0)


@registry.register("constraint", "unit_norm", "unitnorm")
class UnitNorm(Constraint):
    """w / (epsilon + norm): the incoming weights of every unit have length 1.

    Args:
        axis: axis or list of axes the norm runs over; see :class:`MaxNorm`.

    Example:
        >>> UnitNorm()(K.constant([[0.0], [4.0]])).tolist()
        [[0.0], [1.0]]
    """

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, w):
        return w / (K.epsilon() + _norms(w, self.axis))

    def get_config(self):
        return {"axis": _plain_axis(self.axis)}


@registry.register("constraint", "min_max_norm")
class MinMaxNorm(Constraint):
    """w * wanted / (epsilon + norm), with wanted = rate * clip(norm, min_value, max_value) + (1 - rate) * norm.

    Args:
        min_value: shortest norm allowed.
        max_value: longest norm allowed.
        rate: how much of the way to go at each update, in (0, 1]; 1 enforces the bounds at once.
        axis: axis or list of axes the norm runs over; see :class:`MaxNorm`.

    Example:
        >>> MinMaxNorm(0.0, 1.0, rate=0.5)(K.constant([[3.0]])).tolist()
        [[2.0]]
    """

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        wanted = self.rate * K.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (K.epsilon() + norms))

    def get_config(self):
        bounds = {"min_value": self.min_value, "max_value": self.max_value}
        return {**bounds, "rate": self.rate, "axis": _plain_axis(self.axis)}


max_norm = maxnorm = MaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm
min_max_norm = MinMaxNorm


# --- From and to configurations ---


def serialize(constraint):
    """The configuration of a constraint, or the name of a plain function.

    Example:
        >>> serialize(UnitNorm())
        {'class_name': 'UnitNorm', 'config': {'axis': 0}}
    """
    return registry.serialize(constraint)


def deserialize(config, custom_objects=None):
    """The constraint that a configuration or a name describes.

    Args:
        config: what :func:`serialize` gave, or a name.
        custom_objects: dict of the caller's own names.

    Raises:
        ValueError: an unknown name; says the nearest known one.
    """
    return registry.deserialize("constraint", config, custom_objects)


def get(identifier):
    """The constraint that `identifier` means: a name, configuration, class, object or function. None stays None.

    Raises:
        ValueError: an unknown name. TypeError: something that is none of these.

    Example:
        >>> get("non_neg")(K.constant([-1.0])).tolist()
        [0.0]
    """
    found = registry.get("constraint", identifier)
    return found() if inspect.isclass(found) else found

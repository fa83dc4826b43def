"""Variables: named values that layers own, users read and set at any time, and compiled steps update."""

from typing import Any

import numpy as np

from hornbeam import config, scope
from hornbeam.backend.naming import get_uid
from hornbeam.backend.taped import untaped
from hornbeam.engines import engine

_FEW_BYTES = 1 << 20  # of a value, that may wait in a copy until others are there as well


class Variable:
    """A tensor that keeps its value between calls.

    Within a scope that holds a value for it, reading and assigning concern that value; elsewhere its own.

    Args:
        value: array, number or list.
        dtype: type name; None takes floatx for Python numbers and NumPy floats, else the value's own.
        name: for error messages and files.
        trainable: does an optimizer change it?
        constraint: function applied after each update, or None.
    """

    __slots__ = ("_kept", "_draw", "name", "trainable", "constraint", "regularizer", "shape", "dtype", "__weakref__")
    __array_priority__ = 1000
    _kept: Any  # the value, an array of the engine; None while it is still to be drawn
    _draw: Any  # gives the first value; None from then on

    def __init__(self, value, dtype=None, name=None, trainable=True, constraint=None):
        self.name = name or f"Variable_{get_uid('Variable')}"
        self._draw = None
        self._value = engine.own(value.value if isinstance(value, Variable) else value, dtype or _natural_dtype(value))
        self.shape = tuple(self._value.shape)
        self.dtype = engine.dtype_of(self._value)
        self.trainable = trainable
        self.constraint = constraint
        self.regularizer = None

    @classmethod
    def blank(cls, shape, dtype, **settings):
        """A variable whose value is still to come, from a file say: zeros until then, which take no memory."""
        variable = cls(0, dtype, **settings)
        variable.shape = tuple(shape)
        variable._value = np.broadcast_to(np.asarray(variable._value), variable.shape)
        return variable

    @classmethod
    def later(cls, draw, shape, dtype, name, trainable=True):
        """A variable that starts with what `draw()` gives, called when somebody first needs the value: a network
        that is only looked at, or filled from elsewhere, costs no numbers.

        Args:
            draw: gives an array of `shape` and `dtype` that nobody else holds, of the same numbers at each call: two
                threads may need it at once.
        """
        variable = cls.__new__(cls)
        variable._kept, variable._draw = None, draw
        variable.name, variable.shape, variable.dtype = name, tuple(shape), dtype
        variable.trainable, variable.constraint, variable.regularizer = trainable, None, None
        return variable

    @property
    def _value(self) -> Any:
        draw = self._draw  # read first: another thread may be drawing, too
        if self._kept is None:
            value = engine.take_over(draw(), self.dtype)
            if self._kept is None:  # nobody set it meanwhile
                self._value = value
        return self._kept

    @_value.setter
    def _value(self, value):
        self._kept = value
        self._draw = None

    @property
    def value(self):
        """The present value, an array of the engine; within a layer of mixed precision in the type it computes in."""
        here = scope.current()
        if here is None:
            return self._value
        found = self.kept_value()
        if here.compute_dtype is None or here.compute_dtype == self.dtype or self.dtype != "float32":
            return found
        return found.astype(here.compute_dtype)

    def kept_value(self):
        """The present value in the variable's own type."""
        here = scope.current()
        if here is not None:
            if self in here.values:
                return here.values[self]
            if here.outside is not None:
                here.outside[self] = self._value
        return self._value

    def assign(self, value):
        """Set the value.

        Raises:
            ValueError: `value` has another shape.
        """
        return self._set(engine.own(untaped(value.value if isinstance(value, Variable) else value), self.dtype))

    def _set(self, value):
        """Set the value to an array that nobody else holds."""
        if tuple(value.shape) != self.shape:
            raise ValueError(
                f"Variable {self.name!r} has shape {self.shape}; a value of shape {tuple(value.shape)} does not fit."
            )
        here = scope.current()
        if here is not None and (self in here.values or engine.is_traced(value)):
            here.values[self] = value
        else:
            self._value = value
        return self

    def adopt(self, value):
        """Take over an array that a compiled step made for this variable; no copy, no check."""
        self._value = value

    def assign_add(self, value):
        """Add to the value."""
        return self.assign(untaped(self.kept_value()) + engine.convert(untaped(value), self.dtype))

    def assign_sub(self, value):
        """Subtract from the value."""
        return self.assign(untaped(self.kept_value()) - engine.convert(untaped(value), self.dtype))

    ndim = property(lambda self: len(self.shape), doc="Number of axes.")
    _keras_shape = property(lambda self: self.shape, doc="Shape, under the name Keras 2 code uses.")

    def numpy(self):
        """The present value as a NumPy array."""
        return engine.to_numpy(untaped(self.value))

    def get_shape(self):
        """The shape, as TensorFlow-era code asks for it."""
        from hornbeam.symbolic import Shape

        return Shape(self.shape)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.numpy(), dtype)

    def __float__(self):
        return float(self.value)

    def __int__(self):
        return int(self.value)

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"<Variable {self.name!r} shape={self.shape} dtype={self.dtype}>"

    def __reduce__(self):
        settings = (self.name, self.trainable, self.constraint, self.regularizer)
        return _revived, (engine.to_numpy(self._value), self.dtype, *settings)

    __hash__ = object.__hash__


def _revived(value, dtype, name, trainable, constraint, regularizer):
    """The variable that a copy or a pickle holds."""
    variable = Variable(value, dtype, name, trainable, constraint)
    variable.regularizer = regularizer
    return variable


def _natural_dtype(value):
    kind = getattr(value, "dtype", None)
    if kind is None:
        return config.floatx() if np.asarray(value).dtype.kind in "fiu" else None
    return config.floatx() if str(kind) == "float64" else None


def variable(value, dtype=None, name=None, constraint=None):
    """A :class:`Variable` holding `value`.

    Example:
        >>> v = variable([[1.0, 2.0]], name="v")
        >>> v.shape
        (1, 2)
    """
    if hasattr(value, "todense"):
        value = np.asarray(value.todense())
    return Variable(value, dtype=dtype, name=name, constraint=constraint)


def get_value(x):
    """The value of a variable (or array) as a NumPy array."""
    return engine.to_numpy(untaped(x.value if isinstance(x, Variable) else x))


def batch_get_value(ops):
    """The values of a list of variables."""
    return [get_value(x) for x in ops]


def set_value(x, value):
    """Set the value of a variable.

    Raises:
        ValueError: the shape does not fit. TypeError: `x` is no variable.
    """
    if not isinstance(x, Variable):
        raise TypeError(f"K.set_value sets variables; got {type(x).__name__}. Make one with K.variable.")
    x.assign(value)


def batch_set_value(tuples):
    """Set variables from a list of (variable, value)."""
    pairs = list(tuples)
    few = [i for i, (x, value) in enumerate(pairs) if isinstance(x, Variable) and _is_small_array(value)]
    own = dict(zip(few, engine.own_each([pairs[i][1] for i in few], [pairs[i][0].dtype for i in few]), strict=True))
    for i, (x, value) in enumerate(pairs):
        if i in own:
            x._set(own[i])
        else:
            set_value(x, value)


def _is_small_array(value):
    return type(value) is np.ndarray and value.nbytes <= _FEW_BYTES


class Recording(scope.Scope):
    """Within, words on variables record nodes, as those on symbols do, and updates are recorded."""

    __slots__ = ()


def update(x, new_x):
    """Set `x` to `new_x`: at once if that is a value; recorded for `K.function` or `add_update` if symbolic."""
    from hornbeam.symbolic import SymbolicTensor

    if isinstance(new_x, SymbolicTensor) or isinstance(scope.current(), Recording):
        return (x, new_x)
    return x.assign(new_x)


def update_add(x, increment):
    """Add `increment` to `x`, as :func:`update` does."""
    return update(x, x + increment)


def update_sub(x, decrement):
    """Subtract `decrement` from `x`, as :func:`update` does."""
    return update(x, x - decrement)

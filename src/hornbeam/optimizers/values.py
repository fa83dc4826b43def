"""Numbers and arrays of optimizers: scalars that can be set while training, values of variables, first states."""

from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, config, nest
from hornbeam.host_memory import room_for


class Hyperparameter:
    """Scalar of an optimizer that users set while training: reading gives its variable, setting assigns to it.

    None means that the optimizer does without it.
    """

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, optimizer, owner=None) -> Any:
        if optimizer is None:
            return self
        if self.name not in optimizer.__dict__:
            raise AttributeError(f"{type(optimizer).__name__} has not set {self.name} yet.")
        return optimizer.__dict__[self.name]

    def __set__(self, optimizer, value):
        present = optimizer.__dict__.get(self.name)
        if present is None or value is None:
            made = value if value is None or isinstance(value, K.Variable) else scalar(optimizer, self.name, value)
            optimizer.__dict__[self.name] = made
        else:
            present.assign(value_of(value))


def scalar(optimizer, name, value):
    """Untrained float variable for the number `value`; double precision only where that is the float type."""
    if isinstance(value, (str, bytes)) or np.ndim(value) != 0:
        raise checks.wrong_argument(type(optimizer).__name__, name, value, "a number")
    return K.Variable(value, dtype=float_type(), name=name, trainable=False)


def float_type():
    """Type of scalars: double precision only where floatx is that."""
    return "float64" if config.floatx() == "float64" else "float32"


def value_of(x):
    """Value of a variable; anything else as it is."""
    return x.value if isinstance(x, K.Variable) else x


def number_of(variable):
    """Value of a scalar variable as the shortest Python float that means it: 0.001, not 0.0010000000474974513."""
    return float(str(K.get_value(variable)[()]))


def filled(weight, value=0.0, shape=None):
    """Array for a slot of `weight`, made without compiling: single precision where the weight has less."""
    shape = tuple(weight.shape) if shape is None else shape
    work = working_type(weight)
    room = room_for(shape, work, in_place=False)
    room.fill(value)
    return K.engine.take_over(room, work)


def working_type(weight):
    """Type in which a weight is updated and its slots are kept: at least single precision."""
    kind = K.dtype(weight)
    return "float32" if kind in ("float16", "bfloat16") else kind


def cast_to(x, dtype):
    """`x` as `dtype`, untouched if it has that type."""
    return x if K.dtype(x) == dtype else K.cast(x, dtype)


def leaves_of(state):
    """Arrays of a state, whatever its nesting."""
    return [leaf for leaf in nest.flatten(state) if leaf is not None]

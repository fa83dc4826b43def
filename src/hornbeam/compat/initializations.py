"""`keras.initializations` of Keras 1: functions (shape, ...) -> variable, for `init=lambda shape, name: ...`."""

from hornbeam import backend as K
from hornbeam import initializers

__all__ = [
    "constant", "get", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_uniform",
    "normal", "one", "orthogonal", "uniform", "zero",
]  # fmt: skip

get = initializers.get


def _classic(name, make):
    """The function of Keras 1 called `name`; `make(scale)` gives the initializer of today, None its own scale."""

    def first_values(shape=None, scale=None, name=None, dim_ordering="th", **_):
        made = make(scale)
        return made if shape is None else K.variable(made(tuple(shape)), name=name)

    first_values.__name__ = first_values.__qualname__ = name
    first_values.__doc__ = f"First values of a weight, '{name}'. Without a shape, the initializer itself."
    return first_values


def _unscaled(found):
    return lambda scale: found()


uniform = _classic("uniform", lambda scale: initializers.RandomUniform(-(scale or 0.05), scale or 0.05))
normal = _classic("normal", lambda scale: initializers.RandomNormal(0.0, scale or 0.05))
orthogonal = _classic("orthogonal", lambda scale: initializers.Orthogonal(scale or 1.1))
identity = _classic("identity", lambda scale: initializers.Identity(scale or 1.0))
zero = _classic("zero", _unscaled(initializers.Zeros))
one = _classic("one", _unscaled(initializers.Ones))
constant = _classic("constant", lambda scale: initializers.Constant(scale or 0))
glorot_normal = _classic("glorot_normal", _unscaled(initializers.glorot_normal))
glorot_uniform = _classic("glorot_uniform", _unscaled(initializers.glorot_uniform))
he_normal = _classic("he_normal", _unscaled(initializers.he_normal))
he_uniform = _classic("he_uniform", _unscaled(initializers.he_uniform))
lecun_uniform = _classic("lecun_uniform", _unscaled(initializers.lecun_uniform))

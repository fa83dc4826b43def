"""Operators and NumPy functions on symbolic tensors and variables: each is a word, so `x + y` records or computes."""

import operator

import numpy as np

from hornbeam import symbolic
from hornbeam.backend import math, nn, tensors
from hornbeam.backend.taped import Taped
from hornbeam.backend.variables import Variable
from hornbeam.backend.words import word
from hornbeam.engines import engine


def _plain_operator(name, function, text):
    """A word for a Python operator; on sizes it stays Python arithmetic, so that shapes remain known."""

    def apply(x, y):
        return function(x, y)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = text
    return word(apply)


add = _plain_operator("add", operator.add, "x + y.")
subtract = _plain_operator("subtract", operator.sub, "x - y.")
multiply = _plain_operator("multiply", operator.mul, "x * y.")
divide = _plain_operator("divide", operator.truediv, "x / y.")
floor_divide = _plain_operator("floor_divide", operator.floordiv, "x // y.")
remainder = _plain_operator("remainder", operator.mod, "x % y.")
power = _plain_operator("power", operator.pow, "x ** y.")


@word
def negative(x):
    """-x."""
    return -x


_BINARY = {
    "add": add, "sub": subtract, "mul": multiply, "truediv": divide, "floordiv": floor_divide, "mod": remainder,
    "pow": power, "matmul": math.matmul,
}  # fmt: skip
_COMPARE = {
    "eq": math.equal, "ne": math.not_equal, "lt": math.less, "le": math.less_equal, "gt": math.greater,
    "ge": math.greater_equal,
}  # fmt: skip


def _operators():
    table = {}
    for name, function in _BINARY.items():
        table[f"__{name}__"] = lambda x, y, f=function: f(x, y)
        table[f"__r{name}__"] = lambda x, y, f=function: f(y, x)
    for name in ("lt", "le", "gt", "ge"):
        table[f"__{name}__"] = lambda x, y, f=_COMPARE[name]: f(x, y)
    table["__neg__"] = negative
    table["__abs__"] = math.abs
    table["__getitem__"] = lambda x, key: tensors.getitem(x, key)
    table["__array_ufunc__"] = _numpy_function
    return table


def _equality():
    """== and != make tensors when the other side is a number or an array.

    Between two symbols, or with anything else, they ask for identity, so that `tensor in model.inputs` works; K.equal
    compares the values of two tensors.
    """
    comparable = (int, float, bool, np.ndarray, np.generic)

    def compare(function, same):
        def apply(x, y):
            if isinstance(y, comparable) or engine.is_tensor(y):
                return function(x, y)
            return (x is y) is same

        return apply

    return {"__eq__": compare(math.equal, True), "__ne__": compare(math.not_equal, False)}


_UFUNCS = {
    np.add: add, np.subtract: subtract, np.multiply: multiply, np.true_divide: divide, np.floor_divide: floor_divide,
    np.remainder: remainder, np.power: power, np.negative: negative, np.abs: math.abs, np.exp: math.exp,
    np.log: math.log, np.sqrt: math.sqrt, np.square: math.square, np.sign: math.sign, np.sin: math.sin,
    np.cos: math.cos, np.tanh: nn.tanh, np.maximum: math.maximum, np.minimum: math.minimum, np.rint: math.round,
    np.equal: math.equal, np.not_equal: math.not_equal, np.less: math.less, np.less_equal: math.less_equal,
    np.greater: math.greater, np.greater_equal: math.greater_equal, np.matmul: math.matmul,
}  # fmt: skip


def _numpy_function(self, ufunc, method, *inputs, **kwargs):
    if ufunc not in _UFUNCS or method != "__call__" or kwargs:
        raise TypeError(
            f"np.{ufunc.__name__} has no word for symbolic tensors. Use a K function, or a Lambda layer around it."
        )
    return _UFUNCS[ufunc](*inputs)


symbolic.install_operators(_operators() | _equality())
for _name, _function in _operators().items():  # variables keep == as identity: `w in model.trainable_weights`
    setattr(Variable, _name, _function)
    setattr(Taped, _name, _function)

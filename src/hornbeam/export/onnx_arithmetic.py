"""ONNX makers of arithmetic words: elementwise functions, comparisons, reductions, activations."""

import numpy as np

from hornbeam import activations
from hornbeam import backend as K
from hornbeam.export.onnx_graph import NoCounterpart, Value
from hornbeam.export.onnx_walk import ACTIVATIONS, word_maker


def _is_float(dtype):
    return "float" in dtype


# --- Two tensors ---

_BINARY = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "pow": "Pow",
           "maximum": "Max", "minimum": "Min"}  # fmt: skip
_COMPARE = {"equal": "Equal", "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
            "greater_equal": "GreaterOrEqual"}  # fmt: skip
_LOGICAL = {"logical_and": "And", "logical_or": "Or"}


def _enter_binary(name, op):
    @word_maker(name)
    def make(walk, like, x, y=None, a=None):
        y = a if y is None else y
        return walk.graph.add(op, [walk.value(x, like.dtype), walk.value(y, like.dtype)])


def _enter_comparison(name, op):
    @word_maker(name)
    def make(walk, like, x, y):
        return walk.graph.add(op, _alike(walk, x, y), dtype="bool")


def _enter_logical(name, op):
    @word_maker(name)
    def make(walk, like, x, y):
        return walk.graph.add(op, [walk.value(x, "bool"), walk.value(y, "bool")])


for _name, _op in _BINARY.items():
    _enter_binary(_name, _op)
for _name, _op in _COMPARE.items():
    _enter_comparison(_name, _op)
for _name, _op in _LOGICAL.items():
    _enter_logical(_name, _op)


def _alike(walk, x, y):
    """Both as values of one type, in which they can be compared."""
    types = [v.dtype for v in (x, y) if isinstance(v, Value)]
    numbers = [v for v in (x, y) if not isinstance(v, Value)]
    floats = [t for t in types if _is_float(t)]
    if floats:
        dtype = floats[0]
    elif any(isinstance(n, float) for n in numbers):
        dtype = K.floatx()
    else:
        dtype = next((t for t in types if t != "bool"), "int32")
    return walk.value(x, dtype), walk.value(y, dtype)


@word_maker("not_equal")
def _not_equal(walk, like, x, y):
    return walk.graph.add("Not", [walk.graph.add("Equal", _alike(walk, x, y), dtype="bool")])


@word_maker("logical_not")
def _logical_not(walk, like, x):
    return walk.graph.add("Not", [walk.value(x, "bool")])


@word_maker("floor_divide")
def _floor_divide(walk, like, x, y):
    x, y = walk.value(x, like.dtype), walk.value(y, like.dtype)
    if _is_float(like.dtype):
        return walk.graph.add("Floor", [walk.graph.add("Div", [x, y])])
    whole = walk.graph.add("Sub", [x, walk.graph.add("Mod", [x, y])])  # Div cuts off, it does not round down
    return walk.graph.add("Div", [whole, y])


@word_maker("remainder")
def _remainder(walk, like, x, y):
    x, y = walk.value(x, like.dtype), walk.value(y, like.dtype)
    if not _is_float(like.dtype):
        return walk.graph.add("Mod", [x, y])
    times = walk.graph.add("Floor", [walk.graph.add("Div", [x, y])])
    return walk.graph.add("Sub", [x, walk.graph.add("Mul", [times, y])])


# --- One tensor ---

_UNARY = {
    "abs": "Abs", "exp": "Exp", "log": "Log", "sin": "Sin", "cos": "Cos", "erf": "Erf", "sign": "Sign",
    "round": "Round", "negative": "Neg", "softplus": "Softplus", "softsign": "Softsign", "sigmoid": "Sigmoid",
    "tanh": "Tanh",
}  # fmt: skip


def _enter_unary(name, op):
    @word_maker(name)
    def make(walk, like, x):
        return walk.graph.add(op, [walk.value(x, like.dtype)])


for _name, _op in _UNARY.items():
    _enter_unary(_name, _op)


@word_maker("square")
def _square(walk, like, x):
    x = walk.value(x, like.dtype)
    return walk.graph.add("Mul", [x, x])


@word_maker("sqrt")
def _sqrt(walk, like, x):
    return walk.graph.add("Sqrt", [walk.graph.add("Max", [walk.value(x, like.dtype), 0])])


@word_maker("clip")
def _clip(walk, like, x, min_value, max_value):
    x = walk.value(x, like.dtype)
    numbers = [v for v in (min_value, max_value) if isinstance(v, (int, float))]
    if len(numbers) == 2 and max_value < min_value:
        max_value = min_value
    for op, bound in (("Max", min_value), ("Min", max_value)):
        if bound is not None and not isinstance(bound, (int, float)):
            x = walk.graph.add(op, [x, walk.value(bound, like.dtype)])
    bounds = [v if v is None or isinstance(v, (int, float)) else None for v in (min_value, max_value)]
    return x if bounds == [None, None] else walk.graph.add("Clip", [x, *bounds], x.shape)


@word_maker("where")
def _where(walk, like, condition, x, y):
    return walk.graph.add(
        "Where", [walk.value(condition, "bool"), walk.value(x, like.dtype), walk.value(y, like.dtype)],
        dtype=like.dtype,
    )  # fmt: skip


@word_maker("_switch")
def _switch(walk, like, condition, then, other):
    if any(callable(branch) and not isinstance(branch, Value) for branch in (then, other)):
        raise NoCounterpart("K.switch between functions has no counterpart in ONNX")
    condition, then = walk.value(condition, "bool"), walk.value(then, like.dtype)
    if condition.rank and condition.rank < then.rank:
        condition = walk.graph.unsqueeze(condition, range(condition.rank, then.rank))
    return _where(walk, like, condition, then, other)


@word_maker("_choose_by_phase")
def _choose_by_phase(walk, like, x, alt, training):
    return walk.value(alt, like.dtype)


@word_maker("identity", "stop_gradient", "print_tensor")
def _identity(walk, like, x, *_, **__):
    return x


@word_maker("cast", "_cast")
def _cast(walk, like, x, dtype):
    x = walk.value(x)
    if like.dtype == "bool" and x.dtype != "bool":
        return walk.graph.add("Not", [walk.graph.add("Equal", [x, 0], dtype="bool")])
    return walk.graph.cast(x, like.dtype)


# --- Reductions ---


def as_axes(axis):
    """An axis, a list of them or None, as a list or None."""
    if axis is None:
        return None
    return [int(a) for a in axis] if isinstance(axis, (list, tuple)) else [int(axis)]


def _enter_reduction(name, op):
    @word_maker(name)
    def make(walk, like, x, axis=None, keepdims=False):
        return walk.graph.reduce(op, walk.value(x, like.dtype), as_axes(axis), keepdims)


for _name, _op in {"sum": "ReduceSum", "prod": "ReduceProd", "max": "ReduceMax", "min": "ReduceMin",
                   "mean": "ReduceMean"}.items():  # fmt: skip
    _enter_reduction(_name, _op)


def _enter_truth(name, op):
    @word_maker(name)
    def make(walk, like, x, axis=None, keepdims=False):
        numbers = walk.value(walk.value(x, "bool"), "int32")
        return walk.graph.cast(walk.graph.reduce(op, numbers, as_axes(axis), keepdims), "bool")


_enter_truth("any", "ReduceMax")
_enter_truth("all", "ReduceMin")


@word_maker("var")
def _var(walk, like, x, axis=None, keepdims=False):
    x, axes = walk.value(x, like.dtype), as_axes(axis)
    away = walk.graph.add("Sub", [x, walk.graph.reduce("ReduceMean", x, axes, True)])
    return walk.graph.reduce("ReduceMean", walk.graph.add("Mul", [away, away]), axes, keepdims)


@word_maker("std")
def _std(walk, like, x, axis=None, keepdims=False):
    return walk.graph.add("Sqrt", [_var(walk, like, x, axis, keepdims)])


@word_maker("logsumexp")
def _logsumexp(walk, like, x, axis=None, keepdims=False):
    x, axes = walk.value(x, like.dtype), as_axes(axis)
    top = walk.graph.reduce("ReduceMax", x, axes, True)
    total = walk.graph.reduce("ReduceSum", walk.graph.add("Exp", [walk.graph.add("Sub", [x, top])]), axes, True)
    found = walk.graph.add("Add", [walk.graph.add("Log", [total]), top])
    return found if keepdims else walk.graph.squeeze(found, range(x.rank) if axes is None else axes)


def _enter_place(name, op):
    @word_maker(name)
    def make(walk, like, x, axis=-1):
        found = walk.graph.add(op, [x], like.shape, "int64", axis=axis, keepdims=0)
        return walk.graph.cast(found, like.dtype)


_enter_place("argmax", "ArgMax")
_enter_place("argmin", "ArgMin")


@word_maker("cumsum")
def _cumsum(walk, like, x, axis=0):
    x = walk.value(x, like.dtype)
    return walk.graph.add("CumSum", [x, np.asarray(axis % x.rank)], x.shape)


@word_maker("sort")
def _sort(walk, like, x, axis=-1):
    size = walk.graph.sizes([walk.graph.size(x, axis)])
    return walk.graph.add("TopK", [x, size], x.shape, outputs=2, axis=axis % x.rank, largest=0)[0]


@word_maker("l2_normalize")
def _l2_normalize(walk, like, x, axis=None):
    total = walk.graph.reduce("ReduceSum", walk.graph.add("Mul", [x, x]), as_axes(axis), True)
    return walk.graph.add("Div", [x, walk.graph.add("Sqrt", [walk.graph.add("Max", [total, 1e-12])])])


# --- Activations ---


@word_maker("relu")
def _relu(walk, like, x, alpha=0.0, max_value=None, threshold=0.0):
    x, g = walk.value(x, like.dtype), walk.graph
    plain = all(isinstance(v, (int, float)) for v in (alpha, threshold))
    if plain and alpha == 0 and threshold == 0:
        found = g.add("Relu", [x])
    elif plain and threshold == 0:
        found = g.add("LeakyRelu", [x], alpha=float(alpha))
    elif plain and alpha == 0 and threshold > 0:
        found = g.add("ThresholdedRelu", [x], alpha=float(threshold))
    else:
        threshold = walk.value(threshold, like.dtype)
        below = g.add("Mul", [g.add("Sub", [x, threshold]), walk.value(alpha, like.dtype)])
        found = g.add("Where", [g.add("Greater", [x, threshold], dtype="bool"), x, below], dtype=like.dtype)
    return found if max_value is None else g.add("Min", [found, walk.value(max_value, like.dtype)])


@word_maker("elu")
def _elu(walk, like, x, alpha=1.0):
    return walk.graph.add("Elu", [x], alpha=float(alpha))


@word_maker("hard_sigmoid")
def _hard_sigmoid(walk, like, x):
    return walk.graph.add("HardSigmoid", [x], alpha=0.2, beta=0.5)


@word_maker("softmax")
def _softmax(walk, like, x, axis=-1):
    return softmax(walk, walk.value(x, like.dtype), as_axes(axis))


def softmax(walk, x, axes):
    """Softmax over one or several axes."""
    if len(axes) == 1:
        return walk.graph.add("Softmax", [x], axis=axes[0] % x.rank)
    above = walk.graph.add("Exp", [walk.graph.add("Sub", [x, walk.graph.reduce("ReduceMax", x, axes, True)])])
    return walk.graph.add("Div", [above, walk.graph.reduce("ReduceSum", above, axes, True)])


def _enter_direct(function, op, **attributes):
    ACTIVATIONS[function] = lambda walk, x: walk.graph.add(op, [x], **attributes)


ACTIVATIONS[activations.linear] = lambda walk, x: x
_enter_direct(activations.selu, "Selu", alpha=1.6732632423543772, gamma=1.0507009873554805)
_enter_direct(activations.mish, "Mish")
_enter_direct(activations.hard_silu, "HardSwish")
_enter_direct(activations.celu, "Celu", alpha=1.0)
_enter_direct(activations.log_softmax, "LogSoftmax", axis=-1)
# The words behind these need no recording: they are one operator too.
for _function, _op in ((activations.relu, "Relu"), (activations.tanh, "Tanh"), (activations.sigmoid, "Sigmoid"),
                       (activations.softplus, "Softplus"), (activations.softsign, "Softsign"),
                       (activations.exponential, "Exp"), (activations.elu, "Elu")):  # fmt: skip
    _enter_direct(_function, _op)
_enter_direct(activations.hard_sigmoid, "HardSigmoid", alpha=0.2, beta=0.5)
_enter_direct(activations.softmax, "Softmax", axis=-1)

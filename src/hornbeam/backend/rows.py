"""Which recorded words keep rows apart: whether padding a short batch with further rows can change the real ones.

Words that are not listed count as mixing rows. That is always right, and costs one more compilation for a short last
batch, which is then computed by itself.
"""

import inspect
import math

from hornbeam import symbolic
from hornbeam.backend.words import WORDS, Word
from hornbeam.symbolic import SymbolicTensor

_ELEMENTWISE = frozenset(
    "add subtract multiply divide floor_divide remainder power pow negative abs square sqrt exp log round sign sin cos "
    "erf clip maximum minimum equal not_equal greater greater_equal less less_equal logical_and logical_or logical_not "
    "where relu elu softplus softsign sigmoid hard_sigmoid tanh dropout identity cast stop_gradient zeros_like "
    "ones_like binary_crossentropy bias_add _choose_by_phase".split()
)
_ALONG_AXIS = frozenset(
    "sum prod max min mean var std any all argmax argmin cumsum cumprod sort logsumexp softmax l2_normalize "
    "categorical_crossentropy sparse_categorical_crossentropy repeat_elements squeeze".split()
)
_NEW_AXIS = frozenset(["expand_dims"])


def keeps_rows(outputs, inputs):
    """Does each row of the symbolic `outputs` depend on the same row of `inputs` only, as far as words decide it?

    Nodes of layers are passed over; layers say for themselves (`rowwise`).

    Args:
        outputs: list of symbolic tensors.
        inputs: list of symbolic tensors, rows on their first axis.
    """
    nodes = symbolic.order_nodes(outputs, inputs)
    return all(hasattr(node.operation, "rowwise") or _node_keeps_rows(node) for node in nodes)


def function_keeps_rows(function, inputs):
    """:func:`keeps_rows` for what `function` makes of the symbolic `inputs`; False if it cannot be traced so."""
    try:
        found = function(*inputs)
    except Exception:  # a user's function may do anything; then nothing is known about it
        return False
    found = list(found.values()) if isinstance(found, dict) else [found]
    return all(isinstance(t, SymbolicTensor) and t.ndim > 0 for t in found) and keeps_rows(found, inputs)


def _node_keeps_rows(node):
    if any(t.probe is not None for t in node.outputs):
        return True  # a size; what is done with it is judged where it is used
    if not isinstance(node.operation, Word):
        return False  # K.gradients and its kin
    name, (result, *others) = node.operation.name, node.outputs
    data = [t for t in node.inputs if t.probe is None]
    if others or not data or result.ndim == 0:
        return False
    if name == "reshape":
        return _same_row_size(data[0], result)
    if len(data) != len(node.inputs):
        return False  # computes with the number of rows
    try:
        given = inspect.signature(WORDS[name]).bind(*node.args, **node.kwargs)
    except TypeError:
        return False
    given.apply_defaults()
    rule = _RULES.get(name)
    if rule is not None:
        return rule(given.arguments, data)
    if name in _ELEMENTWISE:
        return all(t.ndim == result.ndim for t in data)
    if name in _ALONG_AXIS or name in _NEW_AXIS:
        return _axis_spares_rows(given.arguments.get("axis"), data[0].ndim + (name in _NEW_AXIS))
    return False


def _axis_spares_rows(axis, rank):
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    return all(isinstance(a, int) and a % rank != 0 for a in axes)


def _same_row_size(x, result):
    inner = x.shape[1:], result.shape[1:]
    known = result.ndim > 0 and x.shape[0] is None and result.shape[0] is None
    return known and all(None not in sizes for sizes in inner) and math.prod(inner[0]) == math.prod(inner[1])


def _key_spares_rows(given, data):
    key = given["key"] if isinstance(given["key"], tuple) else (given["key"],)
    if any(isinstance(k, SymbolicTensor) for k in key) or not key:
        return False
    first = key[0]
    if first is Ellipsis:
        return len([k for k in key[1:] if k is not None]) < data[0].ndim
    return isinstance(first, slice) and first == slice(None)


def _phase_or_rows(given, data):
    condition = given["condition"]
    if any(callable(v) and not isinstance(v, SymbolicTensor) for v in (given["then"], given["other"])):
        return False
    return not isinstance(condition, SymbolicTensor) or condition.node is None or condition.ndim > 0


_RULES = {
    "getitem": _key_spares_rows,
    "_switch": _phase_or_rows,
    "concatenate": lambda given, data: _axis_spares_rows(given["axis"], data[0].ndim),
    "stack": lambda given, data: _axis_spares_rows(given["axis"], data[0].ndim + 1),
    "permute_dimensions": lambda given, data: given["pattern"][0] == 0,
    "batch_flatten": lambda given, data: True,
    "one_hot": lambda given, data: True,
    "batch_dot": lambda given, data: len(data) == 2,
    "dot": lambda given, data: len(data) == 1 and given["x"] is data[0] and data[0].ndim > 1,
    "matmul": lambda given, data: len(data) == 1 and given["x"] is data[0] and data[0].ndim > 1,
    "gather": lambda given, data: len(data) == 1 and given["indices"] is data[0],
}

"""The ONNX graph being written: its values, nodes and constants, and the few things that all makers do with them."""

import contextlib
import hashlib

import numpy as np

from hornbeam.utils.optional import require

# Operators whose result has the shape that the inputs spread to.
_ELEMENTWISE = frozenset(
    "Abs Add And Cast Ceil Celu Clip Cos Div Elu Equal Erf Exp Floor Greater GreaterOrEqual HardSigmoid HardSwish "
    "Identity LeakyRelu Less LessOrEqual Log LogSoftmax Max Min Mish Mod Mul Neg Not Or PRelu Pow Relu "
    "Round Selu Sigmoid Sign Sin Softmax Softplus Softsign Sqrt Sub Tanh ThresholdedRelu Where".split()
)
_SMALLEST = -(2**31)  # as the end of a slice that runs backwards: all the way


class NoCounterpart(Exception):
    """ONNX has nothing for what is to be written; the text says what, from 'the word ...' on."""


class Value:
    """A tensor of the file.

    Attributes:
        name: its name there; constants get one when a node first uses them.
        shape: sizes, None where they are known only when the file runs; None if nobody needs to know.
        dtype: name such as 'float32'.
        array: the values, of a constant.
    """

    __slots__ = ("name", "shape", "dtype", "array")

    def __init__(self, name, shape, dtype, array=None):
        self.name = name
        self.shape = None if shape is None else tuple(shape)
        self.dtype = str(dtype)
        self.array = array

    rank = property(lambda self: len(self.shape), doc="Number of axes.")

    def __repr__(self):
        return f"<Value {self.name!r} {self.shape} {self.dtype}>"


class Graph:
    """Nodes in the order they run. Bodies of loops are graphs too, and see the values of the graph around them.

    Args:
        outer: the graph around a body.
    """

    def __init__(self, outer=None):
        self.outer = outer
        self.nodes = []
        self.inputs = []
        # What a file has once: names in use, constants, and where in the model the walk is.
        self.taken = set() if outer is None else outer.taken
        self.constants = {} if outer is None else outer.constants
        self.place = [] if outer is None else outer.place

    # --- Names ---

    def unique(self, name):
        """`name`, or with a number behind it if there is one of that name already."""
        found, number = name, 1
        while found in self.taken:
            found, number = f"{name}_{number}", number + 1
        self.taken.add(found)
        return found

    @contextlib.contextmanager
    def within(self, name):
        """Nodes made in this block are named 'name/Operator'; a single one has the name alone."""
        first = len(self.nodes)
        self.place.append(name)
        yield
        path = "/".join(self.place)
        self.place.pop()
        if len(self.nodes) == first + 1 and self.nodes[first].name.startswith(path):
            self.nodes[first].name = path

    # --- Values ---

    def input(self, name, shape, dtype):
        """A new input of this graph."""
        value = Value(self.unique(name), shape, dtype)
        self.inputs.append(value)
        return value

    def constant(self, array, dtype=None, name=None):
        """An array or number as a value; written when it is used."""
        array = np.asarray(array, np_dtype(dtype) if dtype is not None else None)
        if dtype is None and array.dtype == np.float64:
            array = array.astype("float32")
        return Value(name, array.shape, str(array.dtype), array)

    def _name_of(self, value):
        if value is None:
            return ""
        if value.array is None:
            return value.name
        array = np.ascontiguousarray(value.array).reshape(value.array.shape)
        key = (value.name, value.dtype, array.shape, hashlib.blake2b(array.tobytes()).digest())
        if key not in self.constants:
            hint = value.name or "/".join([*self.place[:1], "constant"])
            self.constants[key] = (self.unique(hint), array)
        return self.constants[key][0]

    # --- Nodes ---

    def add(self, op, inputs, shape=None, dtype=None, outputs=1, **attributes):
        """Write a node.

        Args:
            op: ONNX operator.
            inputs: values, arrays, numbers (which take the type of the first value) or None for one left out.
            shape: of the result; worked out for elementwise operators.
            dtype: of the result, that of the first input if None.
            outputs: how many results; a list of True and False says which of them are wanted.

        Returns:
            the result, or the list of them.
        """
        first = next((v for v in inputs if isinstance(v, Value)), None)
        values = [v if v is None or isinstance(v, Value) else self._from_plain(v, first) for v in inputs]
        dtype = dtype or values[0].dtype
        if shape is None and op in _ELEMENTWISE:
            shape = spread_shape([v.shape for v in values if v is not None])
        wanted = [True] * outputs if isinstance(outputs, int) else outputs
        name = self.unique("/".join([*self.place, op]))
        names = [name if i == 0 else self.unique(f"{name}:{i}") for i in range(len(wanted))]
        node = require("onnx", "to_onnx").helper.make_node(
            op, [self._name_of(v) for v in values], [n if w else "" for n, w in zip(names, wanted, strict=True)],
            name=name, **{key: value for key, value in attributes.items() if value is not None},
        )  # fmt: skip
        self.nodes.append(node)
        found = [Value(n, shape, dtype) for n in names]
        return found[0] if outputs == 1 else found

    def _from_plain(self, value, first):
        takes_type = first is not None and not isinstance(value, np.ndarray)
        return self.constant(value, first.dtype if takes_type else None)

    # --- What all makers do; constants are worked out at once ---

    def cast(self, x, dtype):
        """`x` as type `dtype`."""
        if x.dtype == dtype:
            return x
        if x.array is not None:
            return Value(x.name and f"{x.name}_{dtype}", x.shape, dtype, x.array.astype(np_dtype(dtype)))
        return self.add("Cast", [x], x.shape, dtype, to=onnx_dtype(dtype))

    def transpose(self, x, order):
        """Axes of `x` in another order."""
        order = tuple(order)
        if order == tuple(range(len(order))):
            return x
        if x.array is not None:
            return Value(x.name and f"{x.name}_turned", [x.shape[a] for a in order], x.dtype, x.array.transpose(order))
        return self.add("Transpose", [x], [x.shape[a] for a in order], perm=order)

    def size(self, x, axis):
        """Size of `x` on `axis`: an integer, or a value (1,) if it is known only later."""
        axis %= x.rank
        if x.shape[axis] is not None:
            return int(x.shape[axis])
        return self.add("Shape", [x], (1,), "int64", start=axis, end=axis + 1)

    def sizes(self, parts):
        """A shape, as a value, of integers and values (1,) or ()."""
        if not any(isinstance(p, Value) for p in parts):
            return self.constant(np.asarray(parts, "int64"))
        return self.add("Concat", [self._as_size(p) for p in parts], (len(parts),), "int64", axis=0)

    def _as_size(self, part):
        if not isinstance(part, Value):
            return self.constant(np.asarray([part], "int64"))
        part = self.cast(part, "int64")
        return self.reshape(part, (1,)) if part.shape == () else part

    def reshape(self, x, parts, shape=None):
        """`x` in another form. `parts` are integers, values, or None; one of them may be None or -1: what is left."""
        shape = [p if isinstance(p, int) and p >= 0 else None for p in parts] if shape is None else shape
        if x.array is not None and not any(isinstance(p, Value) for p in parts):
            new = x.array.reshape([-1 if p is None else p for p in parts])
            return Value(x.name and f"{x.name}_formed", new.shape, x.dtype, new)
        if x.shape is not None and tuple(parts) == x.shape and None not in parts:
            return x
        target = self.sizes([-1 if p is None else p for p in parts])
        return self.add("Reshape", [x, target], shape, allowzero=1 if 0 in parts else None)

    def unsqueeze(self, x, axes):
        """New axes of size 1 at `axes`, which count in the result."""
        shape = None
        if x.shape is not None:
            rank = x.rank + len(axes)
            places = sorted(a % rank for a in axes)
            left = iter(x.shape)
            shape = [1 if a in places else next(left) for a in range(rank)]
            if x.array is not None:
                return Value(x.name and f"{x.name}_formed", shape, x.dtype, x.array.reshape(shape))
        return self.add("Unsqueeze", [x, np.asarray(axes, "int64")], shape)

    def squeeze(self, x, axes):
        """`x` without its axes `axes`, all of size 1."""
        gone = {a % x.rank for a in axes}
        shape = [s for a, s in enumerate(x.shape) if a not in gone]
        return self.add("Squeeze", [x, np.asarray(axes, "int64")], shape)

    def cut(self, x, starts, ends, axes, steps=None):
        """Slices of `x` along `axes`."""
        shape = list(x.shape)
        for i, axis in enumerate(axes):
            size, step = shape[axis % x.rank], 1 if steps is None else steps[i]
            shape[axis % x.rank] = None if size is None else len(range(size)[_slice(starts[i], ends[i], step)])
        given = [starts, ends, axes, *([] if steps is None else [steps])]
        return self.add("Slice", [x, *(np.asarray(v, "int64") for v in given)], shape)

    def backwards(self, x, axes):
        """`x` reversed along `axes`."""
        return self.cut(x, [-1] * len(axes), [_SMALLEST] * len(axes), axes, [-1] * len(axes))

    def reduce(self, op, x, axes, keepdims=False):
        """A reduction; `axes` None for all."""
        every = tuple(range(x.rank))
        axes = every if axes is None else tuple(sorted(a % x.rank for a in axes))
        shape = [1 if a in axes else s for a, s in enumerate(x.shape) if keepdims or a not in axes]
        if not axes:
            return x
        return self.add(op, [x, np.asarray(axes, "int64")], shape, keepdims=int(keepdims))

    def filled(self, parts, number, dtype):
        """A tensor of one number."""
        shape = [p if isinstance(p, int) else None for p in parts]
        known = [p for p in parts if isinstance(p, int)]
        if len(known) == len(parts):
            return self.constant(np.full(known, number), dtype)
        return self.add("Expand", [self.constant(number, dtype), self.sizes(parts)], shape, dtype)

    # --- The end ---

    def rename(self, old, new):
        """Call a value something else, wherever it is used."""
        for node in self.nodes:
            _rename_in(node, old, new)

    def prune(self, outputs):
        """Leave out nodes that lead to none of `outputs`, and constants nobody uses."""
        needed, kept = set(outputs), []
        for node in reversed(self.nodes):
            if any(name in needed for name in node.output):
                kept.append(node)
                needed.update(_names_read(node))
        self.nodes = kept[::-1]
        for key in [key for key, (name, _) in self.constants.items() if name not in needed]:
            del self.constants[key]

    def proto(self, name, outputs, sizes=None):
        """The graph as ONNX has it.

        Args:
            outputs: its output values.
            sizes: function (value, axis) -> name of an unknown size, or None.
        """
        onnx = require("onnx", "to_onnx")

        def told(value):
            shape = value.shape
            if sizes is not None:
                shape = [sizes(value, a) if s is None else s for a, s in enumerate(shape or ())]
            return onnx.helper.make_tensor_value_info(value.name, onnx_dtype(value.dtype), shape)

        stored = [] if self.outer is not None else self.constants.values()
        tensors = [onnx.numpy_helper.from_array(array, name) for name, array in stored]
        return onnx.helper.make_graph(
            self.nodes, name, [told(v) for v in self.inputs], [told(v) for v in outputs], tensors
        )


def _slice(start, end, step):
    return slice(start, None if end <= _SMALLEST else end, step)


def _rename_in(node, old, new):
    for names in (node.input, node.output):
        for i, name in enumerate(names):
            if name == old:
                names[i] = new
    for attribute in node.attribute:
        for inner in attribute.g.node:
            _rename_in(inner, old, new)
        for told in attribute.g.output:
            if told.name == old:
                told.name = new


def _names_read(node):
    found = list(node.input)
    for attribute in node.attribute:
        for inner in attribute.g.node:
            found += _names_read(inner)
    return found


def spread_shape(shapes):
    """The shape that `shapes` spread to, None where it is known only later; None if one of them is not known."""
    if any(s is None for s in shapes):
        return None
    rank, found = max(len(s) for s in shapes), []
    for axis in range(rank):
        sizes = [s[axis - rank + len(s)] for s in shapes if axis - rank + len(s) >= 0]
        known = [s for s in sizes if s is not None and s != 1]
        found.append(known[0] if known else None if None in sizes else 1)
    return found


def np_dtype(dtype):
    """NumPy's type of that name.

    Raises:
        NoCounterpart: it is one that programs which run ONNX files do not compute in.
    """
    if dtype == "bfloat16":
        raise NoCounterpart("the type bfloat16 (ONNX programs compute in float32: K.set_floatx before building)")
    return np.dtype(dtype)


def onnx_dtype(dtype):
    """ONNX's number for a type."""
    return require("onnx", "to_onnx").helper.np_dtype_to_tensor_dtype(np_dtype(dtype))

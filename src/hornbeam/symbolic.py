"""Symbolic tensors and the nodes that connect them: the one graph behind every functional model and recorded word.

A node is one call of an operation (a layer or a word) on arguments that hold symbolic tensors somewhere. Evaluating
a graph means calling the operations of its nodes, in order, on values instead.
"""

from hornbeam import nest


class Shape(tuple):
    """Tuple of sizes, None where unknown, with the `as_list` that old code asks for."""

    __slots__ = ()

    def as_list(self):
        """The sizes as a list."""
        return list(self)


class SymbolicTensor:
    """The promise of a tensor: shape (None where unknown) and dtype, and the node that will make it.

    Attributes:
        shape: tuple of sizes, the first usually the batch.
        dtype: name such as 'float32'.
        node: the node that produces it; None for an input.
        index: its place among the node's outputs.
        probe: for tensors that depend on shapes alone (`K.shape(x)[0]`), their values under the two probing sizes
            the shape tracer uses; else None.
    """

    __array_priority__ = 1000  # NumPy operators give way to ours

    def __init__(self, shape, dtype, name, node=None, index=0, probe=None, sparse=False):
        self.shape = Shape(shape)
        self.dtype = dtype
        self.name = name
        self.node = node
        self.index = index
        self.probe = probe
        self.sparse = sparse
        self.constraint = None
        self._keras_mask = None
        self._keras_history = None
        self._uses_learning_phase = False

    _keras_shape = property(lambda self: tuple(self.shape), doc="Shape, under the name Keras 2 code uses.")
    ndim = property(lambda self: len(self.shape), doc="Number of axes.")
    rank = ndim

    def get_shape(self):
        """The shape, as TensorFlow-era code asks for it."""
        return self.shape

    def set_shape(self, shape):
        """Fill in sizes that are unknown."""
        self.shape = Shape(new if old is None else old for old, new in zip(self.shape, shape, strict=True))

    def __repr__(self):
        return f"<SymbolicTensor {self.name!r} shape={tuple(self.shape)} dtype={self.dtype}>"

    def __bool__(self):
        raise TypeError(
            f"{self!r} has no value yet, so it cannot decide an `if` or `while`. Use K.switch(condition, then, else)."
        )

    def __float__(self):
        raise TypeError(f"{self!r} has no value yet. Feed its inputs: K.function([inputs], [tensor])([values]).")

    __int__ = __index__ = __float__

    def __array__(self, *args, **kwargs):
        raise TypeError(
            f"{self!r} has no value yet, so NumPy cannot read it. Use the K function of the same name, or wrap the "
            f"code in a Lambda layer."
        )

    def __iter__(self):
        if not self.shape or self.shape[0] is None:
            raise TypeError(f"Cannot loop over {self!r}: its first axis has no known size. Use K.map_fn.")
        return (self[i] for i in range(self.shape[0]))

    def __len__(self):
        if not self.shape or self.shape[0] is None:
            raise TypeError(f"len() of {self!r} is not known before values arrive. Use K.shape(x)[0].")
        return self.shape[0]

    __hash__ = object.__hash__  # operators below may redefine ==; identity stays the key


def install_operators(operators):
    """Give symbolic tensors their operators (`__add__` ...); the vocabulary does this, since operators are words."""
    for name, function in operators.items():
        setattr(SymbolicTensor, name, function)


class Node:
    """One call of an operation.

    Attributes:
        operation: object with `call_node(args, kwargs, masks)`, which returns (result, masks of the result).
        args, kwargs: the call's arguments; symbolic tensors stand anywhere inside.
        inputs: the symbolic tensors among the arguments, from left to right.
        outputs: the symbolic tensors it makes.
        form: the result's nesting, with those tensors as leaves.
    """

    __slots__ = ("operation", "args", "kwargs", "inputs", "outputs", "form", "__weakref__")

    def __init__(self, operation, args, kwargs):
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.inputs = [t for t in nest.flatten([args, kwargs]) if isinstance(t, SymbolicTensor)]
        self.outputs = []
        self.form = None

    # The classic names of what a node knows.
    outbound_layer = property(lambda self: self.operation)
    inbound_layers = property(lambda self: [t.node.operation for t in self.inputs if t.node is not None])
    input_tensors = property(lambda self: self.inputs)
    output_tensors = property(lambda self: self.outputs)

    def call(self, value_of, mask_of):
        """Run the operation on values. `value_of` and `mask_of` are dicts keyed by symbolic tensor."""

        def fill(leaf):
            return value_of[leaf] if isinstance(leaf, SymbolicTensor) else leaf

        args = nest.map_structure(fill, list(self.args))
        kwargs = nest.map_structure(fill, self.kwargs)
        masks = nest.map_structure(
            lambda leaf: mask_of.get(leaf) if isinstance(leaf, SymbolicTensor) else None, list(self.args)
        )
        return self.operation.call_node(args, kwargs, masks)


def order_nodes(outputs, known=()):
    """Nodes that lead to `outputs`, each after those it needs. Tensors in `known` are taken as given."""
    known = set(known)

    def makers(tensors):
        return [t.node for t in tensors if t not in known and t.node is not None]

    return nest.after_what_it_needs(makers(outputs), lambda node: makers(node.inputs))


def leaves_of(outputs, known=()):
    """Input tensors (made by no node) that `outputs` depend on, in order of first use."""
    found = {}
    known = set(known)
    for tensor in outputs:
        if tensor.node is None and tensor not in known:
            found[tensor] = None
    for node in order_nodes(outputs, known):
        for tensor in node.inputs:
            if tensor.node is None and tensor not in known:
                found[tensor] = None
    return list(found)


def evaluate(outputs, values, masks=None, order=None):
    """Values (and masks) of `outputs` given `values` of the tensors the graph starts from.

    Args:
        outputs: list of symbolic tensors.
        values: dict from symbolic tensor to value; not changed.
        masks: dict from symbolic tensor to mask, for those that have one.
        order: result of :func:`order_nodes`, if known already.

    Raises:
        ValueError: an input the graph needs is missing from `values`.
    """
    value_of = dict(values)
    mask_of = dict(masks or {})
    for node in order_nodes(outputs, value_of) if order is None else order:
        for tensor in node.inputs:
            if tensor not in value_of:
                raise ValueError(
                    f"{tensor.name!r} {tuple(tensor.shape)} is needed to compute {outputs[0].name!r} but has no value. "
                    f"Add it to the inputs."
                )
        result, result_masks = node.call(value_of, mask_of)
        flat = nest.flatten(result) if node.form is not None else [result]
        flat_masks = nest.flatten(result_masks) if result_masks is not None else []
        if len(flat_masks) != len(flat):
            flat_masks = flat_masks * len(flat) if len(flat_masks) == 1 else [None] * len(flat)
        for tensor, value, mask in zip(node.outputs, flat, flat_masks, strict=True):
            value_of[tensor] = value
            mask_of[tensor] = mask
    missing = [t for t in outputs if t not in value_of]
    if missing:
        raise ValueError(f"{missing[0].name!r} {tuple(missing[0].shape)} has no value. Add it to the inputs.")
    return [value_of[t] for t in outputs], [mask_of.get(t) for t in outputs]

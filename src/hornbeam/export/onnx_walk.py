"""The walk over a model that writes it as ONNX: each layer and each word by its maker, anything else by recording.

A *maker* writes one layer or word as nodes. A layer without a maker of its own is recorded: its `call` runs on symbolic
tensors, and the words that it used are written. So makers are only for layers that ONNX has an operator for, or whose
`call` asks for sizes that are not known yet.
"""

import contextlib
from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam import nest, symbolic
from hornbeam.backend.naming import keeping_uids
from hornbeam.core.layer import Layer, _parameters
from hornbeam.export.onnx_graph import Graph, NoCounterpart, Value
from hornbeam.symbolic import SymbolicTensor

LAYERS = {}  # class -> maker(walk, layer, call) -> results
WORDS = {}  # name of a word or loop -> maker(walk, like, *args, **kwargs) -> results


def layer_maker(*classes):
    """Decorator: the function writes layers of these classes."""

    def enter(maker):
        LAYERS.update(dict.fromkeys(classes, maker))
        return maker

    return enter


def word_maker(*names):
    """Decorator: the function writes these words.

    `like` is the symbolic tensor of the result (a list of them for words with several), for its shape and type.
    """

    def enter(maker):
        WORDS.update(dict.fromkeys(names, maker))
        return maker

    return enter


class Call:
    """One call of a layer: what it was given.

    Attributes:
        inputs: value, or nest of values.
        more, kwargs: further arguments.
        masks: masks of the inputs, in the same form; None where there is none.
        all_masks: those of `inputs` and of `more`.
    """

    def __init__(self, args, kwargs, masks):
        self.inputs, *self.more = args
        self.kwargs = {key: value for key, value in kwargs.items() if key != "training"}
        self.all_masks = masks or [None] * len(args)
        self.masks = self.all_masks[0]

    @property
    def masked(self):
        """Has any input a mask?"""
        return any(m is not None for m in nest.flatten(self.masks))

    @property
    def mask(self):
        """The mask given to the call, or else that of the (first) input."""
        found = self.kwargs.get("mask")
        found = self.masks if found is None else found
        return found[0] if isinstance(found, (list, tuple)) else found


class Masked:
    """What a maker returns that knows the masks of its results."""

    def __init__(self, results, masks):
        self.results, self.masks = results, masks


class Walk:
    """Writes layers and words into a graph.

    Attributes:
        graph: the graph being written, a body while inside a loop.
        opset: version of the operators.
    """

    def __init__(self, opset):
        self.graph = Graph()
        self.opset = opset

    @contextlib.contextmanager
    def inside(self, body):
        """Within this block nodes go into `body`."""
        outer, self.graph = self.graph, body
        try:
            yield body
        finally:
            self.graph = outer

    # --- Values ---

    def value(self, thing, dtype=None):
        """A variable, array or number as a value; values stay, cast if `dtype` is given."""
        if isinstance(thing, K.Variable):
            name = thing.name.rsplit(":", 1)[0]
            thing = self.graph.constant(K.get_value(thing), thing.dtype, name)
        elif not isinstance(thing, Value):
            thing = self.graph.constant(np.asarray(K.get_value(thing) if K.is_tensor(thing) else thing), dtype)
        return thing if dtype is None else self.graph.cast(thing, dtype)

    def filled_in(self, structure, value_of) -> Any:
        """`structure` with values for symbolic tensors, variables and arrays; numbers and the rest stay."""

        def fill(leaf):
            if K.is_learning_phase(leaf):
                return False
            if isinstance(leaf, SymbolicTensor):
                return value_of[leaf]
            if isinstance(leaf, (K.Variable, np.ndarray)) or (K.is_tensor(leaf) and not isinstance(leaf, Value)):
                return self.value(leaf)
            return leaf

        return nest.map_structure(fill, structure)

    # --- Graphs of nodes ---

    def evaluate(self, outputs, values, masks=None, order=None):
        """Values and masks of `outputs`, given those of the tensors the graph begins with; see symbolic.evaluate."""
        value_of, mask_of = dict(values), dict(masks or {})
        for node in symbolic.order_nodes(outputs, value_of) if order is None else order:
            results, result_masks = self._node(node, value_of, mask_of)
            results, result_masks = nest.flatten(results), nest.flatten(result_masks)
            if len(result_masks) != len(results):
                result_masks = (result_masks if len(result_masks) == 1 else [None]) * len(results)
            for tensor, value, mask in zip(node.outputs, results, result_masks, strict=True):
                if tensor is not None:
                    value_of[tensor] = self._fitted(value, tensor)
                    mask_of[tensor] = mask
        return [value_of[t] for t in outputs], [mask_of.get(t) for t in outputs]

    def _fitted(self, value, tensor):
        """`value` with the type of `tensor`, and whatever is known of its shape."""
        value = self.value(value, tensor.dtype)
        own = value.shape or (None,) * len(tensor.shape)
        if value.array is None and len(own) == len(tensor.shape):
            value.shape = tuple(a if b is None else b for a, b in zip(own, tensor.shape, strict=True))
        return value

    def _node(self, node, value_of, mask_of):
        args = self.filled_in(list(node.args), value_of)
        kwargs = self.filled_in(node.kwargs, value_of)
        masks = nest.map_structure(
            lambda leaf: mask_of.get(leaf) if isinstance(leaf, SymbolicTensor) else None, list(node.args)
        )
        if isinstance(node.operation, Layer):
            return self.layer(node.operation, args, kwargs, masks)
        carried = next((m for m in nest.flatten(masks) if m is not None), None)
        like = node.outputs if node.form is not None else node.outputs[0]
        between_layers = not self.graph.place
        with self.graph.within(node.outputs[0].name) if between_layers else contextlib.nullcontext():
            found = self.word(node.operation, like, args, kwargs)
        return found, carried if _keeps_mask(node.operation) else None

    def word(self, operation, like, args, kwargs):
        """Write one word."""
        if hasattr(operation, "model"):
            return WORDS["masks_of_model"](self, like, operation, *args)
        maker = WORDS.get(operation.name)
        if maker is None:
            raise NoCounterpart(f"the word {operation.name!r} has no counterpart in ONNX")
        if hasattr(operation, "body"):  # a loop over a function
            return maker(self, like, operation.body, *args, **kwargs)
        return maker(self, like, *args, **kwargs)

    # --- Layers ---

    def layer(self, layer, args, kwargs=None, masks=None):
        """Write one call of a layer: (results, their masks).

        Raises:
            ValueError: there is no way to write it; names the layer.
        """
        call = Call(args, kwargs or {}, masks)
        try:
            with self.graph.within(layer.name):
                found = (_maker_of(layer) or _recorded_call)(self, layer, call)
                if isinstance(found, Masked):
                    return found.results, found.masks
                return found, self._masks_after(layer, call)
        except NoCounterpart as error:
            raise ValueError(
                f"{type(layer).__name__} {layer.name!r} cannot be written as ONNX: {error}. Export the model up to it, "
                f"Model(model.inputs, get_layer({layer.name!r}).input), and do this step in the program that runs the "
                f"file; or export as StableHLO, which has it all."
            ) from error

    def one(self, layer, *args, **kwargs):
        """The result of a layer inside another one."""
        found = self.layer(layer, list(args), kwargs)[0]
        for value in nest.flatten(found):
            if value.shape is None and len(args) == 1:
                value.shape = tuple(layer.compute_output_shape(args[0].shape))
        return found

    def _masks_after(self, layer, call):
        if not call.masked and type(layer).compute_mask is Layer.compute_mask:
            return None
        if type(layer).compute_mask is Layer.compute_mask:
            return call.masks if layer.supports_masking else None
        return self.recorded(layer.compute_mask, call.inputs, call.masks, owner=layer)

    def recorded(self, function, *args, owner=None, **kwargs):
        """Results of `function` on values: it runs on symbolic tensors, and the words it used are written.

        Raises:
            NoCounterpart: it needs sizes or numbers that are not known yet, or uses a word that ONNX does not have.
        """
        symbol_of = {}

        def symbol(leaf):
            if not isinstance(leaf, Value):
                return leaf
            if leaf.array is not None:
                return leaf.array
            if leaf.name not in symbol_of:
                symbol_of[leaf.name] = (SymbolicTensor(leaf.shape, leaf.dtype, "x"), leaf)
            return symbol_of[leaf.name][0]

        args, kwargs = nest.map_structure(symbol, list(args)), nest.map_structure(symbol, kwargs)
        with keeping_uids(), _untouched(owner):
            try:
                found = function(*args, **kwargs)
            except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
                shapes = ", ".join(str(tuple(t.shape)) for t, _ in symbol_of.values())
                raise NoCounterpart(
                    f"its `call` needs values, or sizes that are unknown in {shapes} ({str(error).splitlines()[0]})"
                ) from error
            leaves = nest.flatten(found)
            wanted = [t for t in leaves if isinstance(t, SymbolicTensor)]
            values, _ = self.evaluate(wanted, dict(symbol_of.values()))
        values = iter(values)
        leaves = [next(values) if isinstance(t, SymbolicTensor) else t for t in leaves]
        return nest.pack_like(found, [t if t is None or isinstance(t, Value) else self.value(t) for t in leaves])

    def activate(self, function, x):
        """`x` through an activation: a function of words, or a layer."""
        if isinstance(function, Layer):
            return self.one(function, x)
        direct = ACTIVATIONS.get(function)
        return direct(self, x) if direct is not None else self.recorded(function, x)


ACTIVATIONS = {}  # activation function -> (walk, x) -> result, where one operator does it


def _maker_of(layer):
    """The maker for a layer: that of the first class which has one, or none if a class before it has a `call`."""
    for cls in type(layer).__mro__:
        if cls in LAYERS:
            return LAYERS[cls]
        if "call" in vars(cls):
            return None
    return None


def _recorded_call(walk, layer, call):
    """Any layer, by the words of its `call`."""
    parameters = _parameters(type(layer).call)
    kwargs = dict(call.kwargs)
    if "training" in parameters:
        kwargs["training"] = False
    if "mask" in parameters and kwargs.get("mask") is None and call.masked:
        kwargs["mask"] = call.masks
    return walk.recorded(layer.call, call.inputs, *call.more, owner=layer, **kwargs)


@contextlib.contextmanager
def _untouched(layer):
    """What layers note down while they are called on symbols (calls, losses) is forgotten afterwards."""
    noted = ("_inbound_nodes", "_outbound_nodes", "_added_losses", "_added_updates", "_added_metrics")
    inside = layer.flat_layers() if isinstance(layer, Layer) else []
    before = [(la, name, list(vars(la)[name])) for la in inside for name in noted if name in vars(la)]
    try:
        yield
    finally:
        for la, name, items in before:
            vars(la)[name][:] = items


def _keeps_mask(operation):
    from hornbeam.backend.words import MASK_KEEPERS

    return operation.name in MASK_KEEPERS

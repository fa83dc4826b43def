"""A graph of layers between input and output tensors: its order, its evaluation, its configuration."""

import functools

from hornbeam import backend as K
from hornbeam import nest, symbolic
from hornbeam.core.layer import Layer
from hornbeam.symbolic import SymbolicTensor


class Graph:
    """The nodes between `inputs` and `outputs`.

    Args:
        inputs, outputs: symbolic tensors, or lists, tuples or dicts of them.
        name: of the model, for messages.

    Raises:
        ValueError: an output does not depend on the inputs, an input is no input, two layers have one name.
    """

    def __init__(self, inputs, outputs, name):
        self.input_form, self.output_form = inputs, outputs
        self.inputs = nest.flatten(inputs)
        self.outputs = nest.flatten(outputs)
        _check_tensors(self.inputs, self.outputs, name)
        self.order = symbolic.order_nodes(self.outputs, self.inputs)
        self.phases = [t for t in symbolic.leaves_of(self.outputs, self.inputs) if K.is_learning_phase(t)]
        _check_connected(self, name)
        self.layers = _layers_by_depth(self)
        _check_names(self.layers, name)
        self.input_names = [t._keras_history[0].name for t in self.inputs]
        self.output_names = _unique([_origin_name(t) for t in self.outputs])

    def run(self, inputs, masks=None, extra=()):
        """Values and masks of the outputs, and of the symbolic tensors `extra`, for values of the inputs.

        Args:
            inputs: flat list of values, in the order of the graph's inputs.
            masks: flat list of masks or None.
        """
        values = dict.fromkeys(self.phases, K.training_now())
        for tensor, value in zip(self.inputs, inputs, strict=True):
            values[tensor] = K.cast(value, tensor.dtype) if K.dtype(value) != tensor.dtype else value
        known = {t: m for t, m in zip(self.inputs, masks or (), strict=False) if m is not None}
        order = symbolic.order_nodes([*self.outputs, *extra], self.inputs) if extra else self.order
        found, found_masks = symbolic.evaluate([*self.outputs, *extra], values, known, order)
        n = len(self.outputs)
        return found[:n], found_masks[:n], found[n:]

    @functools.cached_property
    def keeps_rows(self):
        """Do the words between the layers keep rows apart?"""
        return K.keeps_rows(self.outputs, self.inputs)

    def flatten_inputs(self, inputs):
        """The values in `inputs` (one, a list, or a dict by input name) as a flat list.

        Raises:
            ValueError: another number of values than inputs, or a missing name.
        """
        if isinstance(inputs, dict):
            missing = [n for n in self.input_names if n not in inputs]
            if missing:
                raise ValueError(f"The dict of inputs lacks {missing[0]!r}. Inputs: {', '.join(self.input_names)}.")
            return [inputs[n] for n in self.input_names]
        flat = nest.flatten(inputs)
        if len(flat) != len(self.inputs):
            raise ValueError(
                f"The model takes {len(self.inputs)} inputs ({', '.join(self.input_names)}), got {len(flat)}."
            )
        return flat

    def pack_outputs(self, flat):
        """Flat list of values in the form the outputs were given: one value for a single tensor."""
        form = self.output_form
        if isinstance(form, (list, tuple)) and len(self.outputs) == 1:
            return flat[0]
        return nest.pack_like(list(form) if isinstance(form, tuple) else form, flat)


def _check_tensors(inputs, outputs, name):
    for kind, tensors in (("inputs", inputs), ("outputs", outputs)):
        for tensor in tensors:
            if not isinstance(tensor, SymbolicTensor):
                raise ValueError(
                    f"Model {name!r}: its {kind} must be tensors from Input(...) and layers called on them, got "
                    f"{type(tensor).__name__}."
                )
    for tensor in inputs:
        if tensor._keras_history is None or tensor.node is not None:
            raise ValueError(f"Model {name!r}: {tensor!r} is no Input. Start the graph with Input(shape=...).")
    if len(set(inputs)) != len(inputs):
        raise ValueError(f"Model {name!r}: an input is listed twice.")


def _check_connected(graph, name):
    missing = [t for t in symbolic.leaves_of(graph.outputs, graph.inputs) if not K.is_learning_phase(t)]
    if missing:
        raise ValueError(
            f"Model {name!r}: the outputs depend on {missing[0].name!r} {tuple(missing[0].shape)}, which is not among "
            f"its inputs ({', '.join(t.name for t in graph.inputs)}). Add it to inputs=[...]."
        )


def _check_names(layers, name):
    seen = {}
    for layer in layers:
        if seen.setdefault(layer.name, layer) is not layer:
            raise ValueError(f"Model {name!r} has two layers named {layer.name!r}. Layer names must differ.")


def _origin_name(tensor):
    return tensor.name if tensor._keras_history is None else tensor._keras_history[0].name


def _unique(names):
    counts, result = {}, []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        result.append(name if counts[name] == 1 else f"{name}_{counts[name] - 1}")
    return result


def _layers_by_depth(graph):
    """Layers from inputs to outputs by their distance to the outputs, as Keras 2 files order weights."""
    depth = {}  # of nodes and of input layers
    for node in reversed(graph.order):
        depth.setdefault(node, 0)
        for tensor in node.inputs:
            if K.is_learning_phase(tensor):
                continue
            source = tensor.node or tensor._keras_history[0]
            depth[source] = max(depth.get(source, 0), depth[node] + 1)
    layer_depth = {tensor._keras_history[0]: 0 for tensor in graph.inputs}
    for source, level in depth.items():
        layer = source if isinstance(source, Layer) else source.operation
        if isinstance(layer, Layer):
            layer_depth[layer] = max(layer_depth.get(layer, 0), level)
    first_seen = {layer: i for i, layer in enumerate(_layers_from(graph.outputs))}
    return sorted(layer_depth, key=lambda layer: (-layer_depth[layer], first_seen.get(layer, -1)))


def _layers_from(outputs):
    """Layers in the order a walk from the outputs, first inputs first, meets them."""
    seen, layers, waiting = set(), {}, list(reversed(outputs))
    while waiting:
        tensor = waiting.pop()
        source = tensor.node or tensor
        if source in seen or K.is_learning_phase(tensor):
            continue
        seen.add(source)
        layer = tensor._keras_history[0] if tensor.node is None else tensor.node.operation
        if isinstance(layer, Layer):
            layers.setdefault(layer)
        if tensor.node is not None:
            waiting.extend(reversed(tensor.node.inputs))
    return list(layers)

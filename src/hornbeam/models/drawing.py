"""What a model tells of its graph to those who draw it, and its picture in a notebook."""

import itertools
import re

from hornbeam import backend as K
from hornbeam import checks
from hornbeam.core.input_layer import InputLayer
from hornbeam.core.layer import Layer
from hornbeam.utils.drawing import Arrow, Box, Diagram, Group, Port, title_lines, to_svg
from hornbeam.utils.drawing.text import printable

_MOST_LINES = 6  # of shapes in a cell


class Drawable:
    """The part of a model that turns its graph into a :class:`Diagram`; `hornbeam.utils.plot_model` asks for it."""

    def _diagram(self, **shown):
        """Boxes and arrows of the graph; `shown` as the arguments of `plot_model`."""
        return diagram_of(self, **shown)

    def _repr_html_(self):
        """The graph, as a notebook shows the last value of a cell; None where there is no graph yet."""
        if self._graph is None:
            return None
        svg = to_svg(self._diagram(show_shapes=True), title=_title(self))
        return f'<div style="max-height:720px;overflow:auto">{svg}</div>'


def diagram_of(
    model, show_shapes=False, show_layer_names=True, expand_nested=False, show_dtype=False, layer_range=None,
    show_layer_activations=False, show_trainable=False,
):  # fmt: skip
    """The :class:`Diagram` of a model.

    Args:
        model: a model. One of the user's own, whose `call` cannot be looked into, is a single box.
        others: as those of `hornbeam.utils.plot_model`.

    Raises:
        ValueError: a Sequential that was not built yet; a `layer_range` that names no layers.
    """
    reader = _Reader(show_shapes, show_layer_names, expand_nested, show_dtype, show_layer_activations, show_trainable)
    if model._graph is None:
        if hasattr(model, "_stack"):
            raise ValueError(
                f"{_title(model)} cannot be drawn, for it is not built yet. Give its first layer input_shape=(...), "
                f"call build((None, ...)), or fit it first."
            )
        diagram = Diagram()
        diagram.add(reader.layer_box(model, []))
        return diagram
    diagram, keys = reader.read(model._graph)
    if layer_range is not None:
        names = _names_between(model, layer_range)
        _keep_between(diagram, {keys[layer] for layer in model._graph.layers if layer.name in names}, keys)
    return diagram


class _Reader:
    """Walks graphs and makes boxes; keys are numbered through all groups."""

    def __init__(self, shapes, names, expand, dtype, activations, trainable):
        self.shapes, self.names, self.expand = shapes, names, expand
        self.dtype, self.activations, self.trainable = dtype, activations, trainable
        self.made = 0

    def read(self, graph):
        """The diagram of a graph, and the key of each layer and of each node of an operation."""
        diagram, keys = self._boxes(graph)
        for node in graph.order:
            owner = diagram.nodes[keys[_owner(node)]]
            for place, tensor in enumerate(_inputs_in_order(node)):
                start = _port_of(tensor, keys)
                if start is not None:
                    last = len(owner.inputs) - 1 if isinstance(owner, Group) else place
                    diagram.arrows.append(Arrow(start, Port(owner.key, min(place, last))))
        return diagram, keys

    def _boxes(self, graph):
        diagram, keys, calls = Diagram(), {}, {}
        for node in graph.order:
            calls.setdefault(_owner(node), []).append(node)
        inputs = [t._keras_history[0] for t in graph.inputs]
        for owner in dict.fromkeys([*inputs, *calls]):
            nodes = calls.get(owner, [])
            if not isinstance(owner, Layer):
                made = self._operation_box(owner)
            elif self.expand and isinstance(owner, Drawable) and owner._graph is not None:
                made = self._group(owner)
            else:
                made = self.layer_box(owner, nodes or owner._inbound_nodes)
            keys[owner] = made.key
            diagram.add(made)
        return diagram, keys

    def _key(self):
        self.made += 1
        return f"n{self.made}"

    def _group(self, model):
        graph, key = model._graph, self._key()
        inside, keys = self.read(graph)
        inputs, outputs = ([_port_of(t, keys) for t in tensors] for tensors in (graph.inputs, graph.outputs))
        name = type(model).__name__
        name = f"{model.name}: {name}" if self.names else name
        return Group(key, printable(name), inside, inputs, outputs)

    def layer_box(self, layer, nodes):
        """The box of a layer that was called in `nodes`."""
        what = type(layer).__name__
        inner = getattr(layer, "layer", None)
        if isinstance(inner, Layer):
            what = f"{what}({type(inner).__name__})"
        rows = self._rows(nodes)
        activation = getattr(layer, "activation", None)
        if self.activations and activation is not None:
            rows.append(("activation:", [printable(_name_of(activation))]))
        if self.trainable and layer.weights:
            rows.append(("trainable:", ["yes" if layer.trainable else "no"]))
        title = title_lines(layer.name if self.names else None, what)
        return Box(self._key(), title, rows, _kind(layer), tip=_tip(layer))

    def _operation_box(self, node):
        """The box of a word used between layers: `x + y`, `K.mean(x)`."""
        name = node.operation.name
        return Box(self._key(), title_lines(None, name), self._rows([node]), "operation", tip=f"operation {name}")

    def _rows(self, nodes):
        rows = []
        if self.shapes and nodes:
            rows.append(("input:", _shape_lines([_inputs_in_order(node) for node in nodes])))
            rows.append(("output:", _shape_lines([node.outputs for node in nodes])))
        if self.dtype and nodes:
            types = dict.fromkeys(K.dtype(t) for node in nodes for t in node.outputs if t is not None)
            rows.append(("dtype:", list(types)))
        return rows


def _owner(node):
    """What a node's box stands for: the layer, once for all its calls, or the node itself."""
    return node.operation if isinstance(node.operation, Layer) else node


def _inputs_in_order(node):
    """The tensors a node is called on; a model called on a dict gets them in the order of its inputs."""
    first = node.args[0] if getattr(node, "args", None) else None
    graph = getattr(node.operation, "_graph", None)
    if isinstance(first, dict) and graph is not None and all(name in first for name in graph.input_names):
        return [first[name] for name in graph.input_names]
    return [t for t in node.inputs if not K.is_learning_phase(t)]


def _port_of(tensor, keys):
    """Where an arrow for `tensor` begins; None if nothing in the picture makes it (the learning phase)."""
    if tensor.node is None:
        return None if K.is_learning_phase(tensor) else Port(keys[tensor._keras_history[0]])
    return Port(keys[_owner(tensor.node)], tensor.index)


def _shape_lines(calls):
    """Shapes of the tensors of each call, a line each; what all calls share is written once."""
    distinct = list(dict.fromkeys(tuple(str(tuple(K.int_shape(t))) for t in tensors) for tensors in calls))
    lines = []
    for shapes in distinct:
        for shape, group in itertools.groupby(shapes):
            count = len(list(group))
            lines.append(shape if count == 1 else f"{shape} × {count}")
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"and {len(lines) - _MOST_LINES + 1} more"]
    return lines or ["()"]


def _kind(layer):
    if isinstance(layer, InputLayer):
        return "input"
    if isinstance(layer, Drawable):
        return "model"
    return "weights" if layer.weights else "plain"


def _name_of(activation):
    return getattr(activation, "__name__", None) or getattr(activation, "name", None) or type(activation).__name__


def _title(layer):
    return f"{type(layer).__name__} {layer.name!r}"


def _tip(layer):
    """What the mouse is told: class, name, number of parameters."""
    try:
        count = layer.count_params()
    except RuntimeError:
        return _title(layer)
    return f"{_title(layer)}, {count:,} parameters"


# --- Parts of a graph ---


def _names_between(model, layer_range):
    """Names of the layers from the first that matches one pattern to the last that matches the other."""
    wanted = "two names (or regular expressions) of layers, the first and the last"
    if not isinstance(layer_range, (list, tuple)) or [type(p) for p in layer_range] != [str, str]:
        raise checks.wrong_argument("plot_model", "layer_range", layer_range, wanted)
    names = [layer.name for layer in model._graph.layers]
    found = []
    for pattern in layer_range:
        try:
            places = [i for i, name in enumerate(names) if pattern == name or re.match(pattern, name)]
        except re.error as error:
            raise ValueError(f"plot_model: {pattern!r} in layer_range is no regular expression: {error}.") from None
        if not places:
            raise checks.unknown_name(f"layer of {_title(model)} in layer_range", pattern, names)
        found.append(places)
    first, last = found
    first, last = (first[0], last[-1]) if first[0] <= last[-1] else (last[0], first[-1])
    return set(names[first : last + 1])


def _keep_between(diagram, layers, keys):
    """Take out all but these layers, and the operations that lie between two of them."""
    operations = {key for owner, key in keys.items() if not isinstance(owner, Layer)}
    pairs = [(arrow.start.key, arrow.end.key) for arrow in diagram.arrows]
    below = _reached(layers, pairs, operations)
    above = _reached(layers, [(end, start) for start, end in pairs], operations)
    kept = layers | (below & above)
    diagram.nodes = {key: node for key, node in diagram.nodes.items() if key in kept}
    diagram.arrows = [a for a in diagram.arrows if a.start.key in kept and a.end.key in kept]


def _reached(starts, pairs, through):
    """Members of `through` to which a path leads from `starts` that stays within them."""
    onward = {}
    for start, end in pairs:
        onward.setdefault(start, []).append(end)
    found, waiting = set(), list(starts)
    while waiting:
        for end in onward.get(waiting.pop(), ()):
            if end in through and end not in found:
                found.add(end)
                waiting.append(end)
    return found

"""The table that `model.summary()` prints."""

import numpy as np

from hornbeam import backend as K
from hornbeam import nest
from hornbeam.core.layer import Layer


def print_summary(model, line_length=None, positions=None, print_fn=None):
    """Print names and classes, output shapes, numbers of parameters, and connections where the model branches."""
    show = print_fn or print
    branched = model._graph is not None and not hasattr(model, "_stack")
    head = ["Layer (type)", "Output Shape", "Param #"] + (["Connected to"] if branched else [])
    rows = [_row(layer, model, branched) for layer in model.layers]
    if branched:
        rows = _with_words(rows, model)
    widths = _widths(head, rows, line_length or (98 if branched else 65), positions)
    rule = "=" * sum(widths)
    show(f'Model: "{model.name}"')
    show("_" * len(rule))
    show(_line(head, widths))
    show(rule)
    for i, row in enumerate(rows):
        for line in _wrapped(row):
            show(_line(line, widths))
        show(rule if i == len(rows) - 1 else "_" * len(rule))
    _totals(model, show)
    show("_" * len(rule))


def _row(layer, model, branched):
    row = [f"{layer.name} ({type(layer).__name__})", _shape_text(layer, model), _count(layer)]
    return [*row, _sources(layer, model)] if branched else row


def _count(layer):
    try:
        return f"{layer.count_params():,}"
    except RuntimeError:
        return "not built"


def _shape_text(layer, model):
    inside = None if model._graph is None else set(model._graph.order)
    nodes = [n for n in layer._inbound_nodes if inside is None or n in inside or not hasattr(n, "args")]
    if not nodes:
        return "?"
    shapes = [K.int_shape(t) for t in nodes[0].outputs if t is not None]
    return str(nest.unpack_singleton(shapes))


def _sources(layer, model):
    inside = set(model._graph.order)
    return [
        f"{t._keras_history[0].name}[{t._keras_history[1]}][{t._keras_history[2]}]" if t._keras_history else t.name
        for node in layer._inbound_nodes
        if node in inside
        for t in node.inputs
    ]


def _with_words(rows, model):
    """Rows of the layers and, where they happen, of the words used between them (`x + y`)."""
    words = [
        [f"{t.name} (operation)", str(K.int_shape(t)), "0", [s.name for s in node.inputs]]
        for node in model._graph.order
        if not isinstance(node.operation, Layer)
        for t in node.outputs[:1]
    ]
    return rows + words


def _widths(head, rows, length, positions):
    if positions:
        ends = [int(length * p) if p <= 1 else int(p) for p in positions]
        return [end - start for start, end in zip([0, *ends], ends, strict=False)][: len(head)]
    needed = [
        max([len(head[i])] + [len(x) for row in rows for x in (row[i] if isinstance(row[i], list) else [row[i]])]) + 2
        for i in range(len(head))
    ]
    each, rest = divmod(max(0, length - sum(needed)), len(needed))
    return [n + each for n in needed[:-1]] + [needed[-1] + each + rest]


def _wrapped(row):
    """The lines of a row: several sources go one below the other."""
    cells = [cell if isinstance(cell, list) else [cell] for cell in row]
    height = max(len(cell) for cell in cells) or 1
    return [[cell[i] if i < len(cell) else "" for cell in cells] for i in range(height)]


def _line(cells, widths):
    return "".join(str(c)[: w - 1].ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()


def _totals(model, show):
    def count(weights):
        return sum(int(np.prod(w.shape)) for w in dict.fromkeys(weights))

    trainable, fixed = count(model.trainable_weights), count(model.non_trainable_weights)
    show(f"Total params: {trainable + fixed:,}")
    show(f"Trainable params: {trainable:,}")
    show(f"Non-trainable params: {fixed:,}")

"""Losses and metrics that look at tensors of the model beside their arguments, as variational auto-encoders do."""

from hornbeam import backend as K
from hornbeam import nest, symbolic
from hornbeam.symbolic import SymbolicTensor


class TiedToGraph:
    """A user's function of (y_true, y_pred) that closes over tensors of the model: `K.square(z_mean)`.

    Args:
        found: what the function made of the two symbols.
        y_true, y_pred: these symbols.
        needed: tensors of the model it looks at.
    """

    def __init__(self, function, found, y_true, y_pred, needed):
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.found = found
        self.y_true, self.y_pred = y_true, y_pred
        self.needed = needed

    def at(self, y_true, y_pred, known):
        """The function's values, given values of the tensors it needs in `known`."""
        values = {**known, self.y_true: y_true, self.y_pred: y_pred}
        flat, _ = symbolic.evaluate(nest.flatten(self.found), values)
        return nest.pack_like(self.found, flat)

    def keeps_rows(self):
        """Does each row depend on the same row of the arguments and tensors only?"""
        return K.keeps_rows(nest.flatten(self.found), [self.y_true, self.y_pred, *self.needed])


def tie(function, graph, output, y_true):
    """`function` tied to the tensors of `graph` it looks at; `function` itself if it looks at none.

    Args:
        output: the tensor of the graph that stands for y_pred.
        y_true: symbol of the targets.
    """
    try:
        found = function(y_true, output)
    except Exception:  # written for values only; then it closes over no symbols
        return function
    flat = nest.flatten(found)
    if not all(isinstance(t, SymbolicTensor) for t in flat):
        return function
    inside = {t for node in graph.order for t in node.outputs} | set(graph.inputs)
    inside -= {output, None}
    read = [t for node in symbolic.order_nodes(flat, [*inside, output, y_true]) for t in node.inputs]
    needed = [t for t in dict.fromkeys([*read, *flat]) if t in inside]
    return TiedToGraph(function, found, y_true, output, needed) if needed else function

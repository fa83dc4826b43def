"""Symbolic tensors and the walk over their nodes."""

import pytest

from hornbeam import backend as K
from hornbeam import symbolic
from hornbeam.symbolic import Node, SymbolicTensor


def test_a_symbol_tells_its_shape_in_every_dialect():
    x = SymbolicTensor((None, 3), "float32", "x")
    assert tuple(x.shape) == x._keras_shape == (None, 3)
    assert x.get_shape().as_list() == [None, 3]
    assert x.ndim == x.rank == 2
    assert "'x' shape=(None, 3) dtype=float32" in repr(x)
    x.set_shape((8, 5))
    assert tuple(x.shape) == (8, 3)  # what is known stays


class Add:
    """An operation that writes down when it runs."""

    def __init__(self, log):
        self.log = log

    def call_node(self, args, kwargs, masks):
        self.log.append(args)
        return sum(args) + kwargs.get("more", 0), [m for m in masks if m is not None] or None


def make(log, *inputs, **kwargs):
    node = Node(Add(log), inputs, kwargs)
    node.outputs = [SymbolicTensor((), "float32", "sum", node)]
    return node.outputs[0]


def test_nodes_run_once_each_after_what_they_need():
    log = []
    x, y = K.placeholder(ndim=0), K.placeholder(ndim=0)
    a = make(log, x, y)
    b = make(log, a, a, more=100)
    c = make(log, b, x)
    values, _ = symbolic.evaluate([c, a], {x: 1, y: 2})
    assert values == [107, 3]
    assert log == [[1, 2], [3, 3], [106, 1]]
    assert [node.outputs[0] for node in symbolic.order_nodes([c])] == [a, b, c]
    assert symbolic.leaves_of([c]) == [x, y]


def test_given_tensors_cut_the_graph():
    log = []
    x, y = K.placeholder(ndim=0), K.placeholder(ndim=0)
    a = make(log, x, y)
    c = make(log, a, x)
    values, _ = symbolic.evaluate([c], {a: 10, x: 1})
    assert values == [11]
    assert symbolic.leaves_of([c], [a]) == [x]
    assert len(symbolic.order_nodes([c], [a])) == 1


def test_a_missing_value_names_the_tensor():
    log = []
    x, y = K.placeholder(ndim=0, name="left"), K.placeholder(ndim=0, name="right")
    with pytest.raises(ValueError, match="'right'.*has no value. Add it to the inputs"):
        symbolic.evaluate([make(log, x, y)], {x: 1})
    with pytest.raises(ValueError, match="'left'.*has no value"):
        symbolic.evaluate([x], {})


def test_nodes_know_their_neighbours_by_the_classic_names():
    log = []
    x = K.placeholder(ndim=0)
    a = make(log, x)
    node = make(log, a, x).node
    assert node.input_tensors == [a, x]
    assert node.output_tensors == node.outputs
    assert node.inbound_layers == [a.node.operation]
    assert node.outbound_layer is node.operation

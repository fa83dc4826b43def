"""The graph between inputs and outputs: order of layers, evaluation, what it refuses."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.core.graph import Graph
from hornbeam.layers import Add, Dense, Dropout, Input, Lambda, Masking
from hornbeam.models import Model


def names(layers):
    return [layer.name for layer in layers]


def test_layers_go_from_inputs_to_outputs_by_depth():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    left = Dense(3, name="left")(Dense(3, name="deep")(a))
    right = Dense(3, name="right")(b)
    graph = Graph([a, b], Dense(1, name="top")(Add(name="sum")([left, right])), "model")
    # 'b' and 'right' are as far from the output as 'deep' and 'left'.
    assert names(graph.layers) == ["a", "deep", "b", "left", "right", "sum", "top"]
    assert graph.input_names == ["a", "b"]
    assert graph.output_names == ["top"]


def test_outputs_of_one_layer_get_names_of_their_own():
    x, dense = Input((3,)), Dense(3, name="d")
    first = dense(x)
    assert Graph(x, [first, dense(first)], "m").output_names == ["d", "d_1"]


def test_a_shared_layer_appears_once_and_runs_at_each_call():
    x, dense = Input((3,)), Dense(3, name="d", use_bias=False, kernel_initializer="ones")
    graph = Graph(x, dense(dense(x)), "m")
    assert names(graph.layers).count("d") == 1
    assert len(graph.order) == 2
    (found,), _, _ = graph.run([np.ones((1, 3), "float32")])
    assert np.asarray(found).tolist() == [[9, 9, 9]]


def test_a_graph_a_thousand_layers_deep_is_walked_without_recursion():
    x = Input((2,))
    y = x
    for _ in range(1500):
        y = K.identity(y)
    model = Model(x, y)
    assert len(model._graph.order) == 1500
    assert np.asarray(model._graph.run([np.ones((1, 2), "float32")])[0][0]).tolist() == [[1, 1]]


def test_inner_tensors_are_evaluated_along():
    x = Input((3,))
    hidden = Dense(2)(x)
    graph = Graph(x, Dense(1)(hidden), "m")
    _, _, (found,) = graph.run([np.ones((4, 3), "float32")], extra=[hidden])
    assert found.shape == (4, 2)


def test_inputs_are_cast_to_the_type_they_were_declared_with():
    x = Input((2,), dtype="int32")
    graph = Graph(x, K.one_hot(x, 3), "m")
    assert np.asarray(graph.run([np.ones((1, 2), "float32")])[0][0]).shape == (1, 2, 3)


def test_dicts_of_inputs_and_outputs_keep_their_form():
    x, y = Input((2,), name="x"), Input((2,), name="y")
    model = Model(inputs={"x": x, "y": y}, outputs={"sum": x + y, "product": x * y})
    found = model.predict({"y": np.full((1, 2), 3.0), "x": np.full((1, 2), 2.0)})
    assert {key: value.tolist() for key, value in found.items()} == {"sum": [[5, 5]], "product": [[6, 6]]}


def test_masks_of_inner_layers_come_out():
    x = Input((3, 1))
    graph = Graph(x, Dropout(0.5)(Masking()(x)), "m")
    _, (mask,), _ = graph.run([np.array([[[1.0], [0.0], [2.0]]], "float32")])
    assert np.asarray(mask).tolist() == [[True, False, True]]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Model(Input((3,)), Dense(1)(Input((3,), name="lost"))),
         r"the outputs depend on 'lost' \(None, 3\), which is not among its inputs"),
        (lambda: Model(np.zeros((2, 3)), Dense(1)(Input((3,)))), "its inputs must be tensors from Input.*got ndarray"),
        (lambda: Model(Input((3,)), 3), "its outputs must be tensors"),
        (lambda: (lambda x, h: Model(h, Dense(1)(h)))(*(lambda x: (x, Dense(2)(x)))(Input((3,)))), "is no Input"),
        (lambda: (lambda x: Model([x, x], Dense(1)(x)))(Input((3,))), "an input is listed twice"),
        (lambda: (lambda x: Model(x, Dense(1, name="d")(Dense(1, name="d")(x))))(Input((3,))),
         "has two layers named 'd'"),
    ],
)  # fmt: skip
def test_what_is_no_graph_is_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_inputs_and_outputs_come_together():
    with pytest.raises(TypeError, match="takes inputs=... and outputs=... together"):
        Model(inputs=Input((3,)))


def test_wrong_numbers_and_names_of_inputs():
    x, y = Input((2,), name="x"), Input((2,), name="y")
    graph = Graph([x, y], Lambda(lambda v: v[0])([x, y]), "m")
    with pytest.raises(ValueError, match=r"takes 2 inputs \(x, y\), got 1"):
        graph.flatten_inputs([1])
    with pytest.raises(ValueError, match="lacks 'y'. Inputs: x, y"):
        graph.flatten_inputs({"x": 1})

"""What a model tells of its graph: each layer once, operations, shared and nested layers, parts; notebooks."""

import xml.etree.ElementTree as xml

import pytest

from hornbeam import Input, Model, Sequential
from hornbeam import backend as K
from hornbeam.layers import LSTM, Add, Bidirectional, Concatenate, Dense, TimeDistributed
from hornbeam.models.drawing import diagram_of
from hornbeam.utils.drawing import Group


def title(box):
    return box.title if isinstance(box, Group) else "".join(words for line in box.title for words, _ in line)


def told(model, **shown):
    """{title: box} and [(title, title)] of the arrows, groups by their titles."""
    diagram = diagram_of(model, **shown)
    boxes = {title(box): box for box in diagram.nodes.values()}
    assert len(boxes) == len(diagram.nodes)
    return boxes, [(title(diagram.nodes[a.start.key]), title(diagram.nodes[a.end.key])) for a in diagram.arrows]


def stack():
    return Sequential([Dense(3, activation="relu", input_shape=(4,), name="a"), Dense(2, name="b")], name="stack")


def twins():
    left, right = Input((4,), name="left"), Input((4,), name="right")
    shared = Dense(3, name="shared")
    return Model([left, right], Concatenate(name="both")([shared(left), shared(right)]), name="twins")


def test_a_stack_begins_with_its_input():
    boxes, arrows = told(stack())
    assert list(boxes) == ["a_input: InputLayer", "a: Dense", "b: Dense"]
    assert arrows == [("a_input: InputLayer", "a: Dense"), ("a: Dense", "b: Dense")]
    assert [box.kind for box in boxes.values()] == ["input", "weights", "weights"]
    assert all(box.rows == [] for box in boxes.values())


def test_every_layer_once_and_a_shared_one_with_several_arrows():
    model = twins()
    boxes, arrows = told(model, show_shapes=True)
    assert len(boxes) == len(model.layers) == 4
    assert [end for _, end in arrows].count("shared: Dense") == 2
    assert [start for start, _ in arrows].count("shared: Dense") == 2
    assert boxes["shared: Dense"].rows == [("input:", ["(None, 4)"]), ("output:", ["(None, 3)"])]
    assert boxes["both: Concatenate"].rows[0] == ("input:", ["(None, 3) × 2"])


def test_operations_between_layers_are_boxes():
    x = Input((4,), name="x")
    h = Dense(4, name="h")(x)
    y = Dense(1, name="y")(K.in_train_phase(h * 0.5 + x, h))
    boxes, arrows = told(Model(x, y), show_shapes=True)
    operations = {name: box for name, box in boxes.items() if box.kind == "operation"}
    assert {"multiply", "add"} <= set(operations)
    assert ("h: Dense", "multiply") in arrows
    assert ("x: InputLayer", "add") in arrows
    assert operations["add"].rows[0] == ("input:", ["(None, 4) × 2"])


def test_what_can_be_shown():
    model = stack()
    model.layers[1].trainable = False
    shown = {"show_dtype": True, "show_layer_activations": True, "show_trainable": True, "show_layer_names": False}
    boxes = diagram_of(model, **shown).nodes.values()
    assert [title(box) for box in boxes] == ["InputLayer", "Dense", "Dense"]
    rows = [dict(box.rows) for box in boxes]
    assert rows[0] == {"dtype:": ["float32"]}
    assert rows[1] == {"dtype:": ["float32"], "activation:": ["relu"], "trainable:": ["yes"]}
    assert rows[2] == {"dtype:": ["float32"], "activation:": ["linear"], "trainable:": ["no"]}


def test_wrappers_say_what_they_hold():
    x = Input((5, 4), name="x")
    y = TimeDistributed(Dense(2), name="each")(Bidirectional(LSTM(3, return_sequences=True), name="both")(x))
    assert list(told(Model(x, y))[0]) == ["x: InputLayer", "both: Bidirectional(LSTM)", "each: TimeDistributed(Dense)"]


def test_nested_models_are_boxes_or_groups():
    x = Input((4,), name="x")
    z = Input((2,), name="z")
    inner = Model(z, [Dense(2, name="p")(z), Dense(3, name="q")(z)], name="inner")
    p, q = inner(stack()(x))
    model = Model(x, [Add(name="sum")([p, p]), q], name="outer")
    boxes, arrows = told(model)
    assert boxes["stack: Sequential"].kind == "model"
    assert arrows[:2] == [("x: InputLayer", "stack: Sequential"), ("stack: Sequential", "inner: Model")]
    diagram = diagram_of(model, expand_nested=True)
    names = sorted(title(box) for box in diagram.boxes())
    wanted = "a: Dense,a_input: InputLayer,b: Dense,p: Dense,q: Dense,sum: Add,x: InputLayer,z: InputLayer"
    assert names == wanted.split(",")
    group = next(node for node in diagram.nodes.values() if title(node) == "inner: Model")
    assert [title(group.inside.nodes[port.key]) for port in group.outputs] == ["p: Dense", "q: Dense"]
    assert [a.start.index for a in diagram.arrows if a.start.key == group.key] == [0, 0]


def test_a_model_called_on_a_dict_gets_its_inputs_by_name():
    a, b = Input((1,), name="a"), Input((2,), name="b")
    inner = Model({"a": a, "b": b}, Concatenate()([a, b]), name="inner")
    x, y = Input((1,), name="x"), Input((2,), name="y")
    diagram = diagram_of(Model([x, y], inner({"b": y, "a": x})), expand_nested=True)
    ends = {title(diagram.nodes[arrow.start.key]): arrow.end.index for arrow in diagram.arrows}
    assert ends == {"x: InputLayer": 0, "y: InputLayer": 1}


def test_many_inputs_do_not_make_a_tower():
    inputs = [Input((i,), name=f"i{i}") for i in range(1, 12)]
    boxes, arrows = told(Model(inputs, Concatenate(name="all")(inputs)), show_shapes=True)
    assert boxes["all: Concatenate"].rows[0][1] == [*(f"(None, {i})" for i in range(1, 6)), "and 6 more"]
    assert len(arrows) == 11


def test_a_part_of_a_model():
    x = Input((4,), name="x")
    h1 = Dense(4, name="block1")(x)
    h2 = Dense(4, name="block2")(h1 + 1.0)
    model = Model(x, Dense(1, name="head")(h2 * 2.0))
    assert list(told(model, layer_range=["block1", "block2"])[0]) == ["block1: Dense", "add", "block2: Dense"]
    assert list(told(model, layer_range=("block.*", "block.*"))[0]) == ["block1: Dense", "add", "block2: Dense"]
    assert told(model, layer_range=["head", "head"])[1] == []


@pytest.mark.parametrize(
    ("layer_range", "message"),
    [
        (["a"], "layer_range must be two names"),
        ("ab", "layer_range must be two names"),
        ([0, 1], "layer_range must be two names"),
        (["a", "bb"], "Unknown layer of Sequential 'stack' in layer_range 'bb'. Did you mean 'b'"),
        (["(", "b"], "no regular expression"),
    ],
)
def test_parts_that_are_none(layer_range, message):
    with pytest.raises(ValueError, match=message):
        diagram_of(stack(), layer_range=layer_range)


def test_a_stack_without_shapes_says_how_to_get_them():
    model = Sequential([Dense(2)], name="loose")
    with pytest.raises(ValueError, match=r"Sequential 'loose' cannot be drawn.*input_shape=\(\.\.\.\).*build"):
        diagram_of(model)
    assert model._repr_html_() is None
    model.build((None, 3))
    assert len(diagram_of(model).nodes) == 2


class Own(Model):
    """A model whose `call` nobody can look into."""

    def __init__(self):
        super().__init__(name="own")
        self.dense = Dense(1)

    def call(self, inputs):
        return self.dense(inputs)


def test_a_model_of_the_users_own_is_one_box():
    assert list(told(Own(), show_shapes=True)[0]) == ["own: Own"]
    assert Own()._repr_html_() is None
    x = Input((3,), name="x")
    boxes, arrows = told(Model(x, Own()(x)), expand_nested=True, show_shapes=True)
    assert boxes["own: Own"].rows == [("input:", ["(None, 3)"]), ("output:", ["(None, 1)"])]
    assert arrows == [("x: InputLayer", "own: Own")]


def test_a_notebook_shows_the_graph():
    page = xml.fromstring(twins()._repr_html_())
    assert page.tag == "div"
    assert "overflow:auto" in page.get("style")
    words = "".join(page.itertext())
    assert "shared: Dense" in words
    assert "(None, 4)" in words
    assert "Model 'twins'" in words

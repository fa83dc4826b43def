"""Input: shapes, types, names."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.layers import Dense, Input, InputLayer
from hornbeam.models import Model, Sequential


@pytest.mark.parametrize(
    ("made", "shape"),
    [
        (lambda: Input((3,)), (None, 3)),
        (lambda: Input(shape=(None, 3)), (None, None, 3)),
        (lambda: Input(batch_shape=(8, 3)), (8, 3)),
        (lambda: Input((3,), batch_size=8), (8, 3)),
        (lambda: Input(shape=()), (None,)),
        (lambda: InputLayer(input_shape=(3,)).output, (None, 3)),
        (lambda: InputLayer(batch_input_shape=(None, 3)).output, (None, 3)),
        (lambda: Input(tensor=K.placeholder(shape=(None, 5))), (None, 5)),
    ],
)
def test_shapes(made, shape):
    tensor = made()
    assert K.int_shape(tensor) == shape
    assert K.is_keras_tensor(tensor)


def test_names_and_types():
    K.clear_session()
    assert [Input((1,)).name, Input((1,)).name, Input((1,), name="words", dtype="int32").name] == [
        "input_1", "input_2", "words",
    ]  # fmt: skip
    assert Input((1,), dtype="int32").dtype == "int32"
    assert Input((1,)).dtype == "float32"


def test_an_input_without_a_shape_is_refused():
    with pytest.raises(ValueError, match=r"An Input needs shape=\(...\) without the batch"):
        Input()


def test_round_trip():
    layer = InputLayer(batch_input_shape=(None, 3), dtype="int32", name="x")
    again = InputLayer.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_a_placeholder_can_be_made_an_input():
    x = K.placeholder(shape=(None, 2))
    y = Input(tensor=x)
    model = Model(y, Dense(1, kernel_initializer="ones")(y))
    assert model.predict(np.ones((1, 2))).tolist() == [[2.0]]


def test_a_stack_may_begin_with_either_form():
    for first in (Input((2,)), InputLayer(input_shape=(2,))):
        model = Sequential([first, Dense(1)])
        assert model.input_shape == (None, 2)
        assert len(model.layers) == 1

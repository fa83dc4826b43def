"""Constructor arguments that are remembered, and configurations read off them."""

import numpy as np
import pytest

from hornbeam import regularizers
from hornbeam.core.construction import config_from_signature, plain
from hornbeam.layers import Dense, Layer


class Example(Layer):
    def __init__(self, first, second=2, *, third=3, **kwargs):
        super().__init__(**kwargs)
        self.first = first


def test_arguments_are_taken_as_they_are_now_then_as_given_then_as_default():
    layer = Example(1, second=20)
    layer.first = 10
    assert config_from_signature(layer) == {"first": 10, "second": 20, "third": 3}


def test_keywords_of_the_base_do_not_appear_twice():
    config = Example(1, name="n", trainable=False, input_shape=(3,)).get_config()
    assert (config["name"], config["trainable"], config["batch_input_shape"]) == ("n", False, [None, 3])
    assert "input_shape" not in config


def test_a_subclass_may_fix_an_argument_of_its_base():
    class Narrow(Dense):
        def __init__(self, **kwargs):
            super().__init__(2, **kwargs)

    again = Narrow.from_config(Narrow(activation="relu").get_config())
    assert (again.units, again.activation.__name__) == (2, "relu")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, None), (True, True), (1.5, 1.5), ("a", "a"), (np.float32(0.5), 0.5), (np.arange(2), [0, 1]),
        ((1, [2, None]), [1, [2, None]]), ({"a": (1,)}, {"a": [1]}),
    ],
)  # fmt: skip
def test_plain_values(value, found):
    assert plain(value, None, "x") == found
    assert type(plain(value, None, "x")) is type(found)


def test_objects_and_functions_are_named():
    assert plain(regularizers.l2(0.5), None, "x")["class_name"] in ("L1L2", "L2")
    assert plain(np.tanh, None, "x") == "tanh"
    with pytest.raises(ValueError, match="Example 'e': the argument thing=<object"):
        plain(object(), Example(1, name="e"), "thing")

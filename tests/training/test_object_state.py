"""Plain data out of objects, to JSON and back."""

import random

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.training import object_state


@pytest.mark.parametrize(
    "value",
    [None, True, 3, -(2**80), 0.1, float("inf"), "text", [],
     [1, [2.5]], (1, "a"), {1, 2}, frozenset("a"), {"a": {2: ()}}, [0.1 * i for i in range(20)],
     {"dict": {"array": 1}}],
)  # fmt: skip
def test_plain_data_comes_back_as_it_was(value):
    arrays = []
    text = object_state.to_text(value, arrays)
    found = object_state.from_text(text, arrays)
    assert found == value
    assert type(found) is type(value)


def test_nan_and_arrays_come_back_to_the_bit():
    given = {"nan": float("nan"), "a": np.arange(6, dtype="float32").reshape(2, 3), "b": np.array(True)}
    arrays = []
    found = object_state.from_text(object_state.to_text(given, arrays), arrays)
    assert np.isnan(found["nan"])
    assert found["a"].dtype == "float32"
    np.testing.assert_array_equal(found["a"], given["a"])


@pytest.mark.parametrize("value", [print, object(), {"f": len}, [type], b"bytes"])
def test_what_is_no_plain_data_is_refused(value):
    with pytest.raises(object_state.NotPlain):
        object_state.encode(value, [])


class Thing:
    def __init__(self, given):
        self.given = given
        self.count = 0
        self.model = 5
        self.function = print
        self.huge = np.zeros(object_state.LARGEST_BYTES + 1, "uint8")
        self.draws = [np.random.RandomState(1), np.random.default_rng(1), random.Random(1)]
        self.numpy, self.newer, self.python = self.draws
        self.variable = K.variable([1.0, 2.0])


def test_attributes_are_those_that_are_plain_and_were_not_given():
    assert set(object_state.attributes(Thing(3))) == {"count", "numpy", "newer", "python", "variable"}


def test_generators_and_variables_are_set_where_they_are():
    first, second = Thing(1), Thing(2)
    first.count = 7
    first.variable.assign([3.0, 4.0])
    for draw in (first.numpy.rand, first.newer.random, first.python.random):
        draw()
    arrays = []
    state = object_state.from_text(object_state.to_text(object_state.attributes(first), arrays), arrays)
    variable, generator = second.variable, second.numpy
    object_state.restore(second, state)
    assert second.variable is variable
    assert second.numpy is generator
    assert second.given == 2
    assert second.count == 7
    assert K.get_value(variable).tolist() == [3.0, 4.0]
    assert generator.rand() == first.numpy.rand()
    assert second.newer.random() == first.newer.random()
    assert second.python.random() == first.python.random()

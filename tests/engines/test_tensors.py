"""Copies that variables keep."""

import numpy as np
import pytest

from hornbeam import backend as K


def beginning_at(offset, count):
    """`count` zeros that begin `offset` bytes behind a place the engine likes."""
    room = np.zeros(4 * count + 128, "uint8")
    start = -room.ctypes.data % 64 + offset
    return room[start : start + 4 * count].view("float32")


@pytest.mark.parametrize("count", [5, 100_000, 3_000_000])
@pytest.mark.parametrize("offset", [0, 4])
def test_a_variable_keeps_its_value_when_the_array_it_came_from_changes(offset, count):
    array = beginning_at(offset, count)
    variable = K.Variable(array)
    array[:] = 1
    assert not variable.numpy().any()


def test_no_program_is_made_for_a_new_shape():
    before = len(K.engine.compilations())
    K.Variable(K.Variable(np.ones((3, 7, 11), "float32")))
    K.Variable(np.ones((3, 7, 11)), "int32")
    K.Variable(2.0, "float16")
    assert K.engine.compilations()[before:] == []

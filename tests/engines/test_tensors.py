"""What variables keep of the arrays they are given."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.host_memory import room_for


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


def test_what_is_taken_over_is_not_copied_and_not_written():
    array = room_for((100, 10), "float32")
    array[:] = 1
    taken, again = (K.engine.take_over(array, "float32") for _ in range(2))
    assert np.shares_memory(np.asarray(taken), array)
    new = K.engine.compile_function(lambda x: x + 1, donate=(0,))(taken)
    assert taken.is_deleted()  # a step was given it to reuse
    assert np.asarray(new).min() == 2
    assert np.asarray(again).max() == array.max() == 1


@pytest.mark.parametrize("in_place", [True, False])
def test_what_is_owned_is_written_over_where_it_lies(in_place):
    array = room_for((100, 10), "float32", in_place)
    array[:] = 1
    owned = K.engine.own(array)
    place = owned.unsafe_buffer_pointer()
    assert not np.shares_memory(np.asarray(owned), array)
    new = K.engine.compile_function(lambda x: x + 1, donate=(0,))(owned)
    assert new.unsafe_buffer_pointer() == place
    assert array.max() == 1


def test_what_is_taken_over_has_the_wanted_type():
    assert str(K.engine.take_over(np.ones(3), "float32").dtype) == "float32"
    assert str(K.engine.take_over(np.ones((3, 2), "float16").T, "bfloat16").dtype) == "bfloat16"


def test_no_program_is_made_for_a_new_shape():
    before = len(K.engine.compilations())
    K.Variable(K.Variable(np.ones((3, 7, 11), "float32")))
    K.Variable(np.ones((3, 7, 11)), "int32")
    K.Variable(2.0, "float16")
    assert K.engine.compilations()[before:] == []


@pytest.mark.parametrize("offset", [0, 4])
def test_values_set_together_are_each_variable_s_own(offset):
    arrays = [beginning_at(offset, count) for count in (5, 7, 100_000, 3_000_000)]  # the last is set by itself
    variables = [K.Variable(np.ones(len(array)), dtype) for array, dtype in zip(arrays, ["float32", "float16"] * 2)]
    K.batch_set_value(list(zip(variables, arrays, strict=True)))
    for array in arrays:
        array[:] = 1
    for variable in variables:
        assert not variable.numpy().any()
        new = K.engine.compile_function(lambda x: x + 1, donate=(0,))(variable.value)
        assert np.asarray(new).min() == 1
    assert [variable.dtype for variable in variables] == ["float32", "float16"] * 2
    assert arrays[0].max() == arrays[3].max() == 1


def test_values_set_together_must_fit():
    variables = [K.Variable(np.zeros(3), name="first"), K.Variable(np.zeros(2), name="second")]
    with pytest.raises(ValueError, match=r"'second.*' has shape \(2,\); a value of shape \(5,\) does not fit"):
        K.batch_set_value([(variables[0], np.ones(3)), (variables[1], np.ones(5))])
    with pytest.raises(TypeError, match="K.set_value sets variables; got ndarray"):
        K.batch_set_value([(np.zeros(3), np.ones(3))])


def test_the_last_of_several_values_counts():
    variable = K.Variable(np.zeros(3))
    K.batch_set_value([(variable, np.ones(3)), (variable, np.full(3, 2.0)), (variable, [3.0, 3.0, 3.0])])
    assert variable.numpy().tolist() == [3.0, 3.0, 3.0]

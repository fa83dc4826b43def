"""Variables: values that keep, assignments that fit, memory of their own."""

import copy
import pickle

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import scope


def test_a_variable_keeps_its_value_and_its_type():
    v = K.variable([[1, 2], [3, 4]], name="v")
    assert (v.shape, v.dtype, v.name, v.ndim) == ((2, 2), "float32", "v", 2)
    assert K.variable(np.array([1, 2], "int32")).dtype == "int32"
    assert K.variable(np.array([1.0])).dtype == "float32"  # NumPy's float64 is nobody's wish
    assert K.variable(np.array([1.0]), dtype="float16").dtype == "float16"
    assert K.get_variable_shape(v) == (2, 2)
    assert v.get_shape().as_list() == [2, 2]


def test_sparse_matrices_become_dense():
    class Sparse:
        def todense(self):
            return np.array([[1.0, 0.0]])

    assert K.get_value(K.variable(Sparse())).tolist() == [[1.0, 0.0]]


def test_set_value_and_get_value():
    v, w = K.variable([1.0, 2.0]), K.variable(3.0)
    K.set_value(v, [5, 6])
    K.batch_set_value([(w, 7)])
    assert [x.tolist() for x in K.batch_get_value([v, w])] == [[5.0, 6.0], 7.0]
    with pytest.raises(ValueError, match=r"has shape \(2,\); a value of shape \(3,\) does not fit"):
        K.set_value(v, [1, 2, 3])
    with pytest.raises(TypeError, match="sets variables; got ndarray. Make one with K.variable"):
        K.set_value(np.zeros(2), [1, 2])


def test_updates_outside_a_graph_happen_at_once():
    v = K.variable(1.0)
    K.update(v, 5.0)
    K.update_add(v, 2.0)
    K.update_sub(v, 3.0)
    assert float(v) == 4.0
    v.assign_add(1.0).assign_sub(0.5)
    assert float(v) == 4.5


def test_nobody_shares_a_variables_memory():
    array = np.ones(3, "float32")
    v = K.variable(array)
    w = K.variable(v)
    array[:] = 9
    taken = K.get_value(v)
    taken[:] = 8
    v.assign_add(1.0)
    assert K.get_value(v).tolist() == [2, 2, 2]
    assert K.get_value(w).tolist() == [1, 1, 1]
    w.assign(v)
    assert w._value.unsafe_buffer_pointer() != v._value.unsafe_buffer_pointer()


def test_arithmetic_with_numbers_arrays_and_variables():
    v = K.variable([1.0, 2.0])
    assert K.get_value(v + 1).tolist() == [2, 3]
    assert K.get_value(1 - v).tolist() == [0, -1]
    assert K.get_value(np.array([2.0, 2.0], "float32") * v).tolist() == [2, 4]
    assert K.get_value(v / v).tolist() == [1, 1]
    assert K.get_value(2**v).tolist() == [2, 4]
    assert K.get_value(-v).tolist() == [-1, -2]
    assert K.get_value(abs(-v)).tolist() == [1, 2]
    assert K.get_value(v[1]).tolist() == 2
    assert K.get_value(v > 1).tolist() == [False, True]
    assert K.get_value(np.exp(v)).tolist() == pytest.approx([np.e, np.e**2])
    assert K.get_value(v // 2).tolist() == [0, 1]
    assert K.get_value(v % 2).tolist() == [1, 0]
    assert K.get_value(K.variable(np.eye(2)) @ K.variable([[1.0], [2.0]])).tolist() == [[1], [2]]


def test_variables_are_equal_only_to_themselves_so_that_lists_can_be_searched():
    v, w = K.variable(1.0), K.variable(1.0)
    assert v in [w, v]
    assert v not in [w]
    assert {v: 1}[v] == 1


def test_within_a_scope_reading_and_assigning_stay_inside():
    v, other = K.variable(1.0), K.variable(5.0)
    with scope.Scope({v: K.constant(10.0)}) as here:
        v.assign_add(1.0)
        other.assign(6.0)
        assert float(v) == 11.0
    assert float(here.values[v]) == 11.0
    assert float(v) == 1.0
    assert float(other) == 6.0


def test_numpy_reads_variables():
    v = K.variable([1.0, 2.0])
    assert np.asarray(v).tolist() == [1, 2]
    assert np.mean(v) == 1.5
    assert len(v) == 2
    assert (int(K.variable(3.0)), float(K.variable(3.5))) == (3, 3.5)
    assert "shape=(2,)" in repr(v)


# --- Values that are drawn when they are needed ---


def waiting(drawn):
    """A variable of two numbers, which notes in the list `drawn` that they were asked for."""

    def draw():
        drawn.append(1)
        return np.array([1.0, 2.0], "float32")

    return K.Variable.later(draw, (2,), "float32", name="w")


def test_a_first_value_is_drawn_when_it_is_needed_and_once():
    drawn = []
    v = waiting(drawn)
    assert (v.name, v.shape, v.dtype, v.trainable, len(v), repr(v).count("(2,)")) == ("w", (2,), "float32", True, 2, 1)
    assert drawn == []
    assert v.numpy().tolist() == [1, 2]
    assert v.value is v.value
    assert drawn == [1]


def test_what_is_set_needs_no_drawing():
    drawn = []
    v = waiting(drawn)
    with pytest.raises(ValueError, match="does not fit"):
        v.assign([1.0, 2.0, 3.0])
    v.assign([5.0, 6.0])
    assert v.numpy().tolist() == [5, 6]
    assert drawn == []


def test_copies_and_pickles_hold_the_value():
    for other in (copy.deepcopy(waiting([])), pickle.loads(pickle.dumps(waiting([])))):  # noqa: S301
        assert (other.numpy().tolist(), other.name, other.dtype) == ([1, 2], "w", "float32")


def test_a_value_set_while_another_thread_draws_stays():
    def draw():
        v.assign([7.0, 8.0])
        return np.zeros(2, "float32")

    v = K.Variable.later(draw, (2,), "float32", name="w")
    assert v.numpy().tolist() == [7, 8]
    assert v.numpy().tolist() == [7, 8]

"""Rows into batches: plans, chunks, and the forms data may come in."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.training import data
from hornbeam.training.data import ArrayData, as_array, by_name, plan_epoch

# --- Plans ---


@pytest.mark.parametrize("rows", [1, 4, 5, 8, 31])
@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_a_plan_takes_every_row_once(rows, shuffle):
    plan, counts = plan_epoch(rows, 4, shuffle)
    assert plan.dtype == np.int32
    assert plan.shape == (-(-rows // 4), 4)
    real = np.concatenate([batch[:n] for batch, n in zip(plan, [4] * len(plan) if counts is None else counts)])
    assert sorted(real) == list(range(rows))
    assert (counts is None) == (rows % 4 == 0)
    if counts is not None:
        assert (plan[-1, counts[-1] :] == 0).all()  # filled up with a row that there is


def test_order_and_whole_batches():
    assert plan_epoch(6, 2)[0].tolist() == [[0, 1], [2, 3], [4, 5]]
    for _ in range(5):
        plan, counts = plan_epoch(7, 2, "batch")
        assert sorted(map(tuple, plan[:3].tolist())) == [(0, 1), (2, 3), (4, 5)]
        assert plan[-1].tolist() == [6, 0]
        assert counts.tolist() == [2, 2, 2, 1]
    np.random.seed(0)
    first = plan_epoch(100, 10, True)[0]
    assert not np.array_equal(first, plan_epoch(100, 10, True)[0])
    np.random.seed(0)
    assert np.array_equal(first, plan_epoch(100, 10, True)[0])


def test_a_number_of_steps_goes_round_and_is_always_full():
    plan, counts = plan_epoch(5, 2, False, steps=4)
    assert plan.tolist() == [[0, 1], [2, 3], [4, 0], [1, 2]]
    assert counts is None
    plan, _ = plan_epoch(5, 2, True, steps=5)  # two passes, each with every row
    assert sorted(plan.reshape(-1)) == sorted([*range(5), *range(5)])
    assert plan_epoch(10, 2, False, steps=2)[0].tolist() == [[0, 1], [2, 3]]


# --- Rows ---


def test_arrays_their_size_and_chunks(monkeypatch):
    ones = np.ones(10, "float32")
    rows = ArrayData([np.zeros((10, 4), "float32")], [ones[:, None], None], [None, ones])
    assert rows.rows == 10
    assert rows.nbytes == 10 * (4 + 1 + 1) * 4
    assert [len(rows.arrays()[key]) for key in "xyw"] == [1, 1, 1]
    assert rows.resident
    monkeypatch.setattr(data, "RESIDENT_BYTES", 239)
    assert not rows.resident
    monkeypatch.setattr(data, "CHUNK_BYTES", 24 * 2 * 3)
    assert rows.chunk_steps(2) == 3
    assert rows.chunk_steps(1000) == 1
    stacked = ArrayData([np.arange(10)]).stacked(np.array([[3, 1], [0, 9]]))
    assert stacked["x"][0].tolist() == [[3, 1], [0, 9]]


def test_data_goes_to_the_device_once():
    rows = ArrayData([np.zeros((10, 4), "float32")])
    assert rows.on_device() is rows.on_device()


# --- What users hand over ---


def test_what_becomes_an_array():
    assert as_array([[1, 2], [3, 4]], "x").dtype == np.int32
    assert as_array([1.5], "x").dtype == np.float32
    assert as_array(np.array([True]), "x").dtype == bool
    assert as_array(np.array([1], "uint8"), "x").dtype == np.uint8
    assert as_array(np.array([1.0], "float16"), "x").dtype == np.float16
    assert as_array(K.variable([1.0]), "x").tolist() == [1.0]
    assert as_array(K.constant([1.0]), "x").tolist() == [1.0]
    pandas = pytest.importorskip("pandas")
    assert as_array(pandas.Series([1, 2]), "x").tolist() == [1, 2]
    assert as_array(pandas.DataFrame({"a": [1.0], "b": [2.0]}), "x").tolist() == [[1.0, 2.0]]


def test_an_array_of_single_precision_is_not_copied():
    x = np.zeros((3, 3), "float32")
    assert as_array(x, "x") is x


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([[1, 2], [3]], "the rows have different lengths.*pad_sequences"),
        (np.array(["a", "b"]), "holds <U1 values such as 'a', not numbers"),
        (np.array([{}, 1], object), "holds object values"),
        (np.array(["2020-01-01"], "datetime64[D]"), "not numbers"),
        (np.array([1 + 1j]), "complex128"),
        (np.array([2**31]), "holds 2147483648, which does not fit into 32 bits"),
        (np.array([-(2**31) - 1]), "holds -2147483649"),
    ],
)
def test_what_does_not(value, told):
    with pytest.raises(ValueError, match=told):
        as_array(value, "x")


A, B = np.zeros((4, 2)), np.zeros((4, 3))


@pytest.mark.parametrize(
    ("value", "names", "found"),
    [
        (A, ["x"], [A]),
        ([A], ["x"], [A]),
        ({"x": A}, ["x"], [A]),
        ([A, B], ["x", "y"], [A, B]),
        ((A, B), ["x", "y"], [A, B]),
        ({"y": B, "x": A}, ["x", "y"], [A, B]),
        ({"y": B}, ["x", "y"], [None, B]),
    ],
)
def test_values_by_name(value, names, found):
    result = by_name(value, names, "input")
    assert len(result) == len(found)
    assert all(one is other for one, other in zip(result, found))


def test_a_list_of_rows_is_the_data_of_one_input():
    rows = [[1, 2], [3, 4]]
    assert by_name(rows, ["x"], "input") == [rows]
    arrays = [np.zeros(2), np.zeros(2)]
    assert by_name(arrays, ["x"], "input") == [arrays]
    numbers = [[0, 1, 0], [[1, 2]] * 3]
    assert by_name(numbers, ["a", "b"], "output") == numbers


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"xx": A}, r"Unknown input name 'xx'. Did you mean 'x'\?"),
        ([A, B, A], "has 2 inputs.*got a list of 3 arrays"),
        (A, "has 2 inputs.*got one array. Give a list or a dict by name"),
    ],
)
def test_values_that_do_not_fit_the_names(value, told):
    with pytest.raises(ValueError, match=told):
        by_name(value, ["x", "y"], "input")

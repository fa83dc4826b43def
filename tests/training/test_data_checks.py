"""What data must be before the first step."""

from types import SimpleNamespace

import numpy as np
import pytest

from hornbeam.training import data_checks


@pytest.mark.parametrize(
    ("x", "without"),
    [
        (np.zeros((0, 3)), True), ([np.zeros((0, 3)), np.zeros((0, 2))], True), (np.zeros((2, 0)), False),
        ([np.zeros((0, 3)), np.zeros((1, 2))], False), ([], False), (np.zeros(()), False), (iter([]), False),
    ],
)  # fmt: skip
def test_has_no_rows(x, without):
    assert data_checks.has_no_rows(x) == without


def test_rows_must_agree_and_not_be_none():
    data_checks.check_rows([("x", np.zeros(3)), ("y", None), ("w", np.zeros(3))])
    data_checks.check_rows([])
    with pytest.raises(ValueError, match="same number of rows; got x: 3, y: 4"):
        data_checks.check_rows([("x", np.zeros(3)), ("y", np.zeros(4))])
    with pytest.raises(ValueError, match="y is empty: it has 0 rows"):
        data_checks.check_rows([("x", np.zeros(3)), ("y", np.zeros(0))])


@pytest.mark.parametrize(
    ("array", "shape", "found"),
    [
        ((5, 3), (None, 3), (5, 3)),
        ((5,), (None, 1), (5, 1)),
        ((5, 4), (None, 4, 1), (5, 4, 1)),
        ((5, 4), (None, None), (5, 4)),
        ((5, 4, 2), (None, None, 2), (5, 4, 2)),
        ((6, 3), (3, 3), (6, 3)),
        ((5,), (None,), (5,)),
    ],
)
def test_inputs_that_fit(array, shape, found):
    assert data_checks.fit_input(np.zeros(array), shape, "x").shape == found


@pytest.mark.parametrize(
    ("array", "shape", "told"),
    [
        ((5, 3), (None, 4), r"x needs rows of shape \(4,\), got an array of shape \(5, 3\).$"),
        ((4,), (None, 4), r"For one row, add the batch axis: x\[None\]"),
        ((5, 2, 2), (None, 4), r"x.reshape\(\(-1, 4\)\)"),
        ((5, 28, 28), (None, 28, 28, 3), r"An axis is missing: x\[..., None\]"),
        ((5, 3), (2, 3), "batches of exactly 2 rows, got 5 rows"),
        ((), (None, 4), "got an array of shape"),
    ],
)
def test_inputs_that_do_not(array, shape, told):
    with pytest.raises(ValueError, match=told):
        data_checks.fit_input(np.zeros(array), shape, "x")


@pytest.mark.parametrize(
    ("array", "shape", "integer", "found"),
    [
        ((5, 3), (None, 3), False, (5, 3)),
        ((5,), (None, 1), False, (5, 1)),
        ((5, 7), (None, 7, 1), False, (5, 7, 1)),
        ((5, 7, 2), (None, None, 2), False, (5, 7, 2)),
        ((5,), (None, 3), True, (5,)),
        ((5, 1), (None, 3), True, (5,)),
        ((5, 7), (None, 7, 3), True, (5, 7)),
        ((5, 7, 1), (None, None, 3), True, (5, 7)),
    ],
)
def test_targets_that_fit(array, shape, integer, found):
    assert data_checks.fit_target(np.zeros(array, "int32"), shape, "loss", integer, "y").shape == found


@pytest.mark.parametrize(
    ("array", "shape", "integer", "told"),
    [
        ((5, 3), (None, 1), False, r"y has shape \(5, 3\), but the output gives rows of shape \(1,\)"),
        ((5, 1), (None, 3), False, "Either the last layer should have 1 unit, or the targets 3 columns"),
        ((5, 4), (None, 3), False, "The last layer has 3 units; these targets need 4"),
        ((5, 3), (None, 3), True, "one-hot rows, it seems.*y.argmax"),
        ((5, 2), (None, 3), True, "needs class numbers of shape"),
    ],
)
def test_targets_that_do_not(array, shape, integer, told):
    with pytest.raises(ValueError, match=told):
        data_checks.fit_target(np.zeros(array, "int32"), shape, "loss", integer, "y")


def test_labels_and_ids_outside_their_range_are_found_with_their_row():
    with pytest.raises(ValueError, match=r"the class 9 \(row 1\).*0 to 2. Give the last layer 10 units"):
        data_checks.fit_target(np.array([0, 9]), (None, 3), "loss", True, "y")
    with pytest.raises(ValueError, match=r"the class -1 \(row 0\)"):
        data_checks.fit_target(np.array([-1, 0]), (None, 3), "loss", True, "y")
    words = SimpleNamespace(input_dim=100, name="words")
    data_checks.checked_ids(np.array([[0, 99]]), words)
    with pytest.raises(ValueError, match="ids 0 to 99, but row 1 of its input holds 100. Use input_dim=101"):
        data_checks.checked_ids(np.array([[0], [100]]), words)


def test_binary_targets():
    for fits in (np.array([0, 1]), np.array([0.1, 0.9]), np.array([True, False])):
        data_checks.fit_target(fits, (None, 1), "binary_crossentropy", False, "y")
    for wrong in (np.array([-1, 1]), np.array([0, 2])):
        with pytest.raises(ValueError, match="from 0 .no. to 1 .yes."):
            data_checks.fit_target(wrong, (None, 1), "binary_crossentropy", False, "y")


@pytest.mark.parametrize("labels", [[0, 2, 0], [[0], [2], [0]], np.eye(3)[[0, 2, 0]]])
def test_class_weights_of_every_form_of_label(labels):
    assert data_checks.class_weights(np.array(labels), {0: 1.0, 1: 9.0, 2: 5.0}, "y").tolist() == [1, 5, 1]


def test_class_weights_that_cannot_serve():
    with pytest.raises(ValueError, match="no weight for class 1 of y. Classes in the data: 0, 1; weighted: 0"):
        data_checks.class_weights(np.array([0, 1]), {0: 1.0}, "y")
    with pytest.raises(ValueError, match="rank 1 or 2.*Use sample_weight"):
        data_checks.class_weights(np.zeros((2, 3, 4)), {0: 1.0}, "y")

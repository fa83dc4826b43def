"""to_categorical and normalize beside Keras, and what they refuse."""

import keras
import numpy as np
import pytest

from hornbeam.utils.np_utils import normalize, to_categorical


@pytest.mark.parametrize("y", [[0, 2, 1], [[0], [3]], [[0, 1], [2, 0]], np.array([1.0, 0.0]), 2, np.zeros((2, 1, 1))])
def test_one_hot_rows_are_those_of_keras(y):
    ours = to_categorical(y, 4)
    np.testing.assert_array_equal(ours, keras.utils.to_categorical(np.asarray(y), 4))
    assert ours.dtype == "float32"  # the classic type; Keras gives float64 today


def test_the_number_of_classes_is_guessed():
    assert to_categorical([0, 5]).shape == (2, 6)
    assert to_categorical([]).shape == (0, 0)
    assert to_categorical([], 3).shape == (0, 3)


def test_another_type():
    assert to_categorical([1], 2, "int8").dtype == "int8"


@pytest.mark.parametrize(("y", "message"), [([0, 3], "label 3 is outside the 3 classes"), ([-1], "label -1 is")])
def test_labels_outside_the_classes(y, message):
    with pytest.raises(ValueError, match=message):
        to_categorical(y, 3)


def test_scores_are_no_labels():
    with pytest.raises(ValueError, match="takes class numbers, whole and from 0 on"):
        to_categorical([0.2, 0.8])


@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_normalized_vectors_are_those_of_keras(axis, order):
    x = np.random.default_rng(0).normal(size=(3, 4, 2))
    if order == np.inf or axis == 0:  # which Keras does not take
        np.testing.assert_allclose(normalize(x, axis, order), x / np.linalg.norm(x, order, axis, keepdims=True))
    else:
        np.testing.assert_allclose(normalize(x, axis, order), keras.utils.normalize(x, axis, order), rtol=1e-6)


def test_zeros_stay_zeros():
    assert normalize([[0.0, 0.0], [3.0, 4.0]]).tolist() == [[0.0, 0.0], [0.6, 0.8]]

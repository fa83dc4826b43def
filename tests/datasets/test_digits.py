"""The digits: what they are, and that every digit is held out in proportion."""

import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hornbeam.datasets import digits


def test_shapes_and_types():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1438, 8, 8)
    assert x_test.shape == (359, 8, 8)
    assert {a.dtype.name for a in (x_train, y_train, x_test, y_test)} == {"uint8"}
    assert (x_train.min(), x_train.max()) == (0, 16)
    assert np.unique(y_train).tolist() == list(range(10))


def test_every_image_is_there_once_with_its_label():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    there = load_digits()
    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    ours = sorted((image.tobytes(), int(label)) for image, label in zip(x, y))
    theirs = sorted((image.astype("uint8").tobytes(), int(label)) for image, label in zip(there.images, there.target))
    assert ours == theirs


def test_every_digit_is_held_out_in_proportion():
    (_, y_train), (_, y_test) = digits.load_data(test_split=0.3)
    test, both = np.bincount(y_test), np.bincount(y_test) + np.bincount(y_train)
    np.testing.assert_allclose(test, both * 0.3, atol=1)
    assert len(y_test) == round(1797 * 0.3)


def test_the_seed_decides_which():
    (one, _), _ = digits.load_data()
    (same, _), _ = digits.load_data(0.2, 113)
    (other, _), _ = digits.load_data(seed=1)
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "sklearn.datasets", raising=False)
    with pytest.raises(ImportError, match=r'datasets.digits needs sklearn.*pip install "hornbeam\[data\]"'):
        digits.load_data()


def test_a_wrong_split():
    with pytest.raises(ValueError, match="between 0 and 1"):
        digits.load_data(test_split=20)

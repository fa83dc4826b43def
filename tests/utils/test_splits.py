"""Stratified splits."""

import numpy as np
import pytest

from hornbeam.utils.splits import stratified_split


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.77])
def test_every_class_gives_its_share(fraction):
    labels = np.repeat([0, 1, 2, 7], [10, 200, 33, 57])
    rest, held_out = stratified_split(labels, fraction, seed=1)
    assert sorted([*rest, *held_out]) == list(range(300)), "every row once"
    assert len(held_out) == round(300 * fraction)
    for name, count in zip(*np.unique(labels, return_counts=True)):
        assert abs((labels[held_out] == name).sum() - count * fraction) < 1


def test_seeds():
    labels = np.arange(100) % 3
    one, same, other = (stratified_split(labels, 0.2, seed)[1].tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_rows_are_shuffled():
    _, held_out = stratified_split(np.repeat([0, 1], 50), 0.5, seed=0)
    assert held_out.tolist() != sorted(held_out.tolist())
    assert 5 < (held_out[:25] < 50).sum() < 20, "classes are mixed"


def test_names_as_labels():
    rest, held_out = stratified_split(["cat"] * 4 + ["dog"] * 4, 0.5, seed=0)
    assert sorted(row // 4 for row in held_out) == [0, 0, 1, 1]


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 20])
def test_a_wrong_fraction(fraction):
    with pytest.raises(ValueError, match="fraction must be a number between 0 and 1"):
        stratified_split([0, 1], fraction)


def test_one_label_a_row():
    with pytest.raises(ValueError, match=r"one label a row; got labels of shape \(2, 3\)"):
        stratified_split(np.zeros((2, 3)), 0.5)

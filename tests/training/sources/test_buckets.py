"""Buckets: rows of like length together."""

import numpy as np
import pytest

from hornbeam.training.sources import buckets
from hornbeam.training.sources.buckets import Buckets, bucket_length, padded_in_front

ROWS = [[1], [2, 3], [4, 5, 6], [7], [8, 9]]


def test_every_row_comes_once_padded_in_front():
    source = Buckets(ROWS, np.arange(5), batch_size=2)
    batches = [source[i] for i in range(len(source))]
    assert [x.tolist() for x, _, _ in batches] == [[[1], [7]], [[2, 3], [8, 9]], [[4, 5, 6]]]
    assert [y.tolist() for _, y, _ in batches] == [[0, 3], [1, 4], [2]]
    assert source.order.tolist() == [0, 3, 1, 4, 2]


def test_few_lengths_whatever_comes(monkeypatch):
    monkeypatch.setattr(buckets, "MOST_BUCKETS", 3)
    rows = [np.ones((n, 2)) for n in range(1, 31)]
    source = Buckets(rows, batch_size=4)
    assert source.lengths.tolist() == [11, 21, 30]  # as many rows in each
    assert {source[i].shape[1:] for i in range(len(source))} == {(11, 2), (21, 2), (30, 2)}
    assert sum(source[i].sum() for i in range(len(source))) == sum(row.sum() for row in rows)


def test_targets_by_step_are_padded_and_their_padding_weighs_nothing(monkeypatch):
    monkeypatch.setattr(buckets, "MOST_BUCKETS", 1)
    x, y, weight = Buckets([[1], [2, 3]], [[5], [6, 7]], [1.0, 3.0])[0]
    assert (x.tolist(), y.tolist(), weight.tolist()) == ([[0, 1], [2, 3]], [[0, 5], [6, 7]], [[0, 1], [3, 3]])


def test_a_new_order_for_every_pass():
    source = Buckets([[i] for i in range(30)], batch_size=4, shuffle=True)
    first = source.order.tolist()
    source.on_epoch_end()
    assert sorted(source.order) == sorted(first) == list(range(30))
    assert source.order.tolist() != first


def test_rows_and_targets_must_agree():
    with pytest.raises(ValueError, match="x has 5, y 2"):
        Buckets(ROWS, [1, 2])
    with pytest.raises(ValueError, match="no rows"):
        Buckets([])


def test_lengths_of_batches_that_come_made():
    assert [bucket_length(n) for n in range(1, 10)] == [1, 2, 3, 4, 6, 6, 8, 8, 12]
    assert padded_in_front(np.ones((2, 5))).tolist() == [[0, 1, 1, 1, 1, 1]] * 2
    assert padded_in_front(np.ones((2, 4))).shape == (2, 4)

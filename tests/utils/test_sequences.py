"""Sequence, PyDataset, and the classic enqueuers."""

import numpy as np
import pytest

from hornbeam.utils import GeneratorEnqueuer, OrderedEnqueuer, PyDataset, Sequence, workers
from sequences_to_send import Numbers


def test_a_sequence_says_what_it_lacks():
    with pytest.raises(NotImplementedError, match="Sequence must define __getitem__"):
        Sequence()[0]
    with pytest.raises(NotImplementedError, match="must define __len__"):
        len(Sequence())
    assert PyDataset(3, True, 20).max_queue_size == 20
    assert len(list(Numbers(4))) == 4


@pytest.mark.parametrize("workers", [1, 3])
def test_an_ordered_enqueuer_keeps_the_order_and_goes_round(workers):
    source = Numbers(4, "late")
    enqueuer = OrderedEnqueuer(source)
    with pytest.raises(RuntimeError, match="call start"):
        next(enqueuer.get())
    enqueuer.start(workers=workers, max_queue_size=3)
    assert enqueuer.is_running()
    batches = enqueuer.get()
    assert [int(next(batches)[0][0, 0]) for _ in range(9)] == [0, 1, 2, 3, 100, 101, 102, 103, 200]
    enqueuer.stop(timeout=60)
    assert not enqueuer.is_running()
    assert list(batches) == []


def test_batches_in_a_new_order_for_every_pass():
    enqueuer = OrderedEnqueuer(Numbers(20), shuffle=True)
    enqueuer.start()
    batches = enqueuer.get()
    first, second = ([int(next(batches)[0][0, 0]) % 100 for _ in range(20)] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    enqueuer.stop()


def test_an_enqueuer_with_processes(monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE_S", 600)  # a process is slow to start where many do
    enqueuer = OrderedEnqueuer(Numbers(2), use_multiprocessing=True)
    enqueuer.start(workers=1)
    batches = enqueuer.get()
    assert [int(next(batches)[0][0, 0]) for _ in range(3)] == [0, 1, 100]  # the state after a pass is sent over
    enqueuer.stop()


def test_a_generator_enqueuer_ends_with_its_generator():
    enqueuer = GeneratorEnqueuer(iter(np.arange(4)))
    enqueuer.start(workers=3)
    assert list(enqueuer.get()) == [0, 1, 2, 3]
    assert not enqueuer.is_running()

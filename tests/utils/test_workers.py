"""Work made ahead: order, exceptions, workers that die or hang."""

import gc
import threading
import time

import numpy as np
import pytest

from hornbeam.utils import workers
from hornbeam.utils.workers import Feed, RemoteWorker
from sequences_to_send import Draws, Numbers


def late(number):
    time.sleep(0.01 if number % 3 == 0 else 0)
    return number


def wait_until(holds, limit_s=60):
    """Wait for what another thread does, however slow the machine; an error where it never comes."""
    limit = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.001)


class ToldOnce(Feed):
    """Names the slow when `at_work` says that they are where the test wants them, then calls `release` and is patient.

    However long a thread is not scheduled, one warning comes, and it is the expected one.
    """

    def __init__(self, *args, at_work, release, **kwargs):
        self.at_work, self.release = at_work, release
        super().__init__(*args, **kwargs)

    def _name_the_slow(self, made, waited_s, told):
        if self.at_work():
            super()._name_the_slow(made, waited_s, 1)
            self.patience_s = 600
            self.release()


@pytest.mark.parametrize(("count", "ahead"), [(1, 0), (1, 1), (1, 10), (3, 2), (4, 100)])
def test_results_come_in_order_however_many_work(count, ahead):
    assert list(Feed([late] * count, range(20), ahead)) == list(range(20))


def test_no_more_is_made_ahead_than_was_asked_for():
    made = []
    feed = Feed([made.append] * 2, range(100), ahead=3)
    next(feed)
    wait_until(lambda: len(made) >= 4)
    time.sleep(0.05)  # one that is made too much may be missed on a slow machine; none is seen that is not there
    assert len(made) == 4
    feed.close()


def test_with_nothing_ahead_the_callers_thread_works():
    feed = Feed([lambda _: threading.get_ident()], range(2), ahead=0)
    assert list(feed) == [threading.get_ident()] * 2
    assert not feed.ready


def test_a_maker_may_end_the_feed():
    numbers = iter(range(3))
    assert list(Feed([lambda _: next(numbers)], iter(int, 1))) == [0, 1, 2]
    numbers = iter(range(3))
    assert list(Feed([lambda _: next(numbers)], iter(int, 1), ahead=0)) == [0, 1, 2]


@pytest.mark.parametrize("ahead", [0, 5])
def test_a_workers_exception_is_raised_in_the_caller_with_the_index(ahead):
    def fail(number):
        if number == 4:
            raise KeyError("no such file")
        return number

    with pytest.raises(KeyError, match="no such file") as caught:
        list(Feed([fail] * 2, range(10), ahead))
    assert caught.value.__notes__ == ["Raised while batch 4 was made."]
    assert any(entry.name == "fail" for entry in caught.traceback)  # the place in the user's program is there
    feed = Feed([fail] * 2, range(10), ahead)
    assert [next(feed) for _ in range(4)] == [0, 1, 2, 3]  # what came before is not lost
    with pytest.raises(KeyError):
        next(feed)
    with pytest.raises(StopIteration):
        next(feed)


def test_items_that_fail_are_told_as_well():
    def items():
        yield 1
        raise ValueError("no more names")

    feed = Feed([late], items())
    assert next(feed) == 1
    with pytest.raises(ValueError, match="no more names"):
        next(feed)


def test_a_worker_that_hangs_is_named_with_the_line_where_it_stands():
    def hang(number):
        if number == 1:
            hung.set()
            stuck.wait()
        return number

    hung, stuck = threading.Event(), threading.Event()
    at_work = lambda: feed._made.next == 1 and hung.is_set()  # noqa: E731
    feed = ToldOnce([hang] * 2, range(4), patience_s=0.05, at_work=at_work, release=stuck.set)
    assert next(feed) == 0
    with pytest.warns(UserWarning, match=r"Waited \d+\.\d s for batch 1: worker \d of 2 has not finished it") as told:
        assert next(feed) == 1
    assert "It stands in" in str(told[0].message)
    assert list(feed) == [2, 3]


def test_a_worker_that_hangs_for_good_is_an_error():
    stuck = threading.Event()
    feed = Feed([lambda number: stuck.wait()], range(4), patience_s=0.01)
    with pytest.warns(UserWarning, match="Still waiting"), pytest.raises(TimeoutError, match="Nothing is made"):
        next(feed)
    stuck.set()
    assert workers.PATIENCE_S == 30


def test_threads_end_when_nobody_holds_their_feed():
    before = set(threading.enumerate())  # threads of other tests may end meanwhile
    feed = Feed([late] * 3, iter(int, 1))
    next(feed)
    own = set(threading.enumerate()) - before
    assert len(own) == 3
    del feed
    gc.collect()
    wait_until(lambda: not any(thread.is_alive() for thread in own))


# --- Other processes ---


def test_a_process_gives_items_fails_and_dies_as_told():
    worker = RemoteWorker(Numbers(fault="raise"), seed=5)
    x, pid = worker(1)
    assert x[0, 0] == 1
    assert pid[0, 0] == np.float32(worker.pid % 1000 / 1000)  # it was made over there
    with pytest.raises(KeyError, match="no file for 3") as caught:
        worker(3)
    assert "sequences_to_send.py" in caught.value.__notes__[0]
    worker.hold(Draws(), seed=5)
    first = worker(2)
    worker.hold(Draws(), seed=6)
    assert not np.array_equal(worker(2), first)
    worker.hold(Draws(), seed=5)
    np.testing.assert_array_equal(worker(2), first)  # the seed and the index say what is drawn
    worker.hold(lambda: None, seed=0)
    with pytest.raises(TypeError, match="cannot be sent to another process.*threads need none of this"):
        worker(0)
    worker.hold(Numbers(fault="die"), seed=0)
    pid = worker.pid
    with pytest.raises(RuntimeError, match=rf"worker process {pid} died while it made batch 3 \(exit status 7\)"):
        worker(3)
    worker.close()
    assert worker.pid is None


def test_a_process_that_hangs_is_named(tmp_path):
    release = tmp_path / "release"
    worker = RemoteWorker(Numbers(fault="hang", release=release))
    worker(0)
    waits = lambda: "the process" in workers._place_of(feed._threads[0])  # noqa: E731
    feed = ToldOnce([worker], [3], patience_s=0.05, at_work=waits, release=release.touch)
    with pytest.warns(UserWarning, match=rf"batch 3: worker 1 of 1 .* It is the process {worker.pid}"):
        next(feed)
    worker.close()

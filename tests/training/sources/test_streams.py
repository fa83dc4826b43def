"""Streams: what is one, passes, where they stand."""

import numpy as np
import pytest

from hornbeam.training.sources.streams import Stream, stream_kind
from sequences_to_send import Numbers


class Anew:
    def __init__(self, count=3):
        self.count = count

    def __iter__(self):
        return iter(range(self.count))


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        ((i for i in range(3)), "generator"),
        (map(int, [1]), "generator"),
        (Numbers(), "sequence"),
        (Anew(), "iterable"),
        ([1], None),
        ((1, 2), None),
        ({"a": 1}, None),
        (range(3), None),
        ("text", None),
        (None, None),
        (np.zeros(3), None),
        (np.float32(1), None),
    ],
)
def test_what_is_a_stream(x, kind):
    assert stream_kind(x) == kind


def test_nothing_is_imported_to_recognise_data(run_python):
    told = run_python("""
        import sys, numpy as np
        import hornbeam
        from hornbeam.training.sources.streams import stream_kind
        from hornbeam.training.data import as_array
        before = set(sys.modules)
        stream_kind(iter([])), stream_kind(object()), as_array([1.0], "x"), as_array(np.ones(3), "x")
        print(sorted({name.split(".")[0] for name in set(sys.modules) - before}))
    """)
    assert told.strip() == "[]"


def test_a_generator_is_asked_exactly_as_often_as_was_said():
    source = iter(range(10))
    stream = Stream(source)
    assert stream.peek() == 0
    assert list(stream.one_pass(3)) == [0, 1, 2]
    assert list(stream.one_pass(2)) == [3, 4]
    assert next(source) == 5
    assert not stream.dry
    assert list(stream.one_pass(9)) == [6, 7, 8, 9]
    assert stream.dry
    assert stream.position == 9


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_an_iterable_begins_anew_and_a_sequence_comes_round(workers):
    for source, of in ((Anew(), int), (Numbers(3), lambda batch: int(batch[0][0, 0]) % 100)):
        stream = Stream(source, workers=workers)
        stream.peek()
        assert [of(batch) for batch in stream.one_pass()] == [0, 1, 2]
        assert [of(batch) for batch in stream.one_pass(2)] == [0, 1]
        assert [of(batch) for batch in stream.one_pass(2)] == [2, 0]
        assert [of(batch) for batch in stream.one_pass()] == [1, 2]  # the rest of the pass under way
        assert stream.position == 9
        stream.close()


def test_batches_are_prepared_and_counted():
    stream = Stream(Numbers(4))
    stream.prepare = lambda batch: batch[0][0, 0] * 2
    assert list(stream.one_pass()) == [0, 2, 4, 6]
    assert stream.batches == 4
    assert Stream(Anew()).batches is None
    assert Stream(iter([])).batches is None


def test_a_new_source_is_brought_to_where_the_old_one_stood():
    for make in (lambda: iter(range(100)), lambda: Numbers(3)):
        first, second = Stream(make()), Stream(make())
        list(first.one_pass(4))
        second.seek(4)
        assert second.position == 4
        np.testing.assert_equal(list(second.one_pass(2)), list(first.one_pass(2)))


def test_an_abandoned_pass_can_be_followed_by_another():
    stream = Stream(Numbers(5))
    batches = stream.one_pass()
    next(batches)
    batches.close()
    assert [int(x[0, 0]) for x, _ in stream.one_pass()] == [1, 2, 3, 4]


def test_endless_sequences_need_a_number_of_steps():
    class Endless(Numbers):
        num_batches = None

        def __len__(self):
            raise TypeError("no end")

    stream = Stream(Endless())
    assert stream.batches is None
    assert [int(x[0, 0]) for x, _ in stream.one_pass(3)] == [0, 1, 2]
    assert [int(x[0, 0]) for x, _ in stream.one_pass(2)] == [3, 4]

"""Streams: batches that come one after the other, from generators, Sequences, loaders; made ahead by workers."""

import warnings

import numpy as np

from hornbeam.training.sources.tables import is_frame, is_row_table
from hornbeam.utils.sequences import makers_for
from hornbeam.utils.workers import Feed, RemoteWorker

_OF_ARRAYS = ("shape", "dtype", "__array__", "to_numpy", "numpy")
_PLAIN = (str, bytes, int, float, complex, bool, list, tuple, dict, range, type(None), np.ndarray, np.generic)


def stream_kind(x):
    """How `x` gives batches: 'generator' (once), 'sequence' (by number), 'iterable' (anew each time); None if it is
    data, not a stream. Nothing is imported: what `x` can do is looked at.

    Raises:
        TypeError: it is the function that makes a generator, or a data set of single rows.

    Example:
        >>> stream_kind(iter([1])), stream_kind([1]), stream_kind({1})
        ('generator', None, 'iterable')
    """
    if isinstance(x, _PLAIN):
        return None
    kinds = {(base.__module__.split(".")[0], base.__name__) for base in type(x).__mro__}
    by_number = hasattr(x, "__getitem__") and (hasattr(x, "__len__") or hasattr(x, "num_batches"))
    if by_number and (hasattr(x, "on_epoch_end") or {"Sequence", "PyDataset"} & {name for _, name in kinds}):
        return "sequence"
    if is_row_table(x) or is_frame(x) or any(hasattr(x, name) for name in _OF_ARRAYS):
        return None
    if hasattr(x, "__next__"):
        return "generator"
    if ("torch", "Dataset") in kinds and not hasattr(x, "__iter__"):
        raise TypeError(
            f"{type(x).__name__} gives single rows. Let a loader make batches of it: "
            f"torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)."
        )
    if callable(x) and hasattr(x, "__code__"):
        raise TypeError(f"{x.__name__} is a function. Call it, so that it gives a generator: {x.__name__}().")
    if by_number:
        return "sequence"
    return "iterable" if hasattr(x, "__iter__") else None


class Stream:
    """Batches of a source, made ahead, pass after pass.

    Args:
        source: what the user gave, of a kind that `stream_kind` knows.
        shuffle: take the batches of a Sequence in a new order for every pass?
        workers: threads or processes that make batches; 0 for the caller's own thread; None for what the source says.
        processes: spawned processes instead of threads? They need a Sequence.
        ahead: how many batches are made ahead.

    Attributes:
        kind: see `stream_kind`.
        position: number of batches given so far.
        dry: did a pass of a given number of steps find too few batches?
    """

    def __init__(self, source, shuffle=False, workers=None, processes=None, ahead=None):
        self.source = source
        self.kind = stream_kind(source)
        self.shuffle = bool(shuffle)
        self.workers = _first_given(workers, getattr(source, "workers", None), 1)
        self.processes = bool(_first_given(processes, getattr(source, "use_multiprocessing", None), False))
        self.ahead = int(_first_given(ahead, getattr(source, "max_queue_size", None), 10)) if self.workers else 0
        self.position = 0
        self.dry = False
        self.prepare = lambda batch: batch  # set by who uses the stream: from what the source gives to what is needed
        self._peeked = {}  # number -> batch that was looked at before its time
        self._iterator = source if self.kind == "generator" else None
        self._order, self._at = None, 0  # of a sequence: numbers of this pass, and how many of them are done
        self._makers = None
        self._feed = None
        if self.processes and self.kind != "sequence":
            warnings.warn(
                "use_multiprocessing: a generator cannot be sent to other processes; a thread asks it. Write a "
                "Sequence (__len__ and __getitem__) to have batches made by several.",
                stacklevel=5,
            )
            self.processes = False
        # One thread asks an iterator: batches keep their order, and none is made twice.
        self.workers = self.workers if self.kind == "sequence" else min(self.workers, 1)

    @property
    def batches(self):
        """Number of batches of a pass, or None if that is unknown or there is no end."""
        if self.kind == "generator":
            return None
        count = getattr(self.source, "num_batches", None)
        if isinstance(count, (int, np.integer)):
            return int(count)
        try:
            return len(self.source)
        except (TypeError, AttributeError, NotImplementedError):
            return None

    def peek(self):
        """The first batch of the next pass, as the source gives it.

        Raises:
            ValueError: there is none.
        """
        if not self._peeked:
            number = self._numbers()[0] if self.kind == "sequence" and self._numbers() else 0
            try:
                self._peeked[number] = next(Feed([self._fetch], [number], ahead=0))
            except (StopIteration, IndexError) as error:
                if isinstance(error, IndexError) and self.batches:
                    raise
                name = type(self.source).__name__
                raise ValueError(f"{name} gave no batch at all. {self._cure_for_none()}") from None
        return next(iter(self._peeked.values()))

    def _cure_for_none(self):
        if self.kind == "generator":
            return "A generator gives its batches once: make a new one, or let it run `while True`."
        return "Are there fewer rows than a batch has?"

    # --- Passes ---

    def one_pass(self, count=None):
        """Iterator over `prepare(batch)`: all batches, or the next `count` of them.

        With `count`, a Sequence goes on where the pass before ended, and comes round; an iterable likewise; a
        generator is asked exactly that many times.
        """
        self.dry = False
        given = 0
        try:
            while count is None or given < count:
                before = given
                for batch in self._segment(None if count is None else count - given):
                    self.position += 1
                    given += 1
                    yield batch
                if self.kind == "generator" or count is None or given == before:
                    break
        finally:
            self.close_feed()
        self.dry = count is not None and given < count

    def _segment(self, most):
        """Batches up to the end of the source's own pass, `most` at the utmost (None: all)."""
        if self.kind == "sequence":
            yield from self._numbered(most)
            return
        if self._iterator is None:
            self._begin("on_epoch_begin")
            self._iterator = iter(self.source)
        given = 0
        for batch in self._run_feed([lambda number: self._made(number)], range(most) if most is not None else _count()):
            given += 1
            yield batch
        if self.kind == "iterable" and (most is None or given < most):
            self._iterator = None  # the next pass begins anew

    def _numbered(self, most):
        numbers = self._numbers()
        if self._at == 0:
            self._begin("on_epoch_begin")
        if self._makers is None:
            seed = np.random.randint(0, 2**31 - 1) if self.processes else 0
            self._makers = makers_for(self.source, self.workers, self.processes, seed)
        chosen = numbers[self._at :] if most is None else numbers[self._at : self._at + most]
        makers = [lambda number, get=get: self._made(number, get) for get in self._makers]
        for batch in self._run_feed(makers, chosen):
            self._at += 1
            if self._at == len(numbers):
                self._order, self._at = None, 0
                yield batch
                self._ended()
                return
            yield batch

    def _numbers(self):
        """Numbers of the batches of the pass under way."""
        if self._order is None:
            count = self.batches
            if count is None:
                return range(2**62)
            self._order = np.random.permutation(count).tolist() if self.shuffle else range(count)
        return self._order

    def _run_feed(self, makers, items):
        self._feed = Feed(makers, items, self.ahead)
        return self._feed

    def _made(self, number, get=None):
        raw = self._peeked.pop(number) if number in self._peeked else self._fetch(number, get)
        return self.prepare(raw)

    def _fetch(self, number, get=None):
        if self.kind == "sequence":
            return (get or self.source.__getitem__)(number)
        if self._iterator is None:
            self._begin("on_epoch_begin")
            self._iterator = iter(self.source)
        return next(self._iterator)

    @property
    def ready(self):
        """Would the next batch of the pass under way come without waiting?"""
        return self._feed is not None and self._feed.ready

    def _begin(self, name):
        function = getattr(self.source, name, None)
        if function is not None:
            function()

    def _ended(self):
        """A pass over the numbers of a Sequence is over."""
        self._begin("on_epoch_end")
        for maker in self._makers or ():
            if isinstance(maker, RemoteWorker):
                maker.hold(self.source, np.random.randint(0, 2**31 - 1))

    def seek(self, position):
        """Pass over batches, of a source that is new, until `position` have been given."""
        while self.position < position:
            before = self.position
            for _ in self.one_pass(position - self.position):
                pass
            if self.position == before:
                return

    def close_feed(self):
        """Make no more batches of this pass."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    def close(self):
        """Make no more batches; end the processes."""
        self.close_feed()
        for maker in self._makers or ():
            if isinstance(maker, RemoteWorker):
                maker.close()
        self._makers = None


def _first_given(*values):
    return next(value for value in values if value is not None)


def _count():
    number = 0
    while True:
        yield number
        number += 1

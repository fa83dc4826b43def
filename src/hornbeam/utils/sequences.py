"""Batches by number: Sequence and PyDataset, and the classic enqueuers that make batches ahead."""

import itertools

import numpy as np

from hornbeam import checks
from hornbeam.utils.workers import Feed, RemoteWorker


class Sequence(checks.Constructed):
    """Base of data that is made batch by batch: `len(s)` batches, of which `s[i]` is one.

    Safer than a generator with several workers: every batch is made once an epoch, and they come in order. Override
    `__getitem__`, `__len__` and, to prepare the next epoch (a new order, say), `on_epoch_end`.

    Example:
        >>> class Squares(Sequence):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         x = np.full((2, 1), float(index))
        ...         return x, x**2
        >>> [y.max().item() for x, y in Squares()]
        [0.0, 1.0, 4.0]

    Reference: keras.utils.Sequence of Keras 2.
    """

    def __getitem__(self, index):
        """The batch of this number: (x, y), (x, y, sample_weight), or x alone."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index), which makes a batch.")

    def __len__(self):
        """Number of batches."""
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self), the number of batches.")

    def __iter__(self):
        for index in range(len(self)):
            yield self[index]

    def on_epoch_end(self):
        """Called after each pass over the batches."""


class PyDataset(Sequence):
    """Sequence that says itself how it is read.

    Args:
        workers: how many threads or processes make batches, 1.
        use_multiprocessing: processes instead of threads?
        max_queue_size: how many batches are made ahead, 10.

    Example:
        >>> PyDataset(workers=2).workers
        2

    Reference: keras.utils.PyDataset of Keras 3.
    """

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    @property
    def num_batches(self):
        """Number of batches; override it to return None for data without end."""
        return len(self)

    def on_epoch_begin(self):
        """Called before each pass over the batches."""


def makers_for(source, workers, processes, seed=0):
    """A function of the batch's number for each worker.

    Args:
        source: object with `__getitem__`.
        workers: how many; 0 means the caller's own thread.
        processes: spawned processes instead of threads?
        seed: what random numbers start from in other processes.
    """
    if processes and workers > 0:
        return [RemoteWorker(source, seed) for _ in range(workers)]
    return [source.__getitem__] * max(workers, 1)


class SequenceEnqueuer(checks.Constructed):
    """Base of the enqueuers: something is made ahead between `start` and `stop`, `get` gives it.

    Args:
        sequence: where batches come from.
        use_multiprocessing: processes instead of threads?
    """

    def __init__(self, sequence, use_multiprocessing=False):
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self._feed = None
        self._makers = []

    def is_running(self):
        """Is it between `start` and `stop`?"""
        return self._feed is not None

    def start(self, workers=1, max_queue_size=10):
        """Begin to make batches ahead.

        Args:
            workers: number of threads or processes, 1.
            max_queue_size: how many batches may wait, 10.
        """
        self.stop()
        self._feed = self._start(max(workers, 1), max_queue_size)

    def _start(self, workers, ahead):
        raise NotImplementedError

    def stop(self, timeout=None):
        """Make no more; wait for work under way up to `timeout` seconds."""
        if self._feed is not None:
            self._feed.close(timeout or 0.0)
            self._feed = None
        for maker in self._makers:
            if isinstance(maker, RemoteWorker):
                maker.close()
        self._makers = []

    def get(self):
        """Generator over the batches.

        Raises:
            RuntimeError: it was not started.
        """
        if self._feed is None:
            raise RuntimeError(f"{type(self).__name__}: call start() before get().")
        while self._feed is not None:
            try:
                batch = next(self._feed)
            except StopIteration:
                self.stop()
                return
            yield batch


class OrderedEnqueuer(SequenceEnqueuer):
    """Batches of a Sequence made ahead, in order, over and over.

    Args:
        sequence: a :class:`Sequence`.
        use_multiprocessing: spawned processes instead of threads?
        shuffle: a new order of the batches for every pass?

    Example:
        >>> enqueuer = OrderedEnqueuer([[1], [2], [3]])
        >>> enqueuer.start(workers=2)
        >>> batches = enqueuer.get()
        >>> [next(batches) for _ in range(4)]
        [[1], [2], [3], [1]]
        >>> enqueuer.stop()
    """

    def __init__(self, sequence, use_multiprocessing=False, shuffle=False):
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle

    def _start(self, workers, ahead):
        seed = np.random.randint(0, 2**31 - 1) if self.use_multiprocessing else 0
        self._makers = makers_for(self.sequence, workers, self.use_multiprocessing, seed)
        return _Passes(self._one_pass, self._pass_ended, ahead)

    def _one_pass(self, ahead):
        count = len(self.sequence)
        order = np.random.permutation(count).tolist() if self.shuffle else range(count)
        return Feed(self._makers, order, ahead)

    def _pass_ended(self):
        end = getattr(self.sequence, "on_epoch_end", None)
        if end is not None:
            end()
        for maker in self._makers:
            if isinstance(maker, RemoteWorker):
                maker.hold(self.sequence, np.random.randint(0, 2**31 - 1))


class _Passes:
    """One feed after the other, without end."""

    def __init__(self, begin, ended, ahead):
        self._begin = begin
        self._ended = ended
        self._ahead = ahead
        self._feed = begin(ahead)

    def __next__(self):
        try:
            return next(self._feed)
        except StopIteration:
            self._ended()
            self._feed = self._begin(self._ahead)
            return next(self._feed)

    def close(self, wait_s=0.0):
        self._feed.close(wait_s)


class GeneratorEnqueuer(SequenceEnqueuer):
    """Batches of a generator made ahead by a thread.

    A generator is one thing after the other: one thread asks it, however many workers there are, and the order is its
    own. It cannot be sent to another process; `use_multiprocessing` is taken for old code's sake.

    Args:
        sequence: an iterator.
        use_multiprocessing, wait_time, random_seed: not used.

    Example:
        >>> enqueuer = GeneratorEnqueuer(iter([1, 2]))
        >>> enqueuer.start()
        >>> list(enqueuer.get())
        [1, 2]
    """

    def __init__(self, sequence, use_multiprocessing=False, wait_time=None, random_seed=None):
        super().__init__(sequence, use_multiprocessing)

    def _start(self, workers, ahead):
        source = self.sequence
        return Feed([lambda _: next(source)], itertools.count(), ahead)

"""Rows of different lengths: those of like length are batched together, so that few shapes are compiled."""

import numpy as np

from hornbeam.utils.sequences import Sequence

MOST_BUCKETS = 8


class Buckets(Sequence):
    """Batches of rows of like length, padded with zeros in front to the length of their bucket.

    There are at most `MOST_BUCKETS` lengths, cut so that each holds about as many rows. Zeros in front are what
    `pad_sequences` puts there, and what a layer with `mask_zero` skips.

    Args:
        x: list of N rows, each (T_i, ...).
        y: one target a row, or, for each row, one a step: those are padded too, and padded steps weigh nothing.
        sample_weight: one a row.
        batch_size: B, 32.
        shuffle: rows in a new order, within their buckets, for every pass?

    Attributes:
        order: number of each row, in the order in which the batches hold them.
        lengths: lengths of the buckets.

    Example:
        >>> buckets = Buckets([[1], [2, 3], [4]], batch_size=2)
        >>> [buckets[i].tolist() for i in range(len(buckets))]
        [[[1], [4]], [[2, 3]]]
    """

    def __init__(self, x, y=None, sample_weight=None, batch_size=32, shuffle=False):
        self.rows = [np.asarray(row) for row in x]
        self.sizes = np.array([len(row) for row in self.rows])
        self.y = self.by_step = None
        if y is not None:
            self.by_step = not hasattr(y, "shape") and len(y) > 0 and np.ndim(y[0]) > 0 and (
                [len(row) for row in y] == self.sizes.tolist())  # fmt: skip
            self.y = [np.asarray(row) for row in y] if self.by_step else np.asarray(y)
        self.weight = None if sample_weight is None else np.asarray(sample_weight, "float32")
        for name, given in (("y", self.y), ("sample_weight", self.weight)):
            if given is not None and len(given) != len(self.rows):
                raise ValueError(f"All data needs one number of rows; x has {len(self.rows)}, {name} {len(given)}.")
        if not len(self.rows) or not self.sizes.max():
            raise ValueError("bucket_by_length: x holds no rows, or rows of no length.")
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.lengths = self._cut()
        self._deal()

    def _cut(self):
        """Lengths of the buckets: every length there is, or those that cut the rows into equal parts."""
        lengths = np.unique(self.sizes[self.sizes > 0])
        if len(lengths) > MOST_BUCKETS:
            shares = np.arange(1, MOST_BUCKETS + 1) / MOST_BUCKETS
            lengths = np.unique(np.quantile(self.sizes, shares, method="higher"))
        return lengths

    def _deal(self):
        """Give rows to batches."""
        bucket = np.searchsorted(self.lengths, self.sizes)
        self._batches = []
        for number, length in enumerate(self.lengths):
            rows = np.flatnonzero(bucket == number)
            rows = np.random.permutation(rows) if self.shuffle else rows
            cuts = range(0, len(rows), self.batch_size)
            self._batches += [(int(length), rows[at : at + self.batch_size]) for at in cuts]
        self.order = np.concatenate([rows for _, rows in self._batches])

    def __len__(self):
        return len(self._batches)

    def __getitem__(self, index):
        length, rows = self._batches[index]
        x = _padded([self.rows[row] for row in rows], length)
        if self.y is None:
            return x
        weight = None if self.weight is None else self.weight[rows]
        if not self.by_step:
            return x, self.y[rows], weight
        real = np.arange(length) >= length - self.sizes[rows][:, None]
        weight = real.astype("float32") if weight is None else real * weight[:, None]
        return x, _padded([self.y[row] for row in rows], length), weight

    def on_epoch_end(self):
        """A new order for the next pass."""
        if self.shuffle:
            self._deal()


def are_rows(x, inputs):
    """Is `x` a list of rows, not padded arrays? `inputs` is the number of the model's inputs."""
    return inputs == 1 and (isinstance(x, (list, tuple)) or str(getattr(x, "dtype", "")) == "object")


def _padded(rows, length):
    first = next((row for row in rows if len(row)), rows[0])
    result = np.zeros((len(rows), length, *first.shape[1:]), first.dtype)
    for place, row in zip(result, rows):
        if len(row):
            place[length - len(row) :] = row
    return result


def bucket_length(length):
    """The next of the lengths 1, 2, 3, 4, 6, 8, 12, 16, 24, ... for batches whose lengths nobody knows beforehand.

    Example:
        >>> [bucket_length(n) for n in (1, 5, 7, 13, 100)]
        [1, 6, 8, 16, 128]
    """
    power = power_of_two(length)
    return power * 3 // 4 if power >= 4 and length <= power * 3 // 4 else power


def power_of_two(length):
    """The next power of two, 1 at least: for programs that many lengths are to share."""
    return 1 << max(int(length) - 1, 0).bit_length()


def padded_in_front(array):
    """`array` (B, T, ...) with zeros in front of each row, up to the length of its bucket."""
    missing = bucket_length(array.shape[1]) - array.shape[1]
    return np.pad(array, [(0, 0), (missing, 0)] + [(0, 0)] * (array.ndim - 2)) if missing else array

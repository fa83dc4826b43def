"""Columns: rows that stay where they are (a file, a sparse matrix, a big array) and are read batch by batch."""

import numpy as np

# Arrays of another type than the engine computes with are converted whole up to this size, batch by batch above it.
CONVERTED_BYTES = 64 << 20
# Rows of a file that lie close together are read as one piece: up to this many times what is wanted.
_WASTE = 4


class Column:
    """Rows that are read when needed.

    Args:
        read: function from row numbers (an array) to an array of those rows.
        shape: (rows, ...).
        dtype: of what `read` gives.

    Attributes:
        nbytes: size of all rows, read.
    """

    is_column = True

    def __init__(self, read, shape, dtype):
        self.read = read
        self.shape = tuple(int(n) for n in shape)
        self.dtype = np.dtype(dtype)
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))
        self.nbytes = self.size * self.dtype.itemsize

    def __len__(self):
        return self.shape[0]

    def take(self, rows):
        """The rows of these numbers, as an array."""
        return self.read(rows)

    def mapped(self, function, shape=None, dtype=None):
        """A column of `function(rows read)`, which has `shape` and `dtype` unless they stay as they are."""
        return Column(lambda rows: function(self.read(rows)), shape or self.shape, dtype or self.dtype)

    def checked(self, check):
        """The same column, with `check(rows read)` called whenever some are read."""

        def look(array):
            check(array)
            return array

        return self.mapped(look)

    def part(self, rows):
        """The column of the rows of these numbers."""
        return Column(lambda wanted: self.read(rows[wanted]), (len(rows), *self.shape[1:]), self.dtype)

    def __getitem__(self, key):
        """What arrays answer to: rows by slice or numbers, `[..., None]` for one axis more, `[..., 0]` for one less."""
        if isinstance(key, tuple) and len(key) == 2 and key[0] is Ellipsis:
            shape = (*self.shape, 1) if key[1] is None else self.shape[:-1]
            return self.mapped(lambda array: array[key], shape)
        return self.part(np.arange(len(self))[key] if isinstance(key, slice) else np.asarray(key))

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.read(np.arange(len(self))), dtype)


def rows_of(array, rows):
    """`array[rows]`, of an array or a column."""
    return array.take(rows) if is_column(array) else array[rows]


def part_of(array, rows):
    """The rows `rows` (numbers, or a slice) of an array or a column as one of its kind; None stays None."""
    return None if array is None else array[rows]


def is_column(value):
    """Is this a :class:`Column`?"""
    return getattr(value, "is_column", False)


def as_column(value, floatx):
    """A column of what is best left where it is, or None: then it can be made an array.

    Args:
        value: anything.
        floatx: the float type computed with.
    """
    if is_column(value):
        return value
    if isinstance(value, np.ndarray):
        in_file = isinstance(value, np.memmap) and value.ndim > 0
        big = value.nbytes > CONVERTED_BYTES and value.dtype != _computed(value.dtype, floatx)
        return Column(lambda rows: np.asarray(value[rows]), value.shape, value.dtype) if in_file or big else None
    if hasattr(value, "tocsr") and hasattr(value, "toarray"):
        return _sparse(value)
    kinds = {(base.__module__.split(".")[0], base.__name__) for base in type(value).__mro__}
    if ("h5py", "Dataset") in kinds or "HDF5Matrix" in {name for _, name in kinds}:
        return _in_file(value)
    return None


def _computed(dtype, floatx):
    """The type that numbers of `dtype` are computed in."""
    if dtype.kind == "f" and dtype.itemsize == 8:
        return np.dtype(floatx)
    return np.dtype("int32") if dtype.kind in "iu" and dtype.itemsize == 8 else dtype


def _sparse(matrix):
    """Rows of a scipy.sparse matrix, made dense when they are read."""
    matrix = matrix.tocsr()
    return Column(lambda rows: matrix[rows].toarray(), matrix.shape, matrix.dtype)


def _in_file(data):
    """Rows of a data set that likes neighbours read together, and each row once, in growing order."""

    def read(rows):
        rows = np.asarray(rows)
        if not len(rows):
            return np.asarray(data[0:0])
        first, last = int(rows.min()), int(rows.max())
        if last - first < _WASTE * len(rows):
            piece = np.asarray(data[first : last + 1])
            return piece if _in_order(rows) else piece[rows - first]
        unique, back = np.unique(rows, return_inverse=True)
        return np.asarray(data[unique])[back]

    sample = np.asarray(data[0:1])  # a normalizer may have changed shape and type
    return Column(read, (data.shape[0], *sample.shape[1:]), sample.dtype)


def _in_order(rows):
    return bool((np.diff(rows) == 1).all())

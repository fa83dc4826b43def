"""Data that stays in a file: HDF5Matrix."""

import weakref

import numpy as np

from hornbeam import checks

_open_files = weakref.WeakValueDictionary()


class HDF5Matrix(checks.Constructed):
    """Rows `start` to `end` of a data set in an HDF5 file, read when they are asked for.

    `fit`, `evaluate` and `predict` take it like an array and never read it whole; `shuffle='batch'` reads neighbours
    together, which is much faster than single rows all over the file.

    Args:
        datapath: the file.
        dataset: name of the data set.
        start: first row, 0.
        end: row after the last; None for all.
        normalizer: function applied to each batch that is read.

    Raises:
        KeyError: the file has no such data set; the message lists those it has.

    Example::

        x = HDF5Matrix("train.h5", "images", end=50000, normalizer=lambda batch: batch / 255)
        model.fit(x, HDF5Matrix("train.h5", "labels", end=50000), shuffle="batch")
    """

    def __init__(self, datapath, dataset, start=0, end=None, normalizer=None):
        self.datapath = str(datapath)
        self.dataset = dataset
        self.data = _data_set(self.datapath, dataset)
        self.start, self.end, _ = slice(start, end).indices(self.data.shape[0])
        self.end = max(self.start, self.end)
        self.normalizer = normalizer

    def __len__(self):
        return self.end - self.start

    def __getitem__(self, key):
        rows = np.arange(self.start, self.end)[key]
        if np.ndim(rows) == 0:
            found = self.data[int(rows)]
        elif isinstance(key, slice) and key.step in (None, 1):
            found = self.data[rows[0] : rows[-1] + 1] if len(rows) else self.data[0:0]
        else:  # the file wants each row once, in growing order
            unique, back = np.unique(rows, return_inverse=True)
            found = self.data[unique][back]
        return found if self.normalizer is None else self.normalizer(found)

    def __getstate__(self):
        return {key: value for key, value in vars(self).items() if key != "data"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.data = _data_set(self.datapath, self.dataset)

    @property
    def shape(self):
        """(rows, ...)."""
        return (len(self), *self.data.shape[1:])

    @property
    def dtype(self):
        """Type of the numbers in the file."""
        return self.data.dtype

    @property
    def ndim(self):
        """Number of axes."""
        return self.data.ndim

    @property
    def size(self):
        """Number of elements."""
        return int(np.prod(self.shape))


class _File:
    """An open file, shared by everything that reads from it, closed with the last of them."""

    def __init__(self, path):
        import h5py

        self.file = h5py.File(path, "r")
        weakref.finalize(self, self.file.close)


class _DataSet:
    """A data set that keeps its file open."""

    def __init__(self, held, data):
        self._held = held
        self._data = data
        self.shape, self.dtype, self.ndim = data.shape, data.dtype, data.ndim

    def __getitem__(self, key):
        return self._data[key]


def _data_set(path, name):
    held = _open_files.get(path)
    if held is None:
        held = _open_files[path] = _File(path)
    if name not in held.file:
        raise KeyError(f"{path} has no data set {name!r}. It has: {', '.join(held.file)}.")
    return _DataSet(held, held.file[name])

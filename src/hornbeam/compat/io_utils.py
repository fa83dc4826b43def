"""`keras.utils.io_utils`: HDF5 files that are used like dicts, and the question before a file is overwritten."""

import numpy as np

from hornbeam.utils.io_utils import HDF5Matrix

__all__ = ["H5Dict", "HDF5Matrix", "ask_to_proceed_with_overwrite", "h5dict"]


def ask_to_proceed_with_overwrite(filepath):
    """Ask at the keyboard whether `filepath` may be overwritten: True or False."""
    answer = ""
    while answer not in ("y", "n"):
        answer = input(f"{filepath} is there already. Overwrite it? [y/n] ").strip().lower()
    return answer == "y"


class H5Dict:
    """A dict of arrays, numbers, texts and further dicts, kept in an HDF5 file or in a dict.

    Args:
        path: name of the file, an open HDF5 group, or a dict.
        mode: 'a' to read and write (made if it is not there), 'r' to read, 'w' to begin anew.

    Raises:
        TypeError: `path` is none of these. KeyError: a name that is not there.

    Example:
        >>> kept = H5Dict({})
        >>> kept["weights"] = np.zeros(2)
        >>> kept["weights"].tolist(), "bias" in kept
        ([0.0, 0.0], False)
    """

    def __init__(self, path, mode="a"):
        self._file = None
        if isinstance(path, dict):
            self.data = path
        elif isinstance(path, str) or hasattr(path, "__fspath__"):
            import h5py

            self.data = self._file = h5py.File(path, mode)
        elif hasattr(path, "create_group"):
            self.data = path
        else:
            raise TypeError(f"H5Dict: path must be a file name, an HDF5 group or a dict; got {path!r}.")
        self.read_only = mode == "r"

    @staticmethod
    def is_supported_type(path):
        """Can an H5Dict be made of `path`?"""
        return isinstance(path, (dict, str)) or hasattr(path, "__fspath__") or hasattr(path, "create_group")

    def __setitem__(self, name, value):
        if self.read_only:
            raise ValueError(f"H5Dict: the file was opened to be read; {name!r} cannot be set. Open it with mode='a'.")
        if isinstance(self.data, dict):
            self.data[name] = value
        elif isinstance(value, dict):
            H5Dict(self.data.require_group(name)).update(value)
        else:
            if name in self.data:
                del self.data[name]
            value = np.asarray(value)
            self.data[name] = value.astype("S") if value.dtype.kind == "U" else value

    def __getitem__(self, name):
        if name not in self.data:
            if self.read_only:
                raise KeyError(f"{name!r} is not in the file, which was opened to be read")
            if isinstance(self.data, dict):
                self.data[name] = {}
            else:
                self.data.create_group(name)  # h["layer"]["kernel"] = ... makes the layer
        found = self.data[name]
        if isinstance(found, dict) or hasattr(found, "create_group"):
            return H5Dict(found, "r" if self.read_only else "a")
        return found[()] if hasattr(found, "id") else found

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        return iter(self.data)

    def iter(self):
        """Iterator over the names."""
        return iter(self.data)

    def __contains__(self, name):
        return name in self.data

    def get(self, key, default=None):
        """What is called `key`, or `default`."""
        return self[key] if key in self.data else default

    def update(self, *args):
        """Take over what dicts hold."""
        for table in args:
            for name, value in table.items():
                self[name] = value

    def close(self):
        """Close the file, if this opened it."""
        if self._file is not None:
            self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


h5dict = H5Dict

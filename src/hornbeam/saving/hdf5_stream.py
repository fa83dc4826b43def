"""HDF5 files written as a stream: HDF5 lays out its own few kilobytes in memory, arrays go from memory to disk as is.

HDF5 is told to reserve each dataset's place and write nothing there. So every byte's place is known before the first
is written, and no array is copied.
"""

import io

import numpy as np


class _Sparse(io.RawIOBase):
    """A file in memory that holds only what was written to it; all between is nothing."""

    def __init__(self):
        self.pieces = {}  # offset -> bytes, later ones over earlier ones
        self.size = self.at = 0

    def seek(self, offset, whence=0):
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def tell(self):
        return self.at

    def write(self, data):
        data = bytes(data)
        self.pieces[self.at, len(self.pieces)] = data
        self.at += len(data)
        self.size = max(self.size, self.at)
        return len(data)

    def truncate(self, size=None):
        self.size = self.at if size is None else size
        return self.size

    def readinto(self, buffer):
        view = memoryview(buffer).cast("B")
        view[:] = bytes(len(view))
        for offset, data in self._in_order():
            begin, end = max(offset, self.at), min(offset + len(data), self.at + len(view))
            if begin < end:
                view[begin - self.at : end - self.at] = data[begin - offset : end - offset]
        self.at += len(view)
        return len(view)

    def readable(self):
        return True

    writable = seekable = readable

    def _in_order(self):
        """Pieces in the order they were written."""
        return [(offset, data) for (offset, _), data in sorted(self.pieces.items(), key=lambda item: item[0][1])]

    def covered(self):
        """[(offset, bytes)] by offset, without overlap: what a reader would find."""
        flat = {}
        for offset, data in self._in_order():
            flat[offset] = data if len(data) >= len(flat.get(offset, b"")) else data + flat[offset][len(data) :]
        merged = []
        for offset in sorted(flat):
            if merged and offset < merged[-1][0] + len(merged[-1][1]):
                start, before = merged[-1]
                size = max(len(before), offset - start + len(flat[offset]))
                self.at = start
                merged[-1] = (start, bytearray(size))
                self.readinto(merged[-1][1])
            else:
                merged.append((offset, flat[offset]))
        return merged


class Layout:
    """An HDF5 file with all its places fixed: `size`, `places` (path -> offset), and its bytes in order.

    Args:
        arrays: dict from path ('layers/dense/vars/0') to array.
        names: dict from the path of a group to the text of its attribute 'name'.

    Example:
        >>> layout = Layout({"a/b": np.ones(3, "float32")})
        >>> file = io.BytesIO(b"".join(bytes(part) for part in layout.parts()))
        >>> import h5py
        >>> h5py.File(file)["a/b"][:].tolist()
        [1.0, 1.0, 1.0]
    """

    def __init__(self, arrays, names=None):
        import h5py

        self.arrays = {path: _contiguous(value) for path, value in arrays.items()}
        self.places = {}
        self._file = _Sparse()
        with h5py.File(self._file, "w") as file:
            for path, name in (names or {}).items():
                file.require_group(path).attrs["name"] = name
            for path, value in self.arrays.items():
                self.places[path] = self._reserve(file, path, value)
        self.size = self._file.size

    def _reserve(self, file, path, value):
        import h5py
        from h5py import h5d, h5p, h5s, h5t

        folder, _, name = path.rpartition("/")
        group = file.require_group(folder) if folder else file
        plan = h5p.create(h5p.DATASET_CREATE)
        plan.set_layout(h5d.CONTIGUOUS)
        plan.set_alloc_time(h5d.ALLOC_TIME_EARLY)
        plan.set_fill_time(h5d.FILL_TIME_NEVER)
        plan.set_obj_track_times(False)
        space = h5s.create_simple(value.shape) if value.ndim else h5s.create(h5s.SCALAR)
        made = h5d.create(group.id, name.encode(), h5t.py_create(value.dtype, logical=True), space, plan)
        if value.dtype.name == "bfloat16":  # HDF5 has no such type; Keras 3 finds its name here
            h5py.Dataset(made).attrs["dtype"] = "bfloat16"
        return made.get_offset() if value.nbytes else None

    def parts(self):
        """The file's bytes from first to last, in pieces: its own, zeros between, and the arrays."""
        whole = [*self._file.covered()]
        whole += [(offset, self.arrays[path].reshape(-1).view(np.uint8).data)
                  for path, offset in self.places.items() if offset is not None]  # fmt: skip
        at = 0
        for offset, data in sorted(whole, key=lambda part: part[0]):
            if offset > at:
                yield bytes(offset - at)
            yield data
            at = offset + len(data)
        if self.size > at:
            yield bytes(self.size - at)


def _contiguous(value):
    value = np.asarray(value)
    return value if value.flags.c_contiguous else np.ascontiguousarray(value)

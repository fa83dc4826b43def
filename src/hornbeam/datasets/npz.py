"""Arrays out of .npz files; ragged ones too, which NumPy itself reads only by running what the file says."""

import io
import math
import zipfile

import numpy as np

from hornbeam.datasets.pickled import read_pickled

_MOST_BYTES = 4 << 30
_FAULTS = (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile, NotImplementedError, EOFError)
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(path, names):
    """The arrays of these names in the file, in this order.

    Args:
        path: .npz file: a zip archive of .npy members.
        names: names of the arrays, without '.npy'.

    Raises:
        ValueError: the file is damaged, lacks a name, or holds anything but numbers and lists of them.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(folder + "/a.npz", x=np.arange(3))
        ...     read_npz(folder + "/a.npz", ["x"])
        [array([0, 1, 2])]
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [_member(archive, f"{name}.npy") for name in names]
    except _FAULTS as error:
        raise ValueError(f"{path} cannot be read ({error}). Delete it and fetch it again.") from error


def _member(archive, name):
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise ValueError(f"{name} claims more than {_MOST_BYTES} bytes")
    file = io.BytesIO(archive.read(name))
    read_header = _HEADERS.get(np.lib.format.read_magic(file))
    if read_header is None:
        raise ValueError(f"{name} has an unknown version of the .npy format")
    shape, by_columns, dtype = read_header(file)
    content = file.read()
    if dtype.kind == "O":
        array = read_pickled(content)
        if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
            raise ValueError(f"{name} holds something else than the array of shape {shape} that it promises")
        return array
    if dtype.kind not in "biuf" or math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"{name} holds {len(content)} bytes, which is not {shape} numbers of type {dtype}")
    return np.frombuffer(bytearray(content), dtype).reshape(shape, order="F" if by_columns else "C")

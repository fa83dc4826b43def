"""IDX files, in which the MNIST family is published: a header of sizes, then plain numbers."""

import gzip
import math
import os
import struct
import zlib

import numpy as np

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_FREE_BYTES = 1 << 30  # a compressed file may hold this much whatever its own size
_MOST_RATIO = 200  # beyond that, so many times its size


def read_idx(path):
    """The array in an IDX file, plain or compressed with gzip (told by its content, not by its name).

    Nothing is allocated before the size in the header has been compared with the size of the file, and no more is
    unpacked than the header says.

    Args:
        path: the file, such as 'train-images-idx3-ubyte.gz'.

    Shapes:
        as the header says: images (B, 28, 28) uint8, labels (B,) uint8

    Raises:
        ValueError: no IDX file, cut short, longer than it says, or one that unpacks to more than 1 GiB and 200 times
            its size.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     _ = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
        ...     file.flush()
        ...     read_idx(file.name)
        array([7, 8, 9], dtype=uint8)

    Reference:
        Y. LeCun, C. Cortes, C. Burges: THE MNIST DATABASE of handwritten digits (the format is described there).
    """
    path = os.fspath(path)
    stored = os.path.getsize(path)
    with open(path, "rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        if not packed:
            return _read(path, plain, stored)
        try:
            with gzip.GzipFile(fileobj=plain) as unpacked:
                return _read(path, unpacked, max(_FREE_BYTES, _MOST_RATIO * stored))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise _refused(path, f"cannot be unpacked ({error})") from error


def _read(path, file, most):
    header = file.read(4)
    if len(header) < 4 or header[:2] != b"\0\0" or header[2] not in _TYPES or not 1 <= header[3] <= 8:
        raise _refused(path, f"does not begin as an IDX file does, but with {header!r}")
    dtype, axes = np.dtype(_TYPES[header[2]]), header[3]
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise _refused(path, "ends within its header")
    shape = struct.unpack(f">{axes}I", sizes)
    wanted = math.prod(shape) * dtype.itemsize
    if wanted > most:
        raise _refused(path, f"claims shape {shape}, {wanted} bytes, where {most} are the most it may hold")
    content = file.read(wanted)
    if len(content) < wanted or file.read(1):
        more = "more" if len(content) == wanted else f"only {len(content)}"
        raise _refused(path, f"claims shape {shape}, {wanted} bytes, and holds {more}")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _refused(path, why):
    return ValueError(f"{path} {why}. Delete it and fetch it again.")

"""IDX files: every type of number, compressed or not, and headers that promise what is not there."""

import gzip
import struct

import numpy as np
import pytest

from hornbeam.datasets.idx import read_idx

CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def idx_bytes(array):
    header = struct.pack(f">HBB{array.ndim}I", 0, CODES[array.dtype.name], array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_type_comes_back(tmp_path, dtype, pack):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    file = tmp_path / "x"
    file.write_bytes(pack(idx_bytes(array)))
    found = read_idx(file)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.dtype(dtype)
    assert found.flags.writeable


GOOD = idx_bytes(np.arange(6, dtype="uint8").reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "does not begin as an IDX file"),
        (b"PK\3\4" + GOOD, "does not begin as an IDX file"),
        (b"\0\0\x0a\1" + GOOD, "does not begin as an IDX file"),
        (b"\0\0\x08\0", "does not begin as an IDX file"),
        (b"\0\0\x08\xff" + bytes(2000), "does not begin as an IDX file"),
        (GOOD[:9], "ends within its header"),
        (GOOD[:-1], "holds only 5"),
        (GOOD + b"x", "holds more"),
        (struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), "are the most it may hold"),
        (gzip.compress(GOOD[:-1]), "holds only 5"),
        (gzip.compress(GOOD + bytes(9)), "holds more"),
        (gzip.compress(GOOD)[:-9], "cannot be unpacked"),
        (gzip.compress(GOOD)[:10] + b"\xff" * 9, "cannot be unpacked"),
        (gzip.compress(struct.pack(">HBB2I", 0, 14, 2, 2**20, 2**20)), "are the most it may hold"),
    ],
    ids=range(14),  # gzip notes the time, so that the contents make other names in each process
)
def test_what_is_no_idx_file_is_refused(tmp_path, content, why):
    file = tmp_path / "x.gz"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=why) as error:
        read_idx(file)
    assert str(file) in str(error.value)

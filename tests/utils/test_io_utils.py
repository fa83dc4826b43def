"""HDF5Matrix: rows that stay in their file."""

import copy
import gc

import numpy as np
import pytest

from hornbeam.utils import HDF5Matrix, io_utils

h5py = pytest.importorskip("h5py")
ROWS = np.arange(24.0).reshape(12, 2)


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = ROWS
    return tmp_path / "data.h5"


def test_rows_of_a_part_are_read_by_slice_number_and_list(path):
    matrix = HDF5Matrix(path, "x", start=2, end=10)
    wanted = ROWS[2:10]
    assert (len(matrix), matrix.shape, matrix.ndim, matrix.size) == (8, (8, 2), 2, 16)
    assert matrix.dtype == "float64"
    for key in (slice(1, 4), slice(None), slice(6, 99), slice(-2, None), slice(None, None, 3), [5, 0, 5], 3, -1,
                np.array([7, 1]), slice(4, 4)):  # fmt: skip
        np.testing.assert_array_equal(matrix[key], wanted[key])
    with pytest.raises(IndexError):
        matrix[8]


def test_a_normalizer_sees_what_is_read(path):
    matrix = HDF5Matrix(path, "x", normalizer=lambda batch: batch / 2)
    np.testing.assert_array_equal(matrix[1:3], ROWS[1:3] / 2)


def test_one_open_file_serves_all_and_is_closed_with_the_last(path):
    def opened():  # other tests may have left files open
        return [name for name in io_utils._open_files if name == str(path)]

    first, second = HDF5Matrix(path, "x"), HDF5Matrix(path, "x", end=3)
    assert len(opened()) == 1
    sent = copy.deepcopy(second)  # what pickling does: the file is opened again over there
    np.testing.assert_array_equal(sent[:], ROWS[:3])
    del first, second, sent
    gc.collect()
    assert opened() == []
    with h5py.File(path, "a") as file:  # nobody holds it
        file["y"] = [1]


def test_a_name_that_is_not_there(path):
    with pytest.raises(KeyError, match="has no data set 'z'. It has: x"):
        HDF5Matrix(path, "z")

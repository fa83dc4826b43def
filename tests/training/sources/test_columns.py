"""Columns: rows read when they are needed, as arrays would give them."""

import numpy as np
import pytest

from hornbeam.training.data import as_array
from hornbeam.training.sources import columns
from hornbeam.training.sources.columns import Column, as_column, is_column, part_of, rows_of

ROWS = np.arange(40.0).reshape(20, 2)


class InFile:
    """As a data set of HDF5Matrix: neighbours at once, or rows once each in growing order."""

    shape, dtype = ROWS.shape, ROWS.dtype

    def __init__(self):
        self.asked = []

    def __getitem__(self, key):
        if not isinstance(key, slice) and (np.diff(key) <= 0).any():
            raise TypeError("Indexing elements must be in increasing order")
        self.asked.append(key)
        return ROWS[key]


HDF5Matrix = type("HDF5Matrix", (InFile,), {})


@pytest.fixture
def column():
    return Column(lambda rows: ROWS[rows], ROWS.shape, ROWS.dtype)


def test_a_column_answers_as_an_array_does(column):
    assert (len(column), column.ndim, column.size, column.nbytes) == (20, 2, 40, 320)
    some = np.array([3, 0, 3])
    np.testing.assert_array_equal(column.take(some), ROWS[some])
    np.testing.assert_array_equal(np.asarray(column[5:9]), ROWS[5:9])
    np.testing.assert_array_equal(np.asarray(column[5:9][some]), ROWS[5:9][some])
    assert column[..., None].shape == (20, 2, 1)
    np.testing.assert_array_equal(np.asarray(column[..., None][..., 0]), ROWS)
    np.testing.assert_array_equal(rows_of(column, some), rows_of(ROWS, some))
    assert part_of(None, some) is None


def test_what_is_made_of_the_rows_is_made_when_they_are_read(column):
    seen = []
    checked = column.checked(lambda rows: seen.append(len(rows))).mapped(lambda rows: rows.sum(1), (20,))
    assert seen == []
    np.testing.assert_array_equal(checked.take(np.array([1, 2])), [5.0, 9.0])
    assert seen == [2]


def test_what_becomes_a_column(tmp_path, monkeypatch):
    sparse = pytest.importorskip("scipy.sparse")
    mapped = np.memmap(tmp_path / "a", "float32", "w+", shape=(3, 2))
    for value in (mapped, mapped[1:], sparse.csc_matrix(np.eye(3)), HDF5Matrix()):
        assert is_column(as_column(value, "float32"))
    for value in (ROWS, [1], np.float32(1), None):
        assert as_column(value, "float32") is None
    monkeypatch.setattr(columns, "CONVERTED_BYTES", 100)
    big = as_array(ROWS, "x")  # converted batch by batch
    assert is_column(big)
    assert big.dtype == big.take(np.array([0])).dtype == "float32"
    assert not is_column(as_array(ROWS.astype("float32"), "x"))
    ids = as_array(np.array([0] * 50 + [2**40]), "ids")
    with pytest.raises(ValueError, match="ids holds 1099511627776, which does not fit"):
        ids.take(np.array([50]))
    with pytest.raises(ValueError, match="not numbers"):
        as_array(np.memmap(tmp_path / "b", "S3", "w+", shape=(2,)), "x")


def test_rows_in_a_file_are_read_as_files_like_it():
    data = HDF5Matrix()
    column = as_column(data, "float32")
    data.asked.clear()
    for rows in ([4, 5, 6], [6, 4, 5], [4, 4, 9], []):
        np.testing.assert_array_equal(column.take(np.array(rows, int)), ROWS[np.array(rows, int)])
    assert data.asked == [slice(4, 7), slice(4, 7), slice(4, 10), slice(0, 0)]  # neighbours: one piece
    data.asked.clear()
    np.testing.assert_array_equal(column.take(np.array([19, 0, 19])), ROWS[[19, 0, 19]])
    assert [list(key) for key in data.asked] == [[0, 19]]  # far apart: each once, in growing order

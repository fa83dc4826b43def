"""Named columns: which is an input, which a target; frames whose columns are not all plain numbers."""

import numpy as np
import pytest

from hornbeam.training.data import as_array, by_name
from hornbeam.training.sources.tables import frame_columns, split_columns


@pytest.mark.parametrize(
    ("columns", "inputs", "outputs", "found"),
    [
        ({"image": 1, "label": 2}, ["input_1"], ["out"], (1, 2, None)),
        ({"image": 1, "out": 2, "label": 3}, ["image"], ["out"], (1, 2, None)),
        ({"a": 1, "b": 2, "labels": 3, "sample_weight": 4}, ["a", "b"], ["out"], ({"a": 1, "b": 2}, 3, 4)),
        ({"a": 1, "u": 2, "v": 3}, ["a"], ["u", "v"], (1, {"u": 2, "v": 3}, None)),
        ({"a": 1, "b": 2, "y": 3}, None, ["output_1"], ({"a": 1, "b": 2}, 3, None)),
        ({"a": 1, "unused": 2}, ["a"], ["out"], (1, None, None)),
    ],
)
def test_columns_find_their_places(columns, inputs, outputs, found):
    assert split_columns(columns, inputs, outputs) == found


def test_an_input_without_a_column_is_told_which_there_are():
    with pytest.raises(ValueError, match="input 'words' finds no column of its name. Columns: a, b; inputs: words"):
        split_columns({"a": 1, "b": 2}, ["words"], ["out"])


def test_pandas_columns_of_many_types():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"i": [1, 2], "f": [0.5, 1.5], "b": [True, False]})
    assert as_array(frame, "x").tolist() == [[1, 0.5, 1], [2, 1.5, 0]]
    frame["gap"] = pandas.array([1, None], dtype="Int64")
    np.testing.assert_array_equal(as_array(frame, "x")[:, 3], [1, np.nan])
    assert as_array(pandas.Series([1, 2], dtype="Int64"), "y").dtype == np.int32
    assert as_array(pandas.Series([True, False], dtype="boolean"), "y").dtype == bool
    assert as_array(pandas.Series([[1, 2], [3, 4]]), "y").tolist() == [[1, 2], [3, 4]]
    frame["city"] = ["Ulm", "Jena"]
    with pytest.raises(ValueError, match="input 'x', column 'city' holds .* values such as 'Ulm', not numbers"):
        as_array(frame, "input 'x'")
    with pytest.raises(ValueError, match="y: the rows have different lengths"):
        as_array(pandas.Series([[1, 2], [3]]), "y")


def test_polars_and_arrow_columns_of_many_types():
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    frame = polars.DataFrame({"i": [1, None], "f": [0.5, 1.5]})
    np.testing.assert_array_equal(as_array(frame, "x"), [[1, 0.5], [np.nan, 1.5]])
    np.testing.assert_array_equal(as_array(frame.to_arrow(), "x"), [[1, 0.5], [np.nan, 1.5]])
    for text in (polars.DataFrame({"city": ["Ulm"]}), pyarrow.table({"city": ["Ulm"]})):
        with pytest.raises(ValueError, match="column 'city' holds .*'Ulm'"):
            as_array(text, "x")


def test_tables_of_other_libraries_come_in_by_what_they_offer():
    pyarrow = pytest.importorskip("pyarrow")

    class Relation:
        def __init__(self):
            self.table = pyarrow.table({"a": [1.0, 2.0], "b": [3.0, 4.0]})

        def __dataframe__(self):
            raise NotImplementedError

        def __arrow_c_stream__(self, requested_schema=None):
            return self.table.__arrow_c_stream__(requested_schema)

    assert as_array(Relation(), "x").tolist() == [[1, 3], [2, 4]]
    assert list(frame_columns(Relation())) == ["a", "b"]


def test_columns_of_a_frame_go_to_inputs_of_their_names():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"b": [3.0], "c": [0.0], "a": [1.0]})
    assert [list(column) for column in by_name(frame, ["a", "b"], "input")] == [[1.0], [3.0]]

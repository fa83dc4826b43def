"""Pictures that a table lists, beside keras_preprocessing 1.1.2."""

import keras_preprocessing.image as classic
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hornbeam.preprocessing import image

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_preprocessing")


@pytest.fixture
def table(tmp_path):
    """Eight pictures in a folder, and a table of them."""
    random = np.random.RandomState(1)
    for n in range(8):
        Image.fromarray(random.randint(0, 256, (6, 5, 3)).astype("uint8")).save(tmp_path / f"{n}.png")
    return pd.DataFrame(
        {
            "filename": [f"{n}.png" for n in range(8)],
            "class": ["dog", "cat", "dog", "dog", "cat", "cat", "dog", "cat"],
            "several": [["a", "b"], "b", ["c"], ("a", "c"), "a", ["b"], "c", ["a", "b", "c"]],
            "age": np.arange(8) * 1.5,
            "size": np.arange(8),
            "box": [[n, n + 1] for n in range(8)],
            "weight": np.linspace(0, 1, 8),
        },
        index=np.arange(8) * 3,
    )


def both(table, tmp_path, settings=None, batches=3, **given):
    results = []
    for module in (classic, image):
        np.random.seed(9)
        generator = module.ImageDataGenerator(**(settings or {}))
        it = generator.flow_from_dataframe(table, str(tmp_path), target_size=(4, 3), batch_size=3, **given)
        results.append((it, [next(it) for _ in range(batches)]))
    return results


def assert_same(results):
    (theirs, expected), (ours, given) = results
    for name in ("filenames", "filepaths", "samples", "n", "split", "subset", "directory", "class_mode"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert getattr(ours, "class_indices", None) == getattr(theirs, "class_indices", None)
    assert getattr(ours, "classes", None) == getattr(theirs, "classes", None)
    for batch, expected_batch in zip(given, expected):
        assert_equal(batch, expected_batch)


def assert_equal(ours, expected):
    assert type(ours) is type(expected)
    if isinstance(expected, (tuple, list)):
        assert len(ours) == len(expected)
        for mine, its in zip(ours, expected):
            assert_equal(mine, its)
    else:
        assert ours.dtype == expected.dtype
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"class_mode": "categorical", "y_col": "several"},
        {"class_mode": "categorical", "y_col": "several", "classes": ["c", "a"]},
        {"class_mode": "binary"},
        {"class_mode": "sparse"},
        {"class_mode": "sparse", "classes": ["dog"]},
        {"class_mode": "raw", "y_col": "age"},
        {"class_mode": "raw", "y_col": ["age", "size"]},
        {"class_mode": "multi_output", "y_col": ["age", "size", "box"]},
        {"class_mode": "input"},
        {"class_mode": None},
        {"weight_col": "weight"},
        {"class_mode": "raw", "y_col": "age", "weight_col": "size"},
        {"class_mode": None, "weight_col": "weight"},
        {"color_mode": "grayscale", "interpolation": "bilinear"},
        {"shuffle": False},
        {"seed": 5},
        {"validate_filenames": False},
    ],
    ids=str,
)
def test_modes(table, tmp_path, given):
    assert_same(both(table, tmp_path, {"rotation_range": 10}, **given))


@pytest.mark.parametrize("subset", ["training", "validation"])
@pytest.mark.parametrize("class_mode", ["categorical", "raw", "multi_output"])
def test_subsets(table, tmp_path, subset, class_mode):
    y_col = {"categorical": "class", "raw": "age", "multi_output": ["age", "box"]}[class_mode]
    given = {"subset": subset, "class_mode": class_mode, "y_col": y_col, "weight_col": "weight"}
    assert_same(both(table, tmp_path, {"validation_split": 0.3}, **given))


def test_names_without_a_file_are_left_out(table, tmp_path):
    table["filename"] = ["0.png", "nowhere.png", "2.png", "notes.txt", "4.png", "5.png", "6.png", "7.png"]
    (tmp_path / "notes.txt").write_text("no picture")
    ours = pytest.warns(UserWarning, match=r"2 of 8 names in x_col='filename' are left out.*nowhere\.png")
    with ours, pytest.warns(UserWarning, match="Found 2 invalid"):
        results = both(table, tmp_path, weight_col="weight", y_col="several", batches=2)
    assert_same(results)
    assert results[1][0].samples == 6


def test_whole_paths_and_other_tables(table, tmp_path, capsys):
    table["filename"] = [str(tmp_path / name) for name in table["filename"]]
    results = both(table, "", class_mode="sparse", batches=2)
    assert_same(results)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == told[1] == "Found 8 validated image filenames belonging to 2 classes."
    columns = {name: list(table[name]) for name in ("filename", "age")}
    it = image.DataFrameIterator(columns, class_mode="raw", y_col="age", target_size=(4, 3), shuffle=False)
    assert it[0][1].tolist() == (np.arange(8) * 1.5).tolist()


def test_old_arguments(table, tmp_path):
    flow = image.ImageDataGenerator().flow_from_dataframe
    for given, message in (
        ({"class_mode": "other"}, "now called 'raw'"),
        ({"has_ext": True}, "has_ext=.* does nothing"),
        ({"sort": True}, "order of the table"),
        ({"drop_duplicates": False}, r"frame\.drop_duplicates\(\) first"),
    ):
        with pytest.warns(DeprecationWarning, match=message):
            flow(table, str(tmp_path), **{"y_col": "age", "class_mode": "raw", **given})
    with pytest.raises(TypeError, match="no argument 'target_sizes'"):
        flow(table, str(tmp_path), target_sizes=(3, 3))


def test_the_table_stays_as_it_was(table, tmp_path):
    before = table.copy(deep=True)
    image.ImageDataGenerator().flow_from_dataframe(table, str(tmp_path), y_col="several", classes=["a"])
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"x_col": "file"}, ValueError, "x_col, a column, 'file'. Did you mean 'filename'"),
        ({"y_col": "classes"}, ValueError, "y_col, a column, 'classes'. Did you mean 'class'"),
        ({"weight_col": "weights"}, ValueError, "weight_col, a column, 'weights'. Did you mean 'weight'"),
        ({"weight_col": "class"}, TypeError, "weight_col='class' must hold numbers"),
        ({"x_col": "size"}, TypeError, "x_col='size' holds file names.*got 0"),
        ({"y_col": "size"}, TypeError, "names of classes as text, or lists of them; got 0.*class_mode='raw'"),
        ({"y_col": "several", "class_mode": "sparse"}, TypeError, "names of classes as text; got"),
        ({"y_col": "filename", "class_mode": "binary"}, ValueError, "needs two classes, got 8"),
        ({"class_mode": "binary", "classes": ["dog"]}, ValueError, "needs two classes, got 1"),
        ({"class_mode": "multi_output"}, TypeError, "needs y_col as a list of columns; got 'class'"),
        ({"class_mode": "multioutput"}, ValueError, "class_mode 'multioutput'. Did you mean 'multi_output'"),
        ({"classes": "dog"}, TypeError, "list of names; got 'dog'"),
    ],
)
def test_wrong_arguments(table, tmp_path, given, kind, message):
    with pytest.raises(kind, match=message):
        image.ImageDataGenerator().flow_from_dataframe(table, str(tmp_path), **given)


@pytest.mark.filterwarnings("ignore:DataFrameIterator. 8 of 8 names")
def test_nothing_left(table, tmp_path):
    flow = image.ImageDataGenerator(validation_split=0.1).flow_from_dataframe
    with pytest.raises(ValueError, match="no pictures are left of 8 rows.*elsewhere.*look at directory"):
        flow(table, str(tmp_path / "elsewhere"))
    with pytest.raises(ValueError, match="The table has no rows"):
        flow(table[:0], str(tmp_path))
    with pytest.raises(ValueError, match="no pictures are left of 8 rows.*validation_split"):
        flow(table, str(tmp_path), subset="validation")
    table["filename"] = table["filename"].str.removesuffix(".png")
    with pytest.raises(ValueError, match="Names need their extension"):
        flow(table, str(tmp_path))


def test_classes_that_go_unused_warn(table, tmp_path):
    with pytest.warns(UserWarning, match="class_mode='raw' makes no use of classes"):
        image.ImageDataGenerator().flow_from_dataframe(
            table, str(tmp_path), y_col="age", class_mode="raw", classes=["dog"]
        )

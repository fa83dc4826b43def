"""Tables: what is learned from the training rows, and how other rows are treated by it."""

import numpy as np
import pytest

from hornbeam.preprocessing.tables import FillMissing, OneHot, PrepareTable, Standardize, multi_hot

NAN = float("nan")


def same(found, wanted):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


# --- multi_hot ---


def test_multi_hot():
    same(multi_hot([[1, 3, 3], [], np.array([0])], 4), [[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]])
    same(multi_hot(np.array([[1, 2], [0, 0]])), [[0, 1, 1], [1, 0, 0]])
    assert multi_hot([], 3).shape == (0, 3)
    assert multi_hot([[1]], 2, dtype="int8").dtype == np.int8


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([[1], [4]], "number 4 is outside 0 to 3"),
        ([[-1]], "number -1 is outside"),
        ([[1.5]], "whole numbers, got .*1.5"),
        ([["cat"]], "Tokenizer makes numbers of words"),
    ],
)
def test_multi_hot_errors(given, says):
    with pytest.raises(ValueError, match=says):
        multi_hot(given, 4)


# --- FillMissing ---


@pytest.mark.parametrize(("value", "filled"), [("mean", 4.0), ("median", 3.0), (-1, -1.0)])
def test_gaps_get_what_training_says_and_a_mask(value, filled):
    train = np.array([[1.0, 1, 7], [2, 3, 7], [3, 8, 7], [4, NAN, 7]])
    fill = FillMissing(value)
    same(fill.fit_transform(train), np.c_[train[:, 0], [1, 3, 8, filled], train[:, 2], [0, 0, 0, 1]])
    same(fill.transform([[100, NAN, 5], [0, 200, 6]]), [[100, filled, 5, 1], [0, 200, 6, 0]])
    assert fill.names == ["0", "1", "2", "1_missing"]
    same(FillMissing(value, mask=False).fit_transform(train)[3], [4, filled, 7])


def test_gaps_that_come_up_later_are_filled_with_a_warning():
    fill = FillMissing().fit({"a": [1, 3], "b": [NAN, 1]})
    with pytest.warns(UserWarning, match="column 'a' has 1 gaps and had none in the training rows"):
        same(fill.transform({"a": [None, 5], "b": [2, 3]}), [[2, 2, 0], [5, 3, 0]])


@pytest.mark.nightly  # loading scikit-learn takes longer than all other tests here
def test_filling_agrees_with_scikit_learn():
    impute = pytest.importorskip("sklearn.impute")
    draw = np.random.default_rng(0)
    train, test = draw.normal(size=(2, 30, 5))
    train[draw.random(train.shape) < 0.3] = NAN
    test[draw.random(test.shape) < 0.3] = NAN
    for value in ("mean", "median"):
        theirs = impute.SimpleImputer(strategy=value, add_indicator=True).fit(train)
        ours = FillMissing(value, dtype="float64").fit(train)
        np.testing.assert_allclose(ours.transform(test), theirs.transform(test), rtol=1e-12)


# --- Standardize ---


def test_only_the_training_rows_count():
    train = np.array([[1, 5], [3, 5]])
    scale = Standardize().fit(train)
    same(scale.transform(train), [[-1, 0], [1, 0]])
    same(scale.transform([[100, 6]]), [[98, 1]])
    with pytest.raises(ValueError, match=r"column 1 has gaps.*FillMissing"):
        scale.transform([[1, NAN]])


# --- OneHot ---


def test_categories_in_sorted_order():
    one_hot = OneHot().fit([["b", 10], ["a", 2], ["b", 2]])
    assert one_hot.names == ["0=a", "0=b", "1=2", "1=10"]
    assert one_hot.categories == [["a", "b"], [2, 10]]
    same(one_hot.transform([["a", 10]]), [[1, 0, 0, 1]])


def test_unknown_categories():
    with pytest.raises(ValueError, match="column 0 has 2 values that the training rows never had, such as 'green'"):
        OneHot().fit(["red", "blue"]).transform(["red", "green", "black"])
    one_hot = OneHot(unknown="column").fit(["red", "blue"])
    same(one_hot.transform(["red", "green"]), [[0, 1, 0], [0, 0, 1]])
    with pytest.raises(ValueError, match="'error' or 'column'"):
        OneHot(unknown="ignore")


def test_gaps_are_a_category_if_training_has_one():
    one_hot = OneHot().fit(["a", None])
    assert one_hot.names == ["0=a", "0_missing"]
    same(one_hot.transform(np.array(["a", NAN], object)), [[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="such as None"):
        OneHot().fit(["a"]).transform([None])


# --- PrepareTable ---


def table(frame):
    return frame(
        {"age": [20.0, NAN, 40.0], "city": ["Rome", "Oslo", "Rome"], "code": [7, 9, 7], "member": [True, False, True]}
    )


def frames():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    return [dict, pandas.DataFrame, polars.DataFrame]


def test_a_whole_table():
    for frame in frames():
        prepare = PrepareTable(categories=["code"], unknown="column")
        scale = np.sqrt(200 / 3)
        same(
            prepare.fit_transform(table(frame)),
            [
                [-10 / scale, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0],
                [0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0],
                [10 / scale, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0],
            ],
        )
        assert prepare.names == [
            "age", "age_missing", "city=Oslo", "city=Rome", "city_unknown", "code=7", "code=9", "code_unknown",
            "member=False", "member=True", "member_unknown",
        ]  # fmt: skip
        # Columns in another order, and a mean that is not the training rows'.
        later = frame({"member": [True], "code": [8], "age": [30.0 + scale], "city": ["Bonn"]})
        same(prepare.transform(later), [[1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0]])


def test_gaps_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "n": pandas.array([1, None, 3], dtype="Int64"),
            "city": ["a", None, "b"],
            "ok": pandas.array([True, None, False], dtype="boolean"),
            "kind": pandas.Categorical(["x", "y", "x"]),
        }
    )
    prepare = PrepareTable(standardize=False).fit(frame)
    assert prepare.names == [
        "n", "n_missing", "city=a", "city=b", "city_missing", "ok=False", "ok=True", "ok_missing", "kind=x", "kind=y"
    ]  # fmt: skip
    same(prepare.transform(frame)[1], [2, 1, 0, 0, 1, 0, 0, 1, 0, 1])
    same(OneHot().fit(frame["city"]).transform(frame["city"]), [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    with pytest.raises(ValueError, match="'day' holds no numbers but '2020-01-01.*days since the first"):
        PrepareTable().fit(pandas.DataFrame({"day": pandas.to_datetime(["2020-01-01", None])}))


def test_arrays_and_halves():
    x = np.array([[1.0, 0], [3, 1]])
    same(PrepareTable().fit_transform(x), [[-1, -1], [1, 1]])
    same(PrepareTable(categories=1).fit_transform(x), [[-1, 1, 0], [1, 0, 1]])
    same(PrepareTable(categories=[0, 1]).fit_transform(x), [[1, 0, 1, 0], [0, 1, 0, 1]])
    assert PrepareTable(dtype="float64").fit_transform(x).dtype == np.float64


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (lambda: FillMissing().transform([[1]]), "Call fit with the training rows first"),
        (lambda: FillMissing().fit([[1, 2]]).transform([[1]]), "learned the columns 0, 1, got 0"),
        (lambda: FillMissing().fit({"a": [1]}).transform({"b": [1]}), "learned the columns 'a', got 'b'"),
        (lambda: FillMissing("mode"), "Unknown value to fill in 'mode'"),
        (lambda: FillMissing().fit([[NAN, 1]]), "column 0 of the training rows has nothing but gaps"),
        (lambda: FillMissing().fit([["a"]]), "Column 0 holds no numbers but 'a'"),
        (lambda: FillMissing().fit(np.zeros((0, 2))), "nothing to learn from"),
        (lambda: FillMissing().fit(np.zeros((2, 2, 2))), r"shape \(2, 2, 2\)"),
        (lambda: PrepareTable(categories="cty").fit({"city": ["a"]}), "Did you mean 'city'"),
    ],
)
def test_errors_say_how_to_mend_it(work, says):
    with pytest.raises(ValueError, match=says):
        work()

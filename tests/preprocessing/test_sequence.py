"""Padding, skip-grams and windows, equal to keras_preprocessing 1.1.2 on random sequences."""

import itertools
import json
import random

import numpy as np
import pytest
from keras_preprocessing import sequence as classic

from hornbeam.preprocessing.sequence import (
    TimeseriesGenerator,
    _remove_long_seq,
    make_sampling_table,
    pad_sequences,
    skipgrams,
    timeseries_generator_from_json,
)
from hornbeam.utils import Sequence


@pytest.fixture(autouse=True)
def _names_that_numpy_1_had(monkeypatch):
    monkeypatch.setattr(np, "unicode_", np.str_, raising=False)  # the classic asks for it


def ragged(seed, make=list, longest=9, fractions=False):
    draw = np.random.default_rng(seed)
    rows = [draw.normal(0, 50, draw.integers(0, longest)) for _ in range(12)]
    return [make(row if fractions else row.astype(int)) for row in rows]


def plain_list(row):
    return row.tolist()


# --- pad_sequences ---


@pytest.mark.parametrize("make", [plain_list, list, tuple, np.array, range], ids=lambda f: f.__name__)
@pytest.mark.parametrize(("padding", "truncating"), list(itertools.product(("pre", "post"), repeat=2)))
@pytest.mark.parametrize("maxlen", [None, 1, 4, 30])
def test_padding_is_that_of_the_classic(make, padding, truncating, maxlen):
    if make is range:
        given = [range(n) for n in (3, 0, 7, 5)]
    else:
        given = ragged(0, make)
    arguments = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": -7}
    found, wanted = pad_sequences(given, **arguments), classic.pad_sequences(given, **arguments)
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == wanted.dtype == np.int32


@pytest.mark.parametrize("dtype", ["int32", "float32", "int64", "bool", "uint8", "float16", "complex64", object])
@pytest.mark.parametrize("make", [plain_list, np.array])
def test_padding_of_other_types(dtype, make):
    given = [make(np.abs(np.trunc(np.array(row)))) if row else make(np.array([])) for row in ragged(1)]
    found, wanted = pad_sequences(given, 5, dtype), classic.pad_sequences(given, 5, dtype)
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == wanted.dtype


@pytest.mark.parametrize("make", [plain_list, np.array])
def test_fractions_are_cut_off(make):
    given = ragged(2, make, fractions=True)
    np.testing.assert_array_equal(pad_sequences(given), classic.pad_sequences(given))
    np.testing.assert_array_equal(pad_sequences(given, dtype="float32"), classic.pad_sequences(given, dtype="float32"))


def test_padding_of_rows_and_tables():
    rows = [[[1, 2]], [], [[3, 4], [5, 6], [7, 8]]]
    table = np.arange(12).reshape(3, 4)
    for given, maxlen in itertools.product((rows, table, list(table), [[], []]), (None, 2)):
        np.testing.assert_array_equal(pad_sequences(given, maxlen), classic.pad_sequences(given, maxlen))
    mixed = [[1, 2], np.array([3]), (4,)]
    np.testing.assert_array_equal(pad_sequences(mixed), classic.pad_sequences(mixed))
    large = [np.array([2**63 - 1]), np.array([1], "uint64")]  # no detour over fractions
    assert pad_sequences(large, dtype="int64")[0, 0] == 2**63 - 1


@pytest.mark.parametrize("dtype", [object, str, "U3", np.str_])
def test_padding_of_words(dtype):
    given = [["deep", "net"], ["cat"], []]
    found, wanted = pad_sequences(given, 3, dtype, value="pad"), classic.pad_sequences(given, 3, dtype, value="pad")
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == wanted.dtype


@pytest.mark.parametrize(
    ("given", "arguments", "says"),
    [
        (5, {}, "takes a list of sequences, got int"),
        ([1, 2], {}, r"number 0 is 1. .*\[sequence\]"),
        ([], {}, "Give maxlen"),
        ([[1]], {"padding": "left"}, "padding must be 'pre' or 'post'; got 'left'"),
        ([[1]], {"truncating": "right"}, "truncating must be"),
        ([[1]], {"value": "pad"}, "dtype=object"),
        ([[1]], {"maxlen": -1}, "maxlen must be an integer of at least 0"),
        ([[[1, 2]], [[1]]], {}, r"sequence 1 consists of rows of shape \(1,\).*shape \(2,\)"),
        ([np.array([1]), np.array([[1]])], {}, "sequence 1 consists of rows"),
        (["word"], {"dtype": object}, "list of words"),
    ],
)
def test_wrong_sequences(given, arguments, says):
    with pytest.raises(ValueError, match=says):
        pad_sequences(given, **arguments)


def test_remove_long_seq():
    given = ([[1], [1, 2], [1, 2, 3]], [0, 1, 2])
    assert _remove_long_seq(3, *given) == classic._remove_long_seq(3, *given) == ([[1], [1, 2]], [0, 1])


# --- skipgrams ---


@pytest.mark.parametrize("factor", [1e-5, 1e-3])
def test_sampling_table(factor):
    np.testing.assert_array_equal(make_sampling_table(1000, factor), classic.make_sampling_table(1000, factor))
    with pytest.raises(ValueError, match="size must be an integer of at least 1"):
        make_sampling_table(0)


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("categorical", [True, False])
@pytest.mark.parametrize(("window_size", "negative_samples"), [(4, 1.0), (1, 2.5), (2, 0), (0, 1.0)])
@pytest.mark.filterwarnings("ignore:non-integer arguments to randrange:DeprecationWarning")
def test_skipgrams_draw_what_the_classic_draws(seed, shuffle, categorical, window_size, negative_samples, monkeypatch):
    randint = random.randint  # the classic gives it 10e6, which new Pythons take for a mistake
    monkeypatch.setattr(classic.random, "randint", lambda low, high: randint(low, int(high)))
    words = np.random.default_rng(0).integers(0, 40, 50)
    for given in (words, words.tolist(), [], [0]):
        for table in (None, make_sampling_table(40, 0.01)):
            answers = []
            for function in (skipgrams, classic.skipgrams):
                random.seed(11)
                answer = function(
                    given, 40, window_size, negative_samples, shuffle, categorical, sampling_table=table, seed=seed
                )
                answers.append((answer, random.random()))  # and what is drawn next
            assert answers[0] == answers[1]


def test_skipgrams_need_a_word_to_draw():
    with pytest.raises(ValueError, match="vocabulary_size must be the greatest word number plus one; got 1"):
        skipgrams([1, 1], 1)


# --- TimeseriesGenerator ---


@pytest.mark.parametrize("kind", ["array", "list", "flat"])
@pytest.mark.parametrize("length", [1, 7])
def test_windows_are_those_of_the_classic(kind, length):
    data = np.random.default_rng(0).normal(size=(41, 3))
    targets = np.arange(41)
    if kind == "list":
        data, targets = data.tolist(), targets.tolist()
    elif kind == "flat":
        data = data[:, 0]
    for rate, stride, start, end, shuffle, reverse, size in itertools.product(
        (1, 3), (1, 4), (0, 5), (None, 30), (False, True), (False, True), (2, 128)
    ):
        arguments = (data, targets, length, rate, stride, start, end, shuffle, reverse, size)
        ours, theirs = TimeseriesGenerator(*arguments), classic.TimeseriesGenerator(*arguments)
        assert len(ours) == len(theirs)
        for number in range(len(ours)):
            np.random.seed(number)
            found = ours[number]
            np.random.seed(number)
            for mine, wanted in zip(found, theirs[number]):
                np.testing.assert_array_equal(mine, wanted)


def test_batches_of_windows_are_a_sequence():
    windows = TimeseriesGenerator(np.arange(20), np.arange(20), length=3, batch_size=5)
    assert isinstance(windows, Sequence)
    assert np.concatenate([y for _, y in windows]).tolist() == list(range(3, 20))
    np.testing.assert_array_equal(windows[-1][1], windows[len(windows) - 1][1])
    with pytest.raises(IndexError):
        windows[len(windows)]


def test_windows_of_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": np.arange(9.0), "b": np.arange(9.0) * 2})
    x, y = TimeseriesGenerator(frame, frame["a"], length=2, batch_size=3)[0]
    assert x.shape == (3, 2, 2)
    assert y.tolist() == [2, 3, 4]


def test_json_gives_the_same_windows():
    data, targets = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30)
    ours = TimeseriesGenerator(data, targets, 4, 2, 3, 5, 25, False, True, 2)
    for read in (timeseries_generator_from_json, classic.timeseries_generator_from_json):
        again = read(ours.to_json())
        assert len(again) == len(ours)
        for number in range(len(ours)):
            for mine, wanted in zip(again[number], ours[number]):
                np.testing.assert_array_equal(mine, wanted)
    theirs = classic.TimeseriesGenerator(data, targets, 4, 2, 3, 5, 25, False, True, 2)
    assert {**theirs.get_config(), "start_index": 5} == ours.get_config()
    assert json.loads(ours.to_json(indent=2))["class_name"] == "TimeseriesGenerator"
    assert len(timeseries_generator_from_json(theirs.to_json())) > 0


@pytest.mark.parametrize(
    ("work", "error", "says"),
    [
        (lambda: TimeseriesGenerator([1, 2], [1], 1), ValueError, "2 rows of data and 1 targets"),
        (lambda: TimeseriesGenerator([1, 2], [1, 2], 2), ValueError, "shorter length"),
        (lambda: TimeseriesGenerator([1, 2], [1, 2], 0), ValueError, "length must be an integer of at least 1"),
        (lambda: TimeseriesGenerator([1, {2}], [1, 2], 1).to_json(), TypeError, "JSON cannot hold the data, a list"),
        (lambda: timeseries_generator_from_json('{"config": {}}'), ValueError, "to_json"),
    ],
)
def test_wrong_series(work, error, says):
    with pytest.raises(error, match=says):
        work()

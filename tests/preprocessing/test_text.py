"""Texts as numbers, equal to keras_preprocessing 1.1.2 on random texts."""

import itertools
import json
import pickle
import random
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
from keras_preprocessing import text as classic

from hornbeam.preprocessing import text
from hornbeam.preprocessing.text import FILTERS, Tokenizer, tokenizer_from_json

WORDS = """the cat sat on a mat Cat's CAT naïve ÉTÉ ΟΔΟΣ ΣΟΦΟΣ İstanbul straße 猫 坐在 垫子上 😀 x1 42 don't
the,mat dog; (run) tab\there line\nbreak wide\u3000space nbsp\xa0here cr\rhere nul\0here em—dash ' '' !!! -- 2.5e3
_under_ "quoted" ..""".split(" ")
FITTED = ("word_counts", "word_docs", "word_index", "index_word", "index_docs", "document_count")
MODES = ("binary", "count", "freq", "tfidf")


def texts_of(seed, count=60, special=True):
    draw = random.Random(seed)
    words = WORDS if special else [word for word in WORDS if "\0" not in word]
    return [draw.choice([" ", "  ", ", "]).join(draw.choices(words, k=draw.randint(0, 9))) for _ in range(count)]


def both(*args, **kwargs):
    return Tokenizer(*args, **kwargs), classic.Tokenizer(*args, **kwargs)


def same_state(ours, theirs):
    for name in FITTED:
        mine, wanted = getattr(ours, name), getattr(theirs, name)
        assert mine == wanted, name
        assert type(mine) is type(wanted)
        assert repr(mine) == repr(wanted)  # order as well


@pytest.mark.parametrize("filters", [FILTERS, "", "ab-", list("!?e"), "\0x", "，。"])
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("split", [" ", "-", "ab", "\t", "\0"])
def test_words_are_those_of_the_classic(filters, lower, split):
    for one in texts_of(1):
        assert text.text_to_word_sequence(one, filters, lower, split) == classic.text_to_word_sequence(
            one, filters, lower, split
        )


def test_default_arguments_are_those_of_the_classic():
    assert text.text_to_word_sequence(" ".join(WORDS)) == classic.text_to_word_sequence(" ".join(WORDS))
    assert Tokenizer().filters == classic.Tokenizer().filters


def test_hashing():
    for one in texts_of(2):
        assert text.one_hot(one, 17) == classic.one_hot(one, 17)
        assert text.hashing_trick(one, 17) == classic.hashing_trick(one, 17)
        assert text.hashing_trick(one, 17, "md5") == classic.hashing_trick(one, 17, "md5")
        assert text.hashing_trick(one, 5, len, "a", False, "-") == classic.hashing_trick(one, 5, len, "a", False, "-")
    assert max(text.hashing_trick(" ".join(WORDS), 9, "md5")) < 9
    with pytest.raises(ValueError, match="n must be an integer of at least 2; got 1"):
        text.one_hot("a", 1)
    with pytest.raises(ValueError, match="Unknown hash function 'md4'. Did you mean 'md5'"):
        text.hashing_trick("a", 5, "md4")


@pytest.mark.parametrize(
    "arguments",
    [
        dict(zip(("num_words", "oov_token", "lower", "char_level", "special"), values))
        for values in itertools.product((None, 1, 2, 12), (None, "<oov>", "cat"), (True, False), (False, True), (0, 1))
    ],
    ids=str,
)
def test_tokenizer_is_that_of_the_classic(arguments):
    arguments = dict(arguments)
    special = arguments.pop("special")
    ours, theirs = both(**arguments)
    first, second = texts_of(3, special=special), texts_of(4, special=special)
    for fitted in (first, iter(second)):
        given = list(fitted)
        ours.fit_on_texts(iter(given))
        theirs.fit_on_texts(iter(given))
        same_state(ours, theirs)
    new = [*texts_of(5, special=special), "never seen", ""]
    sequences = theirs.texts_to_sequences(new)
    assert ours.texts_to_sequences(new) == sequences
    assert list(ours.texts_to_sequences_generator(iter(new))) == sequences
    numbers = [[0, 1, 2, 3, 50, 10**6], [], *sequences]
    assert ours.sequences_to_texts(numbers) == theirs.sequences_to_texts(numbers)
    assert list(ours.sequences_to_texts_generator(numbers)) == theirs.sequences_to_texts(numbers)
    for mode in MODES:
        wanted = theirs.texts_to_matrix(new, mode)
        found = ours.texts_to_matrix(new, mode)
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=0)
    assert ours.to_json() == theirs.to_json()


@pytest.mark.parametrize("filters", ["", "abc", list("!,")])
@pytest.mark.parametrize("split", ["-", "th"])
def test_tokenizer_with_other_marks(filters, split):
    ours, theirs = both(filters=filters, split=split)
    for tokenizer in (ours, theirs):
        tokenizer.fit_on_texts(texts_of(6))
    same_state(ours, theirs)
    assert ours.texts_to_sequences(texts_of(7)) == theirs.texts_to_sequences(texts_of(7))


def test_many_texts_are_cut_into_batches_unnoticed():
    given = texts_of(8, count=3000, special=False) + ["long " * 50_000] + texts_of(9, count=10)
    ours, theirs = both()
    for tokenizer in (ours, theirs):
        tokenizer.fit_on_texts(given)
    same_state(ours, theirs)
    assert ours.texts_to_sequences(given) == theirs.texts_to_sequences(given)


def test_texts_that_are_lists_of_tokens():
    given = [["The", "cat sat", "the"], "the cat", ["CAT"], []]
    for lower in (True, False):
        ours, theirs = both(lower=lower, oov_token="?")
        for tokenizer in (ours, theirs):
            tokenizer.fit_on_texts(given)
        same_state(ours, theirs)
        assert ours.texts_to_sequences(given) == theirs.texts_to_sequences(given)
        assert ours.texts_to_sequences([("The", "new")]) == theirs.texts_to_sequences([["The", "new"]])


@pytest.mark.parametrize("num_words", [None, 6])
def test_sequences_alone(num_words):
    draw = random.Random(0)
    sequences = [draw.choices(range(9), k=draw.randint(0, 6)) for _ in range(30)]
    ours, theirs = both(num_words=num_words)
    for tokenizer in (ours, theirs):
        tokenizer.fit_on_texts(["a b c d e f g h"])
        tokenizer.fit_on_sequences(sequences)
    same_state(ours, theirs)
    for mode in MODES:
        np.testing.assert_allclose(
            ours.sequences_to_matrix(sequences, mode), theirs.sequences_to_matrix(sequences, mode), rtol=1e-14
        )
    arrays = [np.array(sequence, "int32") for sequence in sequences]
    np.testing.assert_array_equal(ours.sequences_to_matrix(arrays), ours.sequences_to_matrix(sequences))


def test_tfidf_by_hand():
    tokenizer = Tokenizer(num_words=3)
    tokenizer.fit_on_sequences([[1, 1, 2], [1]])
    found = tokenizer.sequences_to_matrix([[1, 1, 2]], "tfidf")
    np.testing.assert_allclose(found, [[0, (1 + np.log(2)) * np.log(1 + 2 / 3), np.log(1 + 2 / 2)]])


def test_types_of_what_was_counted():
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(["b a a", "a"])
    assert tokenizer.word_counts == OrderedDict([("b", 1), ("a", 3)])
    assert str(tokenizer.word_docs).startswith("defaultdict(<class 'int'>, {")
    assert tokenizer.index_docs == defaultdict(int, {1: 2, 2: 1})
    assert tokenizer.word_index == {"a": 1, "b": 2}


def test_json_goes_both_ways():
    ours, theirs = both(num_words=9, oov_token="?", filters="!,", split=" ")
    for tokenizer in (ours, theirs):
        tokenizer.fit_on_texts(texts_of(10))
    assert ours.get_config() == theirs.get_config()
    assert ours.to_json(indent=1) == theirs.to_json(indent=1)
    new = texts_of(11)
    there, here = classic.tokenizer_from_json(ours.to_json()), tokenizer_from_json(theirs.to_json())
    assert there.texts_to_sequences(new) == here.texts_to_sequences(new) == ours.texts_to_sequences(new)
    np.testing.assert_array_equal(here.texts_to_matrix(new, "tfidf"), ours.texts_to_matrix(new, "tfidf"))
    same_state(here, ours)
    here.fit_on_texts(new)  # the classic's own fails here: its counts came back as plain dictionaries
    ours.fit_on_texts(new)
    same_state(here, ours)


def test_pickle_goes_round():
    tokenizer = Tokenizer(oov_token="?", segmenter="bigrams", stop_words=["很"])
    tokenizer.fit_on_texts(["你好很好", "好"])
    same_state(pickle.loads(pickle.dumps(tokenizer)), tokenizer)  # noqa: S301


def test_what_the_classic_pickled_works():
    theirs = classic.Tokenizer()
    theirs.fit_on_texts(["a b", "b"])
    ours = Tokenizer.__new__(Tokenizer)
    ours.__dict__.update(theirs.__dict__)
    ours.fit_on_texts(["b a"])
    assert ours.texts_to_sequences(["a b"]) == [[2, 1]]
    assert classic.tokenizer_from_json(ours.to_json()).word_docs == {"a": 2, "b": 3}


def test_an_error_leaves_the_tokenizer_as_it_was():
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(["a"])
    before = tokenizer.to_json()
    with pytest.raises(TypeError, match=r"Text number 1: A text is a string, got nan \(float\).*fillna"):
        tokenizer.fit_on_texts(["b", float("nan")])
    with pytest.raises(TypeError, match=r"got b'c' \(bytes\).*decode"):
        tokenizer.fit_on_texts(["b", b"c"])
    assert tokenizer.to_json() == before


def test_old_spelling():
    with pytest.warns(UserWarning, match="write num_words"):
        assert Tokenizer(nb_words=3).num_words == 3


@pytest.mark.parametrize(
    ("work", "error", "says"),
    [
        (lambda: Tokenizer(num_wods=3), TypeError, "Did you mean 'num_words'"),
        (lambda: Tokenizer(segmenter="jeiba"), ValueError, "Did you mean 'jieba'"),
        (lambda: Tokenizer(segmenter="jieba", char_level=True), ValueError, "not both"),
        (lambda: Tokenizer(stop_words="no/such/file.txt"), ValueError, "no file 'no/such/file.txt'"),
        (lambda: Tokenizer().texts_to_matrix(["a"]), ValueError, "Give num_words, or call fit_on_texts"),
        (lambda: Tokenizer(3).texts_to_matrix(["a"], "tfidf"), ValueError, "fit_on_sequences"),
        (lambda: Tokenizer(3).texts_to_matrix(["a"], "counts"), ValueError, "Did you mean 'count'"),
        (lambda: Tokenizer(3).sequences_to_matrix([["a"]]), ValueError, "one of them holds 'a'"),
        (lambda: Tokenizer(3).sequences_to_matrix([[1, -1]]), ValueError, "one of them holds -1"),
        (lambda: Tokenizer(oov_token="?").texts_to_sequences(["a"]), ValueError, "Call fit_on_texts"),
        (lambda: Tokenizer(oov_token="?").sequences_to_texts([[1]]), ValueError, "Call fit_on_texts"),
        (lambda: Tokenizer(split="").fit_on_texts(["a"]), ValueError, "char_level=True"),
        (lambda: text.text_to_word_sequence(None), TypeError, "got None"),
        (lambda: tokenizer_from_json("[1]"), ValueError, "no configuration of a Tokenizer"),
    ],
)
def test_errors_say_how_to_mend_it(work, error, says):
    with pytest.raises(error, match=says):
        work()


# --- Chinese ---


@pytest.mark.parametrize(
    ("segmenter", "wanted"),
    [
        ("jieba", ["我", "爱", "北京", "天安门", "use", "keras", "训练", "模型"]),
        ("rjieba", ["我", "爱", "北京", "天安门", "use", "keras", "训练", "模型"]),
        ("characters", [*"我爱北京天安门", "use", "keras", *"训练模型"]),
        ("bigrams", ["我爱", "爱北", "北京", "京天", "天安", "安门", "use", "keras", "训练", "练模", "模型"]),
        (lambda s: s.split(), ["我爱北京天安门", "use", "keras训练模型"]),
        (lambda s: iter([" 我 ", " ", "", s[-2:]]), ["我", "模型"]),
    ],
)
def test_chinese_and_english_mixed(segmenter, wanted):
    tokenizer = Tokenizer(segmenter=segmenter)
    tokenizer.fit_on_texts(["我爱北京天安门！Use Keras训练模型。"])
    assert list(tokenizer.word_counts) == wanted
    numbers = list(range(1, len(wanted) + 1))
    assert tokenizer.texts_to_sequences(["我爱北京天安门，use\u3000keras训练模型……"]) == [numbers]


def test_full_width_punctuation_is_filtered_unless_filters_are_given():
    given = ["你好，世界：“好”！（是）"]
    tokenizer = Tokenizer(segmenter="characters")
    tokenizer.fit_on_texts(given)
    assert set(tokenizer.word_index) == set("你好世界是")
    tokenizer = Tokenizer(segmenter="characters", filters="！")
    tokenizer.fit_on_texts(given)
    assert "，" in tokenizer.word_index
    assert "！" not in tokenizer.word_index
    assert Tokenizer().filters == FILTERS
    assert text.text_to_word_sequence("你好，世界", text.CHINESE_FILTERS) == ["你好", "世界"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_stop_words_from_a_file(tmp_path, encoding):
    file = tmp_path / "stop.txt"
    file.write_bytes("的\r\n了\n\nThe\n".encode(encoding))
    for given in (file, str(file), ["的", "了", "The"]):
        tokenizer = Tokenizer(segmenter="characters", stop_words=given)
        tokenizer.fit_on_texts(["我的 the cat 了"])
        assert list(tokenizer.word_index) == ["我", "cat"]
    tokenizer = Tokenizer(stop_words=file)
    tokenizer.fit_on_texts(["The cat", ["the", "dog"]])
    assert tokenizer.word_index == {"cat": 1, "dog": 2}
    assert tokenizer.texts_to_sequences(["the dog the cat"]) == [[2, 1]]
    assert Tokenizer(stop_words=file, lower=False).texts_to_sequences(["the"]) == [[]]


def test_json_keeps_segmenter_and_stop_words(tmp_path):
    tokenizer = Tokenizer(segmenter="jieba", stop_words=["的"])
    tokenizer.fit_on_texts(["北京的天安门"])
    again = tokenizer_from_json(tokenizer.to_json())
    assert again.texts_to_sequences(["天安门的北京"]) == [[2, 1]]
    assert again.get_config() == tokenizer.get_config()
    with pytest.raises(TypeError, match="segmenter"):  # never cut in another way, unnoticed
        classic.tokenizer_from_json(tokenizer.to_json())
    assert not {"segmenter", "stop_words"} & set(Tokenizer().get_config())


def test_json_names_no_files(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("password")
    whole = json.loads(Tokenizer().to_json())
    whole["config"]["stop_words"] = str(secret)
    assert "password" not in tokenizer_from_json(json.dumps(whole)).stop_words


def test_json_refuses_a_callable_and_says_what_to_do():
    tokenizer = Tokenizer(segmenter=str.split)
    with pytest.raises(ValueError, match="Set tokenizer.segmenter = None before to_json"):
        tokenizer.to_json()
    tokenizer.segmenter = None
    again = tokenizer_from_json(tokenizer.to_json())
    again.segmenter = str.split
    again.fit_on_texts(["a b"])
    assert again.word_index == {"a": 1, "b": 2}


def test_import_loads_nothing_heavy(run_python):
    loaded = run_python(
        "import hornbeam.preprocessing, sys; print({'PIL', 'scipy', 'pandas', 'rjieba', 'jieba'} & set(sys.modules))"
    )
    assert loaded.strip() == "set()"

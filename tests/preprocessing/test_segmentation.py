"""Chinese segmenters by name, and stop words."""

import sys
import types

import pytest

from hornbeam.preprocessing import segmentation
from hornbeam.preprocessing.segmentation import CHINESE_PUNCTUATION, bigrams, characters, segmenter_function


@pytest.fixture(autouse=True)
def _look_for_jieba_anew():
    segmentation._jieba.cache_clear()
    yield
    segmentation._jieba.cache_clear()


def test_characters():
    assert characters("自然NLP 3.5版 𠮷々ひらカナ") == [*"自然", "NLP", "3.5", *"版𠮷々ひらカナ"]
    assert characters(" ") == []


def test_bigrams():
    assert bigrams("自然语NLP版 好 ab") == ["自然", "然语", "NLP", "版", "好", "ab"]
    assert bigrams("") == []


def test_jieba_is_taken_where_it_is_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "jieba", types.SimpleNamespace(lcut=lambda text: ["its own", text]))
    assert segmenter_function("jieba")("你好") == ["its own", "你好"]
    assert segmenter_function("rjieba")("你好") == ["你好"]


def test_rjieba_stands_in_for_jieba(monkeypatch):
    monkeypatch.setitem(sys.modules, "jieba", None)
    assert segmenter_function("jieba")("我爱北京天安门") == ["我", "爱", "北京", "天安门"]


def test_what_is_missing_is_answered_with_the_line_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "jieba", None)
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(ImportError, match=r'pip install "hornbeam\[zh\]"'):
        segmenter_function("jieba")


@pytest.mark.parametrize("wrong", ["char", 3, ["jieba"]])
def test_an_unknown_segmenter(wrong):
    with pytest.raises(ValueError, match="Unknown segmenter .*A callable will do as well"):
        segmenter_function(wrong)


def test_punctuation_is_no_word():
    assert not any(mark.isalnum() for mark in CHINESE_PUNCTUATION)
    assert len(set(CHINESE_PUNCTUATION)) == len(CHINESE_PUNCTUATION)
    # Every ASCII mark has its full-width form there.
    assert {chr(ord(mark) + 0xFEE0) for mark in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"} <= set(CHINESE_PUNCTUATION)

"""Words in text that has no spaces between them: Chinese segmenters by name, and lists of stop words."""

import functools
import importlib
import os
import re
from collections.abc import Callable, Iterable

from hornbeam.checks import unknown_name
from hornbeam.utils.optional import require

# What Chinese text has in the place of ASCII punctuation, with the full-width forms and the wide space.
CHINESE_PUNCTUATION = (
    "\u3000、。〃〈〉《》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰·‐–—―‘’“”…‰′″※"
    "！＂＃＄％＆＇（）＊＋，－．／：；＜＝＞？＠［＼］＾＿｀｛｜｝～｟｠｡｢｣､･￥"
)

# Characters that are written without spaces: Han with its extensions, the iteration mark and zero, and kana.
_UNSPACED = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
_CHARACTERS = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_RUNS = re.compile(rf"([{_UNSPACED}]+)|[^\s{_UNSPACED}]+")


def characters(text):
    """Every Chinese character a token; what is between them (words and numbers of other scripts) stays whole.

    Args:
        text: string.

    Example:
        >>> characters("我爱deep learning")
        ['我', '爱', 'deep', 'learning']
    """
    return _CHARACTERS.findall(text)


def bigrams(text):
    """Every pair of neighbouring Chinese characters a token; a character that stands alone is one too.

    Needs no dictionary, and keeps more of the meaning than single characters do. Other scripts stay in whole words.

    Args:
        text: string.

    Example:
        >>> bigrams("自然语言 NLP 好")
        ['自然', '然语', '语言', 'NLP', '好']
    """
    tokens = []
    for match in _RUNS.finditer(text):
        run = match[0]
        if match[1] is None or len(run) == 1:
            tokens.append(run)
        else:
            tokens += map("".join, zip(run, run[1:]))
    return tokens


@functools.cache
def _jieba():
    # jieba itself where it is installed, because words that users taught it (add_word, load_userdict) then count.
    try:
        return importlib.import_module("jieba").lcut
    except ImportError:
        return _rjieba()


def _rjieba():
    return require("rjieba", "the segmenter 'jieba'").cut


# Name -> what finds the function.
_SEGMENTERS = {"jieba": _jieba, "rjieba": _rjieba, "characters": lambda: characters, "bigrams": lambda: bigrams}


def segmenter_function(segmenter: str | Callable[[str], Iterable[str]]) -> Callable[[str], Iterable[str]]:
    """The function from a text to its tokens that `segmenter` stands for.

    Args:
        segmenter: 'jieba' (jieba where it is installed, else rjieba), 'rjieba', 'characters', 'bigrams', or any
            callable from a string to strings.

    Raises:
        ValueError: no segmenter has this name.
        ImportError: it needs a library that is not installed.

    Example:
        >>> segmenter_function("characters")("你好")
        ['你', '好']
    """
    if callable(segmenter):
        return segmenter
    if not isinstance(segmenter, str) or segmenter not in _SEGMENTERS:
        raise unknown_name("segmenter", segmenter, _SEGMENTERS, "A callable will do as well.")
    return _SEGMENTERS[segmenter]()


def read_stop_words(words):
    """Set of the words that carry no meaning and are left out.

    Args:
        words: path of a text file with a word a line (UTF-8, or GB 18030 as many Chinese lists are), or a collection.

    Raises:
        ValueError: the file is not there.

    Example:
        >>> sorted(read_stop_words(["a", "the"]))
        ['a', 'the']
    """
    if not isinstance(words, str | os.PathLike):
        return frozenset(words)
    if not os.path.isfile(words):
        raise ValueError(
            f"stop_words: there is no file {os.fspath(words)!r}. Give the path of a file with a word a line, or the "
            f"words themselves as a list: ['的', '了']."
        )
    with open(words, "rb") as file:
        data = file.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    return frozenset(word for line in text.splitlines() if (word := line.strip()))

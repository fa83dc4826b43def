"""What imdb and reuters share: texts as lists of word numbers, shifted, shortened and cut to the frequent words."""

import warnings

import numpy as np

from hornbeam import checks


def shifted(texts, start_char, index_from):
    """Lists of word numbers, each raised by `index_from`, after `start_char` if that is a number."""
    start = [] if start_char is None else [start_char]
    return [start + [word + index_from for word in text] for text in texts]


def shorter_than(maxlen, texts, labels):
    """The texts of fewer than `maxlen` words, the start mark counted, and their labels; all of them if it is None.

    Raises:
        ValueError: none is left.
    """
    if not maxlen:
        return texts, labels
    rows = [row for row, text in enumerate(texts) if len(text) < maxlen]
    if not rows:
        raise ValueError(f"load_data: no text is shorter than maxlen={maxlen}. Give a larger maxlen.")
    return [texts[row] for row in rows], labels[rows]


def frequent(parts, num_words, skip_top, oov_char):
    """Each list of texts as an array of lists, with the words kept whose numbers are in [skip_top, num_words).

    Other words become `oov_char`, or go if that is None. Without `num_words` the limit is the highest number there is,
    in all parts together; as in the classics, the one word that has it falls out as well.
    """
    if not num_words:
        num_words = max((max(text, default=0) for texts in parts for text in texts), default=0)
    return [_array(_cut(text, num_words, skip_top, oov_char) for text in texts) for texts in parts]


def _cut(text, num_words, skip_top, oov_char):
    if oov_char is None:
        return [word for word in text if skip_top <= word < num_words]
    return [word if skip_top <= word < num_words else oov_char for word in text]


def _array(texts):
    return np.fromiter(texts, dtype=object)


def old_arguments(owner, num_words, given):
    """`num_words`, which Keras 1 called `nb_words`.

    Raises:
        TypeError: any other argument was given.
    """
    given = dict(given)
    if "nb_words" in given:
        num_words = given.pop("nb_words")
        warnings.warn(f"{owner}(nb_words) is the spelling of Keras 1; write {owner}(num_words={num_words}).",
                      stacklevel=3)  # fmt: skip
    if given:
        names = ("path", "num_words", "skip_top", "maxlen", "seed", "start_char", "oov_char", "index_from")
        raise checks.unknown_keywords(owner, given, names)
    return num_words

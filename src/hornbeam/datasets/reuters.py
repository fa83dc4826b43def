"""Reuters: 11 228 newswires as lists of word numbers, in 46 topics."""

import numpy as np

from hornbeam.datasets.npz import read_npz
from hornbeam.datasets.sources import divided, fetch, fetch_json, shuffled
from hornbeam.datasets.word_numbers import frequent, old_arguments, shifted, shorter_than

_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass "
    "crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi "
    "iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead"
)


def load_data(path="reuters.npz", num_words=None, skip_top=0, maxlen=None, test_split=0.2, seed=113, start_char=1,
              oov_char=2, index_from=3, **kwargs):  # fmt: skip
    """Load the newswires as ((x_train, y_train), (x_test, y_test)).

    8 982 and 2 246 rows; 2 MB, fetched once. A word's number is its rank by frequency, plus `index_from`: 0 is left for
    padding, 1 starts a text, 2 stands for words left out. The topics are very unequal: the largest two hold half of
    the rows.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.
        num_words: keep numbers below this one; None for (nearly) all, see `word_numbers.frequent`.
        skip_top: leave out numbers below this one, 0.
        maxlen: leave out texts of this many words or more, not shorten them; None keeps all.
        test_split: part of the rows that is held out, in [0, 1), 0.2.
        seed: of the order of the rows, 113.
        start_char: number that begins each text, or None.
        oov_char: number of the words left out; None drops them.
        index_from: what is added to every rank.

    Shapes:
        x (B,) lists of int, y (B,) int64 in 0..45

    Raises:
        OSError: the file is not there and cannot be fetched; the message says how to put it there by hand.
        ValueError: `maxlen` leaves no text, or `test_split` is out of range.

    Example::

        (x_train, y_train), (x_test, y_test) = reuters.load_data(num_words=10000)

    Reference:
        D. Lewis: Reuters-21578, distribution 1.0, 1997.
    """
    num_words = old_arguments("reuters.load_data", num_words, kwargs)
    x, y = shuffled(np.random.RandomState(seed), *read_npz(fetch("reuters.npz", path), ["x", "y"]))
    texts, y = shorter_than(maxlen, shifted(x, start_char, index_from), y)
    (x,) = frequent([texts], num_words, skip_top, oov_char)
    return divided(x, y, test_split)


def get_word_index(path="reuters_word_index.json"):
    """Rank of each word; in the newswires the numbers are higher by `index_from`.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.

    Raises:
        OSError: the file is not there and cannot be fetched; the message says how to put it there by hand.

    Example::

        words = {rank + 3: word for word, rank in reuters.get_word_index().items()}
    """
    return fetch_json("reuters_word_index.json", path)


def get_label_names():
    """Names of the 46 topics, in the order of their labels.

    Example:
        >>> get_label_names()[3], len(get_label_names())
        ('earn', 46)
    """
    return tuple(_TOPICS.split())

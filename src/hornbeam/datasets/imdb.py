"""IMDB: 50 000 film reviews as lists of word numbers, half of them good, half of them bad."""

import numpy as np

from hornbeam.datasets.npz import read_npz
from hornbeam.datasets.sources import fetch, fetch_json, shuffled
from hornbeam.datasets.word_numbers import frequent, old_arguments, shifted, shorter_than


def load_data(path="imdb.npz", num_words=None, skip_top=0, maxlen=None, seed=113, start_char=1, oov_char=2,
              index_from=3, **kwargs):  # fmt: skip
    """Load the reviews as ((x_train, y_train), (x_test, y_test)).

    25 000 rows each; 17 MB, fetched once. A word's number is its rank by frequency, plus `index_from`: 0 is left for
    padding, 1 starts a review, 2 stands for words left out. Pad with `sequence.pad_sequences` to get one array.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.
        num_words: keep numbers below this one; None for (nearly) all, see `word_numbers.frequent`.
        skip_top: leave out numbers below this one, 0.
        maxlen: leave out reviews of this many words or more, not shorten them; None keeps all. Each part is filtered
            on its own; Keras 2 moved rows of the test part into the training part here.
        seed: of the order of the rows, 113.
        start_char: number that begins each review, or None.
        oov_char: number of the words left out; None drops them.
        index_from: what is added to every rank.

    Shapes:
        x (B,) lists of int, y (B,) int64: 1 good, 0 bad

    Raises:
        OSError: the file is not there and cannot be fetched; the message says how to put it there by hand.
        ValueError: `maxlen` leaves no review.

    Example::

        (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=10000)
        x_train = sequence.pad_sequences(x_train, maxlen=500)

    Reference:
        A. Maas et al.: Learning Word Vectors for Sentiment Analysis, ACL 2011.
    """
    num_words = old_arguments("imdb.load_data", num_words, kwargs)
    columns = read_npz(fetch("imdb.npz", path), ["x_train", "y_train", "x_test", "y_test"])
    generator = np.random.RandomState(seed)
    parts = [shuffled(generator, *columns[:2]), shuffled(generator, *columns[2:])]
    kept = [shorter_than(maxlen, shifted(x, start_char, index_from), y) for x, y in parts]
    x_train, x_test = frequent([x for x, _ in kept], num_words, skip_top, oov_char)
    return (x_train, kept[0][1]), (x_test, kept[1][1])


def get_word_index(path="imdb_word_index.json"):
    """Rank of each word: {'the': 1, 'and': 2, ...}; in the reviews the numbers are higher by `index_from`.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.

    Raises:
        OSError: the file is not there and cannot be fetched; the message says how to put it there by hand.

    Example::

        words = {rank + 3: word for word, rank in imdb.get_word_index().items()}
        print(" ".join(words.get(number, "?") for number in x_train[0]))
    """
    return fetch_json("imdb_word_index.json", path)

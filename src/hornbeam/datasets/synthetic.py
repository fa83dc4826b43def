"""Generated data in the layouts of the classics, to try code where there is no network. Nothing in here is real.

A small network learns each of these in a few epochs. Results on them say that a program works, nothing more.
"""

import numpy as np

from hornbeam import checks
from hornbeam.datasets.sources import divided


def images(shape=(28, 28), classes=10, rows=1000, test_split=0.2, seed=113):
    """Generated pictures in the layout of MNIST or CIFAR: a blurred pattern a class, moved and made noisy.

    Args:
        shape: of one picture: (height, width) as in MNIST or (height, width, channels) as in CIFAR, whose labels have
            two axes.
        classes: number of classes, 10.
        rows: training and test rows together, 1000.
        test_split: part of the rows that is held out, 0.2.
        seed: the same seed gives the same data, 113.

    Shapes:
        x (B, *shape) uint8 in 0..255, y (B,) or, with channels, (B, 1) uint8

    Raises:
        ValueError: `shape` has not two or three axes.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = images(rows=50)
        >>> x_train.shape, y_test.shape
        ((40, 28, 28), (10,))
    """
    if len(shape) not in (2, 3):
        raise checks.wrong_argument("synthetic.images", "shape", shape, "(height, width) or (height, width, channels)")
    generator = np.random.RandomState(seed)
    patterns = generator.uniform(0, 160, (classes, *(-(-size // 4) for size in shape[:2]), *shape[2:]))
    patterns = patterns.repeat(4, axis=1).repeat(4, axis=2)[:, : shape[0], : shape[1]]
    y = generator.randint(0, classes, rows)
    moved = [np.roll(patterns[name], generator.randint(-1, 2, 2), axis=(0, 1)) for name in y]
    x = np.clip(np.array(moved) + generator.normal(40, 30, (rows, *shape)), 0, 255).astype("uint8")
    y = y.astype("uint8")
    return divided(x, y[:, None] if len(shape) == 3 else y, test_split)


def reviews(rows=1000, num_words=1000, length=40, test_split=0.2, seed=113):
    """Generated reviews in the layout of imdb: lists of word numbers; one word in six tells whether it is a good one.

    As in imdb, 1 begins a review, words begin at 4, and frequent words have small numbers.

    Args:
        rows: training and test rows together, 1000.
        num_words: word numbers stay below this, 1000, at least 14.
        length: mean number of words in a review, 40.
        test_split: part of the rows that is held out, 0.2.
        seed: the same seed gives the same data, 113.

    Shapes:
        x (B,) lists of int, y (B,) int64: 1 good, 0 bad

    Example:
        >>> (x_train, y_train), _ = reviews(rows=50)
        >>> x_train[0][0], min(x_train[0][1:]) > 3
        (1, True)
    """
    generator = np.random.RandomState(seed)
    y = generator.randint(0, 2, rows)
    return divided(_texts(generator, y, 2, num_words, length, 1 / 6), y, test_split)


def newswires(rows=2000, num_words=1000, length=40, classes=46, test_split=0.2, seed=113):
    """Generated newswires in the layout of reuters: lists of word numbers; one word in three belongs to the topic.

    As in reuters, some of the topics are much larger than others.

    Args:
        rows: training and test rows together, 2000.
        num_words: word numbers stay below this, 1000, at least 4 and 5 a topic.
        length: mean number of words in a text, 40.
        classes: number of topics, 46.
        test_split: part of the rows that is held out, 0.2.
        seed: the same seed gives the same data, 113.

    Shapes:
        x (B,) lists of int, y (B,) int64 in 0..45

    Example:
        >>> (x_train, y_train), (x_test, y_test) = newswires(rows=500)
        >>> len(x_train), int(y_train.max()) < 46
        (400, True)
    """
    generator = np.random.RandomState(seed)
    shares = 1 / np.arange(1, classes + 1)
    y = generator.choice(generator.permutation(classes), rows, p=shares / shares.sum())
    return divided(_texts(generator, y, classes, num_words, length, 1 / 3), y, test_split)


def housing(rows=506, features=13, test_split=0.2, seed=113):
    """Generated prices in the layout of boston_housing: columns of very different scales, and a curved price.

    Args:
        rows: training and test rows together, 506.
        features: number of columns, 13.
        test_split: part of the rows that is held out, 0.2.
        seed: the same seed gives the same data, 113.

    Shapes:
        x (B, features) float64, y (B,) float64 in 5..50

    Example:
        >>> (x_train, y_train), (x_test, y_test) = housing()
        >>> x_train.shape, x_test.shape
        ((404, 13), (102, 13))
    """
    generator = np.random.RandomState(seed)
    plain = generator.normal(size=(rows, features))
    slopes = generator.normal(size=features) * 8 / np.sqrt(features)
    y = 22 + plain @ slopes + 3 * np.tanh(plain[:, 0] * plain[:, -1]) + generator.normal(0, 1.5, rows)
    scales = 10 ** generator.uniform(-1, 2.5, features)
    return divided((plain + 4) * scales, np.clip(y, 5, 50), test_split)


def _texts(generator, labels, classes, num_words, length, share):
    """Word numbers from 4 on, small ones more often; a share of them from the ten words of the text's class."""
    first = 4
    if num_words < first + 5 * classes:
        wanted = f"at least {first + 5 * classes}"
        raise checks.wrong_argument("synthetic", "num_words", num_words, wanted)
    vocabulary = np.arange(first, num_words)
    frequency = 1 / np.arange(1, len(vocabulary) + 1)
    frequency /= frequency.sum()
    size = min(10, len(vocabulary) // classes)
    own = generator.permutation(vocabulary)[: classes * size].reshape(classes, size)
    texts = np.empty(len(labels), object)
    for row, label in enumerate(labels):
        words = generator.choice(vocabulary, max(5, generator.poisson(length)), p=frequency)
        telling = generator.uniform(size=len(words)) < share
        words[telling] = generator.choice(own[label], telling.sum())
        texts[row] = [1, *words.tolist()]
    return texts

"""Where the published data sets lie, which hashes their files have, and how rows are shuffled and divided."""

import json

import numpy as np

from hornbeam import checks
from hornbeam.utils.data_utils import get_file

_SHELF = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"

# File -> (folder on the network, its hash: SHA-256, or MD5 where the publisher gives that).
FILES = {
    "mnist.npz": (_SHELF, "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"),
    "train-images-idx3-ubyte.gz": (_SHELF, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    "train-labels-idx1-ubyte.gz": (_SHELF, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    "t10k-images-idx3-ubyte.gz": (_SHELF, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    "t10k-labels-idx1-ubyte.gz": (_SHELF, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    "cifar-10-python.tar.gz": (_TORONTO, "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"),
    "cifar-100-python.tar.gz": (_TORONTO, "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"),
    "imdb.npz": (_SHELF, "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"),
    "imdb_word_index.json": (_SHELF, "bfafd718b763782e994055a2d397834f"),
    "reuters.npz": (_SHELF, "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"),
    "reuters_word_index.json": (_SHELF, "4d44cc38712099c9e383dc6e5f11a921"),
    "boston_housing.npz": (_SHELF, "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"),
    "california_housing.npz": (_SHELF, "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"),
}


def fetch(name, path=None, **options):
    """Path of a published file in the cache, where the classics keep it; fetched and checked if it is not there.

    Args:
        name: one of FILES.
        path: its name in the cache, if another.
        options: for `get_file`.

    Raises:
        OSError: it cannot be fetched; the message says how to put it there by hand.
    """
    folder, file_hash = FILES[name]
    return get_file(name if path is None else path, folder + name, file_hash=file_hash, **options)


def fetch_json(name, path):
    """What the published JSON file holds."""
    with open(fetch(name, path), encoding="utf-8") as file:
        return json.load(file)


def shuffled(generator, *columns):
    """The arrays, their rows in one new order. It is the classics' own order for a RandomState of the same seed."""
    order = np.arange(len(columns[0]))
    generator.shuffle(order)
    return [column[order] for column in columns]


def divided(x, y, test_split):
    """((x_train, y_train), (x_test, y_test)), of which the last rows are the test part.

    Raises:
        ValueError: `test_split` is not in [0, 1).
    """
    stop = int(len(x) * (1 - checks.fraction("load_data", "test_split", test_split)))
    return (x[:stop], y[:stop]), (x[stop:], y[stop:])

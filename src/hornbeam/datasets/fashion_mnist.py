"""Fashion-MNIST: 70 000 pictures of clothes in the layout of MNIST."""

import os

from hornbeam.datasets.idx import read_idx
from hornbeam.datasets.sources import fetch


def load_data():
    """Load Fashion-MNIST as ((x_train, y_train), (x_test, y_test)).

    As many rows as MNIST, the same layout, and harder. The classes are 0 T-shirt, 1 trousers, 2 pullover, 3 dress,
    4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot. Unlike the classics, we check the files' hashes.

    Shapes:
        x (B, 28, 28) uint8 in 0..255, y (B,) uint8 in 0..9

    Raises:
        OSError: a file is not there and cannot be fetched; the message says how to put it there by hand.

    Example::

        (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()

    Reference:
        H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST, arXiv:1708.07747, 2017. Licence: MIT.
    """
    return _part("train"), _part("t10k")


def _part(name):
    folder = os.path.join("datasets", "fashion-mnist")
    images = read_idx(fetch(f"{name}-images-idx3-ubyte.gz", cache_subdir=folder))
    return images, read_idx(fetch(f"{name}-labels-idx1-ubyte.gz", cache_subdir=folder))

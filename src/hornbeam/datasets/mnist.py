"""MNIST: 70 000 handwritten digits, grey, 28 x 28."""

from hornbeam.datasets.npz import read_npz
from hornbeam.datasets.sources import fetch


def load_data(path="mnist.npz"):
    """Load MNIST as ((x_train, y_train), (x_test, y_test)).

    60 000 rows to train on, 10 000 to test on; 11 MB, fetched once. Without a network take `digits.load_data()`, which
    is real and smaller, or `synthetic.images()`.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.

    Shapes:
        x (B, 28, 28) uint8 in 0..255, y (B,) uint8 in 0..9

    Raises:
        OSError: the file is not there and cannot be fetched; the message says how to put it there by hand.

    Example::

        (x_train, y_train), (x_test, y_test) = mnist.load_data()
        x_train = x_train.reshape(60000, 784).astype("float32") / 255

    Reference:
        Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-Based Learning Applied to Document Recognition, 1998.
        Licence: CC BY-SA 3.0.
    """
    x_train, y_train, x_test, y_test = read_npz(fetch("mnist.npz", path), ["x_train", "y_train", "x_test", "y_test"])
    return (x_train, y_train), (x_test, y_test)

"""CIFAR-10: 60 000 colour photographs of 32 x 32 points in ten classes."""

from hornbeam.datasets.cifar import read_batches


def load_data():
    """Load CIFAR-10 as ((x_train, y_train), (x_test, y_test)).

    50 000 rows to train on, 10 000 to test on; 170 MB, fetched once. Labels have two axes, as in the classics. The
    classes are 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    Shapes:
        x (B, 32, 32, 3) uint8 in 0..255, or (B, 3, 32, 32) if the default layout is channels_first; y (B, 1) uint8

    Raises:
        OSError: the file is not there and cannot be fetched; the message says how to put it there by hand.

    Example::

        (x_train, y_train), (x_test, y_test) = cifar10.load_data()
        y_train = to_categorical(y_train, 10)

    Reference:
        A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009.
    """
    place = "cifar-10-python.tar.gz", "cifar-10-batches-py"
    train = read_batches(*place, [f"data_batch_{number}" for number in range(1, 6)], "labels", "uint8")
    return train, read_batches(*place, ["test_batch"], "labels", "uint8")

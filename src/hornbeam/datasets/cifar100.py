"""CIFAR-100: 60 000 colour photographs of 32 x 32 points in a hundred classes, or in twenty."""

from hornbeam import checks
from hornbeam.datasets.cifar import read_batches


def load_data(label_mode="fine"):
    """Load CIFAR-100 as ((x_train, y_train), (x_test, y_test)).

    50 000 rows to train on, 10 000 to test on; 169 MB, fetched once. Labels have two axes, as in the classics.

    Args:
        label_mode: 'fine' for the hundred classes, 'coarse' for the twenty they belong to.

    Shapes:
        x (B, 32, 32, 3) uint8 in 0..255, or (B, 3, 32, 32) if the default layout is channels_first; y (B, 1) int64

    Raises:
        ValueError: `label_mode` is neither. OSError: the file is not there and cannot be fetched; the message says how
            to put it there by hand.

    Example::

        (x_train, y_train), (x_test, y_test) = cifar100.load_data(label_mode="coarse")

    Reference:
        A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009.
    """
    if label_mode not in ("fine", "coarse"):
        raise checks.wrong_argument("cifar100.load_data", "label_mode", label_mode, "'fine' or 'coarse'")
    place = "cifar-100-python.tar.gz", "cifar-100-python"
    train, test = (read_batches(*place, [name], f"{label_mode}_labels", "int64") for name in ("train", "test"))
    return train, test

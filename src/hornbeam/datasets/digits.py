"""Handwritten digits that need no network: 1 797 grey images of 8 x 8 points, bundled with scikit-learn."""

from hornbeam.utils.optional import require
from hornbeam.utils.splits import stratified_split


def load_data(test_split=0.2, seed=113):
    """Load the digits as ((x_train, y_train), (x_test, y_test)).

    Real scans from the UCI repository, small enough to train on in seconds. The test rows are chosen so that every
    digit has its share of them. Points go from 0 to 16, not 255: divide by 16.

    Args:
        test_split: share of the rows held out for testing, in (0, 1), 0.2.
        seed: whole number that decides which rows, and their order.

    Shapes:
        x (B, 8, 8) uint8 in 0..16, y (B,) uint8 in 0..9

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: `test_split` is not between 0 and 1.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape, x_test.shape, int(x_train.max())
        ((1438, 8, 8), (359, 8, 8), 16)

    Reference:
        E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998 (its
        test part, which is what scikit-learn bundles).
    """
    bundled = require("sklearn.datasets", "datasets.digits").load_digits()
    x, y = bundled.images.astype("uint8"), bundled.target.astype("uint8")
    train, test = stratified_split(y, test_split, seed)
    return (x[train], y[train]), (x[test], y[test])

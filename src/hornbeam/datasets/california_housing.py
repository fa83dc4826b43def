"""California housing: 20 640 districts of 1990, 8 numbers each, and what a house cost there."""

import numpy as np

from hornbeam import checks
from hornbeam.datasets.npz import read_npz
from hornbeam.datasets.sources import divided, fetch, shuffled


def load_data(version="large", path="california_housing.npz", test_split=0.2, seed=113):
    """Load the California housing prices as ((x_train, y_train), (x_test, y_test)).

    The columns are median income, house age, rooms and bedrooms per household, population, people per household,
    latitude, longitude; prices are in dollars. The small version takes Boston housing's place.

    Args:
        version: 'large', all rows, or 'small', the first 600.
        path: name of the file in the cache, `~/.keras/datasets`.
        test_split: part of the rows that is held out, in [0, 1), 0.2.
        seed: of the shuffling before the division, 113.

    Shapes:
        x (B, 8) float, y (B,) float

    Raises:
        OSError: the file is not there and cannot be fetched; the message says how to put it there by hand.
        ValueError: `version` or `test_split` is out of range.

    Example::

        (x_train, y_train), (x_test, y_test) = california_housing.load_data("small")  # 480 and 120 rows

    Reference:
        R. K. Pace, R. Barry: Sparse Spatial Autoregressions, 1997.
    """
    if version not in ("large", "small"):
        raise checks.wrong_argument("california_housing.load_data", "version", version, "'large' or 'small'")
    rows = slice(600 if version == "small" else None)
    x, y = read_npz(fetch("california_housing.npz", path), ["x", "y"])
    x, y = shuffled(np.random.RandomState(seed), x[rows], y[rows])
    return divided(x, y, test_split)

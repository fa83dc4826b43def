"""Boston housing: 506 suburbs of the 1970s, 13 numbers each, and what a house cost there. Read the note on it first."""

import numpy as np

from hornbeam.datasets.npz import read_npz
from hornbeam.datasets.sources import divided, fetch, shuffled


def load_data(path="boston_housing.npz", test_split=0.2, seed=113):
    """Load the Boston housing prices as ((x_train, y_train), (x_test, y_test)).

    **A note on ethics.** One of the 13 columns, 'B', is computed from the share of Black people in each suburb, on the
    assumption that prices follow segregation; models learn from it without being asked. Do not judge anything about
    people or houses by it. It is here so that books and old scripts run; for anything new take
    `california_housing.load_data("small")`, which is as small and has no such column.

    Prices are in thousands of dollars; columns differ in scale by a factor of thousands, so standardise them with the
    training part's mean and deviation.

    Args:
        path: name of the file in the cache, `~/.keras/datasets`.
        test_split: part of the rows that is held out, in [0, 1), 0.2.
        seed: of the shuffling before the division, 113.

    Shapes:
        x (B, 13) float64, y (B,) float64

    Raises:
        OSError: the file is not there and cannot be fetched; the message says how to put it there by hand.
        ValueError: `test_split` is out of range.

    Example::

        (x_train, y_train), (x_test, y_test) = boston_housing.load_data()  # 404 and 102 rows

    Reference:
        D. Harrison, D. L. Rubinfeld: Hedonic Housing Prices and the Demand for Clean Air, 1978. On column B:
        M. Carlisle: Racist data destruction?, 2019.
    """
    x, y = read_npz(fetch("boston_housing.npz", path), ["x", "y"])
    x, y = shuffled(np.random.RandomState(seed), x, y)
    return divided(x, y, test_split)

"""One seed for every generator that training draws from."""

import random

import numpy as np

from hornbeam import checks


def set_random_seed(seed):
    """Make what follows repeatable: initial weights, shuffling, dropout, and whatever else draws random numbers.

    Seeds Python's `random` and NumPy's global generator. The library starts every draw of its own from NumPy's, so the
    same seed on the same machine gives the same bits. A second model built after one call draws other numbers than
    the first; call again before it to repeat.

    Args:
        seed: whole number in [0, 2**32 - 1].

    Raises:
        ValueError: `seed` is none.

    Example:
        >>> set_random_seed(7)
        >>> first = np.random.rand()
        >>> set_random_seed(7)
        >>> first == np.random.rand()
        True
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise checks.wrong_argument("set_random_seed", "seed", seed, "a whole number in [0, 2**32 - 1]")
    random.seed(int(seed))
    np.random.seed(int(seed))

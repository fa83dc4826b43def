"""One seed for all generators."""

import random

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.utils.random import set_random_seed


def numbers():
    return random.random(), np.random.rand(), float(K.random_normal((1,))[0])


def test_the_same_seed_gives_the_same_numbers():
    set_random_seed(3)
    first = numbers()
    assert numbers() != first
    set_random_seed(np.int64(3))
    assert numbers() == first
    set_random_seed(4)
    assert all(a != b for a, b in zip(numbers(), first))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1", None, True])
def test_a_wrong_seed(seed):
    with pytest.raises(ValueError, match="seed must be a whole number"):
        set_random_seed(seed)

"""Data sets that load with one call: `(x_train, y_train), (x_test, y_test) = digits.load_data()`."""

from hornbeam.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
    synthetic,
)

__all__ = [
    "boston_housing", "california_housing", "cifar10", "cifar100", "digits", "fashion_mnist", "imdb", "mnist",
    "reuters", "synthetic",
]  # fmt: skip

"""Data sets that load with one call: `(x_train, y_train), (x_test, y_test) = digits.load_data()`."""

from hornbeam.datasets import digits

__all__ = ["digits"]

"""Mean 0 and deviation 1, as the training rows have them."""

import numpy as np


class Standardization:
    """(x - mean) / deviation by feature, where mean and deviation are those of the rows it was made from.

    A feature is a place on the last axis; a constant one stays at 0. Arrays of whole numbers (ids, classes) are left
    as they are.

    Args:
        arrays: list of arrays (N, ..., C) or (N,).
        rows: numbers of the rows to learn from; None takes all.

    Raises:
        ValueError: no array holds fractions, so that there is nothing to do.

    Example:
        >>> learned = Standardization([np.array([[1.0], [3.0], [100.0]])], rows=[0, 1])
        >>> learned([np.array([[1.0], [5.0]])])[0].tolist()
        [[-1.0], [3.0]]
    """

    def __init__(self, arrays, rows=None):
        arrays = [np.asarray(a) for a in arrays]
        if not any(a.dtype.kind == "f" for a in arrays):
            raise ValueError(
                "standardize: the inputs are whole numbers, which are left as they are because they may be ids. Give "
                "quantities as x.astype('float32')."
            )
        self.parts = [_mean_and_deviation(a if rows is None else a[rows]) if a.dtype.kind == "f" else None
                      for a in arrays]  # fmt: skip

    def __call__(self, arrays):
        """The arrays, standardised; types are kept."""
        return [
            a if part is None else ((a - part[0]) / part[1]).astype(a.dtype)
            for a, part in zip(map(np.asarray, arrays), self.parts, strict=True)
        ]


def _mean_and_deviation(array):
    axes = tuple(range(array.ndim - 1)) if array.ndim > 1 else (0,)
    mean, deviation = array.mean(axes, dtype="float64"), array.std(axes, dtype="float64")
    return mean, np.where(deviation > 1e-12 * np.abs(mean), deviation, 1.0)
